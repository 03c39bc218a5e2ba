"""The colour path of the video codecs, against the equations written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from bench_codecs._common.ycbcr import from_planes, to_planes
from tests.conftest import photo

MATRIX = np.array(
    [
        [0.2126, 0.7152, 0.0722],
        [-0.2126 / 1.8556, -0.7152 / 1.8556, 0.5],
        [0.5, -0.7152 / 1.5748, -0.0722 / 1.5748],
    ]
)
"""ITU-R BT.709, from R, G and B in 0 to 1."""


def _psnr(one, other, top):
    return 10 * np.log10(top**2 / np.mean((one.astype(float) - other) ** 2))


def _colours(depth=8):
    """Random ones, and all whose samples are the least or the most."""
    corners = np.stack(np.meshgrid(*[(0, 1)] * 3), -1).reshape(-1, 3) * ((1 << depth) - 1)
    drawn = np.random.default_rng(1).integers(0, 1 << depth, (39_992, 3))
    return np.concatenate([corners, drawn]).reshape(200, 200, 3).astype(np.uint8 if depth == 8 else np.uint16)


@pytest.mark.parametrize("bits", [8, 10])
def test_planes_are_the_equations_rounded_once(bits):
    """No sample is further than half a step from what the matrix gives, but for the highest, which is cut."""
    image = _colours()
    exact = (image / 255) @ MATRIX.T * ((1 << bits) - 1) + np.array([0, 1, 1]) * (1 << (bits - 1))
    planes = np.stack(to_planes(image, 8, bits, "444"), -1)
    assert planes.dtype == np.uint16
    assert np.abs(planes - np.minimum(exact, (1 << bits) - 0.5)).max() <= 0.5 + 1e-9


def test_ten_bits_return_every_picture_of_eight():
    """4:4:4 at 10 bits costs nothing at all."""
    image = _colours()
    assert np.array_equal(from_planes(to_planes(image, 8, 10, "444"), 10, 8), image)


def test_the_caps_of_depth_and_subsampling():
    """8 bits for 8 end at 53 dB, as the field knows, 10 for 10 at 65; halved chroma keeps what is smooth."""
    image = np.random.default_rng(2).integers(0, 256, (64, 96, 3), np.uint8)
    assert 52.5 < _psnr(from_planes(to_planes(image, 8, 8, "444"), 8, 8), image, 255) < 53.2
    deep = _colours(10)
    assert 64.5 < _psnr(from_planes(to_planes(deep, 10, 10, "444"), 10, 10), deep, 1023) < 65.5
    smooth = photo(64, 96)
    assert _psnr(from_planes(to_planes(smooth, 8, 10, "420"), 10, 8), smooth, 255) > 30


@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (17, 1), (5, 8), (33, 21)])
@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_odd_sizes_come_back(shape, subsampling):
    """A picture of one colour is returned exactly, whatever its size, and so is grey."""
    image = np.full((*shape, 3), (12, 200, 77), np.uint8)
    planes = to_planes(image, 8, 10, subsampling)
    half = tuple(-(-side // 2) for side in shape) if subsampling == "420" else shape
    assert [it.shape for it in planes] == [shape, half, half]
    assert np.array_equal(from_planes(planes, 10, 8), image)
    assert np.array_equal(from_planes(to_planes(image[..., 0], 8, 10, subsampling), 10, 8), image[..., 0])


def test_chroma_lies_amid_its_four_samples():
    """A slope of chroma comes back as a slope: neither halving nor doubling shifts it."""
    ramp = np.zeros((16, 32, 3), np.uint8)
    ramp[..., 2] = np.arange(32) * 8
    decoded = from_planes(to_planes(ramp, 8, 10, "420"), 10, 8).astype(int)
    assert np.abs(decoded - ramp)[:, 1:-1].max() <= 1

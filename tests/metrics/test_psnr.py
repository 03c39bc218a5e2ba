"""PSNR over RGB, luma, and weighted luma and chroma."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio

from bench.codec import Image
from bench.errors import MetricUndefined
from bench.metrics.base import Pair, Reference
from bench.metrics.psnr import PsnrRgb, PsnrY, PsnrYuv

ALL = (PsnrRgb(), PsnrY(), PsnrYuv())


def pair(original: Image, decoded: Image) -> Pair:
    return Pair(Reference(original), decoded)


def picture(seed: int, height: int, width: int) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 17), (33, 31), (200, 301)])
def test_psnr_rgb_agrees_with_scikit_image(height: int, width: int) -> None:
    """psnr_rgb is the PSNR of scikit-image over all samples, whatever the size."""
    x, y = picture(1, height, width), picture(2, height, width)
    assert PsnrRgb()(pair(x, y)) == pytest.approx(peak_signal_noise_ratio(x, y, data_range=255), abs=1e-9)


def test_luma_and_weighted_psnr_follow_bt601() -> None:
    """psnr_y and psnr_yuv equal the textbook full-range BT.601 formulas in float64."""
    x, y = picture(3, 45, 67), picture(4, 45, 67)
    red, green, blue = np.moveaxis(y.astype(np.float64) - x, -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = (luma, (blue - luma) / 1.772, (red - luma) / 1.402)
    psnr_y, psnr_cb, psnr_cr = (10 * math.log10(255**2 / float(np.mean(plane**2))) for plane in planes)
    assert PsnrY()(pair(x, y)) == pytest.approx(psnr_y, abs=1e-9)
    assert PsnrYuv()(pair(x, y)) == pytest.approx((6 * psnr_y + psnr_cb + psnr_cr) / 8, abs=1e-9)


def test_known_value() -> None:
    """One level of error in every sample is 48.1308 dB, 20·log10(255), in RGB and in luma."""
    x = np.full((8, 8, 3), 100, np.uint8)
    assert PsnrRgb()(pair(x, x + 1)) == pytest.approx(48.13080361, abs=1e-8)
    assert PsnrY()(pair(x, x + 1)) == pytest.approx(48.13080361, abs=1e-8)


def test_error_of_one_sample_in_a_large_picture_counts() -> None:
    """Sums are exact: one wrong sample among millions is neither lost nor rounded away."""
    x = np.full((1500, 1500, 3), 255, np.uint8)
    y = np.zeros_like(x)
    y[700, 700, 1] = 1
    assert PsnrRgb()(pair(x, y)) == 10 * math.log10(255**2 * x.size / (255**2 * (x.size - 1) + 254**2))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_identical_pictures_have_infinite_psnr(metric: PsnrRgb | PsnrY | PsnrYuv) -> None:
    """Identical images give infinity, not an error and not a large number."""
    x = picture(5, 20, 30)
    assert metric(pair(x, x.copy())) == math.inf


def test_grey_pictures_have_no_weighted_psnr() -> None:
    """Where chroma is exact and luma is not, psnr_yuv is undefined rather than infinite."""
    x = np.full((16, 16, 3), 90, np.uint8)
    with pytest.raises(MetricUndefined, match="Cb and Cr identical"):
        PsnrYuv()(pair(x, x + 3))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 40), width=st.integers(1, 40))
def test_symmetric(seed: int, height: int, width: int) -> None:
    """Swapping original and reconstruction leaves every PSNR as it is."""
    x, y = picture(seed, height, width), picture(seed + 1, height, width)
    for metric in ALL:
        assert metric(pair(x, y)) == metric(pair(y, x))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_falls_as_noise_grows(metric: PsnrRgb | PsnrY | PsnrYuv) -> None:
    """More noise is never a higher PSNR."""
    rng = np.random.default_rng(6)
    x, noise = picture(7, 64, 64), rng.normal(size=(64, 64, 3))
    noisy = [np.clip(np.rint(x + sigma * noise), 0, 255).astype(np.uint8) for sigma in (1, 3, 10, 30)]
    values = [metric(pair(x, y)) for y in noisy]
    assert values == sorted(values, reverse=True)


def test_layout_of_the_arrays_does_not_matter() -> None:
    """Read-only arrays and strided views give the value of a plain copy."""
    x, y = picture(8, 30, 40), picture(9, 30, 40)
    view = y[::2, ::-1]
    frozen = x[::2, ::-1].copy()
    frozen.setflags(write=False)
    assert PsnrRgb()(pair(frozen, view)) == PsnrRgb()(pair(frozen.copy(), view.copy()))


def test_pictures_of_two_shapes_are_refused() -> None:
    """A pair that breaks the contract is an error before any kernel reads past an array."""
    with pytest.raises(ValueError, match="one size"):
        PsnrRgb()(pair(picture(1, 20, 20), picture(1, 20, 21)))

"""SSIM and MS-SSIM."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from bench.codec import Image
from bench.errors import MetricUndefined
from bench.metrics import ssim as module
from bench.metrics.base import Pair, Reference
from bench.metrics.ssim import MsSsimRgb, SsimRgb

TOLERANCE = 1e-6
ALL = (SsimRgb(), MsSsimRgb())


def pair(original: Image, decoded: Image) -> Pair:
    return Pair(Reference(original), decoded)


def smooth(seed: int, height: int, width: int) -> Image:
    """Gradients and texture, in integer arithmetic, so that every machine makes the same image."""
    y, x = np.mgrid[:height, :width]
    texture = np.random.default_rng(seed).integers(0, 40, (height, width, 3))
    ramps = np.stack([x * 3 // 4 + y // 3, (x * y) // 97, 255 - x // 2], axis=-1) % 216
    picture: Image = (ramps + texture).astype(np.uint8)
    return picture


def noisy(image: Image, sigma: float, seed: int = 0) -> Image:
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    picture: Image = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    return picture


def coarser(image: Image, step: int) -> Image:
    """Quantised samples: a distortion in integer arithmetic."""
    return np.minimum(image // step * step + step // 2, 255).astype(np.uint8)


def torch_values(original: Image, decoded: Image) -> tuple[float, float]:
    """SSIM and MS-SSIM by pytorch_msssim in float64; NaN for an image too small for the latter."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    peer = pytest.importorskip("pytorch_msssim", reason="pytorch_msssim is not installed")
    x, y = (torch.from_numpy(a.astype(np.float64)).permute(2, 0, 1)[None] for a in (original, decoded))
    multiscale = float(peer.ms_ssim(x, y, data_range=255)) if min(original.shape[:2]) > 160 else float("nan")
    return float(peer.ssim(x, y, data_range=255)), multiscale


def assert_equals_torch(original: Image, decoded: Image) -> None:
    expected = torch_values(original, decoded)
    both = pair(original, decoded)
    assert SsimRgb()(both) == pytest.approx(expected[0], abs=TOLERANCE)
    if not np.isnan(expected[1]):
        assert MsSsimRgb()(both) == pytest.approx(expected[1], abs=TOLERANCE)


@pytest.mark.parametrize(
    ("height", "width", "step", "expected_ssim", "expected_ms_ssim"),
    [
        (192, 256, 16, 0.9411328922, 0.9842506502),
        (177, 203, 48, 0.5418234861, 0.8153866263),
    ],
)
def test_golden_values(
    height: int, width: int, step: int, expected_ssim: float, expected_ms_ssim: float
) -> None:
    """The values of pytorch_msssim 1.0.0 (torch 2.15.0, float64, data_range=255), taken 2026-11-22."""
    x = smooth(11, height, width)
    both = pair(x, coarser(x, step))
    assert SsimRgb()(both) == pytest.approx(expected_ssim, abs=TOLERANCE)
    assert MsSsimRgb()(both) == pytest.approx(expected_ms_ssim, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("height", "width"),
    [(11, 11), (11, 40), (12, 600), (161, 161), (162, 175), (163, 300), (177, 233), (45, 1100), (331, 289)],
)
def test_equals_pytorch_msssim_at_every_size(height: int, width: int) -> None:
    """Odd sides at any scale, the smallest images, and widths around the tiles' edges agree."""
    x = smooth(height, height, width)
    for decoded in (noisy(x, 12), coarser(x, 40), smooth(1, height, width)):
        assert_equals_torch(x, decoded)


def test_equals_pytorch_msssim_where_structure_is_inverted() -> None:
    """Negative contrast-structure counts in SSIM and becomes 0 in MS-SSIM."""
    x = np.random.default_rng(2).integers(0, 256, (170, 170, 3), np.uint8)
    assert SsimRgb()(pair(x, 255 - x)) < -0.5
    assert_equals_torch(x, 255 - x)


@pytest.mark.parametrize("level", [0, 128, 250, 255])
@pytest.mark.parametrize("sigma", [0.5, 2, 7.6])
def test_no_cancellation_on_flat_images(level: int, sigma: float) -> None:
    """Small noise on a flat, bright image keeps its digits, where E[x²] - E[x]² would lose them."""
    x = np.full((200, 180, 3), level, np.uint8)
    assert_equals_torch(x, noisy(x, sigma))


@pytest.mark.parametrize("shift", [1, 20, 127])
def test_no_cancellation_under_a_shift_of_brightness(shift: int) -> None:
    """A constant difference between flat images has no variance, and none is found."""
    x = np.full((200, 180, 3), 128, np.uint8)
    assert_equals_torch(x, x + np.uint8(shift))


def test_equals_pytorch_msssim_on_photographs() -> None:
    """Kodak photographs through JPEG agree from the worst quality to the best."""
    folder = Path(os.environ.get("RDBENCH_DATA", "")) / "kodak"
    files = sorted(folder.glob("*.png"))[:3] if "RDBENCH_DATA" in os.environ else []
    if not files:
        pytest.skip("no Kodak images: set RDBENCH_DATA to a folder that holds kodak/")
    for file, quality in zip(files, (5, 50, 95), strict=True):
        with PillowImage.open(file) as opened:
            x = np.asarray(opened.convert("RGB"))
        stream = io.BytesIO()
        PillowImage.fromarray(x).save(stream, "jpeg", quality=quality)
        assert_equals_torch(x, np.asarray(PillowImage.open(stream)))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_identical_pictures_score_exactly_one(metric: SsimRgb | MsSsimRgb) -> None:
    """Identity is 1.0 to the last bit, so that decibels of it are infinite and nothing else."""
    for x in (smooth(3, 177, 190), np.zeros((161, 161, 3), np.uint8), np.full((161, 161, 3), 255, np.uint8)):
        assert metric(pair(x, x.copy())) == 1.0


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_falls_as_noise_grows(metric: SsimRgb | MsSsimRgb) -> None:
    """More noise is never a higher score."""
    x = smooth(4, 180, 200)
    values = [metric(pair(x, noisy(x, sigma))) for sigma in (0.5, 2, 8, 30)]
    assert values == sorted(values, reverse=True)


def test_too_small_pictures_are_undefined() -> None:
    """Below 11 pixels neither metric has a value, below 161 MS-SSIM has none; the reason is given."""
    narrow, small = smooth(5, 300, 10), smooth(5, 160, 400)
    for metric in ALL:
        with pytest.raises(MetricUndefined, match="10×300"):
            metric(pair(narrow, narrow))
    with pytest.raises(MetricUndefined, match="161 pixels"):
        MsSsimRgb()(pair(small, small))
    assert SsimRgb()(pair(small, small)) == 1.0


def test_one_original_serves_many_reconstructions() -> None:
    """Values from a shared Reference are those of fresh ones: nothing leaks between pairs."""
    x = smooth(6, 170, 190)
    shared = Reference(x)
    for sigma in (1, 5, 25):
        y = noisy(x, sigma)
        for metric in ALL:
            assert metric(Pair(shared, y)) == metric(pair(x, y))


def test_large_pictures_take_the_frugal_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without kept maps, an image worked on in bands of rows scores the same."""
    x = smooth(7, 561, 190)
    y = noisy(x, 6)
    kept = [metric(pair(x, y)) for metric in ALL]
    monkeypatch.setattr(module, "_KEPT_PIXELS", 0)
    assert [metric(pair(x, y)) for metric in ALL] == pytest.approx(kept, abs=1e-9)

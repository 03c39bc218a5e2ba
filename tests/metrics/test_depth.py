"""Metrics of more than 8 bits, of grey and of alpha."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bench.errors import MetricUndefined
from bench.metrics.base import Pair, Reference, suited
from bench.metrics.colour import Ciede2000
from bench.metrics.psnr import PsnrAlpha, PsnrRgb, PsnrY, PsnrYuv
from bench.metrics.ssim import MsSsimRgb, SsimRgb
from tests.conftest import photo

RANDOM = np.random.default_rng(11)


def pictures(depth: int, *, channels: int = 3, side: int = 176) -> tuple[Any, Any]:
    """A photograph at a depth, and the same with noise."""
    levels = photo(side, side).astype(np.float64) / 255 * ((1 << depth) - 1)
    levels = np.dstack([levels, levels[..., :1] / 2 + 1])[..., :channels] if channels > 1 else levels[..., 0]
    noisy = levels + RANDOM.normal(0, 0.02 * (1 << depth), levels.shape)
    kind = np.uint8 if depth == 8 else np.uint16
    return tuple(np.clip(np.rint(it), 0, (1 << depth) - 1).astype(kind) for it in (levels, noisy))


def pair_of(one: Any, other: Any, depth: int) -> Pair:
    """What a metric is given."""
    return Pair(Reference(one, depth), other)


def decibels(squares: Any, depth: int) -> float:
    """By the definition."""
    return 10 * math.log10(((1 << depth) - 1) ** 2 / np.mean(squares))


@pytest.mark.parametrize("depth", [8, 9, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_has_the_peak_of_the_depth(depth: int, channels: int) -> None:
    """Against numpy to 1e-9, for RGB, luma and luma with chroma, and grey."""
    one, other = pictures(depth, channels=channels)
    pair = pair_of(one, other, depth)
    difference = one.astype(np.float64) - other
    assert PsnrRgb()(pair) == pytest.approx(decibels(difference**2, depth), abs=1e-9)
    luma = difference @ (0.299, 0.587, 0.114) if channels == 3 else difference
    y = decibels(luma**2, depth)
    assert PsnrY()(pair) == pytest.approx(y, abs=1e-9)
    if channels == 3:
        chroma = (difference[..., 2] - luma) / 1.772, (difference[..., 0] - luma) / 1.402
        expected = (6 * y + sum(decibels(it**2, depth) for it in chroma)) / 8
        assert PsnrYuv()(pair) == pytest.approx(expected, abs=1e-9)


def test_psnr_of_large_deep_pictures_is_exact() -> None:
    """The greatest differences of 16 bits over more pixels than a band has add up without rounding."""
    one = np.zeros((1100, 1000, 3), np.uint16)
    other = np.full_like(one, 65535)
    other[0, 0] = 0
    expected = 10 * math.log10(one.size / (one.size - 3))
    assert PsnrRgb()(pair_of(one, other, 16)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("depth", [10, 12, 16])
@pytest.mark.parametrize("metric", [SsimRgb, MsSsimRgb])
def test_ssim_of_the_same_levels_does_not_depend_on_depth(depth: int, metric: Any) -> None:
    """A picture whose levels are those of 8 bits has the SSIM that it has at 8 bits."""
    one, other = pictures(8)
    factor = ((1 << depth) - 1) / 255
    scaled = [np.rint(it * factor).astype(np.uint16) for it in (one, other)]
    expected = metric()(pair_of(one, other, 8))
    tolerance = 1e-6 if depth == 16 else 2e-3  # 257 is a whole number, and the other factors are not
    assert metric()(pair_of(*scaled, depth)) == pytest.approx(expected, abs=tolerance)


def test_ssim_of_deep_pictures_follows_its_definition() -> None:
    """Against pytorch_msssim with the data range of the depth."""
    torch, reference = pytest.importorskip("torch"), pytest.importorskip("pytorch_msssim")
    one, other = pictures(12)
    tensors = [torch.from_numpy(it.astype(np.float64).transpose(2, 0, 1))[None] for it in (one, other)]
    for metric, theirs in ((SsimRgb, reference.ssim), (MsSsimRgb, reference.ms_ssim)):
        expected = float(theirs(*tensors, data_range=4095))
        assert metric()(pair_of(one, other, 12)) == pytest.approx(expected, abs=1e-5)


def test_torch_computes_the_same_of_deep_pictures() -> None:
    """The sums on a device are those of the kernels, scaled alike."""
    pytest.importorskip("torch")
    from bench.metrics._device_kernels import Products, SsimMeans
    from bench.metrics.psnr import _products
    from bench.metrics.ssim import _scores

    pair = pair_of(*pictures(16), 16)
    assert Products("cpu")(pair) == _products(pair)
    contrast, ssim = SsimMeans("cpu", 5, 16)(pair)
    np.testing.assert_allclose(contrast, _scores(pair).contrast, atol=1e-5)
    np.testing.assert_allclose(ssim, _scores(pair).ssim, atol=1e-5)


@pytest.mark.parametrize("depth", [8, 16])
def test_alpha_is_a_plane_of_its_own(depth: int) -> None:
    """Its errors are in psnr_alpha and in nothing else."""
    one, _ = pictures(depth, channels=4)
    other = one.copy()
    other[..., 3] -= np.minimum(other[..., 3], 7).astype(one.dtype)
    pair = pair_of(one, other, depth)
    squares = (one[..., 3].astype(np.float64) - other[..., 3]) ** 2
    assert PsnrAlpha()(pair) == pytest.approx(decibels(squares, depth), abs=1e-9)
    assert PsnrRgb()(pair) == math.inf
    assert SsimRgb()(pair) == 1


def test_colour_that_is_not_seen_does_not_count() -> None:
    """Under fully transparent pixels a codec may store what it likes; elsewhere colours count as stored."""
    one, other = pictures(8, channels=4)
    one[:50, :, 3] = 0
    other[..., 3] = one[..., 3]
    hidden = other.copy()
    hidden[:50, :, :3] = 99
    for metric in (PsnrRgb(), SsimRgb(), MsSsimRgb()):
        assert metric(pair_of(one, hidden, 8)) == metric(pair_of(one, other, 8))
    assert PsnrRgb()(pair_of(one, hidden, 8)) == PsnrRgb()(pair_of(one[50:, :, :3], other[50:, :, :3], 8))


def test_what_is_not_seen_flatters_no_mean() -> None:
    """A picture in a transparent frame has nearly the SSIM of itself: only windows at its edge differ."""
    one, other = pictures(8, channels=4, side=256)
    framed = [np.pad(it, ((256, 0), (0, 512), (0, 0))) for it in (one, other)]
    for picture in (one, other, *(it[256:, :256] for it in framed)):
        picture[..., 3] = 255
    for metric in (SsimRgb(), MsSsimRgb()):
        bare = metric(pair_of(one, other, 8))
        assert 1 - metric(pair_of(*framed, 8)) == pytest.approx(1 - bare, rel=0.2)
    nothing = [it * np.uint8([1, 1, 1, 0]) for it in (one, other)]
    assert SsimRgb()(pair_of(*nothing, 8)) == 1
    assert PsnrRgb()(pair_of(*nothing, 8)) == math.inf


def test_a_metric_that_is_not_defined_says_so() -> None:
    """By its name and the form; grey is replicated for one that knows only RGB."""
    deep, alpha = pair_of(*pictures(16), 16), pair_of(*pictures(8, channels=4), 8)
    with pytest.raises(MetricUndefined, match="ciede2000 is not defined for 16 bits a sample"):
        suited(deep, Ciede2000())
    with pytest.raises(MetricUndefined, match="ciede2000 is not defined for pictures with alpha"):
        suited(alpha, Ciede2000())
    with pytest.raises(MetricUndefined, match="psnr_alpha is not defined for pictures without transparency"):
        suited(pair_of(*pictures(8), 8), PsnrAlpha())
    one, other = pictures(8, channels=1, side=24)
    grey = pair_of(one, other, 8)
    coloured = Pair(Reference(np.dstack([one] * 3)), np.dstack([other] * 3))
    assert suited(grey, PsnrRgb()) is grey
    assert Ciede2000()(suited(grey, Ciede2000())) == Ciede2000()(coloured)
    assert suited(grey, Ciede2000()) is suited(grey, Ciede2000())


def test_grey_has_the_values_of_three_equal_channels() -> None:
    """So results of grey pictures do not depend on whether a codec takes grey."""
    one, other = pictures(8, channels=1)
    coloured = Pair(Reference(np.dstack([one] * 3)), np.dstack([other] * 3))
    for metric in (PsnrRgb(), PsnrY(), SsimRgb(), MsSsimRgb()):
        assert metric(pair_of(one, other, 8)) == metric(coloured)
    with pytest.raises(MetricUndefined, match="Cb and Cr identical"):
        PsnrYuv()(pair_of(one, other, 8))


@pytest.mark.parametrize(("depth", "kind"), [(10, np.uint8), (8, np.uint16)])
def test_a_type_that_is_not_that_of_the_depth_is_refused(depth: int, kind: Any) -> None:
    """8 bits are uint8 and more are uint16: anything else is a mistake of the caller."""
    picture = np.zeros((20, 20, 3), kind)
    with pytest.raises(ValueError, match="not two pictures of uint"):
        PsnrRgb()(pair_of(picture, picture, depth))

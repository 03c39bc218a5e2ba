"""Metrics on a GPU: the same values as on the CPU. The torch kernels are exercised on the CPU as well."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from bench.errors import CodecUnavailable, MetricUndefined  # noqa: E402
from bench.metrics import _device_kernels as kernels  # noqa: E402
from bench.metrics import lpips, psnr, ssim  # noqa: E402
from bench.metrics.base import Metric, Pair, Reference  # noqa: E402
from bench.metrics.psnr import PsnrRgb, PsnrY, PsnrYuv  # noqa: E402
from bench.metrics.ssim import MsSsimRgb, SsimRgb  # noqa: E402
from tests.conftest import photo  # noqa: E402

PIXEL_METRICS: tuple[type, ...] = (PsnrRgb, PsnrY, PsnrYuv, SsimRgb, MsSsimRgb)
TOLERANCE = 1e-5

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


def by_torch(metric: type, device: str = "cpu") -> Metric:
    """A metric that works by the torch kernels, whatever the device."""
    it: Metric = metric()
    if isinstance(it, PsnrRgb | PsnrY | PsnrYuv):
        it._products = kernels.Products(device)
    elif isinstance(it, SsimRgb | MsSsimRgb):
        it._scores = ssim._OnDevice(device)
    return it


def distorted(image: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(7).normal(0, sigma, image.shape)
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def value(metric: Metric, pair: Pair) -> float | str:
    try:
        return float(metric(pair))
    except MetricUndefined as reason:
        return str(reason)


@pytest.mark.parametrize("size", [(8, 9), (11, 160), (161, 170), (197, 333)])
@pytest.mark.parametrize("sigma", [0.6, 12.0, 200.0])
@pytest.mark.parametrize("metric", PIXEL_METRICS)
def test_torch_kernels_agree_with_the_compiled_ones(
    metric: type, size: tuple[int, int], sigma: float
) -> None:
    """PSNR to the last bit, SSIM and MS-SSIM to 1e-5; what has no value says the same reason."""
    original = photo(*size)
    pair = Pair(Reference(original), distorted(original, sigma))
    expected, found = value(metric(), pair), value(by_torch(metric), pair)
    if isinstance(expected, str) or metric in (PsnrRgb, PsnrY, PsnrYuv):
        assert found == expected
    else:
        assert found == pytest.approx(expected, abs=TOLERANCE)


def test_large_pictures_are_worked_on_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands, and maps that are not kept, give the values of the whole."""
    original = photo(190, 175)
    decoded = distorted(original, 9)
    whole = [by_torch(it)(Pair(Reference(original), decoded)) for it in PIXEL_METRICS]
    monkeypatch.setattr(kernels, "_BAND_PIXELS", 2000)
    monkeypatch.setattr(kernels, "_KEPT_PIXELS", 100)
    bands = [by_torch(it)(Pair(Reference(original), decoded)) for it in PIXEL_METRICS]
    assert bands == pytest.approx(whole, abs=1e-12)


def test_identical_pictures_are_exact() -> None:
    """Infinite PSNR, an SSIM of exactly 1."""
    pair = Pair(Reference(photo(170, 170)), photo(170, 170))
    assert [by_torch(it)(pair) for it in PIXEL_METRICS] == [math.inf, math.inf, math.inf, 1, 1]


def test_metrics_of_one_device_share_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair is filtered once for SSIM and MS-SSIM, and an original once for all its reconstructions."""
    calls: list[Callable[..., object]] = []
    counted = kernels._statistics

    def statistics(x: object) -> object:
        calls.append(counted)
        return counted(x)

    monkeypatch.setattr(kernels, "_statistics", statistics)
    reference = Reference(photo(170, 170))
    for sigma in (2, 5):
        pair = Pair(reference, distorted(reference.image, sigma))
        by_torch(SsimRgb)(pair)
        by_torch(MsSsimRgb)(pair)
    assert len(calls) == (1 + 2) * 3 * 5, "of the original, and of two reconstructions"


def test_pictures_of_two_shapes_are_refused() -> None:
    """As on the CPU."""
    with pytest.raises(ValueError, match="one size"):
        by_torch(PsnrRgb)(Pair(Reference(photo(20, 20)), photo(20, 21)))


@no_cuda
@pytest.mark.parametrize("metric", [*PIXEL_METRICS, lpips.LpipsAlex])
def test_absent_cuda_is_refused(metric: type) -> None:
    """A metric asked for on the GPU never runs on the CPU instead."""
    with pytest.raises(CodecUnavailable, match=r"device=cuda.*(CUDA|GPU)"):
        metric(device="cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("metric", PIXEL_METRICS)
def test_gpu_values_are_the_cpus(metric: type) -> None:
    """Through the constructor's keyword, as the engine asks for it."""
    original = photo(512, 400)
    for sigma in (1, 10, 60):
        pair = Pair(Reference(original), distorted(original, sigma))
        assert metric(device="cuda")(pair) == pytest.approx(metric()(pair), abs=TOLERANCE)


@pytest.mark.gpu
@pytest.mark.parametrize("metric", [lpips.LpipsAlex, lpips.LpipsVgg])
def test_lpips_on_a_gpu_is_the_cpus(metric: type) -> None:
    """To 1e-5, without TensorFloat-32."""
    try:
        on_cpu = metric()
    except CodecUnavailable as error:
        pytest.skip(str(error))
    original = photo(256, 320)
    pair = Pair(Reference(original), distorted(original, 15))
    assert metric(device="cuda")(pair) == pytest.approx(on_cpu(pair), abs=TOLERANCE)


def test_the_cpu_is_the_default_and_needs_no_torch_kernels() -> None:
    """Without a device, the compiled kernels run."""
    assert PsnrRgb()._products is psnr._products
    assert SsimRgb()._scores is ssim._scores

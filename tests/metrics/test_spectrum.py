"""High-band energy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bench.codec import Image
from bench.errors import MetricUndefined
from bench.metrics.base import Pair, Reference
from bench.metrics.spectrum import HighBandEnergy
from tests.conftest import photo


def ratio(original: Image, decoded: Image) -> float:
    return HighBandEnergy()(Pair(Reference(original), decoded))


def grating(frequency: float, amplitude: float, axis: int = 1) -> Image:
    """A grey cosine of a frequency in cycles per pixel along one axis."""
    place = np.mgrid[:64, :64][axis]
    levels = np.rint(128 + amplitude * np.cos(2 * np.pi * frequency * place)).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 48), (40, 31), (17, 35)])
def test_equals_the_definition(height: int, width: int) -> None:
    """The ratio is that of the full discrete Fourier transforms of luma under a Hann window."""

    def energy(image: Image) -> float:
        luma = image @ np.array([0.299, 0.587, 0.114])
        windows = [0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n) for n in luma.shape]
        spectrum = np.abs(np.fft.fft2((luma - luma.mean()) * np.outer(*windows))) ** 2
        fy, fx = (np.abs(np.fft.fftfreq(n)) for n in luma.shape)
        return float(spectrum[np.maximum(fy[:, None], fx[None, :]) > 0.25].sum())

    x, y = photo(height, width, 1), photo(height, width, 2)
    assert ratio(x, y) == pytest.approx(energy(y) / energy(x), rel=1e-9)


@pytest.mark.parametrize("axis", [0, 1])
def test_counts_the_upper_half_of_the_band_alone(axis: int) -> None:
    """Doubling an amplitude quadruples the energy above half of Nyquist; below it, nothing changes."""
    high, low = grating(0.375, 20, axis), grating(0.125, 20, axis)
    assert ratio(high, grating(0.375, 40, axis)) == pytest.approx(4, rel=0.02)
    mixed = (high.astype(int) + low - 128).astype(np.uint8)
    more_low = (high.astype(int) + grating(0.125, 60, axis) - 128).astype(np.uint8)
    assert ratio(mixed, more_low) == pytest.approx(1, rel=0.03)


def test_shows_blur_and_noise() -> None:
    """A blurred image has less than the original, a noisy one more, the same one exactly 1."""
    x = photo(64, 80)
    blurred = gaussian_filter(x, (1, 1, 0))
    noise = np.random.default_rng(0).normal(0, 10, x.shape)
    noisy = np.clip(x + noise, 0, 255).astype(np.uint8)
    assert ratio(x, blurred) < 0.3
    assert ratio(x, noisy) > 1.5
    assert ratio(x, x.copy()) == 1.0


def test_undefined_without_detail() -> None:
    """A flat original has no high band to compare with, a tiny one no spectrum to speak of."""
    flat = np.full((32, 32, 3), 90, np.uint8)
    with pytest.raises(MetricUndefined, match="no energy"):
        ratio(flat, photo(32, 32))
    with pytest.raises(MetricUndefined, match="16 pixels"):
        ratio(photo(15, 40), photo(15, 40))

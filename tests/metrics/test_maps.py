"""Maps of errors agree with the metrics that they are maps of."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from bench.errors import MetricUndefined
from bench.metrics.base import Pair, Reference
from bench.metrics.flip import Flip
from bench.metrics.maps import MAPS, error_map
from bench.metrics.ssim import SsimRgb
from tests.conftest import photo


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """A picture, and the same with noise in its upper half and a bright spot."""
    original = photo(96, 120)
    noisy = original.astype(int)
    noisy[:48] += np.random.default_rng(1).integers(-20, 21, noisy[:48].shape)
    noisy[70:80, 100:110] += 90
    return original, noisy.clip(0, 255).astype(np.uint8)


def test_the_map_of_ssim_is_one_less_ssim() -> None:
    """Inside the borders its mean is the loss of the metric."""
    original, decoded = pictures()
    inside = error_map("ssim", original, decoded)[5:-5, 5:-5]
    expected = SsimRgb()(Pair(Reference(original), decoded))
    assert 1 - inside.mean() == pytest.approx(expected, abs=2e-5)


def test_the_map_of_flip_has_flip_as_its_mean() -> None:
    """It is the map of which the metric is the mean."""
    original, decoded = pictures()
    found = error_map("flip", original, decoded)
    assert found.mean() == pytest.approx(Flip()(Pair(Reference(original), decoded)), abs=1e-6)


@pytest.mark.skipif(shutil.which("butteraugli_main") is None, reason="needs libjxl's butteraugli_main")
def test_the_map_of_butteraugli_has_its_scores() -> None:
    """Its maximum is the metric, and the mean of its 3-, 6- and 12-norm the metric's 3-norm."""
    from bench.metrics.butteraugli import Butteraugli, Butteraugli3Norm

    original, decoded = pictures()
    decoded[70:80, 100:110] = original[70:80, 100:110]
    found = error_map("butteraugli", original, decoded).astype(float)
    pair = Pair(Reference(original), decoded)
    assert found.max() == pytest.approx(Butteraugli()(pair), rel=1e-4)
    norms = [(found**power).mean() ** (1 / power) for power in (3, 6, 12)]
    assert np.mean(norms) == pytest.approx(Butteraugli3Norm()(pair), rel=1e-3)


@pytest.mark.parametrize("name", MAPS)
def test_equal_pixels_have_no_error(name: str) -> None:
    """Where the pictures are equal the map is 0, and elsewhere not."""
    if name == "butteraugli" and shutil.which("butteraugli_main") is None:
        pytest.skip("needs libjxl's butteraugli_main")
    original, decoded = pictures()
    assert error_map(name, original, original).max() < 1e-3
    found = error_map(name, original, decoded)
    assert found.shape == original.shape[:2]
    assert found[:40, :60].mean() > 5 * found[70:, :60].mean()


def test_a_picture_may_be_too_small() -> None:
    """Where the window does not fit there is no map, and the message says so."""
    with pytest.raises(MetricUndefined, match="6 pixels"):
        error_map("ssim", photo(5, 9), photo(5, 9))

"""Maps of errors agree with the metrics that they are maps of."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from bench.errors import MetricUndefined
from bench.metrics.base import Pair, Reference
from bench.metrics.cvvdp import predicted, predictor
from bench.metrics.flip import Flip
from bench.metrics.maps import MAPS, error_map, map_of
from bench.metrics.psnr import PsnrRgb
from bench.metrics.ssim import SsimRgb
from bench.metrics.ssimulacra2 import Ssimulacra2, _score
from tests.conftest import photo
from tests.metrics.ssimulacra2_reference import coarser


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


def test_the_map_of_squared_errors_has_psnr() -> None:
    """Its mean is the squared error of which PSNR is made."""
    original, decoded = pictures()
    mean = error_map("squared_error", original, decoded).mean(dtype=float)
    expected = 20 * np.log10(255) - PsnrRgb()(Pair(Reference(original), decoded))
    assert 10 * np.log10(mean) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(96, 120), (133, 171), (8, 9)])
def test_the_map_of_ssimulacra2_has_its_score(height: int, width: int) -> None:
    """Its mean is the sum of errors from which the score follows, whatever the number of scales."""
    original = photo(height, width)
    decoded = coarser(original, 40)
    mean = error_map("ssimulacra2", original, decoded).mean(dtype=float)
    expected = Ssimulacra2()(Pair(Reference(original), decoded))
    assert _score(float(mean)) == pytest.approx(expected, abs=1e-4)


def test_the_map_of_cvvdp_is_that_of_the_package() -> None:
    """JOD lost: ten times the package's raw map; the worse picture has more of it."""
    pytest.importorskip("pycvvdp", reason="cvvdp is not installed")
    original = photo(64, 80)
    little, much = (error_map("cvvdp", original, coarser(original, step)).mean() for step in (8, 80))
    assert 0 <= little < much < 10
    decoded = coarser(original, 80)
    found = error_map("cvvdp", original, decoded)
    _, raw = predicted(predictor("cvvdp", "cpu", "raw"), Pair(Reference(original), decoded))
    np.testing.assert_allclose(found, 10 * np.maximum(raw, 0), atol=1e-6)


def test_metrics_have_their_maps() -> None:
    """By the name of the metric or of the map; a metric without one has none."""
    names = ("psnr_rgb", "ssim_rgb", "ms_ssim_rgb", "flip", "butteraugli_3norm", "squared_error", "nlpd")
    found = [map_of(it) for it in names]
    assert found == ["squared_error", "ssim", "ssim", "flip", "butteraugli", "squared_error", None]


@pytest.mark.parametrize("name", MAPS)
def test_equal_pixels_have_no_error(name: str) -> None:
    """Where the pictures are equal the map is 0, and elsewhere not."""
    if name == "butteraugli" and shutil.which("butteraugli_main") is None:
        pytest.skip("needs libjxl's butteraugli_main")
    if name == "cvvdp":
        pytest.importorskip("pycvvdp", reason="cvvdp is not installed")
    original, decoded = pictures()
    assert error_map(name, original, original).max() < 1e-3
    found = error_map(name, original, decoded)
    assert found.shape == original.shape[:2]
    assert found[:40, :60].mean() > 5 * found[70:, :60].mean()


def test_a_picture_may_be_too_small() -> None:
    """Where the window does not fit there is no map, and the message says so."""
    with pytest.raises(MetricUndefined, match="6 pixels"):
        error_map("ssim", photo(5, 9), photo(5, 9))

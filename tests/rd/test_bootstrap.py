"""Paired bootstrap: deterministic, paired, and about as wide as it claims."""

from __future__ import annotations

import numpy as np
import pytest

from bench.rd import ImageCurves, bd_rate, bootstrap_bd_rate, mean_curve

from .curves import images


def test_point_estimates_are_those_of_the_plain_functions() -> None:
    """The headline is the BD-rate of the mean curves; the other mean is over the images."""
    a, b = images(), images("b", spread=0.2)
    result = bootstrap_bd_rate(a, b, resamples=200)
    assert result.mean_curve == bd_rate(mean_curve(a), mean_curve(b))
    values = [bd_rate(a.curve(k), b.curve(k)).value for k in range(24)]
    assert result.per_image_mean == pytest.approx(np.mean(values))  # type: ignore[arg-type]  # none is None
    assert (result.n_images, result.n_per_image) == (24, 24)


def test_the_interval_is_that_of_resampled_mean_curves() -> None:
    """The vectorised interval equals resampling images one by one with the plain functions."""
    a, b = images(count=6), images("b", count=6, spread=0.3)
    # Another shape for each image, so that quality and rate of one resample belong together.
    steeper = b.quality + np.linspace(0, 1, 8) * np.arange(6)[:, None]
    b = ImageCurves("b", b.metric, b.images, b.rate, steeper)
    drawn = np.random.default_rng(7).integers(0, 6, (50, 6))

    def pick(curves: ImageCurves, rows: np.ndarray) -> ImageCurves:
        names = tuple(map(str, range(len(rows))))
        return ImageCurves(curves.label, curves.metric, names, curves.rate[rows], curves.quality[rows])

    slow = [bd_rate(mean_curve(pick(a, rows)), mean_curve(pick(b, rows))).value for rows in drawn]
    found = bootstrap_bd_rate(a, b, resamples=50, seed=7).ci95
    assert found == pytest.approx(np.percentile(slow, [2.5, 97.5]).tolist(), abs=1e-9)  # type: ignore[arg-type]


def test_same_seed_same_interval() -> None:
    """The interval depends on the curves and the seed alone."""
    a, b = images(), images("b", spread=0.2)
    assert bootstrap_bd_rate(a, b, seed=3) == bootstrap_bd_rate(a, b, seed=3)
    assert bootstrap_bd_rate(a, b, seed=3).ci95 != bootstrap_bd_rate(a, b, seed=4).ci95


def test_a_constant_offset_has_no_width() -> None:
    """Pairing cancels how hard each image is: the same saving everywhere gives a point, not a range."""
    a = images()
    b = ImageCurves("b", a.metric, a.images, a.rate * 0.8, a.quality)
    result = bootstrap_bd_rate(a, b)
    assert result.ci95 == pytest.approx((-20.0, -20.0), abs=1e-9)
    assert result.per_image_ci95 == pytest.approx((-20.0, -20.0), abs=1e-9)


def test_coverage_is_near_the_nominal() -> None:
    """Over many synthetic data sets the interval of the mean covers the truth about 93% of the time."""
    truth, hits = 100.0 * (np.exp(0.2**2 / 2) - 1.0), 0
    for seed in range(200):
        result = bootstrap_bd_rate(images(), images("b", spread=0.2, seed=seed), resamples=400)
        assert result.per_image_ci95 is not None
        hits += result.per_image_ci95[0] <= truth <= result.per_image_ci95[1]
    assert 0.87 <= hits / 200 <= 0.98


def test_images_without_a_value_leave_only_the_per_image_mean() -> None:
    """An image with a folded curve has no BD-rate of its own, and the mean is over the others."""
    a, b = images(), images("b", spread=0.1)
    quality = b.quality.copy()
    quality[0, 4] = quality[0, 3] - 0.01
    result = bootstrap_bd_rate(a, ImageCurves("b", b.metric, b.images, b.rate, quality))
    assert result.n_per_image == 23
    assert result.per_image[0].reason == "non-monotone"
    assert result.ci95 is not None
    values = np.array([np.nan if each.value is None else each.value for each in result.per_image])
    drawn = np.random.default_rng(0).integers(0, 24, (1000, 24))
    expected = np.percentile(np.nanmean(values[drawn], axis=1), [2.5, 97.5])
    assert result.per_image_ci95 == pytest.approx(expected.tolist())


def test_one_image_has_no_interval() -> None:
    """Nothing can be said about other images from one image."""
    result = bootstrap_bd_rate(images(count=1), images("b", count=1, spread=0.1))
    assert result.mean_curve.value is not None
    assert (result.ci95, result.per_image_ci95) == (None, None)


def test_an_exact_point_drops_out_of_every_resample() -> None:
    """One image reproduced exactly at the top quality gives the interval without that point."""
    a, b = images(), images("b", spread=0.2)
    quality = b.quality.copy()
    quality[3, -1] = np.inf
    exact = ImageCurves("b", b.metric, b.images, b.rate, quality)
    short = ImageCurves("b", b.metric, b.images, b.rate[:, :-1], b.quality[:, :-1])
    assert bootstrap_bd_rate(a, exact).ci95 == bootstrap_bd_rate(a, short).ci95


def test_different_images_are_refused() -> None:
    """Pairing needs the same images in both."""
    with pytest.raises(ValueError, match="common_images"):
        bootstrap_bd_rate(images(count=5), images(count=6))

"""Many comparisons at once give the numbers, reasons and warnings of each by itself."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from bench.rd import (
    Comparisons,
    ImageCurves,
    all_pairs,
    bd_quality,
    bd_rate,
    mean_curve,
    paired_bd_rate,
    per_image_bd_quality,
    per_image_bd_rate,
)
from tests.rd.curves import images

ODD = {
    "folds in quality": (0, slice(3, 5), lambda rate, quality: (rate, quality[::-1])),
    "folds in rate": (1, slice(3, 5), lambda rate, quality: (rate[::-1], quality)),
    "rate falls throughout": (2, slice(None), lambda rate, quality: (rate[::-1], quality)),
    "reproduced exactly": (3, slice(7, 8), lambda rate, quality: (rate, quality + np.inf)),
    "repeated point": (4, slice(3, 5), lambda rate, quality: (rate[[0, 0]], quality[[0, 0]])),
    "listed backwards": (5, slice(None), lambda rate, quality: (rate[::-1], quality[::-1])),
    "elsewhere": (6, slice(None), lambda rate, quality: (rate, quality + 100)),
    "flat": (7, slice(3, 5), lambda rate, quality: (rate, quality[[0, 0]])),
}
"""Images in which one curve is unlike the others: the image, its points, and what becomes of them."""


def odd(label: str, seed: int, *, shift: int = 0) -> ImageCurves:
    """Curves of 24 images, some of them odd: other ones with another ``shift``."""
    made = images(label, spread=0.2, seed=seed)
    rate, quality = made.rate.copy(), made.quality.copy()
    for image, points, change in ODD.values():
        place = image + shift, points
        rate[place], quality[place] = change(rate[place], quality[place])
    return ImageCurves(label, made.metric, made.images, rate, quality)


def near(value: float | None) -> object:
    """Equal to ``value`` but for rounding."""
    return None if value is None else pytest.approx(value, rel=1e-9)


def close(interval: tuple[float, float] | None) -> object:
    """Equal to ``interval`` but for rounding."""
    return None if interval is None else pytest.approx(interval, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("method", ["pchip", "akima", "cubic"])
@pytest.mark.parametrize("points", [8, 3, 2])
def test_images_together_are_images_one_by_one(method: str, points: int) -> None:
    """Value, overlap, reason and warnings of every image are those of its two curves, however odd."""
    sides = [odd("a", 1), odd("b", 2, shift=4)]
    for anchor, test in itertools.permutations(
        ImageCurves(it.label, it.metric, it.images, it.rate[:, -points:], it.quality[:, -points:])
        for it in sides
    ):
        found = per_image_bd_rate(anchor, test, method)  # type: ignore[arg-type]  # a literal
        for row, result in enumerate(found):
            expected = bd_rate(anchor.curve(row), test.curve(row), method)  # type: ignore[arg-type]
            assert (result.reason, result.warnings) == (expected.reason, expected.warnings), row
            assert result.value == near(expected.value)
            assert result.overlap == pytest.approx(expected.overlap)


def test_all_comparisons_are_those_of_each_pair() -> None:
    """Against one anchor and between all, numbers and intervals are those of the pair by itself."""
    curves = {
        "a": images("a"),
        "b": images("b", spread=0.2),
        "odd": odd("odd", 1),
        "odder": odd("odder", 2, shift=4),
        "backwards": ImageCurves(
            "backwards", "psnr_rgb", images().images, images().rate[:, ::-1], images().quality[:, ::-1]
        ),
        "elsewhere": ImageCurves(
            "elsewhere", "psnr_rgb", images().images, images().rate, images().quality + 100
        ),
    }
    comparisons = Comparisons(curves)
    pairs = comparisons.pairs()
    assert pairs.keys() == set(itertools.permutations(curves, 2))
    for anchor in curves:
        against = comparisons.against(anchor)
        assert against.keys() == curves.keys() - {anchor}
        for test, found in against.items():
            expected = paired_bd_rate(curves[anchor], curves[test])
            assert found.mean_curve == expected.mean_curve
            assert found.images == expected.images
            assert found.per_image.missing == expected.per_image.missing
            assert found.per_image.overlap == expected.per_image.overlap
            assert (found.per_image.wins, found.per_image.n) == (
                expected.per_image.wins,
                expected.per_image.n,
            )
            pair = pairs[anchor, test]
            headline = bd_rate(mean_curve(curves[anchor]), mean_curve(curves[test]))
            assert (pair.mean_curve.reason, pair.mean_curve.warnings) == (headline.reason, headline.warnings)
            assert pair.mean_curve.value == near(headline.value)
            for other in (found, pair):
                assert other.ci95 == close(expected.ci95)
                assert other.per_image.value == near(expected.per_image.value)
                assert other.per_image.median == near(expected.per_image.median)
                assert other.per_image.ci95 == close(expected.per_image.ci95)
                assert other.per_image.missing == expected.per_image.missing


def test_one_image_and_none_have_no_interval() -> None:
    """Too few images for an interval leave the numbers themselves; no curves make no pairs."""
    pair = all_pairs({"a": images(count=1), "b": images("b", count=1, spread=0.1)})["a", "b"]
    assert pair.mean_curve.value is not None
    assert (pair.ci95, pair.per_image.ci95) == (None, None)
    assert pair.per_image.value == pytest.approx(pair.mean_curve.value)
    assert all_pairs({}) == {}


@pytest.mark.parametrize("points", [0, 1, 2])
def test_curves_of_hardly_any_finite_points(points: int) -> None:
    """Images that are reproduced exactly leave few points or none: a reason instead of a value."""
    exact = images("exact")
    quality = exact.quality.copy()
    quality[:, points:] = np.inf
    pairs = all_pairs({"a": images("a"), "exact": replace(exact, quality=quality)})
    assert pairs["a", "exact"].mean_curve.value is None
    assert pairs["a", "exact"].per_image.reason == "fewer than 3 points"


@pytest.mark.parametrize("higher", [True, False])
def test_gains_of_images_together_are_those_of_single_ones(higher: bool) -> None:
    """BD-quality of every image is that of its two curves, however odd, with the metric's own sign."""
    sign = 1 if higher else -1
    anchor, test = (
        replace(it, quality=sign * it.quality, higher_is_better=higher) for it in (odd("a", 1), odd("b", 2))
    )
    found = per_image_bd_quality(anchor, test)
    single = [bd_quality(anchor.curve(k), test.curve(k)).value for k in range(len(anchor.images))]
    assert [*found] == [near(it) for it in single]
    assert len([it for it in found if it is not None]) > 12

"""Bjøntegaard deltas: known answers, agreement with an independent package, and honest refusals."""

from __future__ import annotations

import json
import math
import warnings

import bjontegaard
import numpy as np
import pytest
import scipy.interpolate
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.rd import (
    METHODS,
    Curve,
    ImageCurves,
    _hermite,
    bd_quality,
    bd_rate,
    per_image_bd_rate,
    prune_dominated,
    to_db,
)
from tests.rd.curves import curve, images, reference_folder

# BD-rate (PSNR) against jpeg.json by the bjontegaard package 1.3.0, all points: cubic, PCHIP, Akima.
KNOWN = {
    "jpeg2000": (-36.555, -35.855, -35.886),
    "webp": (-36.616, -36.176, -36.175),
    "compressai-bmshj2018-factorized_mse_cuda": (-44.951, -44.519, -44.551),
    "compressai-bmshj2018-hyperprior_mse_cuda": (-55.289, -54.989, -54.995),
    "bpg_444_x265_ycbcr": (-59.102, -58.855, -58.854),
}


def published(name: str, key: str = "psnr-rgb", metric: str = "psnr_rgb") -> Curve:
    results = json.loads((reference_folder() / f"{name}.json").read_text())["results"]
    return Curve(name, tuple(results["bpp"]), tuple(results[key]), metric)


@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(name: str) -> None:
    """The published Kodak curves give the known BD-rates with all three methods."""
    found = [bd_rate(published("jpeg"), published(name), m).value for m in ("cubic", "pchip", "akima")]
    assert found == pytest.approx(KNOWN[name], abs=1e-3)


def test_ms_ssim_is_integrated_in_db() -> None:
    """BD-rate over MS-SSIM is that of its decibels, although curves hold numbers in [0, 1]."""
    anchor, test = (published(name, "ms-ssim-rgb", "ms_ssim_rgb") for name in ("jpeg", "webp"))
    expected = bjontegaard.bd_rate(
        anchor.rate, to_db(anchor.quality), test.rate, to_db(test.quality), "pchip", min_overlap=0
    )
    assert bd_rate(anchor, test).value == pytest.approx(expected, abs=1e-6)


@st.composite
def rd_curves(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    count = draw(st.integers(4, 12))
    rise = st.floats(0.05, 0.5)
    log_rate = np.cumsum(draw(st.lists(rise, min_size=count, max_size=count))) - 1.5
    step = st.floats(0.4, 3.0)
    quality = 24 + np.cumsum(draw(st.lists(step, min_size=count, max_size=count)))
    return (10**log_rate).tolist(), quality.tolist()


@pytest.mark.parametrize("method", METHODS)
@given(anchor=rd_curves(), test=rd_curves())
@settings(max_examples=150, deadline=None)
def test_agrees_with_the_bjontegaard_package(
    method: str, anchor: tuple[list[float], list[float]], test: tuple[list[float], list[float]]
) -> None:
    """On random monotone curves, BD-rate and BD-PSNR equal the independent package to 1e-6."""
    a, t = (Curve(label, tuple(c[0]), tuple(c[1])) for label, c in (("a", anchor), ("t", test)))
    for ours, theirs in ((bd_rate, bjontegaard.bd_rate), (bd_quality, bjontegaard.bd_psnr)):
        found = ours(a, t, method)  # type: ignore[arg-type]  # parametrised as text
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = theirs(*anchor, *test, method, require_matching_points=False)
        if found.value is None:
            assert found.reason == "no overlap"
            assert math.isnan(expected)
        else:
            assert found.value == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_slopes_and_integrals_agree_with_scipy() -> None:
    """The batched PCHIP and Akima equal scipy's on wild, non-monotone data to 1e-10."""
    random = np.random.default_rng(5)
    for _ in range(200):
        x = np.cumsum(random.uniform(0.01, 1.0, random.integers(2, 12)))
        y = np.round(random.normal(size=len(x)), 1)
        low, high = np.sort(random.uniform(x[0], x[-1], 2))
        pairs = [(_hermite.pchip_slopes, scipy.interpolate.PchipInterpolator(x, y))]
        if len(x) > 2:  # scipy before 1.15 draws no straight line through two points
            pairs.append((_hermite.akima_slopes, scipy.interpolate.Akima1DInterpolator(x, y)))
        for slopes, reference in pairs:
            d = slopes(x[None], y[None])
            spline = _hermite.hermite_spline(x[None], y[None], d)
            area = _hermite.hermite_integral(spline, (np.array([low]), np.array([high])))
            assert area[0] == pytest.approx(reference.integrate(low, high), abs=1e-10)
            assert _hermite.hermite_value(x, y, d[0], low) == pytest.approx(reference(low), abs=1e-10)


def test_a_constant_saving_is_that_percentage() -> None:
    """A codec that needs 20% fewer bits at every quality has a BD-rate of −20% by every method."""
    for method in METHODS:
        assert bd_rate(curve(), curve("b", 0.8), method).value == pytest.approx(-20.0, abs=1e-9)


def test_order_of_listing_does_not_matter() -> None:
    """A curve listed from high to low quality is the same curve."""
    a, b = curve(), curve("b", 0.7)
    backwards = Curve("b", b.rate[::-1], b.quality[::-1])
    assert bd_rate(a, backwards) == bd_rate(a, b)
    assert bd_quality(a, backwards) == bd_quality(a, b)


def test_lower_is_better_metrics_keep_the_sign_of_rate() -> None:
    """With LPIPS, fewer bits at equal value is a negative BD-rate, and BD-quality is in LPIPS itself."""
    a = Curve("a", (0.1, 0.2, 0.4, 0.8), (0.4, 0.3, 0.2, 0.1), "lpips", higher_is_better=False)
    b = Curve("b", (0.05, 0.1, 0.2, 0.4), (0.4, 0.3, 0.2, 0.1), "lpips", higher_is_better=False)
    assert bd_rate(a, b).value == pytest.approx(-50.0)
    assert bd_quality(a, b).value == pytest.approx(-0.1)


def test_no_overlap_has_no_value() -> None:
    """Curves over separate quality ranges give n/a (no overlap)."""
    high = Curve("high", curve().rate, tuple(q + 40 for q in curve().quality))
    result = bd_rate(curve(), high)
    assert (result.value, result.overlap, str(result)) == (None, 0.0, "n/a (no overlap)")
    assert bd_quality(curve(), high).value is not None


def test_little_overlap_warns() -> None:
    """Under 75% overlap there is a value and a warning that names the share."""
    shifted = Curve("b", curve().rate, tuple(q + 5 for q in curve().quality))
    result = bd_rate(curve(), shifted)
    assert result.overlap == pytest.approx(0.5)
    assert result.value is not None
    assert result.warnings == ("overlap 50.0% is under 75%",)
    shifted = Curve("b", curve().rate, tuple(q + 2.1429 for q in curve().quality))
    assert bd_rate(curve(), shifted).warnings == ("overlap just under 75%",)


@pytest.mark.parametrize("method", METHODS)
def test_falling_quality_has_no_value_and_is_located(method: str) -> None:
    """Where quality falls while rate rises there is no BD-rate, and the warning says where."""
    a = curve()
    quality = list(a.quality)
    quality[4], quality[3] = quality[3], quality[4]
    result = bd_rate(a, Curve("folded", a.rate, tuple(quality)), method)  # type: ignore[arg-type]
    assert (result.value, result.reason) == (None, "non-monotone")
    assert "folded: non-monotone" in result.warnings[0]
    assert f"{a.rate[3]:.4g} to {a.rate[4]:.4g} bpp" in result.warnings[0]


def test_falling_rate_keeps_bd_rate_with_a_warning() -> None:
    """Rate as a function of quality still exists where only rate dips: a value, and a warning."""
    a = curve()
    rate = list(a.rate)
    rate[4], rate[3] = rate[3], rate[4]
    folded = Curve("folded", tuple(rate), a.quality)
    assert bd_rate(a, folded).value is not None
    assert "non-monotone" in bd_rate(a, folded).warnings[0]
    assert bd_quality(a, folded).reason == "non-monotone"


def test_a_curve_that_runs_backwards_is_not_a_curve() -> None:
    """Quality that falls steadily while rate rises is non-monotone, not a mirrored curve."""
    a = curve()
    assert bd_rate(a, Curve("b", a.rate, a.quality[::-1])).reason == "non-monotone"


def test_pruning_is_explicit_and_yields_a_value() -> None:
    """Dominated points leave only when asked, and what stays is in the measured order."""
    folded = Curve("b", (0.1, 0.2, 0.3, 0.4, 0.5), (30.0, 32.0, 31.0, 34.0, 35.0))
    pruned = prune_dominated(folded)
    assert (pruned.rate, pruned.quality) == ((0.1, 0.2, 0.4, 0.5), (30.0, 32.0, 34.0, 35.0))
    assert bd_rate(pruned, pruned).value == pytest.approx(0.0)


@pytest.mark.parametrize(("method", "needed"), [("pchip", 3), ("akima", 3), ("cubic", 4)])
def test_too_few_points_have_no_value(method: str, needed: int) -> None:
    """One point less than the method needs gives n/a with the number; just enough gives a value."""
    short = bd_rate(curve(), curve("b", points=needed - 1), method)  # type: ignore[arg-type]
    assert (short.value, short.reason) == (None, f"fewer than {needed} points")
    assert bd_rate(curve(), curve("b", points=needed), method).value is not None  # type: ignore[arg-type]


def test_points_without_a_finite_value_are_left_out_aloud() -> None:
    """An exactly reproduced point (infinite PSNR) changes nothing but adds a warning."""
    a, b = curve(), curve("b", 0.8)
    exact = Curve("b", (*b.rate, 9.0), (*b.quality, math.inf))
    result = bd_rate(a, exact)
    assert result.value == bd_rate(a, b).value
    assert result.warnings == ("b: 1 of 9 points without a finite value left out",)


def test_repeated_points_are_merged_aloud() -> None:
    """Two quality settings with one and the same result do not make a curve non-monotone."""
    a, b = curve(), curve("b", 0.8)
    twice = Curve("b", (b.rate[0], *b.rate), (b.quality[0], *b.quality))
    result = bd_rate(a, twice)
    assert result.value == bd_rate(a, b).value
    assert result.warnings == ("b: 1 repeated points merged",)


def test_misuse_is_refused() -> None:
    """Curves in different metrics, unknown methods and ragged curves raise ValueError."""
    other = Curve("b", curve().rate, curve().quality, "psnr_y")
    with pytest.raises(ValueError, match="psnr_y"):
        bd_rate(curve(), other)
    with pytest.raises(ValueError, match="spline"):
        bd_rate(curve(), curve(), "spline")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 rates but 1"):
        Curve("b", (0.1, 0.2), (30.0,))


def test_per_image_equals_one_by_one_and_explains_gaps() -> None:
    """The batched per-image BD-rates equal those of single curves, special cases included."""
    a, b = images(), images("b", spread=0.2, seed=3)
    quality = b.quality.copy()
    quality[2, 3] = quality[2, 2] - 1.0  # folds
    quality[5, 7] = math.inf  # exact at the top
    quality[7] += 60.0  # no overlap
    b = ImageCurves("b", "psnr_rgb", b.images, b.rate, quality)
    found = per_image_bd_rate(a, b)
    for row, result in enumerate(found):
        single = bd_rate(a.curve(row), b.curve(row))
        assert result.reason == single.reason
        assert result.warnings == single.warnings
        assert result.value == (None if single.value is None else pytest.approx(single.value, abs=1e-9))
    assert [found[row].reason for row in (2, 5, 7)] == ["non-monotone", None, "no overlap"]


def test_short_per_image_curves_have_no_value() -> None:
    """Two points are too few for an image just as they are for a mean curve."""
    a, b = (
        ImageCurves(c.label, c.metric, c.images, c.rate[:, :2], c.quality[:, :2])
        for c in (images(), images("b"))
    )
    assert {result.reason for result in per_image_bd_rate(a, b)} == {"fewer than 3 points"}

"""BD-rates over images: image by image, of mean curves, and intervals that cover what they claim."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from bench.errors import ConfigError
from bench.rd import ImageCurves, bd_rate, common_images, exact_images, mean_curve, paired_bd_rate
from tests.rd.curves import images


def log_rates(anchor: ImageCurves, test: ImageCurves) -> np.ndarray:
    """The difference in log10 of the rate of each image, by the plain function."""
    values = [bd_rate(anchor.curve(row), test.curve(row)).value for row in range(len(anchor.images))]
    return np.array([math.nan if value is None else math.log10(1 + value / 100) for value in values])


def percent(log_rate: float) -> float:
    """A change of rate."""
    return 100 * (10**log_rate - 1)


def unlike(label: str, count: int) -> ImageCurves:
    """Curves whose shape differs between images, so that quality and rate of one image belong together."""
    made = images(label, count=count, spread=0.3)
    return replace(made, quality=made.quality + np.linspace(0, 1, 8) * np.arange(count)[:, None] / count)


def test_image_by_image_is_the_mean_in_log_rate() -> None:
    """Value, median and wins are those of the images' own BD-rates; the mean curves' stands beside."""
    a, b = images(), images("b", spread=0.2)
    gaps = log_rates(a, b)
    result = paired_bd_rate(a, b)
    its = result.per_image
    assert its.value == pytest.approx(percent(gaps.mean()))
    assert its.median == pytest.approx(percent(float(np.median(gaps))))
    assert (its.wins, its.n, its.n_images) == (int((gaps < 0).sum()), 24, 24)
    assert its.overlap == pytest.approx(np.mean([each.overlap for each in result.images]))
    assert result.mean_curve == bd_rate(mean_curve(a), mean_curve(b))


def test_exchanging_the_codecs_inverts_the_rate() -> None:
    """A saving of one codec is the other's loss, by image as well."""
    a, b = images(), images("b", spread=0.2)
    there, back = paired_bd_rate(a, b).per_image, paired_bd_rate(b, a).per_image
    assert there.value is not None
    assert back.value is not None
    assert (1 + there.value / 100) * (1 + back.value / 100) == pytest.approx(1)
    assert there.wins + back.wins == 24


def test_allocation_of_bits_does_not_count_by_image() -> None:
    """The same coding at other settings for each image changes the mean curve's BD-rate alone."""
    s = np.linspace(0, 1, 21)
    hardness = np.random.default_rng(0).uniform(0.2, 5, (24, 1))
    rate, quality = hardness * 0.1 * np.exp(3.2 * s), np.broadcast_to(26 + 15 * s, (24, 21)).copy()
    names = tuple(map(str, range(24)))
    even = ImageCurves("equal quality", "psnr_rgb", names, rate, quality)
    # the same curves read at equal rates: easy images reach a high quality, hard ones a low one
    rates = np.broadcast_to(np.geomspace(0.5, 2, 8), (24, 8)).copy()
    at = np.log(rates / (0.1 * hardness)) / 3.2
    fixed = ImageCurves("equal rate", "psnr_rgb", names, rates, 26 + 15 * at)
    result = paired_bd_rate(even, fixed)
    assert result.per_image.value == pytest.approx(0.0, abs=0.1)
    assert result.mean_curve.value is not None
    assert result.mean_curve.value < -10


def test_the_interval_by_image_is_students() -> None:
    """Estimate ± t·SE·√(n/(n − 1)) in log-rate, turned into percent."""
    a, b = images(count=7), images("b", count=7, spread=0.3)
    gaps = log_rates(a, b)
    reach = student.ppf(0.975, 5) * gaps.std(ddof=1) / math.sqrt(7) * math.sqrt(7 / 6)
    expected = (percent(gaps.mean() - reach), percent(gaps.mean() + reach))
    assert paired_bd_rate(a, b).per_image.ci95 == pytest.approx(expected)


def test_the_interval_of_mean_curves_is_the_jackknifes() -> None:
    """It comes from the BD-rates without each image in turn, computed one by one with the plain functions."""
    a, b = images(count=6), unlike("b", 6)

    def value(rows: list[int]) -> float:
        kept = [
            ImageCurves(c.label, c.metric, tuple(map(str, rows)), c.rate[rows], c.quality[rows])
            for c in (a, b)
        ]
        result = bd_rate(mean_curve(kept[0]), mean_curve(kept[1])).value
        assert result is not None
        return math.log10(1 + result / 100)

    whole = value(list(range(6)))
    without = np.array([value([row for row in range(6) if row != left]) for left in range(6)])
    error = math.sqrt(5 / 6 * ((without - without.mean()) ** 2).sum())
    reach = student.ppf(0.975, 2.5) * error * math.sqrt(6 / 5)
    assert paired_bd_rate(a, b).ci95 == pytest.approx((percent(whole - reach), percent(whole + reach)))


@pytest.mark.parametrize("count", [5, 24])
def test_intervals_cover_at_least_93_percent(count: int) -> None:
    """Over many synthetic data sets both intervals hold the truth as often as they say, of few images too."""
    hits, total = np.zeros(2), 300
    population = images(count=1000), unlike("b", 1000)
    whole = paired_bd_rate(*population)
    truths = (whole.per_image.value, whole.mean_curve.value)
    rng = np.random.default_rng(1)
    for _ in range(total):
        rows = rng.integers(0, 1000, count)
        names = tuple(map(str, range(count)))
        drawn = [replace(c, images=names, rate=c.rate[rows], quality=c.quality[rows]) for c in population]
        result = paired_bd_rate(drawn[0], drawn[1])
        for place, (interval, truth) in enumerate(
            zip((result.per_image.ci95, result.ci95), truths, strict=True)
        ):
            assert interval is not None
            assert truth is not None
            hits[place] += interval[0] <= truth <= interval[1]
    assert (hits / total >= 0.93).all()


def test_a_constant_offset_has_no_width() -> None:
    """Pairing cancels how hard each image is: the same saving everywhere gives a point, not a range."""
    a = images()
    result = paired_bd_rate(a, replace(a, label="b", rate=a.rate * 0.8))
    assert result.ci95 == pytest.approx((-20.0, -20.0), abs=1e-9)
    assert result.per_image.ci95 == pytest.approx((-20.0, -20.0), abs=1e-9)


def test_images_without_a_value_are_counted_and_named() -> None:
    """A folded curve and one that shares no quality leave an image out, by its reason, and the rest stand."""
    a, b = images(), images("b", spread=0.1)
    quality = b.quality.copy()
    quality[0, 4] = quality[0, 3] - 0.01
    quality[5] += 100
    result = paired_bd_rate(a, replace(b, quality=quality)).per_image
    assert result.missing == {"non-monotone": ("000.png",), "no overlap": ("005.png",)}
    assert result.n == 22
    gaps = log_rates(a, replace(b, quality=quality))
    assert result.value == pytest.approx(percent(float(np.nanmean(gaps))))
    assert "no overlap on 1 of 24 images (005.png)" in result.warnings
    assert 20 / 23 < result.overlap < 23 / 23, "no overlap counts as 0, a fold not at all"


def test_no_overlap_anywhere_says_so() -> None:
    """Without a single image in common range there is no value, and the reason is given."""
    a, b = images(), images("b")
    result = paired_bd_rate(a, replace(b, quality=b.quality + 100)).per_image
    assert (result.value, result.ci95, result.median) == (None, None, None)
    assert (result.reason, result.overlap, result.partial) == ("no overlap", 0.0, False)


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_than_four_images_have_no_interval(count: int) -> None:
    """So few images say nothing about others; the values themselves stand."""
    result = paired_bd_rate(images(count=count), images("b", count=count, spread=0.1))
    assert result.mean_curve.value is not None
    assert result.per_image.value is not None
    assert (result.ci95, result.per_image.ci95) == (None, None)


def test_one_image_has_one_bd_rate() -> None:
    """By image and of the mean curve are then the same."""
    result = paired_bd_rate(images(count=1), images("b", count=1, spread=0.1))
    assert result.per_image.value == pytest.approx(result.mean_curve.value)


def test_an_exact_point_drops_out_of_the_jackknife() -> None:
    """One image reproduced exactly at the top quality gives the interval without that point."""
    a, b = images(), images("b", spread=0.2)
    quality = b.quality.copy()
    quality[3, -1] = np.inf
    exact = replace(b, quality=quality)
    short = replace(b, rate=b.rate[:, :-1], quality=b.quality[:, :-1])
    assert paired_bd_rate(a, exact).ci95 == pytest.approx(paired_bd_rate(a, short).ci95)


def test_a_result_that_hangs_on_one_image_has_no_interval() -> None:
    """Where the mean curve folds without some image, nothing can be said of how far it would move."""
    b = images("b", count=5)
    quality = b.quality.copy()
    quality[:, 4] = quality[:, 3] - 1
    quality[0, 4] = quality[0, 3] + 6
    result = paired_bd_rate(images(count=5), replace(b, quality=quality))
    assert result.mean_curve.value is not None
    assert result.ci95 is None


def test_pixels_weigh_images_by_size() -> None:
    """By pixels the mean rate is all bits over all pixels, and an image of no weight changes nothing."""
    a, b = images(count=5), images("b", count=5, spread=0.3)
    pixels = np.array([1e5, 2e5, 4e5, 1e6, 3e6])
    weighted = [replace(each, pixels=pixels) for each in (a, b)]
    mean = mean_curve(weighted[0], "pixels")
    assert mean.rate == pytest.approx((a.rate * pixels[:, None]).sum(axis=0) / pixels.sum())
    result = paired_bd_rate(weighted[0], weighted[1], average="pixels")
    assert result.mean_curve.value == bd_rate(mean, mean_curve(weighted[1], "pixels")).value
    assert result.per_image == paired_bd_rate(a, b).per_image
    same = [replace(each, pixels=np.full(5, 7.0)) for each in (a, b)]
    assert paired_bd_rate(same[0], same[1], average="pixels").ci95 == pytest.approx(paired_bd_rate(a, b).ci95)
    with pytest.raises(ConfigError, match="sizes are not known"):
        mean_curve(a, "pixels")


@pytest.mark.parametrize("method", ["akima", "cubic"])
def test_other_interpolations(method: str) -> None:
    """Both BD-rates are those of the chosen method."""
    a, b = images(), unlike("b", 24)
    result = paired_bd_rate(a, b, method)  # type: ignore[arg-type]  # a literal
    assert result.mean_curve == bd_rate(mean_curve(a), mean_curve(b), method)  # type: ignore[arg-type]
    assert result.ci95 is not None
    assert result.per_image.value != paired_bd_rate(a, b).per_image.value


def test_lower_is_better_gives_the_same_bd_rate() -> None:
    """A metric turned around has the same curves, intervals included."""
    a, b = images(), unlike("b", 24)
    turned = [replace(each, metric="lpips", quality=-each.quality, higher_is_better=False) for each in (a, b)]
    there, here = paired_bd_rate(a, b), paired_bd_rate(turned[0], turned[1])
    assert (here.per_image.value, here.ci95) == (
        pytest.approx(there.per_image.value),
        pytest.approx(there.ci95),
    )


def test_different_images_are_refused() -> None:
    """Pairing needs the same images in both."""
    with pytest.raises(ValueError, match="common_images"):
        paired_bd_rate(images(count=5), images(count=6))


def test_a_flat_image_is_left_out_for_all() -> None:
    """An image that one codec reproduces exactly at nearly every point has no curve; others keep theirs."""
    a, b = images(count=5), images("b", count=5, spread=0.2)
    quality = b.quality.copy()
    quality[2, 2:] = np.inf
    flat = replace(b, quality=quality)
    assert exact_images([a, flat]) == {"002.png"}
    assert common_images([a, flat]) == ("000.png", "001.png", "003.png", "004.png")
    everywhere = replace(b, quality=np.full_like(quality, np.inf))
    assert exact_images([a, everywhere]) == frozenset(), "a codec that always is takes no images from others"

"""BD-rates over several metrics and over several data sets."""

from __future__ import annotations

import numpy as np
import pytest

from bench.rd import ImagesBd, interval_of_mean, mean_over_sets
from bench.rd.bd import percent
from bench.rd.images import of_gaps
from bench.rd.several import images_of_metrics, over_datasets, over_metrics

NAMES = ("a", "b", "c", "d", "e")
ONE = np.array([-0.10, -0.20, -0.05, -0.30, -0.12])
OTHER = np.array([-0.30, 0.10, -0.25, -0.10, -0.02])


def bd(gaps: np.ndarray, overlap: float = 0.9, **missing: tuple[str, ...]) -> ImagesBd:
    return of_gaps(gaps, overlap, missing, overlap)


def mean(compared: dict[str, ImagesBd], **images: tuple[str, ...]) -> ImagesBd:
    """The mean where the images of a metric are ``NAMES`` unless they are given."""
    return over_metrics(compared, images_of_metrics({it: images.get(it, NAMES) for it in compared}))


def test_each_image_counts_once_with_the_mean_of_its_metrics() -> None:
    """Value and interval are those of the images' means: metrics that disagree widen no interval."""
    found = mean({"one": bd(ONE), "other": bd(OTHER)})
    by_hand = (ONE + OTHER) / 2
    assert found.value == pytest.approx(percent(float(by_hand.mean())))
    assert found.ci95 == pytest.approx(tuple(map(percent, interval_of_mean(by_hand) or ())))
    assert (found.wins, found.n, found.n_images) == (5, 5, 5)
    mirrored = mean({"one": bd(ONE), "other": bd(-0.3 - ONE)})
    assert mirrored.ci95 == pytest.approx((percent(-0.15), percent(-0.15)))


def test_an_image_that_lacks_one_metric_is_in_no_mean() -> None:
    """It is left out with the metric's reason, and counts among the images that were compared."""
    holed = OTHER.copy()
    holed[1] = np.nan
    shuffled = holed[[4, 3, 2, 1]]
    other = bd(shuffled, **{"no overlap": ("b",)})
    found = mean({"one": bd(ONE), "other": other}, other=("e", "d", "c", "b"))
    kept = [2, 3, 4]
    assert found.value == pytest.approx(percent(float((ONE[kept] + OTHER[kept]).mean() / 2)))
    assert (found.n, found.n_images, found.ci95) == (3, 5, None)
    assert found.warnings == (
        "other: no overlap on 1 of 5 images (b)",
        "other: not compared on 1 of 5 images (a)",
    )
    few = {"other": bd(OTHER[:2]), "one": bd(ONE)}
    assert mean(few, other=("a", "b")).partial
    assert not mean(few | {"other": bd(OTHER[:3])}, other=("a", "b", "c")).partial


def test_a_mean_ranks_where_each_metric_does() -> None:
    """Its overlap is the smallest; under half of the range in one metric makes the mean partial too."""
    wide, narrow = bd(ONE), bd(OTHER, overlap=0.4)
    assert not mean({"one": wide, "other": wide}).partial
    found = mean({"one": wide, "other": narrow})
    assert found.overlap == 0.4
    assert found.partial
    nothing = bd(np.full(5, np.nan), **{"non-monotone": NAMES})
    assert mean({"one": wide, "bad": nothing}).reason == "bad: non-monotone"


def test_over_data_sets_every_set_counts_the_same() -> None:
    """The mean is that over sets, in log-rate, and there is none where a set has no BD-rate."""
    holed = np.append(OTHER, np.nan)
    value, interval = mean_over_sets([ONE, OTHER])
    found = over_datasets([bd(ONE), bd(holed)])
    assert found is not None
    assert found[0] == pytest.approx(percent(value))
    assert found[1] == pytest.approx(tuple(map(percent, interval or ())))
    assert over_datasets([bd(ONE), bd(np.full(4, np.nan))]) is None

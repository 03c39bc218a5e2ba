"""Places in a ranking: shared where the data can't tell codecs apart, last where there is no value."""

from __future__ import annotations

from dataclasses import replace

from bench.rd import Comparisons, ImageCurves, standings
from tests.rd.curves import images


def places(curves: dict[str, ImageCurves], anchor: str) -> list[tuple[str, str]]:
    """Place and label, in order."""
    comparisons = Comparisons(curves)
    found = standings(anchor, comparisons.against(anchor), comparisons.pairs())
    return [(str(its), its.label) for its in found]


def scaled(label: str, factor: float, spread: float = 0.0, seed: int = 0, count: int = 24) -> ImageCurves:
    """Curves with ``factor`` times the rate, on average."""
    made = images(label, spread=spread, seed=seed, count=count)
    return replace(made, rate=made.rate * factor)


def test_codecs_that_the_interval_does_not_tell_apart_share_places() -> None:
    """Two that differ by less than their spread over images stand on 1–2, others on places of their own."""
    curves = {
        "anchor": images("anchor"),
        "good": scaled("good", 0.7, 0.1, seed=1),
        "as good": scaled("as good", 0.7, 0.1, seed=2),
        "fair": scaled("fair", 0.9),
    }
    found = places(curves, "anchor")
    assert {label for place, label in found if place == "1–2"} == {"good", "as good"}
    assert found[2:] == [("3", "fair"), ("4", "anchor")]


def test_no_overlap_stands_below_little_overlap() -> None:
    """Below those that are ranked: little overlap, by value, then none at all."""
    curves = {
        "anchor": images("anchor"),
        "elsewhere": replace(images("elsewhere"), quality=images().quality + 100),
        "narrow": replace(images("narrow"), rate=0.5 * images().rate[:, :4], quality=images().quality[:, :4]),
        "good": scaled("good", 0.7),
    }
    assert places(curves, "anchor") == [("1", "good"), ("2", "anchor"), ("–", "narrow"), ("–", "elsewhere")]


def test_equal_codecs_share_a_place_however_few_images() -> None:
    """The same curves twice are no first and second, also where there are too few images for an interval."""
    same = {label: images(label, count=2) for label in ("anchor", "same", "again")}
    assert {place for place, _ in places(same, "anchor")} == {"1–3"}


def test_a_bd_rate_of_few_of_the_images_ranks_nobody() -> None:
    """A codec whose curve folds on most images is not distinguished from others, and has no place."""
    folded = images("folded", spread=0.1)
    quality = folded.quality.copy()
    quality[:20, 4] = quality[:20, 3] - 1
    curves = {"anchor": images("anchor"), "folded": replace(folded, quality=quality, rate=folded.rate * 0.7)}
    assert places(curves, "anchor") == [("1", "anchor"), ("–", "folded")]


def test_few_images_are_ranked_as_they_are() -> None:
    """Without an interval the order is that of these images."""
    curves = {"anchor": images("anchor", count=2), "good": scaled("good", 0.99, count=2)}
    assert places(curves, "anchor") == [("1", "good"), ("2", "anchor")]

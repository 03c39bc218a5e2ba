"""What the entries of a board come to on each data set, and over all of them.

Everybody is compared with the anchor on the images that both have finished, so that nobody's BD-rate depends
on who else takes part. Places are for the newest version of each entry (and for the anchor), and only for who
has finished every image that the anchor has: an entry that lacks some takes none from the others. Who covers
less than half of the anchor's range of quality has none either, and so has who was contradicted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.boards.anchor import named_anchors
from bench.boards.board import Board, BoardEntry
from bench.boards.rows import BoardRow, rows_of
from bench.boards.verified import CONTRADICTED_STATE, state_of
from bench.errors import ConfigError
from bench.rd import (
    MIN_FINISHED,
    RANKED_OVERLAP,
    Comparisons,
    Curve,
    DetailedBd,
    ImageCurves,
    Interval,
    Standing,
    common_images,
    finished_enough,
    image_curves_by_metric,
    mean_curve,
    mean_over_sets,
    paired_bd_rate,
    standings,
)
from bench.rd.bd import percent
from bench.rd.curve import Array
from bench.report.analysis import choose_anchor, lossless_rates
from bench.report.entries import Entry, entries_of
from bench.report.measures import Measure, measure_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class MetricResults:
    """What one metric says on one data set, by the keys of rows."""

    measure: Measure
    images: int
    """How many are behind the places."""
    curves: Mapping[str, Curve]
    bd: Mapping[str, DetailedBd]
    """Against the anchor; of itself there is none."""
    standings: Mapping[str, Standing]
    """Of those that take part in the ranking."""
    unranked: Mapping[str, str]
    """Why the other ones with lossy results have no place."""


@dataclass(frozen=True, eq=False)
class SetResults:
    """One data set."""

    dataset: str
    frame: pd.DataFrame
    """The trials; ``label`` has the keys of rows, ``run`` the slugs of entries."""
    entries: Mapping[str, Entry]
    """Facts of each row that has trials here."""
    anchor: str | None
    images: int
    metrics: tuple[MetricResults, ...]
    lossless_bpp: Mapping[str, float]
    raw_bpp: float
    """Bits of a raw pixel."""

    def range_of_rates(self, key: str) -> tuple[float, float] | None:
        """The lowest and the highest rate of a row's mean curve, in bits per pixel; None where it has none.

        Parameters
        ----------
        key : of the row
        """
        rates = next((it.curves[key].rate for it in self.metrics if key in it.curves), None)
        return None if rates is None else (min(rates), max(rates))


@dataclass(frozen=True)
class OverallResult:
    """A row over all data sets, in one metric."""

    sets: int
    """On how many it is ranked."""
    bd: float | None
    """Mean over these, percent: of log-rates, as a change of rate; None on none."""
    ci95: Interval | None
    rank: float | None
    """Mean place; None unless it is ranked on every set."""
    best: float | None
    """Mean of the best and of the worst places that the intervals leave open."""
    worst: float | None
    unranked: str = ""
    """Why it has no place on some of the sets."""


@dataclass(frozen=True, eq=False)
class BoardResults:
    """Everything that the tables of a board show."""

    rows: tuple[BoardRow, ...]
    sets: tuple[SetResults, ...]
    overall: Mapping[str, Mapping[str, OverallResult]]
    """By metric and key."""


def board_results(board: Board) -> BoardResults:
    """Compare all entries.

    Raises
    ------
    ConfigError
        Entries hold different pictures of one name, or the anchor that the board names is in none, or in
        several.
    """
    rows = rows_of(board.entries)
    keys = {(it.entry, it.label): it.key for it in rows}
    _require_same_pictures(board.entries)
    frame = _frame(board.entries, keys)
    measures = _measures(board)
    infos = {it.slug: it.info for it in board.entries}
    of_board = _Rows(
        newest={it.key for it in rows if board.entries[it.entry].current},
        contradicted={
            it.key for it in rows if state_of(board.entries[it.entry], it.label) == CONTRADICTED_STATE
        },
        anchors=None if board.file.anchor is None else named_anchors(board, rows),
    )
    names = board.file.datasets or tuple(map(str, frame["dataset"].unique()))
    sets = []
    for name in names:
        of_set = frame[frame["dataset"].astype(str) == name].reset_index(drop=True)
        if len(of_set):
            found = {it.label: it for it in entries_of(of_set, infos)}
            sets.append(_of_set(name, of_set, found, measures, of_board))
    overall = {it.name: _overall(it.name, sets) for it in measures}
    return BoardResults(rows, tuple(sets), overall)


def _require_same_pictures(entries: Sequence[BoardEntry]) -> None:
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for entry in entries:
        for image in entry.info.images:
            sha256, slug = seen.setdefault((image.dataset, image.name), (image.sha256, entry.slug))
            if sha256 != image.sha256:
                raise ConfigError(
                    f"{slug} and {entry.slug} hold different pictures called {image.name} in {image.dataset};"
                    " a board is of the same data sets"
                )


def _frame(entries: Sequence[BoardEntry], keys: Mapping[tuple[int, str], str]) -> pd.DataFrame:
    import pandas as pd

    frames = []
    for index, entry in enumerate(entries):
        frame = entry.frame.copy(deep=False)
        labels = frame["label"].astype(str)
        frame["label"] = labels.map({label: keys[index, label] for label in labels.unique()})
        frame["run"] = entry.slug
        frames.append(frame)
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    for name in ("label", "run", "dataset", "image"):
        frame[name] = frame[name].astype("category")
    return frame


def _measures(board: Board) -> tuple[Measure, ...]:
    """The board's metrics that an entry has and that can rank; where there is none, the first that can."""
    plans = {it.name: it for entry in reversed(board.entries) for it in entry.info.metrics}
    usable = {name: measure_of(it) for name, it in plans.items() if it.ideal is None}
    chosen = [usable[name] for name in board.file.metrics if name in usable]
    return tuple(chosen or list(usable.values())[:1])


@dataclass(frozen=True)
class _Rows:
    """What is known of the board's rows by their keys."""

    newest: Set[str]
    """Of entries of which there is no later version."""
    contradicted: Set[str]
    anchors: Sequence[str] | None
    """Those that ``board.yaml`` names, of which the first with results counts; None where it names none."""


def _of_set(
    name: str, frame: pd.DataFrame, entries: Mapping[str, Entry], measures: Sequence[Measure], rows: _Rows
) -> SetResults:
    curves = image_curves_by_metric(frame, [it.name for it in measures if it.name in frame], name)
    known = next((it for it in curves.values() if it), {})
    if rows.anchors is None:
        sound = rows.newest - rows.contradicted
        anchor = choose_anchor([it for key, it in entries.items() if key in sound], None, known)
    else:
        anchor = next((it for it in rows.anchors if it in known), None)
    lossy = [key for key, it in entries.items() if not it.lossless]
    metrics = tuple(
        _of_metric(it, {key: curves[it.name].get(key) for key in lossy}, anchor, rows)
        for it in measures
        if curves.get(it.name)
    )
    lossless = lossless_rates(frame)
    return SetResults(
        name,
        frame,
        entries,
        anchor,
        frame["image"].nunique(),
        metrics,
        {key: it["images"] for key, it in lossless.bpp.items()},
        lossless.raw["images"],
    )


def _of_metric(
    measure: Measure, lossy: Mapping[str, ImageCurves | None], anchor: str | None, rows: _Rows
) -> MetricResults:
    finished = {key: it for key, it in lossy.items() if it is not None and finished_enough(it)}
    if anchor is None or anchor not in finished:
        curves = {key: mean_curve(it.only(it.complete())) for key, it in finished.items()}
        return MetricResults(measure, 0, curves, {}, {}, dict.fromkeys(lossy, "there is no anchor here"))
    needed = set(finished[anchor].complete())
    taking_part = [key for key in finished if key == anchor or key in rows.newest - rows.contradicted]
    whole = [key for key in taking_part if needed <= set(finished[key].complete())]
    images = tuple(it for it in common_images([finished[key] for key in whole]) if it in needed)
    ranked = {key: finished[key].only(images) for key in whole} if images else {}
    bd: dict[str, DetailedBd] = {}
    places: dict[str, Standing] = {}
    if ranked:
        comparisons = Comparisons(ranked)
        bd = comparisons.against(anchor)
        partial = {key for key, it in bd.items() if too_little(it)}
        pairs = comparisons.pairs(intervals_of_means=False)
        places = {it.label: it for it in standings(anchor, bd, pairs, partial)}
    curves = {key: mean_curve(it) for key, it in ranked.items()}
    for key in finished.keys() - ranked.keys():
        both = common_images([finished[anchor], finished[key]])
        if both:
            theirs = finished[key].only(both)
            bd[key] = paired_bd_rate(finished[anchor].only(both), theirs)
            curves[key] = mean_curve(theirs)
    places = {key: it for key, it in places.items() if key not in rows.contradicted}
    unranked = {
        key: _why_unranked(key, rows, lossy[key], finished[anchor], bd.get(key))
        for key in lossy
        if key not in places or not places[key].ranked
    }
    return MetricResults(measure, len(images), curves, bd, places, unranked)


def too_little(bd: DetailedBd) -> str:
    """Why a BD-rate gives no place: it says nothing about half of the anchor's range, or of the images.

    Parameters
    ----------
    bd : against the board's anchor; nothing is said of one without a value
    """
    its = bd.per_image
    if its.value is None:
        return ""
    if its.coverage is not None and its.coverage < RANKED_OVERLAP:
        share = f"{its.coverage:.0%}"
        just = "just under " if share == f"{RANKED_OVERLAP:.0%}" else ""
        return f"covers {just}{share} of the anchor's range of quality, and {RANKED_OVERLAP:.0%} are needed"
    if its.n < MIN_FINISHED * its.n_images:
        return f"has a BD-rate on {its.n} of {its.n_images} images"
    return ""


def _why_unranked(
    key: str, rows: _Rows, its: ImageCurves | None, anchor: ImageCurves, bd: DetailedBd | None
) -> str:
    if key in rows.contradicted:
        return "contradicted by verification"
    if key not in rows.newest:
        return "an older version"
    if its is None:
        return "has no values"
    needed = anchor.complete()
    lacking = len(set(needed) - set(its.complete()))
    if lacking:
        return f"lacks {lacking} of the anchor's {len(needed)} images"
    if bd is None:
        return "has no image in common with the anchor"
    return too_little(bd) or f"has no BD-rate: {bd.per_image.reason}"


def _overall(metric: str, sets: Sequence[SetResults]) -> dict[str, OverallResult]:
    """Mean places and BD-rates over the data sets on which the metric ranks anybody."""
    ranking = [
        (of_set, it) for of_set in sets for it in of_set.metrics if it.measure.name == metric and it.standings
    ]
    lossy = [key for of in sets for key, it in of.entries.items() if not it.lossless]
    results = {}
    for key in dict.fromkeys(lossy):
        gaps, places = [], []
        for of_set, it in ranking:
            standing = it.standings.get(key)
            values = _log_rates(it.bd.get(key), is_anchor=key == of_set.anchor, images=it.images)
            if standing is not None and standing.ranked and len(values):
                gaps.append(values)
                places.append(standing)
        mean, interval = mean_over_sets(gaps) if gaps else (None, None)
        everywhere = bool(places) and len(places) == len(ranking)
        order = [_place(key, it) for _, it in ranking] if everywhere else []
        results[key] = OverallResult(
            len(places),
            None if mean is None else percent(mean),
            None if interval is None else (percent(interval[0]), percent(interval[1])),
            _mean(order) if everywhere else None,
            _mean(it.best for it in places) if everywhere else None,
            _mean(it.worst for it in places) if everywhere else None,
            _unranked_on(key, metric, sets),
        )
    return results


def _unranked_on(key: str, metric: str, sets: Sequence[SetResults]) -> str:
    """By data set why a row has no place there."""
    why = {of.dataset: it.unranked.get(key) for of in sets for it in of.metrics if it.measure.name == metric}
    absent = [of.dataset for of in sets if key not in of.entries]
    reasons = [f"{name}: {text}" for name, text in why.items() if text and name not in absent]
    return "; ".join([*reasons, *(f"{name}: no results" for name in absent)])


def _mean(places: Iterable[int | None]) -> float:
    return float(np.mean([it for it in places if it is not None]))


def _place(key: str, of: MetricResults) -> int:
    """The place by BD-rate alone."""
    return 1 + [it for it, its in of.standings.items() if its.ranked].index(key)


def _log_rates(bd: DetailedBd | None, *, is_anchor: bool, images: int) -> Array:
    """The difference in log10 of the rate of each image."""
    values = [] if bd is None else [it.value for it in bd.images if it.value is not None]
    changes = np.zeros(images) if is_anchor else np.array(values, float)
    logs: Array = np.log10(1.0 + changes / 100.0)
    return logs

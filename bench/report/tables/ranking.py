"""The leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.rd import MIN_FINISHED, MIN_IMAGES, RANKED_OVERLAP, ImagesBd, Standing
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.mean_bd import MeanBd
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import (
    best_speed,
    comparison_notes,
    machine_cells,
    machine_columns,
    machine_notes,
    mean_note,
    timing_note,
)
from bench.tables.table import Column, Value


class RankingTable(ReportTable):
    """Lossy configurations by BD-rate image by image.

    Places follow :func:`bench.rd.standings` in the leading headline metric.
    """

    name = "ranking"
    chapter = Chapter.RANKING

    def title(self, data: ReportData) -> str:
        compared = "no BD-rates" if data.anchor is None else f"BD-rate against {data.anchor}"
        return f"Ranking on {data.dataset}, {compared}"

    def columns(self, data: ReportData) -> Iterator[Column]:
        yield from (Column("rank", "#"), Column("label", "codec"), Column("n_ok", "ok"))
        yield from (Column("bpp_min", "from bpp", 3), Column("bpp_max", "to bpp", 3))
        for metric in map(data.measure, data.headline):
            name = metric.name
            yield Column(f"bd_rate_per_image_{name}", f"BD-rate {metric.title} %", 1, "low", signed=True)
            yield Column(f"ci95_per_image_{name}", "95% interval")
            yield Column(f"wins_{name}", "wins")
            yield Column(f"overlap_per_image_{name}", "overlap %", 0)
            yield Column(f"bd_rate_{name}", "mean curve %", 1, signed=True)
        if data.mean_bd is not None:
            yield Column("mean_bd_rate", f"BD-rate {data.mean_bd.title} %", 1, "low", signed=True)
            yield Column("ci95_mean_bd_rate", "95% interval")
            yield Column("overlap_mean_bd_rate", "overlap %", 0)
        best = best_speed(data.lossy)
        yield from (Column("encode_mps", "enc MP/s", 2, best), Column("decode_mps", "dec MP/s", 2, best))
        yield Column("timing", "timed")
        yield from machine_columns(data.lossy)

    def rows(self, data: ReportData) -> Iterator[Row]:
        entries = {it.label: it for it in data.lossy}
        for standing in data.ranking:
            entry = entries[standing.label]
            cells: list[Value] = [str(standing), entry.label, f"{entry.n_ok}/{entry.n_planned}"]
            cells += data.rate_range(entry.label) or (None, None)
            for metric in data.headline:
                cells += _bd_cells(data, metric, entry.label)
            if data.mean_bd is not None:
                cells += _mean_cells(data, data.mean_bd, entry.label)
            cells += (entry.encode_mps, entry.decode_mps, entry.timing)
            yield (*cells, *machine_cells(entry, data.lossy))

    def notes(self, data: ReportData) -> Iterator[str]:
        images = len(data.images[data.headline[0]]) if data.headline else 0
        order = data.standings.get(data.headline[0], ()) if data.headline else ()
        yield from comparison_notes(data, data.headline)
        yield from _rank_notes(order, images)
        if data.mean_bd is not None:
            yield mean_note(data, data.mean_bd) + _partial_note(data, data.mean_bd)
        yield timing_note(data.lossy)
        yield from machine_notes(data.lossy)

    def unranked(self, data: ReportData) -> frozenset[int]:
        return frozenset(row for row, it in enumerate(data.ranking) if not it.ranked)

    def unranked_cells(self, data: ReportData) -> frozenset[tuple[int, int]]:
        mean = data.mean_bd
        if mean is None:
            return frozenset()
        index = [it.key for it in self.columns(data)].index("mean_bd_rate")
        found = ((row, mean.against(data.anchor, it.label)) for row, it in enumerate(data.ranking))
        return frozenset((row, index) for row, bd in found if bd is not None and bd.partial)


def _partial_note(data: ReportData, mean: MeanBd) -> str:
    found = {it.label: mean.against(data.anchor, it.label) for it in data.ranking}
    partial = [label for label, bd in found.items() if bd is not None and bd.partial]
    where = f" Below {RANKED_OVERLAP:.0%}, or of under {MIN_FINISHED:.0%} of the images"
    return f"{where}: {', '.join(partial)}." if partial else ""


def _rank_notes(order: Sequence[Standing], images: int) -> Iterator[str]:
    note = "overlap: share of the range of quality of both curves that they share, mean over images."
    below = [it.label for it in order if not it.ranked]
    if below:
        note += (
            f" Below {RANKED_OVERLAP:.0%}, of under {MIN_FINISHED:.0%} of the images, or without a value, not"
            f" ranked: {', '.join(below)}."
        )
    yield note
    if any(it.best != it.worst for it in order):
        yield (
            "#: places are shared (1–2) unless the 95% interval of the direct comparison agrees with the"
            " order."
        )
    if 0 < images < MIN_IMAGES:
        yield "#: too few images to tell places apart; the order is that of these images alone."


def _bd_cells(data: ReportData, metric: str, label: str) -> tuple[Value, Value, Value, Value, Value]:
    """BD-rate by image, its interval in words, wins, overlap in percent, and BD-rate of the mean curves."""
    if label == data.anchor and metric in data.bd:
        return 0.0, "anchor", None, None, 0.0
    bd = data.bd.get(metric, {}).get(label)
    if bd is None:
        return None, "", None, None, None
    its = bd.per_image
    value, words, overlap = _by_image(its)
    return value, words, None if value is None else f"{its.wins}/{its.n}", overlap, bd.mean_curve.value


def _mean_cells(data: ReportData, mean: MeanBd, label: str) -> tuple[Value, Value, Value]:
    """The mean over several metrics, its interval in words, and the smallest overlap in percent."""
    if label == data.anchor and label not in mean.lacking:
        return 0.0, "anchor", None
    found = mean.against(data.anchor, label)
    if found is None:
        why = mean.why_not(data.anchor, label)
        return None, f"n/a ({why})" if why else "", None
    return _by_image(found)


def _by_image(its: ImagesBd) -> tuple[Value, Value, Value]:
    """BD-rate, its interval in words or why there is no value, and the overlap in percent."""
    overlap = None if its.overlap is None else 100 * its.overlap
    if its.value is None:
        return None, f"n/a ({its.reason})", overlap
    words = "" if its.ci95 is None else f"{its.ci95[0]:+.1f} to {its.ci95[1]:+.1f}".replace("-", "−")
    return its.value, words, overlap

"""A comparison as papers print it: methods × metrics, with several data sets methods × (data set, metric)."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.comparing.comparison import NO_NAMES, BdRow
from bench.comparing.text import divided_texts
from bench.errors import ConfigError
from bench.rd import MIN_IMAGES, Interval
from bench.rd.bd import with_rounded_overlap
from bench.report.datasets import MEAN_NOTE, BdCell, with_means
from bench.report.measures import title_of
from bench.report.tables._notes import AVERAGED
from bench.tables.matrix import NO_INTERVALS, Intervals, MatrixCell, matrix
from bench.tables.table import Table


def bd_matrix(
    rows: Sequence[BdRow],
    *,
    metrics: Sequence[str] = (),
    mean_curve: bool = False,
    intervals: Intervals = NO_INTERVALS,
    names: Mapping[str, str] = NO_NAMES,
) -> Table:
    """BD-rates against one anchor, in percent.

    They are taken image by image, or of mean curves where that is wanted or where a curve is published: a
    table mixes no two kinds.

    Parameters
    ----------
    rows : of :func:`bench.comparing.comparison.compare`
    metrics : the order of columns; by default that of the rows
    mean_curve : whether BD-rates are those of mean curves
    names : what data sets and metrics are to be called

    Raises
    ------
    ConfigError
        ``names`` give two data sets one name.
    """
    _require_apart({it.dataset for it in rows}, names)
    averaged = mean_curve or any(it.per_image is None and it.n_images != 0 for it in rows)
    cells = []
    for row in rows:
        value, interval, partial, overlap = _numbers(row, averaged)
        cell = MatrixCell(
            method=row.label,
            group=names.get(row.dataset, row.dataset),
            key=row.metric,
            title=names.get(row.metric, title_of(row.metric)),
            value=value,
            interval=interval,
            remark="; ".join(with_rounded_overlap(filter(None, row.note.split("; ")), overlap)),
            competes=not partial,
        )
        cells.append(BdCell(cell, None if averaged else row.per_image))
    datasets = list(dict.fromkeys(it.cell.group for it in cells))
    every = with_means(cells, datasets)
    return matrix(
        every,
        name="bd_rate",
        title=_title(rows, datasets),
        keys=list(metrics) or list(dict.fromkeys(it.metric for it in rows)),
        notes=(
            *_notes(rows, averaged, intervals.shown),
            *([MEAN_NOTE] if len(every) > len(cells) else []),
            *divided_texts(rows),
        ),
        intervals=intervals,
    )


def _require_apart(datasets: Collection[str], names: Mapping[str, str]) -> None:
    for one, other in itertools.combinations(sorted(datasets), 2):
        if (name := names.get(one, one)) == names.get(other, other):
            raise ConfigError(f"{one!r} and {other!r} would both be called {name!r}")


def _title(rows: Sequence[BdRow], datasets: Iterable[str]) -> str:
    on = ", ".join(filter(None, datasets))
    anchors = ", ".join(dict.fromkeys(it.anchor.removesuffix(f" [{it.dataset}]") for it in rows))
    return f"BD-rate (%){' on ' if on else ''}{on} against {anchors}"


def _notes(rows: Sequence[BdRow], averaged: bool, with_intervals: bool) -> Iterator[str]:
    if not rows:
        return
    weighed = AVERAGED[rows[0].average]
    kind = f"of curves averaged over {weighed}" if averaged else "image by image, averaged in log-rate"
    counts = sorted({it.n_images for it in rows if it.n_images})
    images = (
        f", over {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} images" if counts else ""
    )
    yield f"BD-rate: bits at equal quality, negative = fewer, by {rows[0].method}, {kind}{images}."
    if with_intervals and any(it.ci95 for it in rows):
        yield "Intervals: 95%, over images."
    elif with_intervals:
        yield f"No intervals: they need {MIN_IMAGES} images."
    published = dict.fromkeys(it.label for it in rows if it.n_images is None)
    if published:
        yield f"Published curves, of which there are none of single images: {', '.join(published)}."


class _Numbers(NamedTuple):
    value: float | None
    interval: Interval | None
    partial: bool
    overlap: float | None


def _numbers(row: BdRow, averaged: bool) -> _Numbers:
    if averaged or row.per_image is None:
        return _Numbers(row.bd_rate, row.ci95, row.mean_curve.partial, row.overlap)
    its = row.per_image
    return _Numbers(its.value, its.ci95, its.partial, its.overlap)

"""BD-rates of all data sets as one table: codecs × (data set, metric)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from bench.rd import BdResult, DetailedBd, ImagesBd
from bench.rd.bd import with_rounded_overlap
from bench.report.data import ReportData
from bench.report.datasets import MEAN_NOTE, BdCell, with_means
from bench.report.mean_bd import MeanBd
from bench.report.tables._notes import comparison_notes, mean_note
from bench.tables.matrix import Intervals, MatrixCell, matrix
from bench.tables.table import Column, Table

_MEAN = "mean_bd_rate"
"""The key of the mean over several metrics."""


def bd_matrix(built: Sequence[ReportData], metrics: Collection[str] | None = None) -> Table:
    """The table, with a BD-rate image by image in each cell; of mean curves where they were published.

    The mean over several metrics is a column like a metric; data sets have a mean where all have one anchor.

    Parameters
    ----------
    built : at least one data set
    metrics : names; None for all of them
    """
    shown = _shown(built, metrics)
    notes = dict.fromkeys(note for data in built for note in comparison_notes(data, _of(data, shown)))
    notes |= dict.fromkeys(mean_note(data, it) for data in built if (it := data.mean_bd) is not None)
    cells = [cell for data in built for cell in _cells(data, shown)]
    every = [it.cell for it in cells]
    if len(anchors := _anchors(built)) == 1:
        every = with_means(cells, [it.dataset for it in built])
        notes |= dict.fromkeys([MEAN_NOTE] if len(every) > len(cells) else [])
    return matrix(
        every, name="bd_rate", title=_title(built, anchors), keys=[*shown, _MEAN], notes=list(notes)
    )


def dataset_tables(built: Sequence[ReportData], metrics: Collection[str]) -> Iterator[Table]:
    """A table of codecs × data sets for each of the ``metrics``, and for the mean of several."""
    shown = _shown(built, metrics)
    anchors, datasets = _anchors(built), [it.dataset for it in built]
    every = [cell for data in built for cell in _cells(data, shown)]
    for key in (*shown, _MEAN):
        its = [it for it in every if it.cell.key == key]
        if not its:
            continue
        cells = with_means(its, datasets) if len(anchors) == 1 else [it.cell for it in its]
        groups = list(dict.fromkeys(it.group for it in cells))
        of_several = (mean_note(it, it.mean_bd) for it in built if it.mean_bd is not None)
        notes = [MEAN_NOTE] if len(cells) > len(its) else []
        table = matrix(
            [replace(it, group="", key=it.group, title=it.group) for it in cells],
            name=f"datasets_{key}",
            title=f"{_title(built, anchors)}: {its[0].cell.title}",
            keys=groups,
            notes=[*notes, *(dict.fromkeys(of_several) if key == _MEAN else ())],
            intervals=Intervals(shown=True),
        )
        yield replace(table, columns=tuple(_narrow(it) for it in table.columns))


def _shown(built: Sequence[ReportData], metrics: Collection[str] | None) -> list[str]:
    """Of all metrics those asked for, the ranking's first."""
    known = dict.fromkeys(metric for data in built for metric in (*data.headline, *data.bd))
    return [it for it in known if metrics is None or it in metrics]


def _narrow(column: Column) -> Column:
    """Without its interval on the terminal."""
    return replace(column, in_terminal=not column.key.endswith("_ci95"))


def _anchors(built: Sequence[ReportData]) -> list[str]:
    return list(dict.fromkeys(it.anchor for it in built if it.anchor is not None))


def _title(built: Sequence[ReportData], anchors: Sequence[str]) -> str:
    datasets = ", ".join(it.dataset for it in built)
    return f"BD-rate (%) on {datasets} against {', '.join(anchors) or 'nothing'}"


def _of(data: ReportData, metrics: Sequence[str]) -> list[str]:
    return [it for it in data.bd if it in metrics]


def _cells(data: ReportData, metrics: Sequence[str]) -> Iterator[BdCell]:
    for label in dict.fromkeys(
        [*(it.label for it in data.ranking), *(it for its in data.published_bd.values() for it in its)]
    ):
        for metric in _of(data, metrics):
            found = data.bd[metric].get(label) or data.published_bd.get(metric, {}).get(label)
            if found is not None:
                yield _cell(data, label, metric, found)
        if data.mean_bd is not None and label != data.anchor and label in data.styles:
            yield from _mean_cell(data, data.mean_bd, label)


def _cell(data: ReportData, label: str, metric: str, found: DetailedBd | BdResult) -> BdCell:
    by_image = found.per_image if isinstance(found, DetailedBd) else None
    result: ImagesBd | BdResult = found.per_image if isinstance(found, DetailedBd) else found
    reason = [f"n/a ({result.reason})"] if result.reason else []
    of_curves = ["published: BD-rate of mean curves"] if by_image is None else []
    cell = MatrixCell(
        method=label,
        group=data.dataset,
        key=metric,
        title=data.measure(metric).title,
        value=result.value,
        interval=None if by_image is None else by_image.ci95,
        remark="; ".join([*reason, *of_curves, *with_rounded_overlap(result.warnings, result.overlap)]),
        competes=not result.partial,
    )
    return BdCell(cell, by_image)


def _mean_cell(data: ReportData, mean: MeanBd, label: str) -> Iterator[BdCell]:
    """The cell of the mean over several metrics; none for who has no comparison at all."""
    found, why = mean.against(data.anchor, label), mean.why_not(data.anchor, label)
    if found is None and not why:
        return
    warnings = () if found is None else with_rounded_overlap(found.warnings, found.overlap)
    cell = MatrixCell(
        method=label,
        group=data.dataset,
        key=_MEAN,
        title=mean.title,
        value=None if found is None else found.value,
        interval=None if found is None else found.ci95,
        remark="; ".join([*([f"n/a ({why})"] if why else []), *warnings]),
        competes=found is not None and not found.partial,
    )
    yield BdCell(cell, found)

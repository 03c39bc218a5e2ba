"""BD-rates of all data sets as one table for a paper: codecs × (data set, metric)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.rd import BdResult, DetailedBd
from bench.rd.bd import with_rounded_overlap
from bench.report.data import ReportData
from bench.report.tables._notes import comparison_notes
from bench.tables.matrix import MatrixCell, matrix
from bench.tables.table import Table


def bd_matrix(built: Sequence[ReportData]) -> Table:
    """The table, with a BD-rate image by image in each cell; of mean curves where they were published."""
    metrics = dict.fromkeys(metric for data in built for metric in (*data.headline, *data.bd))
    anchors = dict.fromkeys(data.anchor for data in built if data.anchor is not None)
    datasets = ", ".join(it.dataset for it in built)
    notes = dict.fromkeys(note for data in built for note in comparison_notes(data, data.bd))
    return matrix(
        [cell for data in built for cell in _cells(data)],
        name="bd_rate",
        title=f"BD-rate (%) on {datasets} against {', '.join(anchors) or 'nothing'}",
        keys=list(metrics),
        notes=list(notes),
    )


def _cells(data: ReportData) -> Iterator[MatrixCell]:
    for label in dict.fromkeys(
        [*(it.label for it in data.ranking), *(it for its in data.published_bd.values() for it in its)]
    ):
        for metric, measured in data.bd.items():
            found = measured.get(label) or data.published_bd.get(metric, {}).get(label)
            if found is not None:
                yield _cell(data, label, metric, found)


def _cell(data: ReportData, label: str, metric: str, found: DetailedBd | BdResult) -> MatrixCell:
    result = found.per_image if isinstance(found, DetailedBd) else found
    reason = [f"n/a ({result.reason})"] if result.reason else []
    of_curves = [] if isinstance(found, DetailedBd) else ["published: BD-rate of mean curves"]
    return MatrixCell(
        method=label,
        group=data.dataset,
        key=metric,
        title=data.measure(metric).title,
        value=result.value,
        interval=found.ci95 if isinstance(found, DetailedBd) else None,
        remark="; ".join([*reason, *of_curves, *with_rounded_overlap(result.warnings, result.overlap)]),
        competes=not result.partial,
    )

"""BD-rates in every metric, of measured and of published curves."""

from __future__ import annotations

from collections.abc import Iterator

from bench.rd import BdResult, DetailedBd
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import bd_title, comparison_notes
from bench.tables.table import Column

_COLUMNS = (
    Column("metric", "metric"),
    Column("label", "codec"),
    Column("provenance", "curve"),
    Column("bd_rate_per_image", "BD-rate %", 2, signed=True),
    Column("ci95_per_image_low", "95% from", 2, signed=True),
    Column("ci95_per_image_high", "to", 2, signed=True),
    Column("median_per_image", "median %", 2, signed=True),
    Column("wins", "wins"),
    Column("n_per_image", "of"),
    Column("n_images", "images"),
    Column("overlap_per_image", "mean overlap", 2),
    Column("bd_rate", "mean curve %", 2, signed=True),
    Column("ci95_low", "95% from", 2, signed=True),
    Column("ci95_high", "to", 2, signed=True),
    Column("overlap", "its overlap", 2),
    Column("remark", "remark"),
)


class BdRateTable(ReportTable):
    """Everything that is known of each comparison with the anchor."""

    name = "bd_rate"
    chapter = Chapter.COMPARISONS
    in_papers = False

    def title(self, data: ReportData) -> str:
        return bd_title(data)

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return _COLUMNS

    def rows(self, data: ReportData) -> Iterator[Row]:
        if data.anchor is None:
            return
        for metric, by_label in data.bd.items():
            for label, bd in by_label.items():
                yield (metric, label, "measured", *_measured(bd))
            for label, result in data.published_bd.get(metric, {}).items():
                yield (metric, label, "published", *_published(result))

    def notes(self, data: ReportData) -> tuple[str, ...]:
        return comparison_notes(data, data.bd)


def _measured(bd: DetailedBd) -> Row:
    its, averaged = bd.per_image, bd.mean_curve
    remarks = [f"n/a ({its.reason})" if its.reason else "", *its.warnings]
    remarks += [f"mean curve n/a ({averaged.reason})" if averaged.reason else "", *averaged.warnings]
    return (
        *(its.value, *(its.ci95 or (None, None)), its.median),
        *(its.wins, its.n, its.n_images, its.overlap),
        *(averaged.value, *(bd.ci95 or (None, None)), averaged.overlap),
        "; ".join(dict.fromkeys(filter(None, remarks))),
    )


def _published(result: BdResult) -> Row:
    """There are no images behind it."""
    remark = f"n/a ({result.reason})" if result.reason else "; ".join(result.warnings)
    return (*(None,) * 8, result.value, None, None, result.overlap, remark)

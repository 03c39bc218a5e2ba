"""Quality at given rates."""

from __future__ import annotations

from collections.abc import Iterator

from bench.rd import quality_at
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import direction_notes, interpolation_note
from bench.tables.table import Column

MATCHED_RATES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Bits per pixel at which quality is compared."""


class MatchedRateTable(ReportTable):
    """Quality at given rates, interpolated inside the measured range only."""

    name = "matched_rate"
    chapter = Chapter.COMPARISONS
    order = 1

    def title(self, data: ReportData) -> str:
        return f"Quality at matched rate on {data.dataset}"

    def columns(self, data: ReportData) -> Iterator[Column]:
        yield from (Column("metric", "metric"), Column("label", "codec"))
        yield from (Column(f"at_{rate:g}_bpp", f"{rate:g} bpp", 3) for rate in MATCHED_RATES)

    def rows(self, data: ReportData) -> Iterator[Row]:
        for metric in data.metrics:
            for label, curve in data.curves_in(metric).items():
                found = [quality_at(curve, rate) for rate in MATCHED_RATES]
                if any(it is not None for it in found):
                    yield (metric.name, label, *(None if it is None else metric.shown(it) for it in found))

    def notes(self, data: ReportData) -> tuple[str, ...]:
        return interpolation_note(data), *direction_notes(data)

"""Rate at given qualities."""

from __future__ import annotations

from collections.abc import Iterator

from bench.rd import DB_METRICS, rate_at
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import interpolation_note
from bench.tables.table import Column

MATCHED_QUALITIES = {
    "psnr_rgb": (28.0, 30.0, 32.0, 34.0, 36.0, 38.0, 40.0),
    "ms_ssim_rgb": (10.0, 12.0, 14.0, 16.0, 18.0, 20.0),
}
"""By metric the qualities at which rate is compared, in dB."""


class MatchedQualityTable(ReportTable):
    """Rate at given qualities, interpolated inside the measured range only."""

    name = "matched_quality"
    chapter = Chapter.COMPARISONS
    order = 2

    def title(self, data: ReportData) -> str:
        return f"Rate at matched quality on {data.dataset}"

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return (
            Column("metric", "metric"),
            Column("label", "codec"),
            Column("quality_db", "at dB", 1),
            Column("bpp", "bpp", 4),
        )

    def rows(self, data: ReportData) -> Iterator[Row]:
        for metric, levels in MATCHED_QUALITIES.items():
            for label, curve in data.curves.get(metric, {}).items():
                for level in levels:
                    quality = 1 - 10 ** (-level / 10) if metric in DB_METRICS else level
                    rate = rate_at(curve, quality)
                    if rate is not None:
                        yield metric, label, level, rate

    def notes(self, data: ReportData) -> tuple[str, ...]:
        return (interpolation_note(data),)

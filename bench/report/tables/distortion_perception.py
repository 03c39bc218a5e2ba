"""Distortion and perception at a matched rate."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.planes import PLANE_RATES, at_rate
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import directed_title, set_notes
from bench.tables.table import Column


class PlaneTable(ReportTable):
    """Every metric of every codec at the rates of the planes, where there is a plane."""

    name = "distortion_perception"
    chapter = Chapter.PERCEPTION

    def title(self, data: ReportData) -> str:
        return f"Distortion and perception at matched rate on {data.dataset}"

    def columns(self, data: ReportData) -> Iterator[Column]:
        yield from (Column("bpp", "bpp", 2), Column("label", "codec"))
        for measure in data.measures:
            yield Column(measure.name, directed_title(measure), 2 if measure.unit == "dB" else 4)

    def rows(self, data: ReportData) -> Iterator[Row]:
        if not data.planes:
            return
        for rate in PLANE_RATES:
            values = [at_rate(it, data.curves_in(it), rate) for it in data.measures]
            for entry in data.lossy:
                if any(entry.label in its for its in values):
                    yield (rate, entry.label, *(its.get(entry.label) for its in values))

    def notes(self, data: ReportData) -> tuple[str, ...]:
        return (
            "Interpolated on the mean curve (PCHIP) inside the measured range; a dash: outside of it.",
            *set_notes(data.measures),
        )

"""Every operating point."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import AVERAGED, direction_notes, machine_notes
from bench.tables.table import Column, Value


class PointsTable(ReportTable):
    """Means over the images that were measured."""

    name = "points"
    chapter = Chapter.OPERATING_POINTS
    in_papers = False

    def title(self, data: ReportData) -> str:
        return f"Operating points on {data.dataset}"

    def columns(self, data: ReportData) -> Iterator[Column]:
        yield from (Column("label", "codec"), Column("quality", "quality"), Column("n_ok", "ok"))
        yield Column("bpp", "bpp", 4)
        if (other := data.other_average) is not None:
            yield Column(f"bpp_by_{other}", f"bpp by {other}", 4)
        for metric in data.metrics:
            yield Column(metric.name, metric.title, 3 if metric.as_stored().unit == "dB" else 5)
            if metric.decibel:
                yield Column(f"{metric.name}_db", f"{metric.title} dB", 3)
        yield from (Column("encode_s", "enc s", 4), Column("decode_s", "dec s", 4))
        yield Column("encode_spread", "enc spread %", 1)
        yield Column("decode_spread", "dec spread %", 1)

    def rows(self, data: ReportData) -> Iterator[Row]:
        for point in data.points:
            cells: list[Value] = [point.label, point.quality, f"{point.n_ok}/{point.n_planned}"]
            cells.append(point.bpp[data.average])
            cells += [] if data.other_average is None else [point.bpp[data.other_average]]
            for metric in data.metrics:
                mean = point.values[metric.name]
                cells.append(mean)
                if metric.decibel:
                    cells.append(None if mean is None else metric.shown(mean))
            yield (*cells, point.encode_s, point.decode_s, point.encode_spread, point.decode_spread)

    def notes(self, data: ReportData) -> Iterator[str]:
        yield (
            f"Means over {AVERAGED[data.average]}, of all images that were measured; ok counts them. A metric"
            " is given only where every one of these images has a finite value, but for those that a note"
            " names."
        )
        yield "MS-SSIM dB is −10·log10(1 − mean)."
        yield from direction_notes(data)
        yield (
            "spread: interquartile range of a trial's timed repetitions ÷ their median, median over the"
            " images."
        )
        yield from machine_notes(data.lossy)

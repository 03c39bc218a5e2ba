"""What codecs need beside time, and what of their time is the start of programs."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import PEAK_NOTES
from bench.tables.table import Better, Column


class MemoryTable(ReportTable):
    """Peak memory of every codec, where it was measured of others than learned ones."""

    name = "memory"
    chapter = Chapter.SPEED
    order = 2

    def title(self, data: ReportData) -> str:
        return f"Memory on {data.dataset}"

    def columns(self, data: ReportData) -> Iterator[Column]:
        yield Column("label", "codec")
        best: Better | None = None if _programs_ran(data) else "low"  # of programs it is another measure
        yield Column("encode_peak_mb", "enc memory, MB", 1, best)
        yield Column("decode_peak_mb", "dec memory, MB", 1, best)
        if _programs_ran(data):
            yield Column("encode_startup_ms", "enc start, ms", 2)
            yield Column("decode_startup_ms", "dec start, ms", 2)

    def rows(self, data: ReportData) -> Iterator[Row]:
        known = [
            it for it in data.entries if it.encode_peak_mb is not None or it.encode_startup_ms is not None
        ]
        if all(it.complexity for it in known):  # their memory is in the table of complexity
            return
        for it in known:
            starts = (it.encode_startup_ms, it.decode_startup_ms) if _programs_ran(data) else ()
            yield (it.label, it.encode_peak_mb, it.decode_peak_mb, *starts)

    def notes(self, data: ReportData) -> Iterator[str]:
        yield PEAK_NOTES[data.peak_of]
        if _programs_ran(data):
            yield (
                "start: milliseconds an image for starting a program that does nothing, and for writing and"
                " reading the same files. memory of a codec that runs programs: the most that one of them"
                " took beyond the one that does nothing."
            )


def _programs_ran(data: ReportData) -> bool:
    return any(it.encode_startup_ms is not None for it in data.entries)

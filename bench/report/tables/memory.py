"""What codecs need beside time, what of it is the start of programs, and the first call of a process."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import PEAK_NOTES
from bench.tables.table import Better, Column


class MemoryTable(ReportTable):
    """Peak memory and first calls of every codec, where they were measured of others than learned ones."""

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
        if _was_cold(data):
            yield Column("encode_cold_ms", "enc cold, ms", 2, "low")
            yield Column("decode_cold_ms", "dec cold, ms", 2, "low")

    def rows(self, data: ReportData) -> Iterator[Row]:
        known = [
            it for it in data.entries if it.encode_peak_mb is not None or it.encode_startup_ms is not None
        ]
        if all(it.complexity for it in known) and not _was_cold(data):  # memory is in the table of complexity
            return
        for it in known:
            starts = (it.encode_startup_ms, it.decode_startup_ms) if _programs_ran(data) else ()
            cold = (it.encode_cold_ms, it.decode_cold_ms) if _was_cold(data) else ()
            yield (it.label, it.encode_peak_mb, it.decode_peak_mb, *starts, *cold)

    def notes(self, data: ReportData) -> Iterator[str]:
        yield PEAK_NOTES[data.peak_of]
        if _programs_ran(data):
            yield (
                "start: milliseconds an image for starting a program that does nothing, and for writing and"
                " reading the same files. memory of a codec that runs programs: the most that one of them"
                " took beyond the one that does nothing."
            )
        if _was_cold(data):
            yield (
                "cold: milliseconds of the first call in a new process, for which libraries are loaded and"
                " kernels compiled; all other times are of later calls."
            )


def _was_cold(data: ReportData) -> bool:
    return any(it.encode_cold_ms is not None for it in data.entries)


def _programs_ran(data: ReportData) -> bool:
    return any(it.encode_startup_ms is not None for it in data.entries)

"""What more threads gain."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import timing_note
from bench.tables.table import Column


class ThreadsTable(ReportTable):
    """Configurations that were timed with a single thread and with more."""

    name = "threads"
    chapter = Chapter.SPEED
    order = 1

    def title(self, data: ReportData) -> str:
        return f"Threads on {data.dataset}"

    def columns(self, data: ReportData) -> Iterator[Column]:
        yield from (Column("label", "codec"), Column("threads", "threads", 0), Column("bpp", "bpp", 4))
        yield from (Column("same_bytes", "same bytes"), Column("same_pixels", "same pixels"))
        for side, short in (("encode", "enc"), ("decode", "dec")):
            yield Column(f"{side}_mps", f"{short} MP/s", 2)
            yield Column(f"{side}_speedup", f"{short} speed-up", 2)
            yield Column(f"{side}_peak_mb", f"{short} memory, MB", 1)
        yield Column("timing", "timed")

    def rows(self, data: ReportData) -> Iterator[Row]:
        for it in data.threads:
            entry = it.entry
            yield (
                *(entry.label, entry.threads, it.bpp, f"{it.same_bytes}/{it.shared}"),
                f"{it.same_pixels}/{it.shared}",
                *(entry.encode_mps, it.encode_speedup, entry.encode_peak_mb),
                *(entry.decode_mps, it.decode_speedup, entry.decode_peak_mb),
                entry.timing,
            )

    def notes(self, data: ReportData) -> Iterator[str]:
        yield (
            "speed-up: seconds of one thread ÷ seconds of this number, over the images and operating points"
            " that every number finished; bpp is their mean. same: in how many of these the bitstream, and"
            " the decoded pixels, are those of one thread."
        )
        if any(it.redundant for it in data.threads):
            yield "Where all of them are, they have no row or curve in the rest of this report."
        yield timing_note([it.entry for it in data.threads])

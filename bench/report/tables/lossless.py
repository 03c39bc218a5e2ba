"""Lossless coding."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.raw_size import RGB8_BITS
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import (
    AVERAGED,
    best_speed,
    machine_cells,
    machine_columns,
    machine_notes,
    timing_note,
)
from bench.tables.table import Column


class LosslessTable(ReportTable):
    """Configurations that reproduce every pixel, by rate."""

    name = "lossless"
    chapter = Chapter.LOSSLESS

    def title(self, data: ReportData) -> str:
        return f"Lossless coding of {data.dataset}"

    def columns(self, data: ReportData) -> Iterator[Column]:
        yield from (Column("label", "codec"), Column("n_ok", "ok"), Column("bpp", "bpp", 3, "low"))
        if (other := data.other_average) is not None:
            yield Column(f"bpp_by_{other}", f"bpp by {other}", 3, "low")
        yield Column("ratio", "ratio", 3, "high")
        best = best_speed(data.lossless)
        yield from (Column("encode_mbs", "enc MB/s", 1, best), Column("decode_mbs", "dec MB/s", 1, best))
        yield Column("timing", "timed")
        yield from machine_columns(data.lossless)

    def rows(self, data: ReportData) -> Iterator[Row]:
        for entry in data.lossless:
            rates = data.lossless_bpp.get(entry.label, {})
            rate = rates.get(data.average)
            also = [] if data.other_average is None else [rates.get(data.other_average)]
            yield (
                *(entry.label, f"{entry.n_ok}/{entry.n_planned}", rate, *also),
                *(None if rate is None else data.lossless_raw / rate, entry.encode_mbs, entry.decode_mbs),
                *(entry.timing, *machine_cells(entry, data.lossless)),
            )

    def notes(self, data: ReportData) -> tuple[str, ...]:
        return (
            f"bpp is the mean over {AVERAGED[data.average]}, of {len(data.lossless_images)} of"
            f" {data.n_images} images, those that every configuration with a value finished; ratio is"
            f" {raw_pixel(data)} ÷ that mean; MB are millions of raw sample bytes."
            " Every decoded pixel was compared with the original.",
            timing_note(data.lossless),
            *machine_notes(data.lossless),
        )


def raw_pixel(data: ReportData) -> str:
    """The bits of a raw pixel as the notes of ratios name them."""
    if data.lossless_raw == RGB8_BITS or math.isnan(data.lossless_raw):
        return "24"
    return f"{data.lossless_raw:.4g}, the mean bits of a raw pixel,"

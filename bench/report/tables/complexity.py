"""What learned codecs cost, and what they gain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.entries import Entry
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import PEAK_NOTES, best_speed, machine_cells, machine_columns, machine_notes
from bench.tables.table import Column, Value

TRAINING_HOURS = "training_hours"
"""What a learned codec may say of its training; see :class:`bench.codec.Codec`."""


class ComplexityTable(ReportTable):
    """Size, operations, memory and speed of the codecs that tell their complexity."""

    name = "complexity"
    chapter = Chapter.SPEED

    def title(self, data: ReportData) -> str:
        return f"Complexity of learned codecs on {data.dataset}"

    def columns(self, data: ReportData) -> Iterator[Column]:
        yield Column("label", "codec")
        yield Column("parameters_m", "parameters, M", 2, "low")
        yield Column("weights_mb", "weights, MB", 2, "low")
        digits = max(1, *(_digits(it.complexity) for it in _learned(data)))
        yield Column("encoder_kmac_px", "enc kMAC/px", digits, "low")
        yield Column("decoder_kmac_px", "dec kMAC/px", digits, "low")
        if _memory_is_known(data):
            yield Column("encode_peak_mb", "enc memory, MB", 0, "low")
            yield Column("decode_peak_mb", "dec memory, MB", 0, "low")
        if _training_is_known(data):
            yield Column(TRAINING_HOURS, "training, h", 1, "low")
        for metric in map(data.measure, data.headline[:1]):
            key = f"bd_rate_per_image_{metric.name}"
            yield Column(key, f"BD-rate {metric.title} %", 1, "low", signed=True)
        best = best_speed(_learned(data))
        yield from (Column("encode_mps", "enc MP/s", 2, best), Column("decode_mps", "dec MP/s", 2, best))
        yield from machine_columns(_learned(data))

    def rows(self, data: ReportData) -> Iterator[Row]:
        for entry in _learned(data):
            cost = entry.complexity
            cells: list[Value] = [entry.label]
            cells += [cost.get(key, math.nan) / 1e6 for key in ("parameters", "weight_bytes")]
            cells += [cost.get(f"{side}_kmac_per_pixel") for side in ("encoder", "decoder")]
            cells += [entry.encode_peak_mb, entry.decode_peak_mb] if _memory_is_known(data) else []
            cells += [cost.get(TRAINING_HOURS)] if _training_is_known(data) else []
            cells += [data.bd_rate(metric, entry.label) for metric in data.headline[:1]]
            yield (*cells, entry.encode_mps, entry.decode_mps, *machine_cells(entry, _learned(data)))

    def notes(self, data: ReportData) -> Iterator[str]:
        yield (
            "As the codecs declare it. kMAC/px: thousands of multiply–accumulates per pixel; rdbench's own"
            " codecs count those of all convolutions. A dash: the codec does not report it."
        )
        if _memory_is_known(data):
            yield PEAK_NOTES[data.peak_of]
        yield from machine_notes(_learned(data))


def _digits(cost: Mapping[str, float]) -> int:
    """Decimals of a codec's operations per pixel, for at least two digits that count."""
    known = [it for side in ("encoder", "decoder") if (it := cost.get(f"{side}_kmac_per_pixel", 0.0)) > 0]
    return max((min(1 - math.floor(math.log10(it)), 4) for it in known), default=1)


def _learned(data: ReportData) -> tuple[Entry, ...]:
    return tuple(it for it in data.entries if it.complexity)


def _memory_is_known(data: ReportData) -> bool:
    return any(peak is not None for it in _learned(data) for peak in (it.encode_peak_mb, it.decode_peak_mb))


def _training_is_known(data: ReportData) -> bool:
    return any(TRAINING_HOURS in it.complexity for it in _learned(data))

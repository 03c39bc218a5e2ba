"""Robustness in two tables: corrupted pictures, and damaged bitstreams."""

from __future__ import annotations

from bench.studies.robustness.runner import Result
from bench.studies.robustness.summary import Group, bitstream_rows, input_rows
from bench.tables.table import Column, Table, Value

_WHAT = (Column("dataset", "data set"), Column("label", "codec"), Column("quality", "quality"))


def input_table(result: Result) -> Table:
    """Corrupted pictures: what they cost, and what comes out."""
    columns = (
        *_WHAT,
        Column("corruption", "corruption"),
        Column("bpp_clean", "bpp clean", 3),
        Column("bpp", "bpp", 3),
        Column("inflation", "bpp inflation [%]", 1, signed=True),
        Column("psnr_clean", "PSNR clean [dB]", 2),
        Column("psnr_input", "PSNR to corrupted [dB]", 2),
        Column("delta_input", "Δ to corrupted [dB]", 2, signed=True),
        Column("psnr_to_clean", "PSNR to clean [dB]", 2),
        Column("delta_clean", "Δ to clean [dB]", 2, signed=True),
        Column("psnr_corruption", "corrupted to clean [dB]", 2),
        Column("ok", "ok"),
        Column("planned", "planned"),
    )
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (
            *_cells(it.group),
            *(it.bpp_clean, it.bpp, it.inflation, it.psnr_clean),
            *(it.psnr_input, it.delta_input, it.psnr_to_clean, it.delta_clean),
            *(it.psnr_corruption, it.ok, it.planned),
        )
        for it in input_rows(result)
    )
    notes = (
        "noise: σ in levels; salt-pepper: percent of the pixels; blur: σ in pixels; blocks: percent of the"
        " 16×16 blocks made grey. Δ is against the codec's result on the clean pictures.",
        "PSNR is psnr_rgb, and its means are over pictures that are not identical; Δ is the mean over those"
        " where neither is. A dash stands for identical pixels in all.",
        *_unfinished(result),
    )
    return Table("robustness_inputs", "Corrupted pictures", columns, rows, notes)


def bitstream_table(result: Result) -> Table:
    """Damaged bitstreams: noticed, or not."""
    columns = (
        *_WHAT,
        Column("damage", "damage"),
        Column("probes", "probes"),
        Column("detected", "detected [%]", 1),
        Column("crashed", "crashed [%]", 1),
        Column("wrong", "silently wrong [%]", 1),
        Column("unchanged", "unchanged [%]", 1),
        Column("psnr", "PSNR of wrong [dB]", 2),
        Column("psnr_clean", "PSNR undamaged [dB]", 2),
    )
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (
            *_cells(it.group),
            *(it.probes, it.detected, it.crashed, it.wrong, it.unchanged, it.psnr, it.psnr_clean),
        )
        for it in bitstream_rows(result)
    )
    notes = (
        "flip: number of bits inverted anywhere in the bitstream; keep: percent of the bytes that are left.",
        "detected: the decoder raised an error; crashed: its process died, hung or ran out of memory;"
        " silently wrong: other pixels and no error; unchanged: the same pixels.",
        *_unfinished(result),
    )
    return Table("robustness_bitstreams", "Damaged bitstreams", columns, rows, notes)


def _cells(group: Group) -> tuple[Value, ...]:
    return group.dataset, group.label, group.quality, group.probe


def _unfinished(result: Result) -> tuple[str, ...]:
    count = result.plan.unfinished
    return (f"{count} trials of the run have no clean result and were not probed.",) if count else ()

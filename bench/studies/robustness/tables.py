"""Robustness in two tables, corrupted pictures and damaged bitstreams: means and shares over the images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeAlias

from bench.studies.robustness.probes import PSNR, BitstreamProbe, InputProbe, PlannedProbe, Probe
from bench.studies.study import Answers, FinishedTrial
from bench.tables.table import Column, Table, Value

Probes: TypeAlias = Answers[PlannedProbe, Probe]

_DEAD = ("crash", "timeout", "oom")


@dataclass(frozen=True)
class Group:
    """What a row is about."""

    dataset: str
    label: str
    quality: float | None
    probe: str
    """Name of the corruption or damage."""


@dataclass(frozen=True)
class InputRow:
    """One codec and one corruption; means over the images whose probe is ``ok``, PSNR in dB.

    Differences are of the same images, those where both PSNRs are finite: a flat picture that is
    reproduced exactly when clean would else enter one side alone.
    """

    group: Group
    bpp_clean: float | None
    bpp: float | None
    inflation: float | None
    """Percent by which the mean rate grew."""
    psnr_clean: float | None
    """Of the clean picture's reconstruction."""
    psnr_input: float | None
    psnr_to_clean: float | None
    delta_input: float | None
    """PSNR to the corrupted picture less that of the clean result."""
    delta_clean: float | None
    """PSNR to the clean picture less that of the clean result."""
    psnr_corruption: float | None
    ok: int
    planned: int


@dataclass(frozen=True)
class BitstreamRow:
    """One codec and one damage; shares in percent of the probes, which add up to 100."""

    group: Group
    probes: int
    detected: float
    crashed: float
    wrong: float
    unchanged: float
    psnr: float | None
    """Mean over the wrong reconstructions that have the right size."""
    psnr_clean: float | None


def input_rows(probes: Probes) -> list[InputRow]:
    """By data set and codec, then by corruption."""
    groups: dict[Group, list[tuple[FinishedTrial, InputProbe]]] = {}
    for planned, probe in probes:
        if isinstance(probe, InputProbe):
            groups.setdefault(_group(planned), []).append((planned.trial, probe))
    return [_input_row(group, groups[group]) for group in _by_codec(groups)]


def bitstream_rows(probes: Probes) -> list[BitstreamRow]:
    """By data set and codec, then by damage."""
    groups: dict[Group, list[tuple[FinishedTrial, BitstreamProbe]]] = {}
    for planned, probe in probes:
        if isinstance(probe, BitstreamProbe):
            groups.setdefault(_group(planned), []).append((planned.trial, probe))
    return [_bitstream_row(group, groups[group]) for group in _by_codec(groups)]


def _group(planned: PlannedProbe) -> Group:
    """As planned now: the record may be of the same picture in another data set, or of an older label."""
    trial = planned.trial
    return Group(trial.image.dataset, trial.codec.label, trial.quality, planned.name)


def _by_codec(groups: Iterable[Group]) -> list[Group]:
    """Groups with those of one codec together, otherwise in the order of the plan."""
    order = list(groups)
    places = {key: place for place, key in reversed(list(enumerate((it.dataset, it.label) for it in order)))}
    return sorted(order, key=lambda it: places[it.dataset, it.label])


def _input_row(group: Group, probes: Sequence[tuple[FinishedTrial, InputProbe]]) -> InputRow:
    good = [(clean, it) for clean, it in probes if it.status == "ok"]
    bpp_clean = _mean(clean.bpp for clean, _ in good)
    bpp = _mean(clean.bpp * it.bytes / clean.bytes for clean, it in good if it.bytes is not None)
    return InputRow(
        group,
        bpp_clean=bpp_clean,
        bpp=bpp,
        inflation=100 * (bpp / bpp_clean - 1) if bpp is not None and bpp_clean else None,
        psnr_clean=_mean(clean.metrics.get(PSNR) for clean, _ in good),
        psnr_input=_mean(it.psnr_input for _, it in good),
        psnr_to_clean=_mean(it.psnr_clean for _, it in good),
        delta_input=_mean(_difference(it.psnr_input, clean.metrics.get(PSNR)) for clean, it in good),
        delta_clean=_mean(_difference(it.psnr_clean, clean.metrics.get(PSNR)) for clean, it in good),
        psnr_corruption=_mean(it.psnr_corruption for _, it in good),
        ok=len(good),
        planned=len(probes),
    )


def _bitstream_row(group: Group, probes: Sequence[tuple[FinishedTrial, BitstreamProbe]]) -> BitstreamRow:
    outcomes = [it.outcome for _, it in probes]

    def share(*names: str) -> float:
        return 100 * sum(it in names for it in outcomes) / len(outcomes)

    return BitstreamRow(
        group,
        probes=len(probes),
        detected=share("detected"),
        crashed=share(*_DEAD),
        wrong=share("wrong"),
        unchanged=share("unchanged"),
        psnr=_mean(it.psnr for _, it in probes),
        psnr_clean=_mean(clean.metrics.get(PSNR) for clean, _ in probes),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    numbers = [it for it in values if it is not None]
    return fmean(numbers) if numbers else None


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


_WHAT = (
    Column("dataset", "data set", in_terminal=False),
    Column("label", "codec"),
    Column("quality", "quality"),
)


def input_table(probes: Probes) -> Table:
    """Corrupted pictures: what they cost, and what comes out."""
    columns = (
        *_WHAT,
        Column("corruption", "corruption"),
        Column("bpp_clean", "bpp clean", 3, in_terminal=False),
        Column("bpp", "bpp", 3, in_terminal=False),
        Column("inflation", "bpp inflation [%]", 1, signed=True),
        Column("psnr_clean", "PSNR clean [dB]", 2, in_terminal=False),
        Column("psnr_input", "PSNR to corrupted [dB]", 2, in_terminal=False),
        Column("delta_input", "Δ to corrupted [dB]", 2, signed=True),
        Column("psnr_to_clean", "PSNR to clean [dB]", 2, in_terminal=False),
        Column("delta_clean", "Δ to clean [dB]", 2, signed=True),
        Column("psnr_corruption", "corrupted to clean [dB]", 2, in_terminal=False),
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
        for it in input_rows(probes)
    )
    notes = (
        "noise: σ in levels; salt-pepper: percent of the pixels; blur: σ in pixels; blocks: percent of the"
        " 16×16 blocks made grey. Δ is against the codec's result on the clean pictures.",
        "PSNR is psnr_rgb, and its means are over pictures that are not identical; Δ is the mean over those"
        " where neither is. A dash stands for identical pixels in all.",
        *_unfinished(probes),
    )
    return Table("robustness_inputs", "Corrupted pictures", columns, rows, notes, names=4)


def bitstream_table(probes: Probes) -> Table:
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
        Column("psnr_clean", "PSNR undamaged [dB]", 2, in_terminal=False),
    )
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (
            *_cells(it.group),
            *(it.probes, it.detected, it.crashed, it.wrong, it.unchanged, it.psnr, it.psnr_clean),
        )
        for it in bitstream_rows(probes)
    )
    notes = (
        "flip: number of bits inverted anywhere in the bitstream; keep: percent of the bytes that are left.",
        "detected: the decoder raised an error; crashed: its process died, hung or ran out of memory;"
        " silently wrong: other pixels and no error; unchanged: the same pixels.",
        *_unfinished(probes),
    )
    return Table("robustness_bitstreams", "Damaged bitstreams", columns, rows, notes, names=4)


def _cells(group: Group) -> tuple[Value, ...]:
    return group.dataset, group.label, group.quality, group.probe


def _unfinished(probes: Probes) -> tuple[str, ...]:
    count = probes.plan.unfinished
    return (
        (f"{count} trials of the run have no clean result of 8-bit RGB and were not probed.",)
        if count
        else ()
    )

"""Means and shares over the images, by codec and by corruption or damage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.studies.robustness.plan import Clean, Planned
from bench.studies.robustness.record import BitstreamProbe, InputProbe
from bench.studies.robustness.runner import Result

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


def input_rows(result: Result) -> list[InputRow]:
    """By data set and codec, then by corruption."""
    groups: dict[Group, list[tuple[Clean, InputProbe]]] = {}
    for probe in result.plan.probes:
        it = result.records[probe.key]
        if isinstance(it, InputProbe):
            groups.setdefault(_group(probe), []).append((probe.clean, it))
    return [_input_row(group, groups[group]) for group in _by_codec(groups)]


def bitstream_rows(result: Result) -> list[BitstreamRow]:
    """By data set and codec, then by damage."""
    groups: dict[Group, list[tuple[Clean, BitstreamProbe]]] = {}
    for probe in result.plan.probes:
        it = result.records[probe.key]
        if isinstance(it, BitstreamProbe):
            groups.setdefault(_group(probe), []).append((probe.clean, it))
    return [_bitstream_row(group, groups[group]) for group in _by_codec(groups)]


def _group(probe: Planned) -> Group:
    """As planned now: the record may be of the same picture in another data set, or of an older label."""
    it = probe.clean
    return Group(it.dataset, it.codec.label, it.quality, probe.name)


def _by_codec(groups: Iterable[Group]) -> list[Group]:
    """Groups with those of one codec together, otherwise in the order of the plan."""
    order = list(groups)
    places = {key: place for place, key in reversed(list(enumerate((it.dataset, it.label) for it in order)))}
    return sorted(order, key=lambda it: places[it.dataset, it.label])


def _input_row(group: Group, probes: Sequence[tuple[Clean, InputProbe]]) -> InputRow:
    good = [(clean, it) for clean, it in probes if it.status == "ok"]
    bpp_clean = _mean(clean.bpp for clean, _ in good)
    bpp = _mean(clean.bpp * it.bytes / clean.bytes for clean, it in good if it.bytes is not None)
    return InputRow(
        group,
        bpp_clean=bpp_clean,
        bpp=bpp,
        inflation=100 * (bpp / bpp_clean - 1) if bpp is not None and bpp_clean else None,
        psnr_clean=_mean(clean.psnr for clean, _ in good),
        psnr_input=_mean(it.psnr_input for _, it in good),
        psnr_to_clean=_mean(it.psnr_clean for _, it in good),
        delta_input=_mean(_difference(it.psnr_input, clean.psnr) for clean, it in good),
        delta_clean=_mean(_difference(it.psnr_clean, clean.psnr) for clean, it in good),
        psnr_corruption=_mean(it.psnr_corruption for _, it in good),
        ok=len(good),
        planned=len(probes),
    )


def _bitstream_row(group: Group, probes: Sequence[tuple[Clean, BitstreamProbe]]) -> BitstreamRow:
    fates = [it.fate for _, it in probes]

    def share(*names: str) -> float:
        return 100 * sum(it in names for it in fates) / len(fates)

    return BitstreamRow(
        group,
        probes=len(probes),
        detected=share("detected"),
        crashed=share(*_DEAD),
        wrong=share("wrong"),
        unchanged=share("unchanged"),
        psnr=_mean(it.psnr for _, it in probes),
        psnr_clean=_mean(clean.psnr for clean, _ in probes),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    numbers = [it for it in values if it is not None]
    return fmean(numbers) if numbers else None


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other

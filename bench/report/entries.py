"""The codec configurations of a report, and what their trials say of each as a whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bench.report.raw_size import raw_bytes
from bench.runs.columns import COLDS, PEAKS, STARTUPS
from bench.runs.frame import as_json, decoder_of, without_attrs
from bench.trials.codec_ref import threads_of
from bench.trials.measurement import DISTURBED, PeakOf, RecordedDecoder
from bench.trials.plan import CodecLinks

if TYPE_CHECKING:
    import pandas as pd

    from bench.runs.store import RunInfo


@dataclass(frozen=True)
class Entry:
    """One codec configuration of a report."""

    label: str
    codec: str
    version: str
    options: Mapping[str, Any]
    decoder: RecordedDecoder | None
    """Whose decoder it was, where that is not the codec's own."""
    lossless: bool
    run: str
    machines: Mapping[str, int]
    """Finished trials by the ``id`` of the machine that made them. Equal machines have one."""
    timing: str
    """``alone``, ``disturbed`` (alone, but without much of the processor), ``load``, or empty where there are
    no times."""
    n_ok: int
    n_planned: int
    complexity: Mapping[str, float] = field(default_factory=dict)
    """Parameters, bytes of weights, kMAC per pixel and hours of training of a learned codec."""
    links: CodecLinks = field(default_factory=CodecLinks)
    """What the suite says about it."""
    encode_mps: float | None = None
    """Megapixels of the finished trials ÷ seconds for all of them; None where several machines took them."""
    decode_mps: float | None = None
    n_missing: int = 0
    """Of the planned trials those that were not measured yet."""
    repeats: tuple[int, int] = (0, 0)
    """Fewest and most timed repetitions of a finished trial."""
    cpu_share: float | None = None
    """The encoder's or the decoder's share of the processor over the time for all trials, the smaller one."""
    encode_peak_mb: float | None = None
    """The most memory over the finished trials, see :func:`peak_kind`; None where it was not measured."""
    decode_peak_mb: float | None = None
    needs: tuple[str, ...] = ()
    """What it is given of the machine beyond files of its own, see :class:`bench.codec.Codec`."""
    raw_bytes: float = 3.0
    """Bytes of a raw pixel, over the finished trials."""

    encode_startup_ms: float | None = None
    """Mean time over the finished trials that starting its programs takes, with their files; None where it
    runs none."""
    decode_startup_ms: float | None = None
    encode_cold_ms: float | None = None
    """Mean time of the first call in a new process; None where none was timed alone."""
    decode_cold_ms: float | None = None
    startup_left_out: bool = False
    """Whether that was subtracted from its times."""

    @property
    def threads(self) -> int:
        """How many threads it uses."""
        return threads_of(self.options)

    @property
    def machine(self) -> str | None:
        """The ``id`` of the one machine that made its finished trials; None for none, and for several."""
        return next(iter(self.machines)) if len(self.machines) == 1 else None

    @property
    def encode_mbs(self) -> float | None:
        """Millions of raw sample bytes per second: the customary MB/s of lossless coders."""
        return None if self.encode_mps is None else self.raw_bytes * self.encode_mps

    @property
    def decode_mbs(self) -> float | None:
        """As :attr:`encode_mbs`."""
        return None if self.decode_mps is None else self.raw_bytes * self.decode_mps


def entries_of(
    frame: pd.DataFrame, runs: Mapping[str, RunInfo], *, startup_left_out: bool = False
) -> tuple[Entry, ...]:
    """The configurations of one data set, in the order of their first trials.

    One whose trials were shared out among different machines has no speed.

    Parameters
    ----------
    frame : its trials
    runs : by their names in the column ``run``
    startup_left_out : whether the times are without the start of programs
    """
    plans = {
        (run, it.codec, json.dumps(it.config, sort_keys=True), as_json(it.recorded_decoder)): it
        for run, info in runs.items()
        for it in info.codecs
    }
    frame = without_attrs(frame)
    entries = []
    machines = _machines(frame)
    speeds, shares, peaks, startups = _speeds(frame), _cpu_shares(frame), _peaks(frame), _startups(frame)
    colds, raw = _colds(frame), raw_bytes(frame[frame["status"] == "ok"])
    identity = ["codec", "config", "decoder"]
    facts = frame[["label", *identity, "version", "lossless", "run", "status", "timing", "repeats"]]
    for label, rows in facts.groupby("label", sort=False, observed=True):
        first = rows.iloc[0]
        ok = rows[rows["status"] == "ok"]
        share = shares.get(str(label))
        of_machines = machines.get(str(label), {})
        encode_mps, decode_mps = speeds[str(label)] if len(of_machines) == 1 else (None, None)
        encode_peak_mb, decode_peak_mb = peaks.get(str(label), (None, None))
        encode_startup_ms, decode_startup_ms = startups.get(str(label), (None, None))
        encode_cold_ms, decode_cold_ms = colds.get(str(label), (None, None))
        plan = plans[str(first["run"]), *first[identity].astype(str)]
        entries.append(
            Entry(
                label=str(label),
                codec=str(first["codec"]),
                version=str(first["version"]),
                options=json.loads(first["config"]),
                decoder=decoder_of(str(first["decoder"])),
                lossless=bool(first["lossless"]),
                run=str(first["run"]),
                machines=of_machines,
                timing=_timing(set(ok["timing"].unique()), share),
                n_ok=len(ok),
                n_planned=len(rows),
                n_missing=int((rows["status"] == "cancelled").sum()),
                complexity=plan.complexity,
                links=plan.links,
                needs=plan.given,
                encode_mps=encode_mps,
                decode_mps=decode_mps,
                repeats=(0, 0) if ok.empty else (int(ok["repeats"].min()), int(ok["repeats"].max())),
                cpu_share=share,
                encode_peak_mb=encode_peak_mb,
                decode_peak_mb=decode_peak_mb,
                raw_bytes=raw.get(str(label), Entry.raw_bytes),
                encode_startup_ms=encode_startup_ms,
                decode_startup_ms=decode_startup_ms,
                encode_cold_ms=encode_cold_ms,
                decode_cold_ms=decode_cold_ms,
                startup_left_out=startup_left_out and encode_startup_ms is not None,
            )
        )
    return tuple(entries)


def machines_of(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The machines that finished trials of the entries, by ``id``, in the order of their appearance."""
    return tuple(dict.fromkeys(machine for it in entries for machine in it.machines))


def comparable_in_speed(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries that were timed on one machine: that of most of them, the first of these."""
    timed = [it for it in entries if it.machine is not None and it.timing]
    counts = Counter(it.machine for it in timed)
    return tuple(it for it in timed if it.machine == counts.most_common(1)[0][0])


def peak_kind(frame: pd.DataFrame) -> PeakOf:
    """What the memory figures of a data set are of: those of older journals stand in none with new ones."""
    new = "peak_of" in frame and bool((frame["peak_of"] == "codec").any())
    return "codec" if new else "process"


def _timing(modes: Collection[str], cpu_share: float | None) -> str:
    if set(modes) != {"alone"}:
        return "load" if modes else ""
    return "disturbed" if cpu_share is not None and cpu_share < DISTURBED else "alone"


def _cpu_shares(frame: pd.DataFrame) -> dict[str, float]:
    """Each label's share of the processor over all trials, of encoder or decoder, whichever had less."""
    shares: dict[str, float] = {}
    for side in ("encode", "decode"):
        seconds, share = f"{side}_s", f"{side}_cpu_share"
        known = frame.loc[(frame["status"] == "ok") & frame[share].notna(), ["label", seconds, share]]
        spent = (known[seconds] * known[share]).groupby(known["label"], observed=True).sum()
        total = known.groupby("label", observed=True)[seconds].sum()
        for label, value in (spent / total).dropna().items():
            shares[str(label)] = min(float(value), shares.get(str(label), 1.0))
    return shares


def _machines(frame: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Finished trials of each label by machine, the one with most of them first."""
    ok = frame[frame["status"] == "ok"]
    machines: dict[str, dict[str, int]] = {}
    for (label, machine), count in ok.groupby(["label", "environment"], observed=True).size().items():
        machines.setdefault(str(label), {})[str(machine)] = int(count)
    return {label: dict(sorted(counts.items(), key=lambda it: -it[1])) for label, counts in machines.items()}


def _speeds(frame: pd.DataFrame) -> dict[str, tuple[float | None, float | None]]:
    """Encoder and decoder megapixels per second of each label."""
    ok = frame.loc[frame["status"] == "ok", ["label", "width", "height", "encode_s", "decode_s"]]
    pixels = (ok["width"] * ok["height"]).astype(float)
    totals = ok[["encode_s", "decode_s"]].assign(pixels=pixels).groupby(ok["label"], observed=True).sum()
    speeds = {}
    for label, total in totals.iterrows():
        times = (float(total["encode_s"]), float(total["decode_s"]))
        encode, decode = (float(total["pixels"]) / 1e6 / it if it > 0 else None for it in times)
        speeds[str(label)] = (encode, decode)
    return speeds


def _peaks(frame: pd.DataFrame) -> dict[str, tuple[float | None, float | None]]:
    """The most memory of encoder and decoder of each label, in MB."""
    ok = frame[frame["status"] == "ok"]
    if peak_kind(frame) == "codec":
        ok = ok[ok["peak_of"] == "codec"]
    return _by_side(ok, PEAKS, "max", 1e6)


def _startups(frame: pd.DataFrame) -> dict[str, tuple[float | None, float | None]]:
    """The mean time for the start of programs to encode and to decode of each label, in ms."""
    ok = frame[frame["status"] == "ok"]
    return _by_side(ok, STARTUPS, "mean", 1e-3)


def _colds(frame: pd.DataFrame) -> dict[str, tuple[float | None, float | None]]:
    """The mean time of the first call of a process to encode and to decode of each label, in ms."""
    ok = frame[frame["status"] == "ok"]
    return _by_side(ok, COLDS, "mean", 1e-3)


def _by_side(
    ok: pd.DataFrame, columns: tuple[str, str], how: Literal["max", "mean"], unit: float
) -> dict[str, tuple[float | None, float | None]]:
    """What a column of the encoder and one of the decoder come to, by label; what is absent is None."""
    groups = ok.groupby("label", observed=True)
    sides = [groups[it].agg(how).dropna() / unit if it in ok else {} for it in columns]
    encode, decode = ({str(label): float(value) for label, value in it.items()} for it in sides)
    return {label: (encode.get(label), decode.get(label)) for label in encode.keys() | decode.keys()}

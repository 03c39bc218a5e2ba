"""Configurations that differ in their number of threads alone: what more gain, and what they change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.entries import Entry
from bench.trials.codec_ref import THREADS_OPTION

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ThreadCount:
    """A configuration at one number of threads, beside itself with a single thread."""

    entry: Entry
    single: str
    """Label of the one with a single thread."""
    bpp: float
    """Mean over the images and operating points that every number of threads finished."""
    shared: int
    """How many trials these are."""
    same_bytes: int
    """In how many of them the bitstream is that of a single thread."""
    same_pixels: int
    """In how many the decoded pixels are."""
    encode_speedup: float | None
    """Seconds of a single thread ÷ seconds of this number, over these trials; None where either were timed
    on several machines, or on different ones."""
    decode_speedup: float | None

    @property
    def redundant(self) -> bool:
        """Whether all but its times is that of the single thread, so that no curve needs both."""
        same = self.entry.n_planned == self.shared == self.same_bytes == self.same_pixels
        return self.entry.label != self.single and same


def thread_counts(frame: pd.DataFrame, entries: Iterable[Entry]) -> tuple[ThreadCount, ...]:
    """Every configuration that was measured with a single thread and with more, by rising number.

    Parameters
    ----------
    frame : the trials of one data set
    entries : its configurations
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        options = {key: it for key, it in entry.options.items() if key != THREADS_OPTION}
        what = repr((entry.run, entry.codec, entry.version, sorted(options.items()), entry.decoder))
        groups.setdefault(what, []).append(entry)
    return tuple(
        it
        for group in groups.values()
        if len(group) > 1 and any(it.threads == 1 for it in group)
        for it in _of_group(frame, sorted(group, key=lambda it: it.threads))
    )


def _of_group(frame: pd.DataFrame, group: Sequence[Entry]) -> Iterator[ThreadCount]:
    """``group`` begins with the single thread."""
    ok = frame[frame["status"] == "ok"]
    trials = [ok[ok["label"] == it.label].set_index(["image", "quality"]) for it in group]
    shared = trials[0].index
    for its in trials[1:]:
        shared = shared.intersection(its.index)
    of_single = trials[0].loc[shared]
    for entry, its in zip(group, trials, strict=True):
        mine = its.loc[shared]
        alike = entry.machine is not None and entry.machine == group[0].machine
        yield ThreadCount(
            entry=entry,
            single=group[0].label,
            bpp=float(mine["bpp"].mean()),
            shared=len(shared),
            same_bytes=_equal(of_single["bitstream_sha256"], mine["bitstream_sha256"]),
            same_pixels=_equal(of_single["pixels_sha256"], mine["pixels_sha256"]),
            encode_speedup=_ratio(of_single["encode_s"], mine["encode_s"]) if alike else None,
            decode_speedup=_ratio(of_single["decode_s"], mine["decode_s"]) if alike else None,
        )


def _equal(first: pd.Series, second: pd.Series) -> int:
    return int((first == second).sum())


def _ratio(single: pd.Series, several: pd.Series) -> float | None:
    seconds = float(several.sum())
    return float(single.sum()) / seconds if seconds > 0 else None

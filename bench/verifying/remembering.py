"""Decoders that give the recorded pixels only after they have decoded other bitstreams of the picture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.engines.engine import Engine, Slot, Task
from bench.engines.messages import Decode, Failed
from bench.files.access import MAX_BITSTREAM, read_regular
from bench.trials.plan import CodecPlan
from bench.verifying.looking import DecodedRow, Look

REMEMBERS = (
    "it gives the recorded pixels only to a process that has decoded other bitstreams of the picture: its"
    " decoder needs what it keeps of those"
)
_TRIED = 3
"""Rows of a codec that are tried before the others are."""


@dataclass(frozen=True)
class _After(Look):
    """A row that gave other pixels."""

    before: tuple[Path, ...]
    """The bitstreams that its run had decoded before."""


@dataclass(frozen=True)
class _DecodeAfter(Task[_After, tuple[int, bool]]):
    """Decodes in the order of the run; the row's place, and whether its pixels are the recorded ones."""

    def __call__(self, work: _After, slot: Slot) -> tuple[int, bool]:
        """Decode all of one picture, up to the row."""
        row, pixels = work.row, ""
        assert isinstance(work.bitstream, Path)
        for path in (*work.before, work.bitstream):
            with suppress(OSError, EOFError):
                pixels = _pixels(row.codec, read_regular(path, MAX_BITSTREAM), slot)
        return row.place, row.line is not None and pixels == row.line.pixels_sha256


def _pixels(codec: CodecPlan, bitstream: bytes, slot: Slot) -> str:
    """The hash of what a bitstream gives; empty where it gives nothing."""
    answer = slot.decoder.ask(Decode(codec.decoder_ref, bitstream, digest=False))
    if isinstance(answer, Failed):
        return ""
    return hashlib.sha256(slot.decoder.samples(answer.shape, answer.dtype).tobytes()).hexdigest()


def remembering(engine: Engine, looks: Sequence[Look], seen: Mapping[int, DecodedRow]) -> set[int]:
    """The places of rows whose bitstream alone does not give the recorded pixels, where others before it do.

    Parameters
    ----------
    engine : its processes have decoded nothing yet
    looks : kept bitstreams, in the order of the plan
    seen : what came of each alone
    """
    found: set[int] = set()
    for tried in _by_codec(_other_pixels(looks, seen)):
        head, tail = tried[:_TRIED], tried[_TRIED:]
        proven = _proven(engine, head, looks)
        found |= proven
        if proven and tail:
            found |= _proven(engine, tail, looks)
    return found


def _proven(engine: Engine, rows: Sequence[Look], looks: Sequence[Look]) -> set[int]:
    work = [_After(it.row, it.bitstream, it.original, _before(it, looks)) for it in rows]
    return {place for place, same in engine.run(_DecodeAfter(), work) if same}


def _other_pixels(looks: Iterable[Look], seen: Mapping[int, DecodedRow]) -> list[Look]:
    """The rows whose recorded bitstream gave other pixels than the recorded ones, or none."""
    return [
        it
        for it in looks
        if (line := it.row.line) is not None
        and (alone := seen.get(it.row.place)) is not None
        and alone.bitstream_sha256 == line.bitstream_sha256
        and (alone.problem or alone.pixels_sha256 not in ("", line.pixels_sha256))
    ]


def _by_codec(looks: Iterable[Look]) -> list[list[Look]]:
    groups: dict[str, list[Look]] = {}
    for it in looks:
        groups.setdefault(it.codec.label, []).append(it)
    return list(groups.values())


def _before(look: Look, looks: Iterable[Look]) -> tuple[Path, ...]:
    """The other bitstreams of the picture and the configuration, in the order of the plan."""
    return tuple(
        it.bitstream
        for it in looks
        if (it.image, it.codec.label) == (look.image, look.codec.label)
        and it.row.place != look.row.place
        and isinstance(it.bitstream, Path)
    )

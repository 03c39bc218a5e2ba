"""What a record says that cannot be, before anything is decoded: an edited line betrays itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bench.inputs.catalogue import shipped
from bench.trials.measurement import Measurement
from bench.verifying.record import Difference, Recorded
from bench.verifying.rows import RecordedRow

_SHORTEST = 5e-8
"""Seconds that no call takes less than."""
_REPEATED = ("bytes", "bitstream_sha256", "pixels_sha256", "exact")
"""What measuring again gives again."""


def contradictions(row: RecordedRow, key: str | None) -> Iterator[Difference]:
    """What the line of a row says that the plan, or the line itself, contradicts.

    Parameters
    ----------
    row : one with a result
    key : the one that its trial has to have; None where that can't be told here
    """
    line = row.line
    assert line is not None
    if row.astray:
        yield from _not_as_planned(row, line)
    elif key is not None and line.key != key:
        yield Difference(name="key", recorded=line.key, found=key)
    for name in ("bytes", "bitstream_sha256", "pixels_sha256", "width", "height"):
        if not getattr(line, name):
            yield Difference(name=name, recorded=getattr(line, name), why="a result has one")
    if row.codec.lossless and not line.exact:
        yield Difference(name="exact", recorded=False, why="the codec is lossless")
    if line.exact and any(line.metrics.get(it) is not None for it in line.metrics if it.startswith("psnr")):
        yield Difference(name="exact", recorded=True, why="it has a finite PSNR")
    yield from _relabelled(row)
    yield from _times(line)
    yield from _earlier(row, line)
    if row.codec.goal is not None and line.reached is not None:
        within = row.codec.goal.is_within(line, line.reached.value)
        if line.reached.within != within:
            yield Difference(name="reached", recorded=line.reached.within, found=within)


def _not_as_planned(row: RecordedRow, line: Measurement) -> Iterator[Difference]:
    """What of codec, operating point and picture is not what the line's own key stands for."""
    codec = row.codec
    planned: dict[str, Any] = {
        "codec": codec.codec,
        "version": codec.version,
        "config": codec.config,
        "weights_sha256": codec.weights_of(line.quality),
        "decoder": codec.recorded_decoder,
        "quality": row.quality,
        "image_sha256": row.image.sha256,
    }
    for name, value in planned.items():
        if (recorded := getattr(line, name)) != value:
            yield Difference(name=name, recorded=_plain(recorded), found=_plain(value))


def _relabelled(row: RecordedRow) -> Iterator[Difference]:
    """A picture that has the name of one of the catalogue's, and is another one."""
    image, spec = row.image, shipped().get(row.image.dataset)
    file = None if spec is None else spec.files.get(image.name)
    if spec is None or (file is not None and file.sha256 in (None, image.sha256)):
        return
    why = (
        f"{image.dataset} has no such picture"
        if file is None
        else f"{image.name} of {image.dataset} is another"
    )
    yield Difference(name="image_sha256", recorded=image.sha256, why=why)


def _plain(value: Any) -> Recorded:
    if value is None or isinstance(value, str | float | int):
        return value
    return msgspec.json.encode(value, order="sorted").decode()


def _times(line: Measurement) -> Iterator[Difference]:
    for name in ("encode_s", "decode_s"):
        samples: tuple[float, ...] = getattr(line, name)
        if not samples:
            yield Difference(name=name, recorded=None, why="a result has one")
        elif min(samples) < _SHORTEST:
            yield Difference(name=name, recorded=min(samples), why="no call takes so little time")
    if len(line.encode_s) != len(line.decode_s):
        yield Difference(name="decode_s", recorded=len(line.decode_s), found=len(line.encode_s))


def _earlier(row: RecordedRow, line: Measurement) -> Iterator[Difference]:
    """Where an earlier line of the same trial, on the same machine, says something else."""
    for earlier in row.earlier:
        if (earlier.key, earlier.environment) == (line.key, line.environment):
            for name in _REPEATED:
                before, now = getattr(earlier, name), getattr(line, name)
                if before != now:
                    yield Difference(name=f"{name}, in an earlier line", recorded=now, found=before)

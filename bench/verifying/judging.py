"""From what was seen of a row to its verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.codec import Channels
from bench.inputs.pixels import channels_of
from bench.metrics.agreement import agree
from bench.text.plain import printable
from bench.trials.measurement import Measurement
from bench.verifying.arithmetic import contradictions
from bench.verifying.installed import MetricsHere
from bench.verifying.looking import DecodedRow
from bench.verifying.record import Difference, RowVerdict, VerifiedRow
from bench.verifying.rows import RecordedRow

SIZE = 0.01
"""Share by which a bitstream that was encoded again may be larger or smaller, where it is another one."""
SLACK = 16
"""And, whatever its size, so many bytes."""
QUALITY = 0.01
"""Share of its value, and at least of 1, by which a metric of it may be another."""
_SAME = 1e-12
"""Share by which two values of one metric may differ that are of the same pixels and the same code."""
_NAMED = 6
_IDENTICAL = ("identical pixels", "no error in these samples")
"""Reasons for which a metric has no value that say something of the pixels."""


@dataclass(frozen=True)
class Again:
    """What came of encoding a row's picture again."""

    same: bool = False
    """Whether it gave the recorded bitstream."""
    seen: DecodedRow | None = None
    """Of the other bitstream."""
    failure: str = ""


def judged(
    row: RecordedRow, key: str | None, seen: DecodedRow, again: Again | None, metrics: MetricsHere
) -> VerifiedRow:
    """The verdict on a row.

    Parameters
    ----------
    row : what is recorded
    key : the one that its trial has to have; None where that can't be told here
    seen : what came of its bitstream
    again : what came of encoding its picture again; None where it is not in the sample
    metrics : what could be taken
    """
    line = row.line
    if line is None:
        return _verdict(row, "not checked", "never measured")
    if line.status != "ok":
        return _verdict(row, "not checked", f"recorded without a result ({line.status})")
    impossible = tuple(contradictions(row, key))
    found = impossible + tuple(_found(line, seen, metrics)) + tuple(_of_encoder(line, again))
    reason = seen.absent or seen.unscored or _incomparable(line, seen, metrics)
    if seen.problem:
        verdict: RowVerdict = "does not decode"
    elif _other_pixels(line, seen, found):
        verdict = "decodes elsewhere differently"
    elif found:
        verdict = "decodes, numbers differ"
    else:
        verdict = "not checked" if reason else "verified"
    parts = (seen.problem, _sentence(found), reason if verdict != "verified" else "")
    return _verdict(
        row,
        verdict,
        "; ".join(filter(None, parts)),
        levels=seen.levels if verdict != "does not decode" else None,
        differences=found,
        encoded_again=again is not None,
    )


def _verdict(
    row: RecordedRow,
    verdict: RowVerdict,
    detail: str,
    levels: int | None = None,
    differences: tuple[Difference, ...] = (),
    *,
    encoded_again: bool = False,
) -> VerifiedRow:
    return VerifiedRow(
        dataset=row.image.dataset,
        image=row.image.name,
        key="" if row.line is None else printable(row.line.key)[:64],
        label=row.codec.label,
        quality=row.quality,
        verdict=verdict,
        claimed=row.claims,
        detail=printable(detail)[:1000],
        levels=levels,
        differences=differences,
        encoded_again=encoded_again,
    )


def _found(line: Measurement, seen: DecodedRow, metrics: MetricsHere) -> Iterator[Difference]:
    """What is recorded and was found to be something else."""
    if seen.bitstream_sha256:
        yield from _unequal("bytes", line.bytes, seen.bytes)
        yield from _unequal("bitstream_sha256", line.bitstream_sha256, seen.bitstream_sha256)
    if seen.problem or not seen.shape:
        return
    channels: Channels = channels_of(seen.shape)
    yield from _unequal("height", line.height, seen.shape[0])
    yield from _unequal("width", line.width, seen.shape[1])
    yield from _unequal("channels", line.channels, channels)
    if seen.mismatch:
        yield Difference(name="status", recorded="ok", why=printable(seen.mismatch)[:300])
    if seen.pixels_sha256:
        yield from _unequal("pixels_sha256", line.pixels_sha256, seen.pixels_sha256)
    if seen.exact is not None:
        yield from _unequal("exact", line.exact, seen.exact)
    yield from _other_values(line, seen, metrics)


def _unequal(name: str, recorded: str | int | None, found: str | int) -> Iterator[Difference]:
    if recorded is not None and recorded != found:
        yield Difference(name=name, recorded=recorded, found=found)


def _other_values(line: Measurement, seen: DecodedRow, metrics: MetricsHere) -> Iterator[Difference]:
    """Metrics whose recorded value is not that of the pixels."""
    for name, recorded in line.metrics.items():
        if name not in seen.metrics:
            continue
        value = seen.metrics[name]
        if recorded is None or value is None:
            differs = recorded != value and not _reason(name, line, seen)
        else:
            differs = not agree(recorded, value, metrics.units[name])
        if differs:
            yield Difference(name=name, recorded=recorded, found=value)


def _reason(name: str, line: Measurement, seen: DecodedRow) -> str:
    """Why a metric has no value, there or here, through no fault of the pixels; else empty."""
    reasons = line.reasons if line.metrics[name] is None else seen.reasons
    told = reasons.get(name, "")
    return "" if told in _IDENTICAL else told


def _incomparable(line: Measurement, seen: DecodedRow, metrics: MetricsHere) -> str:
    """Why a recorded value could not be taken again, or one that was found stands against none."""
    return "; ".join(dict.fromkeys(_lacking(line, seen, metrics)))


def _lacking(line: Measurement, seen: DecodedRow, metrics: MetricsHere) -> Iterator[str]:
    for name, recorded in line.metrics.items():
        found = seen.metrics.get(name)
        if name in metrics.unavailable and recorded is not None:
            yield metrics.unavailable[name]
        elif name in seen.metrics and (recorded is None) != (found is None) and _reason(name, line, seen):
            lacks, other = ("recorded", "found") if recorded is None else ("found", "recorded")
            value = found if recorded is None else recorded
            yield f"{name}: no value {lacks} ({_reason(name, line, seen)}), {value:.6g} {other}"


def _of_encoder(line: Measurement, again: Again | None) -> Iterator[Difference]:
    """What encoding again says against a record: another size or quality, not another bitstream alone."""
    if again is None or again.same:
        return
    if again.failure or again.seen is None or again.seen.problem or line.bytes is None:
        told = again.failure or (again.seen.problem if again.seen else "")
        yield Difference(name="status, encoded again", recorded="ok", why=printable(told)[:300])
        return
    if abs(again.seen.bytes - line.bytes) > max(SLACK, SIZE * line.bytes):
        yield Difference(name="bytes, encoded again", recorded=line.bytes, found=again.seen.bytes)
    for name, value in again.seen.metrics.items():
        recorded = line.metrics.get(name)
        if recorded is None or value is None:
            continue
        if abs(value - recorded) > QUALITY * max(1.0, abs(recorded)):
            yield Difference(name=f"{name}, encoded again", recorded=recorded, found=value)


def _other_pixels(line: Measurement, seen: DecodedRow, found: tuple[Difference, ...]) -> bool:
    """Whether other pixels are all that differs, with what follows from them.

    Metrics that are the same to the last digit are of the same pixels: then it is the hash that was edited.
    """
    follows = {"pixels_sha256", "exact", "width", "height", "channels", "status", *seen.metrics}
    pairs = [(line.metrics.get(name), value) for name, value in seen.metrics.items()]
    taken = [(one, other) for one, other in pairs if one is not None and other is not None]
    edited = bool(taken) and all(math.isclose(*it, rel_tol=_SAME) for it in taken)
    differs = any(it.name == "pixels_sha256" for it in found)
    return (
        differs
        and not edited
        and all(it.name in follows and (it.name == "status" or not it.why) for it in found)
    )


def _sentence(found: tuple[Difference, ...]) -> str:
    """What differs, in words; of a bitstream that is another one not what follows from that."""
    if any(it.name == "bitstream_sha256" and not it.why for it in found):
        told = [str(it) for it in found if it.name == "bytes" or (it.why and it.name != "status")]
        return "; ".join(["the kept bitstream is not the recorded one", *told])
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return "; ".join(map(str, found[:_NAMED])) + more

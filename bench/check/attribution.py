"""What a difference may be due to: the codec's code, or another library or architecture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from bench.check.baseline import CodecResults
from bench.check.rules import Rules, summed_up
from bench.trials.measurement import RecordedDecoder


def library_change(before: CodecResults, after: CodecResults) -> str:
    """The change of the library in a codec's version, ``"libjpeg-turbo 2.1.5 -> 3.1.3"``; empty for none.

    A version consists of the adapter's, a plus sign and the library's. The hash of a codec file counts as
    code. The library of a decoder that is another codec's counts too.
    """
    one, other = _library(before), _library(after)
    return "" if one == other else f"{one or 'none'} -> {other or 'none'}"


def outside_cause(before: CodecResults, after: CodecResults, rules: Rules) -> str:
    """What other than the codec's code may have changed bytes or pixels; empty if nothing did."""
    changed = [library_change(before, after)] if not rules.gate.own_library else []
    machines = [it.machine for it in (*rules.baseline.environments, *rules.run.environments)]
    old, new = (summed_up(it.environments).machine for it in (rules.baseline, rules.run))
    changed += [
        f"{key} {old.get(key)} -> {new.get(key)}"
        for key in ("architecture", "system")
        if len({it.get(key) for it in machines}) > 1
    ]
    return ", ".join(filter(None, changed))


def code_change(before: CodecResults, after: CodecResults) -> str:
    """What is known to have changed in the codec itself: adapter, configuration, weights; else empty."""
    (one, _), (other, _) = _parts(before.version), _parts(after.version)
    changes = [f"adapter {one} -> {other}"] if one != other else []
    for key in sorted(before.config.keys() | after.config.keys()):
        old, new = before.config.get(key), after.config.get(key)
        if _without_folders(old) != _without_folders(new):
            changes.append(f"option {key} {' -> '.join(_apart(old, new))}")
    if before.weights_sha256 != after.weights_sha256:
        changes.append("other weights")
    decoders = [it.decoder and _without_library(it.decoder) for it in (before, after)]
    if decoders[0] != decoders[1]:
        changes.append(f"decoder {before.decoder or 'its own'} -> {after.decoder or 'its own'}")
    return ", ".join(changes)


def _apart(old: Any, new: Any) -> tuple[str, str]:
    """Two values of an option; of two command lines what differs, in its place."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return str(old), str(new)
    one, other = old.split(), new.split()
    shorter = min(len(one), len(other))
    start = next((k for k in range(shorter) if one[k] != other[k]), shorter)
    end = next((k for k in range(shorter - start) if one[-1 - k] != other[-1 - k]), shorter - start)
    start -= bool(start) and shorter == start + end
    return _part(one, start, end), _part(other, start, end)


def _part(words: list[str], start: int, end: int) -> str:
    """The words but for so many at the start and the end, which dots stand for."""
    shown = words[start : len(words) - end]
    return " ".join(["…"] * bool(start) + shown + ["…"] * bool(end))


def _without_library(decoder: RecordedDecoder) -> RecordedDecoder:
    config = {key: _without_folders(it) for key, it in decoder.config.items()}
    return msgspec.structs.replace(decoder, version=_parts(decoder.version)[0], config=config)


def _library(codec: CodecResults) -> str:
    own = _parts(codec.version)[1]
    decoding = "" if codec.decoder is None else _parts(codec.decoder.version)[1]
    return f"{own or 'none'} decoded by {decoding}" if decoding else own


def _without_folders(value: Any) -> Any:
    """An option without the folders of files that it names: another checkout is not a change."""
    return [Path(it).name for it in value.split()] if isinstance(value, str) else value


def _parts(version: str) -> tuple[str, str]:
    adapter, _, library = re.sub(r"\+sha256:[0-9a-f]+$", "", version).partition("+")
    return adapter, library

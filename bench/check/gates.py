"""Which limits of a suite apply to which codec."""

from __future__ import annotations

from pathlib import Path

from bench.check.compare import Limits
from bench.check.limits import Gate
from bench.check.state import CodecState
from bench.suite import CodecEntry, Suite


def limits_of(suite: Suite) -> Limits:
    """The limits that a suite file states: its own, refined by those of the codec's entry."""
    entries = [it for it in suite.codecs if it.gate is not None]

    def limits(codec: CodecState) -> Gate:
        for entry in entries:
            if _describes(entry, codec):
                return suite.gate.refined(entry.gate)
        return suite.gate

    return limits


def _describes(entry: CodecEntry, codec: CodecState) -> bool:
    if entry.label is not None:
        return entry.label == codec.label
    file, _, name = entry.codec.rpartition(":")
    if codec.codec not in (entry.codec, name if Path(file).suffix == ".py" else entry.codec):
        return False
    return all(str(codec.config.get(key)).lower() == str(it).lower() for key, it in entry.config.items())

"""Which limits of a suite apply to which codec."""

from __future__ import annotations

import ast
from pathlib import Path

from bench.check.baseline import CodecResults
from bench.check.compare import Limits
from bench.inputs.gate import Gate
from bench.inputs.suite import CodecChoice, CodecEntry, Suite
from bench.trials.measurement import RecordedDecoder

_TRUE = frozenset(("1", "true", "yes", "on"))


def limits_of(suite: Suite) -> Limits:
    """The limits that a suite file states: those of the suite, refined by those of the codec's entry."""

    def limits(codec: CodecResults) -> Gate:
        entry = _entry_of(suite, codec)
        return suite.gate if entry is None or entry.gate is None else suite.gate.refined(entry.gate)

    return limits


def _entry_of(suite: Suite, codec: CodecResults) -> CodecEntry | None:
    """The entry of a codec: the one with its label, else the one with most of its options."""
    for entry in suite.codecs:
        if entry.label == codec.label:
            return entry
    fitting = [it for it in suite.codecs if it.label is None and _describes(it, codec)]
    return max(fitting, key=lambda it: len(it.config), default=None)


def _describes(entry: CodecEntry, codec: CodecResults) -> bool:
    if (entry.decoder is None) != (codec.decoder is None):
        return False
    if entry.decoder is not None and codec.decoder is not None and not _is_of(entry.decoder, codec.decoder):
        return False
    return _is_of(entry, codec)


def _is_of(chosen: CodecChoice, codec: CodecResults | RecordedDecoder) -> bool:
    if codec.codec not in (chosen.codec, _name_in_file(chosen.codec)):
        return False
    return all(_is_same(codec.config.get(key), it) for key, it in chosen.config.items())


def _name_in_file(codec: str) -> str | None:
    """The attribute ``name`` of a codec in a file, as far as it can be read without running the file."""
    file, _, class_name = codec.rpartition(":")
    if Path(file).suffix != ".py":
        return None
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return class_name
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            for line in node.body:
                targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
                value = getattr(line, "value", None)
                named = any(isinstance(it, ast.Name) and it.id == "name" for it in targets)
                if named and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    return value.value
    return class_name


def _is_same(stored: object, given: object) -> bool:
    """Whether the value of an option is what ``given``, the text in the suite, means for its type."""
    if isinstance(stored, bool):
        return stored == (str(given).lower() in _TRUE)
    if isinstance(stored, int | float):
        try:
            return float(stored) == float(str(given))
        except ValueError:
            return False
    return str(stored) == str(given)

"""Whose doing a difference is: the code's, or another library's or architecture's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bench.check.baseline import CodecState, State
from bench.host.environment import Environment
from bench.inputs.gate import Gate

_OF_NO_INFLUENCE = frozenset({"kernel", "memory", "cores"})
"""Parts of an environment that touch times at most, never a number of the codec's."""

_SAME = 1e-6
_ACROSS_DB = 1e-3
_ACROSS = 1e-4


def differences(before: Environment, after: Environment) -> tuple[str, ...]:
    """``("numpy 1.26.4 -> 2.1.0", ...)``: what could have changed a number."""
    return tuple(it for it in before.differences(after) if it.split(" ", 1)[0] not in _OF_NO_INFLUENCE)


def tolerance(before: State, after: State, unit: str) -> float:
    """The difference of a metric from which on it counts.

    Codecs are deterministic, but sums of floating-point numbers depend on the library and the processor: in
    one environment anything from 1e-6 counts, across environments from 1e-3 dB, or 1e-4 for a metric that is
    not in decibels.
    """
    return tolerance_of(unit) if differences(before.environment, after.environment) else _SAME


def tolerance_of(unit: str) -> float:
    """The difference of a metric from which on it counts between two environments."""
    return _ACROSS_DB if unit == "dB" else _ACROSS


def library_change(before: CodecState, after: CodecState) -> str:
    """``"libjpeg-turbo 2.1.5 -> 3.1.3"``: the change of the library in the codec's version; empty for none.

    A version is the adapter's, a plus sign and the library's. The hash of a codec file is code.
    """
    (_, one), (_, other) = _parts(before.version), _parts(after.version)
    return "" if one == other else f"{one or 'none'} -> {other or 'none'}"


def outside_cause(before: CodecState, after: CodecState, states: tuple[State, State], gate: Gate) -> str:
    """Why other bytes or pixels may be no doing of the codec's code; empty where nothing speaks for that."""
    changed = [library_change(before, after)] if not gate.own_library else []
    old, new = states[0].environment.machine, states[1].environment.machine
    changed += [
        f"{key} {old.get(key)} -> {new.get(key)}"
        for key in ("architecture", "system")
        if old.get(key) != new.get(key)
    ]
    return ", ".join(filter(None, changed))


def code_change(before: CodecState, after: CodecState) -> str:
    """What of the codec itself changed: adapter, configuration, weights; empty when nothing is known to."""
    (one, _), (other, _) = _parts(before.version), _parts(after.version)
    changes = [f"adapter {one} -> {other}"] if one != other else []
    for key in sorted(before.config.keys() | after.config.keys()):
        old, new = before.config.get(key), after.config.get(key)
        if _without_folders(old) != _without_folders(new):
            changes.append(f"option {key} {old} -> {new}")
    if before.weights_sha256 != after.weights_sha256:
        changes.append("other weights")
    return ", ".join(changes)


def _without_folders(value: Any) -> Any:
    """An option without the folders of the files that it names: another checkout is no change."""
    return [Path(it).name for it in value.split()] if isinstance(value, str) else value


def _parts(version: str) -> tuple[str, str]:
    adapter, _, library = re.sub(r"\+sha256:[0-9a-f]+$", "", version).partition("+")
    return adapter, library

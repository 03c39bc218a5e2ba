"""What the gate compares: the state of codecs on images, and the file that keeps one, the baseline.

Version history of the file's schema:

1. First version.

A reader refuses a version that it does not know. One trial is one line of the file, sorted, so that a
change of one trial is a change of one line.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import ConfigError, StoreError
from bench.files.access import read_regular, write_atomically
from bench.files.typed_json import MalformedJson, Option, Sha256, decode_json
from bench.host.environment import Environment
from bench.trials.measurement import Count, MetricValue, Seconds, Side, Status

BASELINE_SCHEMA = 1
FORMAT = "rdbench baseline"


class TrialState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One codec configuration at one quality on one image."""

    image: str
    """``data set/file``."""
    quality: float | None = None
    status: Status = "ok"
    bytes: Count | None = None
    bitstream_sha256: Sha256 | None = None
    pixels_sha256: Sha256 | None = None
    exact: bool = False
    metrics: dict[str, MetricValue | None] = {}
    error: str = ""
    encode_s: tuple[Seconds, ...] = ()
    """Raw samples in seconds, where times were taken in earnest; for the record, never compared."""
    decode_s: tuple[Seconds, ...] = ()

    @property
    def key(self) -> tuple[str, float | None]:
        """What identifies it within its codec."""
        return self.image, self.quality

    def value(self, metric: str) -> float | None:
        """A metric's value; infinite for a PSNR that was taken and has no finite value (no error at all)."""
        value = self.metrics.get(metric)
        if value is None and metric.startswith("psnr") and metric in self.metrics:
            return math.inf
        return value


class CodecState(msgspec.Struct, frozen=True, kw_only=True):
    """A codec configuration and its trials."""

    label: str
    codec: str
    version: str
    config: dict[str, Option] = {}
    weights_sha256: str | None = None
    trials: tuple[TrialState, ...] = ()


class MetricState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The definition that a metric's values follow."""

    version: str
    unit: str
    higher_is_better: bool
    ideal: float | None = None
    """The best value of a metric that is worse on both sides of it."""

    def is_same(self, other: MetricState) -> bool:
        """Whether values of both may be compared."""
        return self.version == other.version


class ImageState(msgspec.Struct, frozen=True):
    """An image by its identity, and its size in pixels where it could be read."""

    sha256: Sha256
    width: Side | None = None
    height: Side | None = None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the gate knows of a run; written to a file it is a baseline."""

    format: str = FORMAT
    schema: int = BASELINE_SCHEMA
    environment: Environment
    metrics: dict[str, MetricState]
    images: dict[str, ImageState]
    codecs: tuple[CodecState, ...]

    def __len__(self) -> int:
        return sum(len(it.trials) for it in self.codecs)

    @property
    def finished(self) -> int:
        """Trials that ended well."""
        return sum(trial.status == "ok" for it in self.codecs for trial in it.trials)


def read_baseline(path: Path) -> State:
    """Read a baseline file.

    Raises
    ------
    ConfigError
        The file is absent, or holds no trial.
    StoreError
        It is no baseline, damaged, or of an unknown schema; the message names the version.
    """
    try:
        data = read_regular(path, links=True)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); `rdbench baseline RUN --output {path}` makes one"
        ) from error
    try:
        head = decode_json(data, _Head)
    except MalformedJson as error:
        raise StoreError(f"{path}: not a baseline file of rdbench ({error})") from error
    if head.format != FORMAT:
        raise StoreError(f"{path}: not a baseline file of rdbench, but {head.format!r}")
    if head.schema != BASELINE_SCHEMA:
        remedy = "update rdbench" if head.schema > BASELINE_SCHEMA else "make the baseline again"
        raise StoreError(
            f"{path}: baseline schema version {head.schema}, this rdbench reads {BASELINE_SCHEMA}; {remedy}"
        )
    try:
        state = decode_json(data, State)
    except MalformedJson as error:
        raise StoreError(f"{path}: damaged baseline ({error}); make it again") from error
    if not len(state):
        raise ConfigError(f"{path}: the baseline is empty, so nothing can be compared; make it again")
    return state


def write_baseline(path: Path, state: State) -> None:
    """Write a baseline file in one step.

    Raises
    ------
    ConfigError
        No trial ended well: there is nothing to hold anything against.
    """
    if not state.finished:
        raise ConfigError(f"{path}: not written, none of the {len(state)} trials ended well")
    write_atomically(path, encoded(state))


def encoded(state: State) -> bytes:
    """A baseline as JSON, one line for each trial, image and metric."""
    plain = msgspec.to_builtins(state)
    codecs = plain.pop("codecs")
    parts = [f' "{key}": {_lines(it) if isinstance(it, dict) else _line(it)}' for key, it in plain.items()]
    blocks = []
    for codec in codecs:
        lines = ",\n".join("   " + _line(trial) for trial in codec.pop("trials"))
        blocks.append(f'  {_line(codec)[:-1]}, "trials": [\n{lines}\n  ]}}')
    body = ",\n".join(blocks)
    parts.append(f' "codecs": [\n{body}\n ]')
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


class _Head(msgspec.Struct):
    schema: int
    format: str = ""


def _lines(entries: dict[str, Any]) -> str:
    return "{\n" + ",\n".join(f"  {_line(key)}: {_line(it)}" for key, it in entries.items()) + "\n }"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)

"""What the regression gate compares: snapshots of a run, and the file that holds one, the baseline.

Version history of the file's schema:

1. First version.

A reader refuses a version that it does not know. Each trial is one line of the file, in sorted order, so that
a change in one trial changes one line.
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
from bench.trials.measurement import Count, MetricValue, RecordedDecoder, Seconds, Side, Status

BASELINE_SCHEMA = 1
FORMAT = "rdbench baseline"


class TrialResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
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
    """Each repetition in seconds, where the run took precise times. For the record; never compared."""
    decode_s: tuple[Seconds, ...] = ()

    @property
    def key(self) -> tuple[str, float | None]:
        """Image and quality, which identify the trial within its codec."""
        return self.image, self.quality

    def value(self, metric: str) -> float | None:
        """A metric's value; infinite for a PSNR that was measured and is empty, since there is no error."""
        value = self.metrics.get(metric)
        if value is None and metric.startswith("psnr") and metric in self.metrics:
            return math.inf
        return value


class CodecResults(msgspec.Struct, frozen=True, kw_only=True):
    """A codec configuration and its trials."""

    label: str
    codec: str
    version: str
    config: dict[str, Option] = {}
    weights_sha256: str | None = None
    decoder: RecordedDecoder | None = None
    """Absent from the file where the codec's own decoder ran, and in older ones."""
    trials: tuple[TrialResult, ...] = ()


class MetricDefinition(msgspec.Struct, frozen=True, omit_defaults=True):
    """The definition of a metric."""

    version: str
    unit: str
    higher_is_better: bool
    ideal: float | None = None
    """The best value of a metric that is worse on both sides of it."""

    def is_same(self, other: MetricDefinition) -> bool:
        """Whether values under both definitions can be compared."""
        return self.version == other.version


class ImageIdentity(msgspec.Struct, frozen=True):
    """The hash of an image file, and its size in pixels if it could be read."""

    sha256: Sha256
    width: Side | None = None
    height: Side | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the gate knows about a run. Written to a file, it is a baseline."""

    format: str = FORMAT
    schema: int = BASELINE_SCHEMA
    environment: Environment
    """Of the machine that made the results, or of the first of several."""
    further_environments: tuple[Environment, ...] = ()
    """Of the others; absent from the file where there are none, and in older ones."""
    metrics: dict[str, MetricDefinition]
    images: dict[str, ImageIdentity]
    codecs: tuple[CodecResults, ...]

    def __len__(self) -> int:
        return sum(len(it.trials) for it in self.codecs)

    @property
    def environments(self) -> tuple[Environment, ...]:
        """All in which results were made."""
        return self.environment, *self.further_environments

    @property
    def finished(self) -> int:
        """Number of trials that succeeded."""
        return sum(trial.status == "ok" for it in self.codecs for trial in it.trials)


def read_baseline(path: Path) -> Snapshot:
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
        snapshot = decode_json(data, Snapshot)
        _require_sound(snapshot)
    except MalformedJson as error:
        raise StoreError(f"{path}: damaged baseline ({error}); make it again") from error
    if not len(snapshot):
        raise ConfigError(f"{path}: the baseline is empty, so nothing can be compared; make it again")
    return snapshot


def _require_sound(snapshot: Snapshot) -> None:
    """What the types do not say: labels and trials are named once, and trials are of known images."""
    labels: set[str] = set()
    for codec in snapshot.codecs:
        if codec.label in labels:
            raise MalformedJson(f"the label {codec.label[:80]!r} is used twice")
        labels.add(codec.label)
        keys = {it.key for it in codec.trials}
        if len(keys) < len(codec.trials):
            raise MalformedJson(f"a trial of {codec.label[:80]!r} is there twice")
        unknown = next((image for image, _ in keys if image not in snapshot.images), None)
        if unknown is not None:
            raise MalformedJson(f"a trial of {unknown[:80]!r}, which is not among the images")


def write_baseline(path: Path, snapshot: Snapshot) -> None:
    """Write a baseline file atomically.

    Raises
    ------
    ConfigError
        No trial succeeded, so that there would be nothing to compare with.
    StoreError
        The file cannot be written.
    """
    if not snapshot.finished:
        raise ConfigError(f"{path}: not written, none of the {len(snapshot)} trials ended well")
    write_atomically(path, encoded(snapshot))


def encoded(snapshot: Snapshot) -> bytes:
    """A snapshot as JSON, with one line for each trial, image and metric."""
    plain = msgspec.to_builtins(snapshot)
    codecs = plain.pop("codecs")
    if not snapshot.further_environments:
        del plain["further_environments"]
    parts = [f' "{key}": {_lines(it) if isinstance(it, dict) else _line(it)}' for key, it in plain.items()]
    blocks = []
    for codec in codecs:
        if codec["decoder"] is None:
            del codec["decoder"]
        lines = ",\n".join("   " + _line(trial) for trial in codec.pop("trials"))
        blocks.append(f'  {_line(codec)[:-1]}, "trials": [\n{lines}\n  ]}}')
    body = ",\n".join(blocks)
    parts.append(f' "codecs": [\n{body}\n ]')
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


class _Head(msgspec.Struct):
    """What is read first, to know whether the rest can be."""

    schema: int
    format: str = ""


def _lines(entries: dict[str, Any]) -> str:
    return "{\n" + ",\n".join(f"  {_line(key)}: {_line(it)}" for key, it in entries.items()) + "\n }"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)

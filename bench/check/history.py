"""How a codec came to be what it is: bytes, metrics, BD-rate and speed over kept states."""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median

import msgspec

from bench.check.attribution import code_change, library_change
from bench.check.baseline import CodecResults, MetricDefinition, Snapshot, TrialResult, read_baseline
from bench.check.curves import curves_of
from bench.check.snapshot import snapshot
from bench.errors import ConfigError, suggestion
from bench.metrics.agreement import tolerance_across_environments
from bench.runs.store import is_run

_DATE = re.compile(r"\d{4}-?\d\d-?\d\d")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_NOTEWORTHY = 0.005
"""Change of all bytes, in percent, that is a step."""


@dataclass(frozen=True)
class State:
    """A snapshot and what it is called: the name of its file or folder."""

    name: str
    snapshot: Snapshot


@dataclass(frozen=True)
class HistoryPoint:
    """A codec in one state, over the trials that it finished in all of them."""

    state: str
    version: str
    bytes: int
    bpp: float | None
    metrics: dict[str, float]
    """Means; without those that were defined otherwise, or have no finite value."""
    bd_rate: dict[str, float]
    """Against the first state, image by image, in percent."""
    encode_mps: float | None
    """Megapixels per second, where precise times were kept."""
    decode_mps: float | None
    step: str = ""
    """What made it differ from the state before: the versions; empty where nothing differs."""


@dataclass(frozen=True)
class CodecHistory:
    """A codec over its states, the oldest first."""

    label: str
    codec: str
    trials: int
    """How many trials are behind each point."""
    metrics: tuple[str, ...]
    units: dict[str, str]
    points: tuple[HistoryPoint, ...]


def read_states(paths: Sequence[Path]) -> list[State]:
    """The states in run folders and baseline files, in the order given.

    A folder that is no run stands for the runs and baselines in it: by date where all names begin with one,
    by the history of the repository where they begin with commits of it, else by name.

    Raises
    ------
    ConfigError
        Something is absent or holds no state.
    StoreError
        A run or baseline can't be read.
    """
    places = [
        place for path in paths for place in ([path] if is_run(path) or path.is_file() else _inside(path))
    ]
    return [
        State(it.resolve().name, snapshot(it)) if it.is_dir() else State(it.stem, read_baseline(it))
        for it in places
    ]


def histories(states: Sequence[State], labels: Sequence[str] = ()) -> list[CodecHistory]:
    """The history of every codec that is in two states or more, or of those named.

    Raises
    ------
    ConfigError
        A label is in no state, or no codec is in two of them.
    """
    known = dict.fromkeys(codec.label for it in states for codec in it.snapshot.codecs)
    for label in labels:
        if label not in known:
            raise ConfigError(f"no label {label!r} in any state{suggestion(label, known)}")
    found = [_history(label, states) for label in (list(labels) or known)]
    kept = [it for it in found if it is not None]
    if not kept:
        raise ConfigError(
            "a history needs two states or more of a codec, with trials that all of them finished"
        )
    return kept


def _inside(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no run, no baseline file, and no folder of them")
    found = sorted(it for it in folder.iterdir() if is_run(it) or (it.is_file() and it.suffix == ".json"))
    if not found:
        raise ConfigError(f"{folder}: no runs and no baselines in it")
    if all(_DATE.match(it.name) for it in found):
        return found
    ages = _ages(folder)
    placed = [(ages.get(commit[0][:7]), it) for it in found if (commit := _COMMIT.match(it.name))]
    if len(placed) == len(found) and all(age is not None for age, _ in placed):
        return [it for _, it in sorted(placed)]
    return found


def _ages(folder: Path) -> dict[str, int]:
    """The place of each commit by its first seven digits, from the oldest on; none without a repository."""
    command = ["git", "-C", str(folder.resolve()), "rev-list", "--reverse", "--topo-order", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return {}
    return {commit[:7]: age for age, commit in enumerate(done.stdout.split())} if done.returncode == 0 else {}


def _history(label: str, states: Sequence[State]) -> CodecHistory | None:
    having = [
        (it, codec) for it in states for codec in it.snapshot.codecs if codec.label == label and codec.trials
    ]
    if len(having) < 2:
        return None
    shared = set.intersection(*(_comparable(state.snapshot, codec) for state, codec in having))
    if not shared:
        return None
    keys = {(image, quality) for image, _, quality in shared}
    reduced = [
        (state, msgspec.structs.replace(codec, trials=tuple(it for it in codec.trials if it.key in keys)))
        for state, codec in having
    ]
    metrics = _metrics([it.snapshot for it, _ in having])
    first = reduced[0]
    points: list[HistoryPoint] = []
    for place, (state, codec) in enumerate(reduced):
        point = _point(state, codec, metrics, first)
        if place and _differs(points[-1], point, metrics):
            point = replace(point, step=_cause(reduced[place - 1][1], codec))
        points.append(point)
    units = {name: it.unit for name, it in metrics.items()}
    return CodecHistory(label, having[-1][1].codec, len(shared), tuple(metrics), units, tuple(points))


def _comparable(state: Snapshot, codec: CodecResults) -> set[tuple[str, str, float | None]]:
    """Image, its hash, and quality of what finished: the same name may be another picture."""
    return {(it.image, state.images[it.image].sha256, it.quality) for it in codec.trials if it.status == "ok"}


def _metrics(states: Sequence[Snapshot]) -> dict[str, MetricDefinition]:
    """Those that all states have, of one definition."""
    last = states[-1].metrics
    return {
        name: metric
        for name, metric in last.items()
        if all(name in it.metrics and it.metrics[name].is_same(metric) for it in states)
    }


def _point(
    state: State,
    codec: CodecResults,
    metrics: Mapping[str, MetricDefinition],
    first: tuple[State, CodecResults],
) -> HistoryPoint:
    images = state.snapshot.images
    sizes = [(images[it.image].width or 0) * (images[it.image].height or 0) for it in codec.trials]
    rates = [8 * (it.bytes or 0) / size for it, size in zip(codec.trials, sizes, strict=True) if size]
    means = {}
    for name in metrics:
        values = [it.value(name) for it in codec.trials]
        finite = [it for it in values if it is not None and math.isfinite(it)]
        if finite and len(finite) == len(values):
            means[name] = fmean(finite)
    encode, decode = (_speed(codec.trials, sizes, side) for side in ("encode_s", "decode_s"))
    bd_rates = {
        name: _bd_rate(first, (state, codec), name) for name, it in metrics.items() if it.ideal is None
    }
    return HistoryPoint(
        state=state.name,
        version=codec.version,
        bytes=sum(it.bytes or 0 for it in codec.trials),
        bpp=fmean(rates) if rates else None,
        metrics=means,
        bd_rate={name: it for name, it in bd_rates.items() if it is not None},
        encode_mps=encode,
        decode_mps=decode,
    )


def _speed(trials: Sequence[TrialResult], sizes: Sequence[int], side: str) -> float | None:
    """Megapixels of all trials over the sum of their median seconds; None where precise times lack."""
    samples = [getattr(it, side) for it in trials]
    if not all(samples) or not all(sizes):
        return None
    seconds = sum(map(median, samples))
    return sum(sizes) / 1e6 / seconds if seconds else None


def _bd_rate(
    first: tuple[State, CodecResults], other: tuple[State, CodecResults], metric: str
) -> float | None:
    """Over all data sets, image by image; 0 for the first state itself."""
    from bench.rd import common_images, per_image_bd_rate

    logs = []
    points = sorted({it.quality for it in first[1].trials if it.quality is not None})
    for dataset in dict.fromkeys(it.image.partition("/")[0] for it in first[1].trials):
        old, new = (curves_of(codec, it.snapshot, dataset, metric, points) for it, codec in (first, other))
        images = common_images((old, new))
        results = per_image_bd_rate(old.only(images), new.only(images)) if images and points else ()
        logs += [math.log1p(it.value / 100) for it in results if it.value is not None]
    return 100 * math.expm1(fmean(logs)) if logs else None


def _differs(before: HistoryPoint, after: HistoryPoint, metrics: Mapping[str, MetricDefinition]) -> bool:
    """Whether the results are others, beyond what another processor or library of metrics makes."""
    growth = abs(after.bytes / before.bytes - 1) if before.bytes else float(after.bytes > 0)
    return 100 * growth >= _NOTEWORTHY or any(
        abs(after.metrics[name] - before.metrics[name]) >= tolerance_across_environments(metric.unit)
        for name, metric in metrics.items()
        if name in after.metrics and name in before.metrics
    )


def _cause(before: CodecResults, after: CodecResults) -> str:
    causes = filter(None, (code_change(before, after), library_change(before, after)))
    if found := ", ".join(causes):
        return found
    hashes = [re.search(r"sha256:([0-9a-f]{8})", it.version) for it in (before, after)]
    one, other = (it[1] if it else "" for it in hashes)
    return f"code {one} -> {other}" if one != other else "same version"

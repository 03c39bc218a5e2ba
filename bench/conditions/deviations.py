"""Where a run, or a report of it, departs from test conditions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.conditions.definition import Conditions, NamedConditions, RequiredImages
from bench.conditions.suites import anchor_entry
from bench.inputs.catalogue import find
from bench.inputs.goals import Goals
from bench.rd import Average, Method
from bench.runs.frame import reached_values
from bench.runs.store import RunInfo
from bench.text.plain import some_of
from bench.trials.codec_ref import threads_of
from bench.trials.plan import CodecPlan, Goal

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3


@dataclass(frozen=True)
class Evaluation:
    """How a report evaluates what a run has measured."""

    average: Average = "images"
    interpolation: Method = "pchip"
    anchor: str | None = None
    """Label; None where that is left to the report."""


@dataclass(frozen=True)
class Adherence:
    """How far a run keeps to conditions."""

    conditions: str
    """``NAME@VERSION``."""
    deviations: tuple[str, ...]

    def __str__(self) -> str:
        count = len(self.deviations)
        if not count:
            return f"conditions: {self.conditions}, no deviations"
        told = "; ".join(self.deviations)
        return f"conditions: {self.conditions}, {count} deviation{'s' * (count > 1)}: {told}"


def judge(
    conditions: NamedConditions,
    info: RunInfo,
    frame: pd.DataFrame,
    evaluation: Evaluation | None = None,
    labels: Collection[str] | None = None,
) -> Adherence:
    """Hold a run against conditions.

    Parameters
    ----------
    info : ``run.json``
    frame : its table, or that of one data set
    evaluation : of the report; None where measurements alone are in question
    labels : of the configurations that matter; None for all
    """
    its = conditions.definition
    codecs = [it for it in info.codecs if labels is None or it.label in labels]
    found = (
        *_of_images(its, info, frame),
        *_of_metrics(its, info),
        *_of_anchor(its, info.codecs, None if evaluation is None else evaluation.anchor),
        *(text for codec in codecs for text in _of_codec(its, codec, _rows(frame, codec.label))),
        *(() if evaluation is None else _of_evaluation(its, evaluation)),
    )
    return Adherence(conditions.name, tuple(dict.fromkeys(found)))


def anchor_label(conditions: Conditions, info: RunInfo) -> str | None:
    """The label of the anchor in a run; None where it has none."""
    return next((it.label for it in info.codecs if _is_anchor(conditions, it)), None)


def _rows(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    return frame[frame["label"] == label]


def _of_images(conditions: Conditions, info: RunInfo, frame: pd.DataFrame) -> Iterator[str]:
    if not conditions.datasets:
        return
    present = [str(it) for it in frame["dataset"].unique()]
    by_name = {it.name: it for it in conditions.datasets}
    for name in present:
        images = {it.name: it.sha256 for it in info.images if it.dataset == name}
        required = by_name.get(name)
        # a folder that the user names may have any name
        others = [it for it in conditions.datasets if find(it.name) is None]
        if required is None and len(others) == 1 and find(name) is None:
            required = others[0]
        if required is None:
            yield f"data set {name} instead of {' or '.join(by_name)}"
        else:
            yield from _other_images(required, images)


def _other_images(required: RequiredImages, images: Mapping[str, str]) -> Iterator[str]:
    known = find(required.name)
    hashes = {name: it.sha256 for name, it in known.spec.files.items()} if known else dict(required.sha256)
    # a picture whose hash nobody has stated goes by its name; its data set verifies it by git's
    hashes = {name: it or images.get(name) for name, it in hashes.items()}
    if hashes:
        present = set(images.values())
        if absent := [name for name, sha256 in hashes.items() if sha256 not in present]:
            yield f"{len(absent)} of {len(hashes)} images of {required.name} are missing"
        if foreign := [name for name, it in images.items() if it not in set(hashes.values())]:
            yield f"{some_of(foreign, _NAMED)}: no image of {required.name}"
    elif required.count is not None and len(images) != required.count:
        count = len(images)
        yield f"{count} image{'s' * (count != 1)} instead of the {required.count} of {required.name}"


def _of_metrics(conditions: Conditions, info: RunInfo) -> Iterator[str]:
    measured = {it.name: it.version for it in info.metrics}
    if absent := [it for it in conditions.metrics if it not in measured]:
        yield f"not measured: {', '.join(absent)}"
    for name, version in conditions.metrics.items():
        if version is not None and measured.get(name, version) != version:
            yield f"{name} is of version {measured[name]}, not {version}"


def _of_anchor(conditions: Conditions, codecs: Sequence[CodecPlan], anchor: str | None) -> Iterator[str]:
    if conditions.anchor is None:
        return
    found = [it.label for it in codecs if _is_anchor(conditions, it)]
    if not found:
        yield f"the anchor {conditions.anchor.codec} is not measured"
    elif anchor is not None and anchor not in found:
        yield f"compared with {anchor}, not with the anchor {found[0]}"


def _is_anchor(conditions: Conditions, codec: CodecPlan) -> bool:
    entry = anchor_entry(conditions)
    if entry is None or codec.codec != entry.codec:
        return False
    return all(str(codec.config.get(key)) == str(value) for key, value in entry.config.items())


def _of_codec(conditions: Conditions, codec: CodecPlan, rows: pd.DataFrame) -> Iterator[str]:
    """What departs in one configuration; rates and qualities are of lossy ones."""
    label = codec.label
    failed = int((rows["status"] != "ok").sum())
    if failed:
        yield f"{label}: {failed} of {len(rows)} trials have no result"
    for option, value in conditions.options.get(codec.codec, {}).items():
        if str(codec.config.get(option)) != str(value):
            yield f"{label}: {option} is {codec.config.get(option)}, not {value}"
    threads = threads_of(codec.config)
    if conditions.threads is not None and threads != conditions.threads:
        yield f"{label}: {threads} thread{'s' * (threads != 1)}, not {conditions.threads}"
    if conditions.timing is not None and (rows["timing"] != conditions.timing).any():
        yield f"{label}: not timed {conditions.timing}"
    most = conditions.own_mb
    if most is not None and codec.own_bytes is not None and codec.own_bytes > 1e6 * most:
        yield f"{label}: brings {codec.own_bytes / 1e6:.0f} MB along, more than {most:g}"
    if conditions.header_bytes == "payload":
        yield f"{label}: headers count"
    converted = rows.loc[rows["treatment"].astype(str) != "", "image"].nunique() if len(rows) else 0
    if converted:
        yield f"{label}: {converted} pictures were converted"
    if not codec.lossless:
        yield from _of_points(conditions, codec, rows)
        yield from _of_budget(conditions, codec, rows)


def _of_points(conditions: Conditions, codec: CodecPlan, rows: pd.DataFrame) -> Iterator[str]:
    asked = conditions.sweeps.get(codec.codec, conditions.quality)
    if asked is None:
        return
    goal, values = (asked.of, asked.values) if isinstance(asked, Goals) else (None, asked)
    its = None if codec.goal is None else codec.goal.of
    if its != goal:
        yield f"{codec.label}: operating points are {its or 'qualities'}, not {goal or 'qualities'}"
        return
    if absent := [f"{it:g}" for it in values if it not in codec.qualities]:
        yield f"{codec.label}: not measured at {', '.join(absent)}"
    if not isinstance(asked, Goals):
        return
    tolerance = Goal(asked.of, asked.tolerance, asked.relative)
    ok = rows[(rows["status"] == "ok") & rows["quality"].isin(values)]
    windows = {value: tolerance.window(value) for value in values}
    reached = zip(ok["quality"], reached_values(ok, asked.of), strict=True)
    off = [value for value, its in reached if not windows[value][0] <= its <= windows[value][1]]
    if off:
        where = ", ".join(f"{value:g}" for value in sorted(set(off)))
        yield f"{codec.label}: {len(off)} of {len(ok)} points are not at their {tolerance} ({where})"


def _of_budget(conditions: Conditions, codec: CodecPlan, rows: pd.DataFrame) -> Iterator[str]:
    for dataset, of_set in rows[rows["status"] == "ok"].groupby("dataset", observed=True):
        sizes = sorted(int(it) for it in of_set.groupby("quality")["bytes"].sum())
        required = next((it for it in conditions.datasets if it.name == dataset), None)
        pixels = float((of_set["width"] * of_set["height"]).groupby(of_set["quality"]).sum().max())
        limits = [int(it * pixels / 8) for it in conditions.budgets_bpp]
        limits = list(required.budgets) if required is not None and required.budgets else limits
        if not limits:
            continue
        if len(sizes) != len(limits):
            yield f"{codec.label}: {len(sizes)} operating points for {len(limits)} budgets"
        for size, limit in zip(sizes, limits, strict=False):
            if size > limit:
                yield f"{codec.label}: {size} bytes exceed the budget of {limit}"


def _of_evaluation(conditions: Conditions, evaluation: Evaluation) -> Iterator[str]:
    if evaluation.average != conditions.averaging.rate:
        yield f"rates are averaged over {evaluation.average}, not {conditions.averaging.rate}"
    if conditions.averaging.metrics == "set":
        yield "metrics are means of images, not of the set's squared error"
    if evaluation.interpolation != conditions.interpolation:
        yield f"curves are interpolated by {evaluation.interpolation}, not {conditions.interpolation}"
    if conditions.bd_range != "shared":
        low, high = conditions.bd_range
        yield f"BD-rates are over the range that two curves share, not {low:g} to {high:g}"

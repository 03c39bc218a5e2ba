"""A budget of bytes for a data set: which point of each image, of those that a run has measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bench.errors import ConfigError, suggestion
from bench.files.access import write_atomically
from bench.inputs.datasets import CATALOGUE
from bench.inputs.goals import BUDGET
from bench.rd.budget import BudgetChoice, ImagePoints, allocate, spend_evenly
from bench.registry import CODECS, is_file_target, targets
from bench.runs.store import LineSelector, RunInfo, read_info, read_journal
from bench.tables.table import Column, Table
from bench.trials.measurement import Measurement
from bench.trials.plan import CodecPlan, ImagePlan, MetricPlan

_PEAK = 255.0


@dataclass(frozen=True)
class BudgetRequest:
    """What the points are to fit into, and what they are chosen for."""

    bpp: tuple[float, ...] = ()
    """Total bits over total pixels."""
    bytes: tuple[int, ...] = ()
    metric: str = "psnr_rgb"
    pooled: bool = False
    """Whether the squared error of the whole set counts, rather than the mean of the metric."""
    cap: float | None = None
    """Bits per pixel that no image may exceed."""
    codecs: tuple[str, ...] = ()
    """Labels; empty for all lossy ones."""


@dataclass(frozen=True, eq=False)
class BudgetPlan:
    """The points of one configuration on one data set within one budget."""

    dataset: str
    codec: CodecPlan
    budget: int
    """Bytes."""
    bpp: float
    """The same as total bits over total pixels."""
    choice: BudgetChoice | None
    """None where not even the cheapest points fit."""
    chosen: dict[str, Measurement]
    """By image."""
    evenly: dict[str, Measurement]
    """The best points when each image has the same bits a pixel."""
    least: int
    """Bytes of the cheapest points."""


def plan_budgets(run: Path | str, request: BudgetRequest) -> list[BudgetPlan]:
    """Choose the points, for each data set, configuration and budget.

    All trials count that the run has of a configuration, those that a search made on its way too.

    Raises
    ------
    ConfigError
        The run has no such label or metric, or the objective has no meaning for the metric.
    StoreError
        The folder holds no run, or one that this version can't read.
    """
    info = read_info(Path(run))
    metric = _metric(info, request)
    points = _points(Path(run), info, request)
    datasets = list(dict.fromkeys(it.dataset for it in info.images))
    if request.bytes and len(datasets) > 1:
        raise ConfigError(f"the run has several data sets ({', '.join(datasets)}): give the budget as --bpp")
    plans: list[BudgetPlan] = []
    for dataset in datasets:
        images = [it for it in info.images if it.dataset == dataset]
        for codec, measured in points.items():
            of_images = {it: _valued(measured.get(it, {}), metric, request) for it in images}
            if absent := [it.name for it, its in of_images.items() if not its]:
                raise ConfigError(f"{codec}: no measured point of {absent[0]} has a value of {metric.name}")
            plan = next(it for it in info.codecs if it.label == codec)
            plans += _of_set(dataset, plan, of_images, metric, request)
    return plans


def _metric(info: RunInfo, request: BudgetRequest) -> MetricPlan:
    known = {it.name: it for it in info.metrics}
    if request.metric not in known:
        raise ConfigError(f"the run has no metric {request.metric!r}{suggestion(request.metric, known)}")
    if request.pooled and not request.metric.startswith("psnr"):
        raise ConfigError("--pooled is for PSNR, which is a squared error")
    if known[request.metric].ideal is not None:
        raise ConfigError(f"{request.metric} has no better direction")
    return known[request.metric]


def _points(
    run: Path, info: RunInfo, request: BudgetRequest
) -> dict[str, dict[ImagePlan, dict[float, Measurement]]]:
    """The trials of each configuration, by label, image and quality."""
    lossy = [it.label for it in info.codecs if not it.lossless]
    for label in request.codecs:
        if label not in lossy:
            raise ConfigError(f"the run has no lossy codec {label!r}{suggestion(label, lossy)}")
    chosen = [it for it in info.codecs if it.label in (request.codecs or lossy)]
    if not request.codecs:  # a sweep and a search of one configuration have the same trials
        chosen = list({_configuration(it): it for it in reversed(chosen)}.values())[::-1]
    selector = LineSelector(info)
    images = {(it.dataset, it.name, it.sha256): it for it in info.images}
    found: dict[str, dict[ImagePlan, dict[float, Measurement]]] = {it.label: {} for it in chosen}
    for line in read_journal(run):
        image = images.get((line.dataset, line.image, line.image_sha256))
        known = selector.row(line) is not None or selector.is_of_search(line)
        if image is None or not known or line.status != "ok" or line.quality is None or not line.bytes:
            continue
        for codec in chosen:
            if _is_of(line, codec):
                found[codec.label].setdefault(image, {})[line.quality] = line
    return found


def _configuration(codec: CodecPlan) -> str:
    return repr((codec.codec, sorted(codec.config.items()), codec.recorded_decoder))


def _is_of(line: Measurement, codec: CodecPlan) -> bool:
    options, weights = codec.distinctive(codec.config), codec.weights_of(line.quality)
    mine = line.codec, line.version, line.weights_sha256, codec.distinctive(line.config), line.decoder
    its = codec.codec, codec.version, weights, options, codec.recorded_decoder
    return mine == its


def _valued(
    measured: dict[float, Measurement], metric: MetricPlan, request: BudgetRequest
) -> list[Measurement]:
    """The points that have a value, and do not exceed the cap unless all do, by quality."""
    points = [measured[it] for it in sorted(measured)]
    points = [it for it in points if math.isfinite(_value(it, metric, request))]
    capped = [it for it in points if request.cap is None or (it.bpp or math.inf) <= request.cap]
    return capped or points[:1]


def _value(it: Measurement, metric: MetricPlan, request: BudgetRequest) -> float:
    """What a point is worth, higher is better: its metric, or its squared error in the whole set."""
    raw = it.metrics.get(metric.name)
    if request.pooled:
        if raw is None:
            return 0.0 if it.exact else -math.inf
        return -_squared_error(raw) * (it.width or 0) * (it.height or 0)
    if raw is None:
        return -math.inf
    return raw if metric.higher_is_better else -raw


def _squared_error(psnr: float) -> float:
    return _PEAK**2 / 10 ** (psnr / 10)


def _of_set(
    dataset: str,
    codec: CodecPlan,
    points: dict[ImagePlan, list[Measurement]],
    metric: MetricPlan,
    request: BudgetRequest,
) -> Iterator[BudgetPlan]:
    sizes = [(its[0].width or 0) * (its[0].height or 0) for its in points.values()]
    pixels = sum(sizes)
    images = [
        ImagePoints(
            np.array([it.bytes for it in its], np.int64),
            np.array([_value(it, metric, request) for it in its]),
        )
        for its in points.values()
    ]
    budgets = [(math.floor(it * pixels / 8), it) for it in request.bpp]
    budgets += [(it, 8 * it / pixels) for it in request.bytes]
    for budget, bpp in budgets:
        choice = allocate(images, budget)
        even = spend_evenly(images, [budget * it / pixels for it in sizes])
        yield BudgetPlan(
            dataset,
            codec,
            budget,
            bpp,
            choice,
            {} if choice is None else _picked(points, choice.chosen),
            _picked(points, even),
            sum(int(it.costs.min()) for it in images),
        )


def _picked(points: dict[ImagePlan, list[Measurement]], rows: Sequence[int]) -> dict[str, Measurement]:
    return {image.name: its[row] for (image, its), row in zip(points.items(), rows, strict=True)}


def budget_table(plans: Sequence[BudgetPlan], metric: str, *, pooled: bool = False) -> Table:
    """What comes of the budgets, beside the same ones spent evenly."""
    name = f"pooled {metric}" if pooled else metric
    columns = (
        *(Column("dataset", "data set"), Column("label", "codec"), Column("budget", "budget B")),
        *(Column("bpp", "bpp", 4), Column("spent", "spent B"), Column("value", name, 3)),
        *(Column("even", "evenly", 3), Column("gain", "gain", 3, signed=True)),
        *(Column("least", "least bpp", 3), Column("most", "most bpp", 3), Column("remark", "remark")),
    )
    return Table(
        "budget", f"Points within a budget, chosen for {name}", columns, tuple(_rows(plans, metric, pooled))
    )


def _rows(plans: Sequence[BudgetPlan], metric: str, pooled: bool) -> Iterator[tuple[Any, ...]]:
    for plan in plans:
        even = _mean(plan.evenly, metric, pooled)
        beyond = sum(it.bytes or 0 for it in plan.evenly.values()) > plan.budget
        head = plan.dataset, plan.codec.label, plan.budget, plan.bpp
        if plan.choice is None:
            yield (*head, *[None] * 6, f"the cheapest points take {plan.least} bytes")
            continue
        value = _mean(plan.chosen, metric, pooled)
        rates = [it.bpp or 0.0 for it in plan.chosen.values()]
        remarks = [] if plan.choice.exact else ["not proven the best"]
        remarks += ["evenly exceeds the budget: an image has no point within its share"] if beyond else []
        yield (
            *(*head, plan.choice.cost, value, even, value - even),
            *(min(rates), max(rates), "; ".join(remarks)),
        )


def _mean(points: dict[str, Measurement], metric: str, pooled: bool) -> float:
    values = [(it.metrics.get(metric), it) for it in points.values()]
    if not pooled:
        return float(np.mean([math.inf if raw is None else raw for raw, _ in values]))
    sizes = [(it.width or 0) * (it.height or 0) for it in points.values()]
    errors = [0.0 if raw is None else _squared_error(raw) for raw, _ in values]
    return float(10 * np.log10(_PEAK**2 / np.average(errors, weights=sizes)))


def write_budget_suite(path: Path, run: Path, plans: Sequence[BudgetPlan]) -> None:
    """Write a suite that measures the chosen points again.

    Raises
    ------
    ConfigError
        No plan fits its budget, or they are of several data sets.
    """
    info = read_info(run)
    kept = [it for it in plans if it.choice is not None]
    datasets = list(dict.fromkeys(it.dataset for it in kept))
    if len(datasets) != 1:
        raise ConfigError(
            "no budget can be kept, so there is no suite to write"
            if not datasets
            else f"a suite names the images of one data set, and these are {', '.join(datasets)}"
        )
    by_codec: dict[str, list[BudgetPlan]] = {}
    for plan in kept:
        by_codec.setdefault(plan.codec.label, []).append(plan)
    source = info.sources.get(datasets[0], datasets[0])
    suite = {
        "datasets": [datasets[0] if source == CATALOGUE else source],
        "limit": len(kept[0].chosen),
        "metrics": [it.name for it in info.metrics],
        "codecs": [_entry(its) for its in by_codec.values()],
    }
    text = yaml.safe_dump(suite, sort_keys=False, allow_unicode=True, width=110)
    write_atomically(path, f"# Of {run}: rdbench run {path.name}\n{text}".encode())


def _entry(plans: Sequence[BudgetPlan]) -> dict[str, Any]:
    codec = plans[0].codec
    points = [
        {"bpp": float(f"{it.bpp:.6g}"), "images": {name: made.quality for name, made in it.chosen.items()}}
        for it in plans
    ]
    name = codec.label.removesuffix(f"@{codec.goal.of}") if codec.goal is not None else codec.label
    entry: dict[str, Any] = {
        "codec": _named(codec.codec, codec.target),
        "label": f"{name}@{BUDGET}",
        "config": dict(codec.config),
        "quality": {BUDGET: points},
    }
    if codec.decoder is not None:
        decoder = codec.decoder
        entry["decoder"] = {"codec": _named(decoder.codec, decoder.target), "config": dict(decoder.config)}
    return entry


def _named(codec: str, target: str) -> str:
    """How a suite names a codec: as it is installed, or by its file."""
    return target if is_file_target(target) or targets(CODECS).get(codec) != target else codec

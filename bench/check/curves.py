"""The BD-rate of a codec's new curve against its old one, in each data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.check.baseline import CodecState, State
from bench.check.trial import Rules
from bench.check.verdict import Change, Finding, Kind

if TYPE_CHECKING:
    from bench.rd import ImageCurves

_FEWEST_POINTS = 3
_NOTEWORTHY = 0.005
"""Percent; less than this prints as zero."""


def curve_findings(before: CodecState, after: CodecState, rules: Rules) -> Iterator[Finding]:
    """A finding for each data set and metric whose BD-rate is limited and is not 0.

    A BD-rate that does not exist (the curves do not overlap, quality does not rise) makes the outcome
    inconclusive where no limit on bytes and on this metric stands in for it. A metric with an ideal value
    has none by its nature.
    """
    if len({it.quality for it in before.trials}) < _FEWEST_POINTS:
        return
    for dataset in dict.fromkeys(it.image.partition("/")[0] for it in before.trials):
        for name in rules.baseline.metrics:
            limit = rules.gate.bd_rate(name)
            known = rules.run.metrics.get(name)
            comparable = known is not None and rules.baseline.metrics[name].is_same(known)
            if limit is not None and known is not None and comparable and known.ideal is None:
                yield from _finding(before, after, rules, (dataset, name, limit))


def _finding(
    before: CodecState, after: CodecState, rules: Rules, case: tuple[str, str, float]
) -> Iterator[Finding]:
    from bench.rd import bd_rate, common_images, mean_curve

    dataset, name, limit = case
    metric = rules.baseline.metrics[name]
    points = sorted({it.quality for it in before.trials if it.quality is not None})
    old = _curves(before, rules.baseline, dataset, name, points)
    new = _curves(after, rules.run, dataset, name, points)
    images = common_images((old, new))
    if not images:
        return
    result = bd_rate(mean_curve(old.only(images)), mean_curve(new.only(images)))
    measure = f"BD-rate ({name})"
    if result.value is None:
        if rules.gate.max_bytes is None or rules.gate.drop(name, metric.unit) is None:
            fails = rules.gate.inconclusive == "fail"
            yield Finding("inconclusive", fails, before.label, None, measure, detail=f"n/a ({result.reason})")
        return
    value = result.value
    kind: Kind = "regression" if value > limit else "improved" if value < -limit else "changed"
    if kind == "regression" or abs(value) >= _NOTEWORTHY:
        what = f"{dataset} ({len(images)} image{'s' if len(images) > 1 else ''})"
        change = Change(what, None, None, value)
        yield Finding(kind, kind == "regression", before.label, None, measure, "%", limit, (change,))


def _curves(codec: CodecState, state: State, dataset: str, metric: str, points: list[float]) -> ImageCurves:
    import numpy as np

    from bench.rd import ImageCurves

    of_set = {it.key: it for it in codec.trials if it.image.partition("/")[0] == dataset}
    images = sorted({image for image, _ in of_set})
    rate = np.full((len(images), len(points)), np.nan)
    quality = np.full_like(rate, np.nan)
    for row, image in enumerate(images):
        for column, point in enumerate(points):
            trial, size = of_set.get((image, point)), state.images[image]
            if trial is None or trial.status != "ok" or not (trial.bytes and size.width and size.height):
                continue
            value = trial.value(metric)
            rate[row, column] = 8 * trial.bytes / (size.width * size.height)
            quality[row, column] = np.nan if value is None else value
    better = state.metrics[metric].higher_is_better
    return ImageCurves(codec.label, metric, tuple(images), rate, quality, better)

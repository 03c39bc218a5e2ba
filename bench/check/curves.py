"""The BD-rate of a codec's new curve against its old one, on each data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.check.baseline import CodecResults, Snapshot
from bench.check.rules import Rules
from bench.check.verdict import Change, CheckFinding, Kind

if TYPE_CHECKING:
    from bench.rd import ImageCurves

_FEWEST_POINTS = 3
_NOTEWORTHY = 0.005
"""BD-rate in percent below which it would be printed as zero."""


def curve_findings(before: CodecResults, after: CodecResults, rules: Rules) -> Iterator[CheckFinding]:
    """A finding for each data set and metric whose BD-rate is limited and is not 0.

    Where there is no BD-rate, because the curves do not overlap or quality does not rise, the outcome is
    inconclusive, unless limits on bytes and on this metric cover the case. A metric with an ideal value never
    has a BD-rate.

    Parameters
    ----------
    before, after : the codec in the baseline and in the run, on images that were not replaced
    rules : the limits and both snapshots
    """
    if len({it.quality for it in before.trials}) < _FEWEST_POINTS:
        return
    points = sorted({it.quality for it in before.trials if it.quality is not None})
    for dataset in dict.fromkeys(it.image.partition("/")[0] for it in before.trials):
        for name, metric in rules.baseline.metrics.items():
            now = rules.run.metrics.get(name)
            if (
                rules.gate.bd_rate(name) is None
                or now is None
                or not metric.is_same(now)
                or now.ideal is not None
            ):
                continue
            old = curves_of(before, rules.baseline, dataset, name, points)
            new = curves_of(after, rules.run, dataset, name, points)
            yield from _finding(dataset, old, new, rules)


def _finding(dataset: str, old: ImageCurves, new: ImageCurves, rules: Rules) -> Iterator[CheckFinding]:
    from bench.rd import bd_rate, common_images, mean_curve

    images = common_images((old, new))
    limit = rules.gate.bd_rate(old.metric)
    if not images or limit is None:
        return
    result = bd_rate(mean_curve(old.only(images)), mean_curve(new.only(images)))
    measure = f"BD-rate ({old.metric})"
    if result.value is None:
        unit = rules.baseline.metrics[old.metric].unit
        if rules.gate.max_bytes is None or rules.gate.drop(old.metric, unit) is None:
            fails = rules.gate.inconclusive == "fail"
            yield CheckFinding(
                "inconclusive", fails, old.label, None, measure, detail=f"n/a ({result.reason})"
            )
        return
    value = result.value
    kind: Kind = "regression" if value > limit else "improved" if value < -limit else "changed"
    if kind == "regression" or abs(value) >= _NOTEWORTHY:
        what = f"{dataset} ({len(images)} image{'s' if len(images) > 1 else ''})"
        change = Change(what, None, None, value)
        yield CheckFinding(kind, kind == "regression", old.label, None, measure, "%", limit, (change,))


def curves_of(
    codec: CodecResults, snapshot: Snapshot, dataset: str, metric: str, points: list[float]
) -> ImageCurves:
    """The curves of a codec on the images of a data set, at the quality settings ``points``."""
    import numpy as np

    from bench.rd import ImageCurves

    of_set = {it.key: it for it in codec.trials if it.image.partition("/")[0] == dataset}
    images = sorted({image for image, _ in of_set})
    rate = np.full((len(images), len(points)), np.nan)
    quality = np.full_like(rate, np.nan)
    for row, image in enumerate(images):
        for column, point in enumerate(points):
            trial, size = of_set.get((image, point)), snapshot.images[image]
            if trial is None or trial.status != "ok" or not (trial.bytes and size.width and size.height):
                continue
            value = trial.value(metric)
            rate[row, column] = 8 * trial.bytes / (size.width * size.height)
            quality[row, column] = np.nan if value is None else value
    better = snapshot.metrics[metric].higher_is_better
    return ImageCurves(codec.label, metric, tuple(images), rate, quality, better)

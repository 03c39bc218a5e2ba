"""The images of two configurations by what the second one loses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import ConfigError, suggestion
from bench.rd import ImageCurves, common_images, image_curves, per_image_bd_rate
from bench.runs.frame import load
from bench.runs.store import RunInfo, read_info
from bench.studies.session import finished_trials
from bench.studies.study import FinishedTrial
from bench.trials.plan import MetricPlan
from bench.trials.trust import NOBODY, Trust

if TYPE_CHECKING:
    import pandas as pd

_USUAL = ("psnr_rgb", "ms_ssim_rgb")


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a configuration of a run."""

    run: Path
    label: str


@dataclass(frozen=True)
class ImageLoss:
    """An image at the operating points that are shown, and what it loses."""

    old: FinishedTrial
    new: FinishedTrial
    metric: MetricPlan
    bd_rate: float | None = None
    """Of the new one against the old one over all operating points, in percent."""

    @property
    def dataset(self) -> str:
        """Where the image is from."""
        return self.old.image.dataset

    @property
    def image(self) -> str:
        """Its name."""
        return self.old.image.name

    @property
    def at_equal_rates(self) -> bool:
        """Whether the rates of the two are as good as equal."""
        return _gap(self.old, self.new) <= _NEAR

    @property
    def loss(self) -> float:
        """In the metric, at the operating points that are shown: positive where the new one is worse."""
        return _cost(self.new, self.metric) - _cost(self.old, self.metric)


@dataclass(frozen=True)
class Losses:
    """Two configurations, and their images, the worst one first."""

    old: Side
    new: Side
    metric: MetricPlan
    images: tuple[ImageLoss, ...]

    @property
    def by_bd_rate(self) -> bool:
        """Whether the order is that of BD-rates; else it is that of the metric."""
        return any(it.bd_rate is not None for it in self.images)

    @property
    def names(self) -> tuple[str, str]:
        """What to call the two: labels, with the folders of their runs where these tell them apart."""
        if self.old.label != self.new.label:
            return self.old.label, self.new.label
        old, new = self.old.run.resolve(), self.new.run.resolve()
        if old.name != new.name:
            return f"{self.old.label} ({old.name})", f"{self.new.label} ({new.name})"
        return f"{self.old.label} ({self.old.run})", f"{self.new.label} ({self.new.run})"


def sides_of(old: Path, new: Path, anchor: str | None, codec: str | None) -> tuple[Side, Side]:
    """The two configurations that are meant.

    Parameters
    ----------
    old, new : run folders; the same one for two configurations of a run
    anchor, codec : labels in them, or names of codecs that have one label; None for the label that both runs
        have, where it is the only one

    Raises
    ------
    ConfigError
        A run has no such label, or it is not clear which one is meant.
    """
    labels = [_lossy(read_info(it)) for it in (old, new)]
    named = [it for it in (anchor, codec) if it is not None]
    if not named or (len(named) == 1 and old == new):
        shared = [it for it in labels[0] if it in labels[1]]
        if old == new or len(shared) != 1:
            lack = "give --anchor and --codec" if old == new else "give --codec"
            raise ConfigError(
                f"{lack}: lossy codecs here are {', '.join(dict.fromkeys([*labels[0], *labels[1]]))}"
            )
        named = shared
    first, second = named[0], named[-1]
    return Side(old, _label(old, labels[0], first)), Side(new, _label(new, labels[1], second))


def find_losses(
    old: Side, new: Side, metric: str | None = None, quality: float | None = None, trust: Trust = NOBODY
) -> Losses:
    """The images that both have finished, the worst first: by BD-rate, or by the metric where there is none.

    Of each image two operating points are shown. Where both are of one codec with the same settings, these
    are of one setting, else of the nearest rates; of several such pairs the one with the greatest loss.

    Parameters
    ----------
    metric : name; by default PSNR, MS-SSIM, or the first one of the runs
    quality : only operating points of the old one with this setting
    trust : whose codecs may run when pictures are made

    Raises
    ------
    ConfigError
        The runs lack the metric or the setting, or share no image of the same pixels.
    """
    frames = [_rows(it) for it in (old, new)]
    plan = _metric(read_info(old.run), read_info(new.run), metric)
    trials = [_by_image(it, frame, trust) for it, frame in zip((old, new), frames, strict=True)]
    if quality is not None and not any(it.quality == quality for its in trials[0].values() for it in its):
        known = {it.quality for its in trials[0].values() for it in its if it.quality is not None}
        raise ConfigError(
            f"{old.label} has no quality {quality:g}; it has {', '.join(f'{it:g}' for it in sorted(known))}"
        )
    same_settings = _settings(trials[0]) == _settings(trials[1])
    losses = []
    rates = _bd_rates(old, new, frames, plan)
    for image, its in trials[0].items():
        its = [it for it in its if quality is None or it.quality == quality]
        pairs = _pairs(its, trials[1].get(image, ()), same_settings, plan.name)
        shown = [ImageLoss(*pair, plan, rates.get(image[:2])) for pair in pairs]
        if shown:
            losses.append(max(shown, key=lambda it: it.loss))
    if not losses:
        raise ConfigError(f"{old.label} and {new.label} share no image with values of {plan.name}")
    losses.sort(key=_order, reverse=True)
    return Losses(old, new, plan, tuple(losses))


def _order(loss: ImageLoss) -> tuple[float, float]:
    """Curves so far apart that they share no quality have no BD-rate: those are the worst, or the best.

    Where there is no loss either, nothing is known to be worse.
    """
    apart = math.copysign(math.inf, loss.loss) if loss.loss else 0.0
    return (apart if loss.bd_rate is None else loss.bd_rate), loss.loss


def _lossy(info: RunInfo) -> dict[str, str]:
    return {it.label: it.codec for it in info.codecs if not it.lossless}


def _label(run: Path, labels: Mapping[str, str], wanted: str) -> str:
    if wanted in labels:
        return wanted
    of_codec = [label for label, codec in labels.items() if codec == wanted]
    if len(of_codec) != 1:
        raise ConfigError(f"{run}: no label {wanted!r}{suggestion(wanted, labels)}")
    return of_codec[0]


def _metric(old: RunInfo, new: RunInfo, wanted: str | None) -> MetricPlan:
    theirs = {it.name for it in new.metrics}
    shared = {it.name: it for it in old.metrics if it.name in theirs and it.ideal is None}
    if wanted is not None and wanted not in shared:
        raise ConfigError(f"no metric {wanted!r}{suggestion(wanted, shared)}")
    name = wanted or next((it for it in (*_USUAL, *shared) if it in shared), None)
    if name is None:
        raise ConfigError("the runs share no metric")
    return shared[name]


def _rows(side: Side) -> pd.DataFrame:
    frame = load(side.run)
    rows = frame[frame["label"] == side.label].reset_index(drop=True)
    rows.attrs.update(frame.attrs)
    return rows


_Image = tuple[str, str, str]
"""Data set, name and SHA-256."""


def _by_image(side: Side, rows: pd.DataFrame, trust: Trust) -> dict[_Image, list[FinishedTrial]]:
    found: dict[_Image, list[FinishedTrial]] = {}
    for trial in finished_trials(side.run, trust, [rows]).questions:
        image = trial.image
        found.setdefault((image.dataset, image.name, image.sha256), []).append(trial)
    return found


def _settings(trials: Mapping[_Image, Sequence[FinishedTrial]]) -> set[tuple[str, float | None]]:
    return {(it.codec.codec, it.quality) for its in trials.values() for it in its}


def _pairs(
    old: Sequence[FinishedTrial], new: Iterable[FinishedTrial], same_settings: bool, metric: str
) -> list[tuple[FinishedTrial, FinishedTrial]]:
    """Operating points to hold against each other, of those with a value."""
    valued = [it for it in new if metric in it.metrics]
    old = [it for it in old if metric in it.metrics]
    if same_settings:
        by_quality = {it.quality: it for it in valued}
        return [(it, by_quality[it.quality]) for it in old if it.quality in by_quality]
    if not valued:
        return []
    nearest = [(it, min(valued, key=lambda other: _gap(it, other))) for it in old]
    closest = min((_gap(*it) for it in nearest), default=0.0)
    return [it for it in nearest if _gap(*it) <= max(_NEAR, closest)]


_NEAR = math.log(1.1)
"""Rates that differ by less are as good as equal."""


def _gap(one: FinishedTrial, other: FinishedTrial) -> float:
    return abs(math.log(one.bpp / other.bpp))


def _cost(trial: FinishedTrial, metric: MetricPlan) -> float:
    value = trial.metrics[metric.name]
    return -value if metric.higher_is_better else value


def _bd_rates(
    old: Side, new: Side, frames: Sequence[pd.DataFrame], metric: MetricPlan
) -> dict[tuple[str, str], float]:
    """By data set and image, as far as there are any."""
    found: dict[tuple[str, str], float] = {}
    for dataset in frames[0]["dataset"].unique():
        curves: list[ImageCurves] = []
        for side, frame in zip((old, new), frames, strict=True):
            part = frame[frame["dataset"] == dataset]
            curves += [image_curves(part, metric.name)[side.label]] if len(part) else []
        if len(curves) < 2:
            continue
        images = common_images(curves)
        first, second = (it.only(images) for it in curves)
        for image, result in zip(images, per_image_bd_rate(first, second), strict=True):
            if result.value is not None:
                found[str(dataset), image] = result.value
    return found

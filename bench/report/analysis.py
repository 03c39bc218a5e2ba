"""RD analysis of one data set: curves, comparisons with the anchor and with each other, published curves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from bench.exchange import Published
from bench.rd import (
    MIN_FINISHED,
    Average,
    BdResult,
    Comparisons,
    Curve,
    DetailedBd,
    ImageCurves,
    PairedBd,
    Standing,
    bd_rate,
    common_images,
    exact_images,
    finished_enough,
    image_curves_by_metric,
    mean_curve,
    standings,
)
from bench.rd.fairness import Allocation, allocation
from bench.report.data import headline_of
from bench.report.entries import Entry
from bench.report.measures import Measure
from bench.report.options import ReportOptions
from bench.report.raw_size import raw_bits

if TYPE_CHECKING:
    import pandas as pd

_PREFERRED_ANCHORS = ("jpeg", "jpeg2000", "webp")


@dataclass(frozen=True)
class MetricAnalysis:
    """What one metric says of the configurations that finished enough images."""

    images: tuple[str, ...]
    """The images behind all that follows; where there are none, nothing does."""
    exact: frozenset[str]
    """Images left out because a codec reproduces them exactly at nearly every point."""
    per_image: Mapping[str, ImageCurves]
    curves: Mapping[str, Curve]
    pairs: Mapping[tuple[str, str], PairedBd]
    bd: Mapping[str, DetailedBd] | None
    """Against the anchor; None for a metric that ranks nothing."""
    gains: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """BD-quality of each of ``images`` against the anchor."""
    standings: tuple[Standing, ...] = ()
    allocations: tuple[Allocation, ...] = ()


@dataclass(frozen=True)
class Analyses:
    """All metrics of one data set."""

    started: Mapping[str, Mapping[str, ImageCurves]]
    """By metric and label, whatever was measured."""
    finished: Mapping[str, Mapping[str, ImageCurves]]
    """Those that finished enough images."""
    anchor: str | None
    by_metric: Mapping[str, MetricAnalysis]

    @cached_property
    def curves(self) -> dict[str, Mapping[str, Curve]]:
        """Mean curves, of metrics that have images in common."""
        return {name: it.curves for name, it in self.by_metric.items() if it.images}

    @cached_property
    def bd(self) -> dict[str, Mapping[str, DetailedBd]]:
        """BD-rates against the anchor, of metrics that rank."""
        return {name: it.bd for name, it in self.by_metric.items() if it.images and it.bd is not None}

    @property
    def headline(self) -> tuple[str, ...]:
        """The metrics of the ranking."""
        return headline_of(self.bd)

    def ranking(self, entries: Sequence[Entry]) -> tuple[Standing, ...]:
        """Every lossy configuration: the standings in the leading metric, then the others."""
        places = self.by_metric[self.headline[0]].standings if self.headline else ()
        known = {it.label for it in places}
        others = (Standing(it.label) for it in entries if not it.lossless and it.label not in known)
        return (*places, *others)


def analyse(
    dataset: str,
    frame: pd.DataFrame,
    entries: Sequence[Entry],
    metrics: Sequence[Measure],
    options: ReportOptions,
) -> Analyses:
    """Curves and comparisons in ``metrics``, from the trials of one data set."""
    started = image_curves_by_metric(frame, [it.name for it in metrics], dataset)
    finished = {
        metric: {label: it for label, it in by_label.items() if finished_enough(it)}
        for metric, by_label in started.items()
    }
    anchor = choose_anchor(entries, options.anchor, next(iter(finished.values()), {}))
    by_metric = {it.name: _analyse(it, finished[it.name], anchor, options.average) for it in metrics}
    return Analyses(started, finished, anchor, by_metric)


def _analyse(
    metric: Measure, finished: Mapping[str, ImageCurves], anchor: str | None, average: Average
) -> MetricAnalysis:
    images = common_images(list(finished.values()))
    exact = exact_images(list(finished.values()))
    per_image = {label: it.only(images) for label, it in finished.items()}
    curves = {label: mean_curve(it, average) for label, it in per_image.items()} if images else {}
    if not images or metric.ideal is not None:
        return MetricAnalysis(images, exact, per_image, curves, {}, None)
    comparisons = Comparisons(per_image, average)
    pairs = comparisons.pairs()
    if anchor not in per_image:
        return MetricAnalysis(images, exact, per_image, curves, pairs, {})
    bd = comparisons.against(anchor)
    divided = (allocation(per_image[anchor], per_image[label], it) for label, it in bd.items())
    allocations = tuple(it for it in divided if it is not None)
    order = standings(anchor, bd, pairs)
    gains = comparisons.gains(anchor)
    return MetricAnalysis(images, exact, per_image, curves, pairs, bd, gains, order, allocations)


def choose_anchor(entries: Sequence[Entry], wanted: str | None, curves: Collection[str]) -> str | None:
    """The one that is wanted, or the first of the usual ones among those with ``curves``."""
    lossy = [it for it in entries if not it.lossless and it.n_ok]
    if wanted is not None:
        exact = [it.label for it in lossy if it.label == wanted]
        fitting = exact or [it.label for it in lossy if it.codec == wanted]
        return fitting[0] if fitting else None
    lossy = [it for it in lossy if it.label in curves] or lossy
    for codec in _PREFERRED_ANCHORS:
        for entry in lossy:
            if entry.codec == codec:
                return entry.label
    return lossy[0].label if lossy else None


@dataclass(frozen=True)
class LosslessRates:
    """What lossless configurations need for the same images."""

    bpp: Mapping[str, Mapping[Average, float]]
    """Average by label, over ``images``; nothing for who finished too few."""
    images: tuple[str, ...]
    raw: Mapping[Average, float]
    """Average bits of a raw pixel of these images, in the smallest form in which a codec was given each."""

    def ranking(self, entries: Sequence[Entry], average: Average) -> tuple[Entry, ...]:
        """The lossless configurations, the smallest rate first, those without one last."""

        def place(entry: Entry) -> tuple[bool, float]:
            rates = self.bpp.get(entry.label)
            return rates is None, 0.0 if rates is None else rates[average]

        return tuple(sorted((it for it in entries if it.lossless), key=place))


def lossless_rates(frame: pd.DataFrame) -> LosslessRates:
    """The average bpp of each lossless label over the images behind it, which are the same for all.

    As for curves, these are what every configuration that finished enough of them finished.
    """
    forms = [it for it in ("depth", "channels") if it in frame]
    rows = frame.loc[frame["lossless"], ["label", "image", "status", "bpp", "width", "height", *forms]]
    ok = rows[rows["status"] == "ok"].drop_duplicates(["label", "image"])
    least = (MIN_FINISHED * rows.groupby("label", observed=True)["image"].nunique()).clip(lower=1)
    counts = ok.groupby("label", observed=True).size()
    enough = ok[ok["label"].isin(counts.index[counts >= least.loc[counts.index]])]
    finished = enough["image"].value_counts()
    common = finished.index[finished == enough["label"].nunique()]
    compared = enough[enough["image"].isin(common)]
    averages: dict[str, dict[Average, float]] = {}
    for label, its in compared.groupby("label", observed=True):
        averages[str(label)] = _averages(its, its["bpp"])
    smallest = compared.assign(raw=raw_bits(compared)).sort_values("raw").drop_duplicates("image")
    names = set(common)
    return LosslessRates(
        averages,
        tuple(str(it) for it in dict.fromkeys(rows["image"]) if it in names),
        _averages(smallest, smallest["raw"]),
    )


def _averages(trials: pd.DataFrame, values: pd.Series[float]) -> dict[Average, float]:
    """Means of ``values``, one for each trial, over images and over pixels."""
    pixels = (trials["width"] * trials["height"]).astype(float)
    by_pixels = float((values * pixels).sum() / pixels.sum()) if len(trials) else math.nan
    return {"images": float(values.mean()), "pixels": by_pixels}


def published_curves(
    published: Sequence[Published],
    dataset: str,
    entries: Sequence[Entry],
    curves: Mapping[str, Mapping[str, Curve]],
) -> dict[str, dict[str, Curve]]:
    """Published curves of this data set, by metric; a label in use is marked as published, or numbered.

    Parameters
    ----------
    curves : measured ones by metric, whose direction counts: that of a file may be a guess
    """
    result: dict[str, dict[str, Curve]] = {}
    taken = {it.label for it in entries}
    for reference in published:
        known = [curve for curve in reference.curves if curve.metric in curves]
        if reference.dataset not in (None, dataset) or not known:
            continue
        numbered = (f"{reference.label} (published {number})" for number in itertools.count(2))
        names = itertools.chain((reference.label, f"{reference.label} (published)"), numbered)
        label = next(name for name in names if name not in taken)
        taken.add(label)
        for curve in known:
            better = next((its.higher_is_better for its in curves[curve.metric].values()), True)
            named = replace(curve, label=label, higher_is_better=better)
            result.setdefault(curve.metric, {})[label] = named
    return result


def published_pairs(
    published: Mapping[str, Mapping[str, Curve]], analyses: Analyses
) -> dict[str, dict[tuple[str, str], BdResult]]:
    """BD-rates of published curves against every measured one, by metric, then by (anchor, label)."""
    return {
        metric: {
            (anchor, label): bd_rate(curve, theirs)
            for anchor, curve in analyses.curves[metric].items()
            for label, theirs in by_label.items()
        }
        for metric, by_label in published.items()
        if metric in analyses.bd
    }

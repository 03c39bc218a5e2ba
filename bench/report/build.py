"""From run folders to what a report says: a :class:`~bench.report.data.ReportData` for each data set."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.errors import ConfigError
from bench.exchange import Published
from bench.plotting.series_style import Series, SeriesStyle, series_styles
from bench.rd import (
    MIN_FINISHED,
    Average,
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
from bench.rd.fairness import (
    Allocation,
    Config,
    Finding,
    allocation,
    allocation_finding,
    lint,
    of_other_pictures,
)
from bench.report import findings
from bench.report.crops import CropSource, find_crops
from bench.report.data import ReportData, headline_of
from bench.report.decoder_pairs import find_decoder_pairs
from bench.report.entries import Entry, entries_of, peak_kind
from bench.report.load import LoadedRuns, images_by_run, load_runs
from bench.report.measures import Measure, set_curves, set_measures
from bench.report.operating_points import operating_points
from bench.report.options import STANDARD, ReportOptions
from bench.report.planes import planes_of
from bench.report.reconstructions.bitstreams import FOLDER, Bitstreams, run_folders
from bench.report.study_results import find_robustness

if TYPE_CHECKING:
    import pandas as pd

_TIMINGS: dict[str, Literal["alone", "disturbed", "load"] | None]
_TIMINGS = {"alone": "alone", "disturbed": "disturbed", "load": "load", "": None}
_PREFERRED_ANCHORS = ("jpeg", "jpeg2000", "webp")


def build_report_data(
    runs: Sequence[Path],
    options: ReportOptions = STANDARD,
    loaded: Callable[[], object] = lambda: None,
) -> tuple[ReportData, ...]:
    """What the runs say of each data set, in the order of their first appearance.

    Without an anchor among the options it is JPEG, or else the first lossy configuration.

    Parameters
    ----------
    runs : run folders
    loaded : called once the journals are read

    Raises
    ------
    StoreError
        A folder is no run, or one that this version can't read.
    ConfigError
        The anchor, or what is selected, is in none of the runs.
    """
    by_dataset = load_runs(runs, options.selection, loaded).by_dataset()
    built = tuple(build_dataset(name, its, options) for name, its in by_dataset.items())
    if options.anchor is not None and not any(it.anchor for it in built):
        lossy = dict.fromkeys(entry.label for it in built for entry in it.lossy)
        raise ConfigError(
            f"anchor {options.anchor!r} is in none of the runs; lossy labels: {', '.join(lossy) or 'none'}"
        )
    return built


def with_crops_and_studies(
    data: ReportData, runs: Sequence[Path], out: Path, options: ReportOptions
) -> ReportData:
    """Add what needs the folder of the report: crops, and where the results of other studies lie.

    Parameters
    ----------
    runs : the run folders that ``data`` was built from
    out : what has to be decoded is stored below it; paths of study results are relative to it
    """
    source = CropSource(
        data.dataset,
        data.entries,
        data.frame,
        data.measures,
        Bitstreams(data.entries, data.frame, run_folders(runs, options.trust)),
        out / FOLDER,
    )
    return replace(
        data,
        crops=tuple(find_crops(it, source) for it in data.decoder_pairs),
        # They are about all codecs of a run.
        robustness=() if options.selection else find_robustness(data.dataset, runs, out),
    )


def build_dataset(dataset: str, loaded: LoadedRuns, options: ReportOptions = STANDARD) -> ReportData:
    """What ``loaded``, the part of one data set, says."""
    frame = loaded.frame
    entries = entries_of(frame, loaded.runs)
    metrics = tuple(it for it in loaded.metrics if frame[it.name].notna().any())
    started = image_curves_by_metric(frame, [it.name for it in metrics], dataset)
    finished = {
        metric: {label: it for label, it in by_label.items() if finished_enough(it)}
        for metric, by_label in started.items()
    }
    anchor = _choose_anchor(entries, options.anchor, next(iter(finished.values()), {}))
    analyses = {
        it.name: _analyse(finished[it.name], anchor, options.average, ranks=it.ideal is None)
        for it in metrics
    }
    curves = {name: it.curves for name, it in analyses.items() if it.images}
    compared = {name: it for name, it in analyses.items() if it.images and it.bd is not None}
    bd = {name: it.bd or {} for name, it in compared.items()}
    orders = {name: it.standings for name, it in compared.items() if it.standings}
    headline = headline_of(bd)
    published = _published(options.published, dataset, entries, curves)
    published_pairs = {
        metric: {
            (label, their.label): bd_rate(curve, their)
            for label, curve in curves[metric].items()
            for their in by_label.values()
        }
        for metric, by_label in published.items()
        if metric in bd
    }
    lossless = _lossless(frame)
    of_sets = set_curves(loaded.distances)
    measures = (*(it for it in metrics if it.name in curves), *set_measures(loaded.distances))
    exact = {name: it.exact for name, it in analyses.items()}
    return ReportData(
        dataset=dataset,
        n_images=frame["image"].nunique(),
        average=options.average,
        other_average=_other_average(frame, options.average),
        frame=frame,
        entries=entries,
        styles=_styles(entries, published),
        peak_of=peak_kind(frame),
        metrics=metrics,
        measures=measures,
        headline=headline,
        images={name: it.images for name, it in analyses.items()},
        exact_images=exact,
        per_image={name: it.per_image for name, it in analyses.items()},
        curves=curves,
        points=operating_points(frame, metrics, exact, options.average),
        anchor=anchor,
        bd=bd,
        pairs={name: it.pairs for name, it in compared.items()},
        standings=orders,
        ranking=_ranking(entries, orders.get(headline[0], ()) if headline else ()),
        lossless=_by_rate(entries, lossless.bpp, options.average),
        lossless_bpp=lossless.bpp,
        lossless_images=lossless.images,
        published=published,
        published_pairs=published_pairs,
        published_bd={
            metric: {label: it for (other, label), it in pairs.items() if other == anchor}
            for metric, pairs in published_pairs.items()
            if anchor in curves[metric]
        },
        distances=loaded.distances,
        set_curves=of_sets,
        decoder_pairs=find_decoder_pairs(frame, [it.label for it in entries], measures, loaded.distances),
        planes=planes_of(measures, curves | of_sets),
        findings=(
            *findings.unfinished(entries),
            *_gaps(loaded, entries, metrics, started, finished, lossless.bpp),
            *findings.exact(exact),
            *_findings_on_images(dataset, loaded, options.published, curves),
            *allocation_finding([it for name in headline for it in compared[name].allocations]),
            *lint(_lint_configs(entries, analyses), anchor),
        ),
    )


@dataclass(frozen=True)
class _MetricAnalysis:
    """What one metric says of the configurations that finished enough images."""

    images: tuple[str, ...]
    """The images behind all that follows; where there are none, nothing does."""
    exact: frozenset[str]
    per_image: Mapping[str, ImageCurves]
    curves: Mapping[str, Curve]
    pairs: Mapping[tuple[str, str], PairedBd]
    bd: Mapping[str, DetailedBd] | None
    """Against the anchor; None for a metric that ranks nothing."""
    standings: tuple[Standing, ...] = ()
    allocations: tuple[Allocation, ...] = ()


def _analyse(
    finished: Mapping[str, ImageCurves], anchor: str | None, average: Average, *, ranks: bool
) -> _MetricAnalysis:
    images = common_images(list(finished.values()))
    exact = exact_images(list(finished.values()))
    per_image = {label: it.only(images) for label, it in finished.items()}
    curves = {label: mean_curve(it, average) for label, it in per_image.items()} if images else {}
    if not images or not ranks:
        return _MetricAnalysis(images, exact, per_image, curves, {}, None)
    comparisons = Comparisons(per_image, average)
    pairs = comparisons.pairs()
    if anchor not in per_image:
        return _MetricAnalysis(images, exact, per_image, curves, pairs, {})
    bd = comparisons.against(anchor)
    divided = (allocation(per_image[anchor], per_image[label], it) for label, it in bd.items())
    return _MetricAnalysis(
        images,
        exact,
        per_image,
        curves,
        pairs,
        bd,
        standings(anchor, bd, pairs),
        tuple(it for it in divided if it is not None),
    )


def _gaps(
    loaded: LoadedRuns,
    entries: Sequence[Entry],
    metrics: Sequence[Measure],
    started: Mapping[str, Mapping[str, ImageCurves]],
    finished: Mapping[str, Mapping[str, ImageCurves]],
    lossless_bpp: Collection[str],
) -> Iterable[Finding]:
    """Who takes no part in comparisons, and why: it has no values, values on few images, or failed."""
    failing = {it.label for it in entries if it.n_ok < it.n_planned - it.n_missing}
    left_out = {it.label for it in entries if it.lossless and it.n_ok and it.label not in lossless_bpp}
    unmeasured: dict[str, list[str]] = {}
    sparse: dict[str, list[str]] = {}
    for metric, by_label in started.items():
        short = [label for label in by_label if label not in finished[metric]]
        absent = findings.without_values(loaded.frame, metric, short)
        for label in short:
            if label in absent:
                unmeasured.setdefault(label, []).append(metric)
            elif label in failing:
                left_out.add(label)
            else:
                sparse.setdefault(label, []).append(metric)
    return (
        *findings.valueless(loaded.metrics, metrics, loaded.frame),
        *findings.unmeasured(unmeasured, "no values"),
        *findings.unmeasured(sparse, f"values on under {MIN_FINISHED:.0%} of the images"),
        *findings.left_out(left_out, entries),
    )


def _findings_on_images(
    dataset: str, loaded: LoadedRuns, published: Sequence[Published], curves: Mapping[str, object]
) -> Iterable[Finding]:
    """What is of other images, or of other definitions, than the rest."""
    frame = loaded.frame
    return (
        *findings.lossy_originals(dataset, frame),
        *findings.other_versions(dataset, loaded.runs),
        *findings.partly_shared(dataset, images_by_run(frame)),
        *of_other_pictures({it.label: it.dataset for it in published}, dataset, frame["image"].nunique()),
        *findings.of_other_metrics(published, dataset, list(curves)),
    )


def _choose_anchor(entries: Sequence[Entry], wanted: str | None, curves: Collection[str]) -> str | None:
    """The one that is wanted, or the first of the usual ones among those with ``curves``."""
    lossy = [it for it in entries if not it.lossless and it.n_ok]
    if wanted is not None:
        exact = [it.label for it in lossy if it.label == wanted]
        fitting = exact or [it.label for it in lossy if it.codec == wanted]
        return fitting[0] if fitting else None
    lossy = [it for it in lossy if it.label in curves] or lossy
    for codec in _PREFERRED_ANCHORS:
        for it in lossy:
            if it.codec == codec:
                return it.label
    return lossy[0].label if lossy else None


def _ranking(entries: Sequence[Entry], places: Sequence[Standing]) -> tuple[Standing, ...]:
    known = {it.label: it for it in places}
    others = (Standing(it.label) for it in entries if not it.lossless and it.label not in known)
    return (*known.values(), *others)


def _other_average(frame: pd.DataFrame, average: Average) -> Average | None:
    sizes = frame.loc[frame["status"] == "ok", ["width", "height"]].drop_duplicates()
    if (sizes["width"] * sizes["height"]).nunique() < 2:
        return None
    return "pixels" if average == "images" else "images"


def _styles(entries: Sequence[Entry], published: Mapping[str, Mapping[str, Curve]]) -> dict[str, SeriesStyle]:
    theirs = {label: it.provenance for curves in published.values() for label, it in curves.items()}
    return series_styles((Series(it.label, it.codec, it.lossless) for it in entries), theirs)


@dataclass(frozen=True)
class _LosslessRates:
    bpp: Mapping[str, Mapping[Average, float]]
    """Average by label, over ``images``."""
    images: tuple[str, ...]


def _lossless(frame: pd.DataFrame) -> _LosslessRates:
    """Average bpp of each lossless label over the images behind it, which are the same for all.

    As for curves, these are what every configuration that finished enough of them finished.
    """
    rows = frame.loc[frame["lossless"], ["label", "image", "status", "bpp", "width", "height"]]
    ok = rows[rows["status"] == "ok"].drop_duplicates(["label", "image"])
    least = (MIN_FINISHED * rows.groupby("label", observed=True)["image"].nunique()).clip(lower=1)
    counts = ok.groupby("label", observed=True).size()
    enough = ok[ok["label"].isin(counts.index[counts >= least.loc[counts.index]])]
    finished = enough["image"].value_counts()
    common = finished.index[finished == enough["label"].nunique()]
    averages: dict[str, dict[Average, float]] = {}
    for label, its in enough[enough["image"].isin(common)].groupby("label", observed=True):
        pixels = (its["width"] * its["height"]).astype(float)
        by_pixels = float((its["bpp"] * pixels).sum() / pixels.sum())
        averages[str(label)] = {"images": float(its["bpp"].mean()), "pixels": by_pixels}
    names = set(common)
    return _LosslessRates(averages, tuple(str(it) for it in dict.fromkeys(rows["image"]) if it in names))


def _by_rate(
    entries: Sequence[Entry], bpp: Mapping[str, Mapping[Average, float]], average: Average
) -> tuple[Entry, ...]:
    def place(entry: Entry) -> tuple[bool, float]:
        rates = bpp.get(entry.label)
        return rates is None, 0.0 if rates is None else rates[average]

    return tuple(sorted((it for it in entries if it.lossless), key=place))


def _published(
    published: Sequence[Published],
    dataset: str,
    entries: Sequence[Entry],
    curves: Mapping[str, Mapping[str, Curve]],
) -> dict[str, dict[str, Curve]]:
    """Published curves of this data set, by metric; a label in use is marked as published, or numbered."""
    result: dict[str, dict[str, Curve]] = {}
    taken = {it.label for it in entries}
    for it in published:
        known = [curve for curve in it.curves if curve.metric in curves]
        if it.dataset not in (None, dataset) or not known:
            continue
        numbered = (f"{it.label} (published {number})" for number in itertools.count(2))
        names = itertools.chain((it.label, f"{it.label} (published)"), numbered)
        label = next(name for name in names if name not in taken)
        taken.add(label)
        for curve in known:
            # whoever measured the metric here knows its direction; of a file it may be a guess
            better = next((its.higher_is_better for its in curves[curve.metric].values()), True)
            named = replace(curve, label=label, higher_is_better=better)
            result.setdefault(curve.metric, {})[label] = named
    return result


def _lint_configs(entries: Sequence[Entry], analyses: Mapping[str, _MetricAnalysis]) -> list[Config]:
    n_images = max((len(it.images) for it in analyses.values()), default=0)
    bd = {metric: it.bd for metric, it in analyses.items() if it.images and it.bd is not None}
    return [
        Config(
            label=it.label,
            codec=it.codec,
            options=it.options,
            version=it.version,
            machine=it.environment.id,
            timing=_TIMINGS[it.timing],
            n_ok=it.n_ok,
            n_planned=it.n_planned - it.n_missing,
            n_images=n_images,
            curves=tuple(
                analyses[metric].curves[it.label] for metric in bd if it.label in analyses[metric].curves
            ),
            overlaps={
                metric: share
                for metric, by_label in bd.items()
                if it.label in by_label and (share := by_label[it.label].per_image.overlap) is not None
            },
        )
        for it in entries
    ]

"""From run folders to what a report says: a :class:`~bench.report.data.ReportData` for each data set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.conditions.deviations import anchor_label
from bench.errors import ConfigError
from bench.files.stored_pictures import FOLDER
from bench.plotting.series_style import Series, SeriesStyle, series_styles
from bench.rd import MIN_FINISHED, Average, Curve
from bench.rd.fairness import (
    Config,
    Finding,
    allocation_finding,
    fairness_findings,
    published_findings,
)
from bench.report import findings
from bench.report.analysis import Analyses, analyse, lossless_rates, published_curves, published_pairs
from bench.report.conditions import condition_findings, conditions_of, matched_rows
from bench.report.crops import CropSource, find_crops
from bench.report.data import ReportData
from bench.report.decoder_pairs import find_decoder_pairs
from bench.report.entries import Entry, entries_of, peak_kind
from bench.report.load import LoadedRuns, images_by_run, load_runs
from bench.report.mean_bd import Compared, mean_bd, require_measured
from bench.report.measures import set_curves, set_measures
from bench.report.operating_points import operating_points
from bench.report.options import STANDARD, ReportOptions
from bench.report.planes import planes_of
from bench.report.reconstructions.bitstreams import RunBitstreams, run_folders
from bench.report.study_results import find_studies
from bench.report.threads import thread_counts
from bench.report.verifications import verification_findings

if TYPE_CHECKING:
    import pandas as pd

_TIMINGS: dict[str, Literal["alone", "disturbed", "load"] | None]
_TIMINGS = {"alone": "alone", "disturbed": "disturbed", "load": "load", "": None}


def build_report_data(
    runs: Sequence[Path],
    options: ReportOptions = STANDARD,
    idle: Callable[[], object] = lambda: None,
) -> tuple[ReportData, ...]:
    """What the runs say of each data set, in the order of their first appearance.

    Without an anchor among the options it is JPEG, or else the first lossy configuration.

    Parameters
    ----------
    runs : run folders
    idle : called once a second processor has nothing to do

    Raises
    ------
    StoreError
        A folder is no run, or one that this version can't read.
    ConfigError
        The anchor, what is selected, or a metric that is to be averaged, is in none of the runs.
    """
    read = load_runs(runs, options.selection, idle)
    if not options.startup:
        read = read.without_startup()
    require_measured(options.mean_of, read.metrics)
    by_dataset = read.by_dataset()
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
        RunBitstreams(data.entries, data.frame, run_folders(runs, options.trust)),
        out / FOLDER,
    )
    return replace(
        data,
        crops=tuple(find_crops(it, source) for it in data.decoder_pairs),
        # They are about all codecs of a run.
        studies=() if options.selection else find_studies(data.dataset, runs, out),
    )


def build_dataset(dataset: str, loaded: LoadedRuns, options: ReportOptions = STANDARD) -> ReportData:
    """What ``loaded``, the part of one data set, says."""
    every = entries_of(loaded.frame, loaded.runs, startup_left_out=not options.startup)
    threads = thread_counts(loaded.frame, every)
    redundant = {it.entry.label for it in threads if it.redundant}
    loaded = loaded.without(redundant)
    frame = loaded.frame
    entries = tuple(it for it in every if it.label not in redundant)
    metrics = tuple(it for it in loaded.metrics if frame[it.name].notna().any())
    options = _with_anchor(options, loaded)
    analyses = analyse(dataset, frame, entries, metrics, options)
    by_metric, anchor = analyses.by_metric, analyses.anchor
    exact = {name: it.exact for name, it in by_metric.items()}
    published = published_curves(options.published, dataset, entries, analyses.curves)
    against = published_pairs(published, analyses)
    lossless = lossless_rates(frame)
    measures = (
        *(it for it in metrics if it.name in analyses.curves),
        *set_measures(loaded.distances),
    )
    of_sets = set_curves(loaded.distances)
    conditions, departures = condition_findings(loaded, options, anchor)
    mean, on_mean = mean_bd(
        options.mean_of,
        conditions,
        {
            name: Compared(it.images, tuple(it.per_image), it.pairs)
            for name, it in by_metric.items()
            if name in analyses.bd
        },
    )
    return ReportData(
        dataset=dataset,
        n_images=frame["image"].nunique(),
        average=options.average,
        other_average=_other_average(frame, options.average),
        frame=frame,
        entries=entries,
        threads=threads,
        environments={run: loaded.runs[run].environments for run in dict.fromkeys(it.run for it in entries)},
        styles=_styles(entries, published),
        peak_of=peak_kind(frame),
        metrics=metrics,
        measures=measures,
        headline=analyses.headline,
        images={name: it.images for name, it in by_metric.items()},
        exact_images=exact,
        per_image={name: it.per_image for name, it in by_metric.items()},
        curves=analyses.curves,
        points=operating_points(
            frame, metrics, exact, options.average, {it.label for it in entries if len(it.machines) > 1}
        ),
        anchor=anchor,
        bd=analyses.bd,
        gains={name: by_metric[name].gains for name in analyses.bd},
        pairs={name: by_metric[name].pairs for name in analyses.bd},
        standings={name: it.standings for name, it in by_metric.items() if it.standings},
        mean_bd=mean,
        matched=matched_rows(conditions, frame, entries),
        ranking=analyses.ranking(entries),
        lossless=lossless.ranking(entries, options.average),
        lossless_bpp=lossless.bpp,
        lossless_images=lossless.images,
        lossless_raw=lossless.raw[options.average],
        published=published,
        published_pairs=against,
        published_bd={
            metric: {label: it for (other, label), it in pairs.items() if other == anchor}
            for metric, pairs in against.items()
            if anchor in analyses.curves[metric]
        },
        distances=loaded.distances,
        set_curves=of_sets,
        decoder_pairs=find_decoder_pairs(frame, [it.label for it in entries], measures, loaded.distances),
        planes=planes_of(measures, analyses.curves | of_sets),
        findings=(
            *departures,
            *on_mean,
            *findings.unfinished(entries),
            *findings.not_isolated(frame),
            *findings.searched(frame, loaded.runs),
            *findings.of_other_forms(frame),
            *_gaps(loaded, entries, analyses, lossless.bpp),
            *findings.exact(exact),
            *_other_images(dataset, loaded, options, analyses),
            *findings.of_published(options.published, dataset, list(analyses.curves), against, anchor),
            *_unfair(entries, analyses),
            *findings.not_sealed(frame),
            *findings.shared_paths(entries),
            *verification_findings(loaded.verifications, dataset, {it.label for it in entries}),
        ),
        verifications=loaded.verifications,
    )


def _with_anchor(options: ReportOptions, loaded: LoadedRuns) -> ReportOptions:
    """With the anchor of the conditions, where the options name none."""
    conditions = conditions_of(loaded.runs, options.conditions)
    if options.anchor is not None or conditions is None:
        return options
    found = (anchor_label(conditions.definition, it) for it in loaded.runs.values())
    known = set(loaded.frame["label"].astype(str).unique())
    return replace(options, anchor=next((it for it in found if it in known), None))


def _gaps(
    loaded: LoadedRuns, entries: Sequence[Entry], analyses: Analyses, lossless: Collection[str]
) -> Iterator[Finding]:
    """Who takes no part in comparisons, and why: it has no values, values on few images, or failed."""
    failing = {it.label for it in entries if it.n_ok < it.n_planned - it.n_missing}
    left_out = {it.label for it in entries if it.lossless and it.n_ok and it.label not in lossless}
    unmeasured: dict[str, list[str]] = {}
    sparse: dict[str, list[str]] = {}
    for metric, by_label in analyses.started.items():
        short = [label for label in by_label if label not in analyses.finished[metric]]
        absent = findings.without_values(loaded.frame, metric, short)
        for label in short:
            if label in absent:
                unmeasured.setdefault(label, []).append(metric)
            elif label in failing:
                left_out.add(label)
            else:
                sparse.setdefault(label, []).append(metric)
    yield from findings.valueless([it.name for it in loaded.metrics], analyses.started, loaded.frame)
    yield from findings.unmeasured(unmeasured, "no values")
    yield from findings.unmeasured(sparse, f"values on under {MIN_FINISHED:.0%} of the images")
    yield from findings.left_out(left_out, entries)


def _other_images(
    dataset: str, loaded: LoadedRuns, options: ReportOptions, analyses: Analyses
) -> Iterator[Finding]:
    """What is of other images, or of other definitions, than the rest."""
    frame, published = loaded.frame, options.published
    yield from findings.lossy_originals(dataset, frame)
    yield from findings.other_versions(dataset, loaded.runs)
    yield from findings.partly_shared(dataset, images_by_run(frame))
    sources = [(it.label, it.dataset) for it in published]
    yield from published_findings(sources, dataset, frame["image"].nunique())


def _unfair(entries: Sequence[Entry], analyses: Analyses) -> Iterator[Finding]:
    """What makes comparisons unfair in themselves."""
    by_metric = analyses.by_metric
    yield from allocation_finding([it for name in analyses.headline for it in by_metric[name].allocations])
    n_images = max((len(it.images) for it in by_metric.values()), default=0)
    configs = [_config(it, analyses, n_images) for it in entries]
    yield from fairness_findings(configs, analyses.anchor)


def _config(entry: Entry, analyses: Analyses, n_images: int) -> Config:
    curves = (analyses.curves[metric] for metric in analyses.bd)
    compared = {metric: its[entry.label] for metric, its in analyses.bd.items() if entry.label in its}
    overlaps = {metric: its.per_image.overlap for metric, its in compared.items()}
    return Config(
        label=entry.label,
        codec=entry.codec,
        options=entry.options,
        version=entry.version,
        machines=entry.machines,
        timing=_TIMINGS[entry.timing],
        n_ok=entry.n_ok,
        n_planned=entry.n_planned - entry.n_missing,
        n_images=n_images,
        curves=tuple(its[entry.label] for its in curves if entry.label in its),
        overlaps={metric: share for metric, share in overlaps.items() if share is not None},
    )


def _other_average(frame: pd.DataFrame, average: Average) -> Average | None:
    sizes = frame.loc[frame["status"] == "ok", ["width", "height"]].drop_duplicates()
    if (sizes["width"] * sizes["height"]).nunique() < 2:
        return None
    return "pixels" if average == "images" else "images"


def _styles(entries: Sequence[Entry], published: Mapping[str, Mapping[str, Curve]]) -> dict[str, SeriesStyle]:
    theirs = {label: it.provenance for curves in published.values() for label, it in curves.items()}
    return series_styles((Series(it.label, it.codec, it.lossless) for it in entries), theirs)

"""From run folders to boards: one for each data set."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from bench.errors import ConfigError
from bench.exchange import Published
from bench.rd import (
    MIN_FINISHED,
    Average,
    Comparisons,
    Curve,
    DetailedBd,
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
    allocation,
    allocation_finding,
    fairness_findings,
    published_findings,
)
from bench.report import findings
from bench.report.selection import EVERYTHING, Selection
from bench.runs.frame import load
from bench.runs.store import RunInfo, read_info
from bench.studies.set_metrics.measure import SetMeasurement, current_set_measurements
from bench.trials.measurement import DISTURBED
from bench.trials.plan import MetricPlan

if TYPE_CHECKING:
    import pandas as pd

from bench.report.board import Board, headline_of
from bench.report.entry import Entry

_TIMINGS: dict[str, Literal["alone", "disturbed", "load"] | None]
_TIMINGS = {"alone": "alone", "disturbed": "disturbed", "load": "load", "": None}
_PREFERRED_ANCHORS = ("jpeg", "jpeg2000", "webp")


def load_boards(
    runs: Sequence[Path],
    anchor: str | None = None,
    published: Sequence[Published] = (),
    selection: Selection = EVERYTHING,
    loaded: Callable[[], object] | None = None,
    average: Average = "images",
) -> tuple[Board, ...]:
    """One board for each data set in the runs, in the order of their first appearance.

    ``anchor`` is a label, or the name of a codec of which the first configuration is meant; by default JPEG,
    or else the first lossy configuration. What ``selection`` leaves out has no influence: images that only
    such a codec failed on count. ``loaded`` is called once the journals are read. ``average`` is that of mean
    curves, see :func:`bench.rd.mean_curve`.

    Raises
    ------
    StoreError
        A folder is no run, or one that this version can't read.
    ConfigError
        The anchor, or what ``selection`` names, is in none of the runs.
    """
    import numpy as np
    import pandas as pd

    names = _run_names(runs)
    infos = [read_info(run) for run in runs]
    frames = []
    for run, name in zip(runs, names, strict=True):
        frame = load(run)
        frame["run"] = pd.Categorical.from_codes(np.zeros(len(frame), np.int8), categories=[name])
        frames.append(frame)
    if loaded is not None:
        loaded()
    labels = [list(frame["label"].cat.categories) for frame in frames]
    _separate_labels(frames, names)
    distances = [
        it
        for run, old, frame in zip(runs, labels, frames, strict=True)
        for it in _distances(run, dict(zip(old, frame["label"].cat.categories, strict=True)))
    ]
    metrics = tuple({it.name: it for info in infos for it in info.metrics}.values())
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if selection:
        before = {
            new: old
            for olds, it in zip(labels, frames, strict=True)
            for old, new in zip(olds, it["label"].cat.categories, strict=True)
        }
        frame = _with_labels(frame, selection, before)
        wanted = selection.kept_metrics([it.name for it in metrics] + [it.metric for it in distances])
        metrics = tuple(it for it in metrics if it.name in wanted)
        kept = set(frame["label"].cat.categories)
        distances = [it for it in distances if it.metric in wanted and it.label in kept]
    _require_same_pictures(frame)
    frame.attrs["metrics"] = [it.name for it in metrics]
    frame.attrs["lower_is_better"] = [it.name for it in metrics if not it.higher_is_better]
    runs_info = dict(zip(names, infos, strict=True))
    datasets = frame["dataset"].unique()
    boards = tuple(
        replace(
            _board(
                str(dataset),
                frame if len(datasets) == 1 else frame[frame["dataset"] == dataset],
                runs_info,
                metrics,
                _Context(anchor, published, average),
            ),
            distances=tuple(it for it in distances if it.dataset == dataset),
        )
        for dataset in datasets
    )
    if anchor is not None and not any(board.anchor for board in boards):
        lossy = dict.fromkeys(entry.label for board in boards for entry in board.lossy)
        raise ConfigError(
            f"anchor {anchor!r} is in none of the runs; lossy labels: {', '.join(lossy) or 'none'}"
        )
    return boards


@dataclass(frozen=True)
class _Context:
    """What the caller asked for, the same for all boards."""

    anchor: str | None
    published: Sequence[Published]
    average: Average


def _with_labels(frame: pd.DataFrame, selection: Selection, before: Mapping[str, str]) -> pd.DataFrame:
    pairs = frame[["label", "codec"]].drop_duplicates("label")
    codecs = {str(label): str(codec) for label, codec in zip(pairs["label"], pairs["codec"], strict=True)}
    kept = frame[frame["label"].isin(selection.labels(codecs, before))].reset_index(drop=True)
    kept["label"] = kept["label"].astype("category").cat.remove_unused_categories()
    return kept


def _require_same_pictures(frame: pd.DataFrame) -> None:
    """Runs meet in the names of their images, which must then be the same pictures."""
    if frame["run"].nunique() < 2:
        return
    pictures = frame[["run", "dataset", "image", "image_sha256"]].drop_duplicates()
    names = (
        pictures.drop_duplicates(["dataset", "image", "image_sha256"])
        .groupby(["dataset", "image"], observed=True)
        .size()
    )
    several = names.index[names > 1]
    if len(several):
        dataset, image = several[0]
        of_it = pictures[(pictures["dataset"] == dataset) & (pictures["image"] == image)]
        raise ConfigError(
            f"{' and '.join(map(str, of_it['run']))} hold different pictures called {image} in {dataset}"
            f" ({len(several)} such names): report them apart"
        )
    for name, of_set in pictures.groupby("dataset", observed=True):
        findings.require_shared_pictures(list(pictures["run"].unique()), str(name), _pictures_by_run(of_set))


def _pictures_by_run(frame: pd.DataFrame) -> dict[str, list[str]]:
    return {str(run): list(it["image"]) for run, it in frame.groupby("run", observed=True, sort=False)}


def _run_names(runs: Sequence[Path]) -> list[str]:
    names = [run.resolve().name for run in runs]
    return [str(run) if names.count(name) > 1 else name for run, name in zip(runs, names, strict=True)]


def _separate_labels(frames: list[pd.DataFrame], names: list[str]) -> None:
    """A label that several runs use is followed by its run's name."""
    if len(frames) < 2:
        return
    seen = [set(frame["label"].unique()) for frame in frames]
    for frame, name, mine in zip(frames, names, seen, strict=True):
        others = set().union(*(labels for labels in seen if labels is not mine))
        renamed = {it: f"{it} ({name})" for it in mine & others}
        frame["label"] = frame["label"].cat.rename_categories(renamed)


def _distances(run: Path, renamed: Mapping[str, str]) -> list[SetMeasurement]:
    """A run's distances between sets under the labels of the board."""
    return [msgspec.structs.replace(it, label=renamed[it.label]) for it in current_set_measurements(run)]


def _board(
    dataset: str,
    frame: pd.DataFrame,
    runs: Mapping[str, RunInfo],
    metrics: tuple[MetricPlan, ...],
    context: _Context,
) -> Board:
    published, average = context.published, context.average
    entries = _entries(frame, runs)
    measured = tuple(it for it in metrics if frame[it.name].notna().any())
    per_image, images, curves, bd, pairs = {}, {}, {}, {}, {}
    left_out: set[str] = set()
    unmeasured: dict[str, list[str]] = {}
    sparse: dict[str, list[str]] = {}
    exact: dict[str, frozenset[str]] = {}
    order: dict[str, tuple[Standing, ...]] = {}
    allocations: dict[str, list[Allocation]] = {}
    every = image_curves_by_metric(frame, [it.name for it in measured], dataset)
    takes_part = {
        metric: {label: it for label, it in by_label.items() if finished_enough(it)}
        for metric, by_label in every.items()
    }
    anchor = _choose_anchor(entries, context.anchor, next(iter(takes_part.values()), {}))
    failing = {it.label for it in entries if it.n_ok < it.n_planned - it.n_missing}
    for metric in measured:
        by_label, kept = every[metric.name], takes_part[metric.name]
        short = by_label.keys() - kept.keys()
        absent = findings.without_values(frame, metric.name, short)
        for label in (it for it in by_label if it in short):
            if label in absent:
                unmeasured.setdefault(label, []).append(metric.name)
            elif label in failing:
                left_out.add(label)
            else:
                sparse.setdefault(label, []).append(metric.name)
        images[metric.name] = common_images(list(kept.values()))
        exact[metric.name] = exact_images(list(kept.values()))
        per_image[metric.name] = {label: it.only(images[metric.name]) for label, it in kept.items()}
        if images[metric.name]:
            its = per_image[metric.name]
            curves[metric.name] = {label: mean_curve(each, average) for label, each in its.items()}
            if metric.ideal is None:
                comparisons = Comparisons(its, average)
                pairs[metric.name] = comparisons.pairs()
                bd[metric.name] = {} if anchor not in kept else comparisons.against(anchor)
                if anchor in kept:
                    order[metric.name] = standings(anchor, bd[metric.name], pairs[metric.name])
                    divided = (allocation(its[anchor], its[to], each) for to, each in bd[metric.name].items())
                    allocations[metric.name] = [each for each in divided if each is not None]
    theirs = _published(published, dataset, entries, curves)
    lossless_bpp, lossless_images = _lossless(frame)
    left_out |= {it.label for it in entries if it.lossless and it.n_ok and it.label not in lossless_bpp}
    directed = {metric: curves[metric] for metric in bd}
    return Board(
        dataset=dataset,
        frame=frame,
        entries=entries,
        metrics=measured,
        anchor=anchor,
        images=images,
        exact_images=exact,
        per_image=per_image,
        curves=curves,
        bd=bd,
        pairs=pairs,
        standings=order,
        average=average,
        published=theirs,
        published_bd={
            metric: {label: bd_rate(curves[metric][anchor], curve) for label, curve in by_label.items()}
            for metric, by_label in theirs.items()
            if metric in bd and anchor is not None and anchor in curves[metric]
        },
        findings=(
            *findings.unfinished(entries),
            *findings.valueless(metrics, measured, frame),
            *findings.unmeasured(unmeasured, "no values"),
            *findings.unmeasured(sparse, f"values on under {MIN_FINISHED:.0%} of the images"),
            *findings.left_out(left_out, entries),
            *findings.exact(exact),
            *findings.lossy_originals(dataset, frame),
            *findings.other_versions(dataset, runs),
            *findings.partly_shared(dataset, _pictures_by_run(frame[["run", "image"]].drop_duplicates())),
            *published_findings(
                {it.label: it.dataset for it in published}, dataset, frame["image"].nunique()
            ),
            *findings.of_other_metrics(published, dataset, list(curves)),
            *allocation_finding([it for name in headline_of(bd) for it in allocations.get(name, [])]),
            *fairness_findings(_lint_configs(entries, directed, images, bd), anchor),
        ),
        n_images=frame["image"].nunique(),
        lossless_bpp=lossless_bpp,
        lossless_images=lossless_images,
    )


def _entries(frame: pd.DataFrame, runs: Mapping[str, RunInfo]) -> tuple[Entry, ...]:
    complexities = {
        (run, it.codec, json.dumps(it.config, sort_keys=True)): it.complexity
        for run, info in runs.items()
        for it in info.codecs
    }
    entries = []
    speeds, shares = _speeds(frame), _cpu_shares(frame)
    facts = frame[["label", "codec", "version", "config", "lossless", "run", "status", "timing", "repeats"]]
    for label, rows in facts.groupby("label", sort=False, observed=True):
        first = rows.iloc[0]
        ok = rows[rows["status"] == "ok"]
        share = shares.get(str(label))
        encode, decode = speeds.get(str(label), (None, None))
        entries.append(
            Entry(
                label=str(label),
                codec=str(first["codec"]),
                version=str(first["version"]),
                options=json.loads(first["config"]),
                lossless=bool(first["lossless"]),
                run=str(first["run"]),
                environment=runs[str(first["run"])].environment,
                timing=_timing(set(ok["timing"].unique()), share),
                n_ok=len(ok),
                n_planned=len(rows),
                n_missing=int((rows["status"] == "cancelled").sum()),
                complexity=complexities[str(first["run"]), str(first["codec"]), str(first["config"])],
                encode_mps=encode,
                decode_mps=decode,
                repeats=(0, 0) if ok.empty else (int(ok["repeats"].min()), int(ok["repeats"].max())),
                cpu_share=share,
            )
        )
    return tuple(entries)


def _timing(modes: Collection[str], cpu_share: float | None) -> str:
    if set(modes) != {"alone"}:
        return "load" if modes else ""
    return "disturbed" if cpu_share is not None and cpu_share < DISTURBED else "alone"


def _cpu_shares(frame: pd.DataFrame) -> dict[str, float]:
    """Each label's share of the processor over all trials, of encoder or decoder, whichever had less."""
    shares: dict[str, float] = {}
    for side in ("encode", "decode"):
        seconds, share = f"{side}_s", f"{side}_cpu_share"
        known = frame.loc[(frame["status"] == "ok") & frame[share].notna(), ["label", seconds, share]]
        spent = (known[seconds] * known[share]).groupby(known["label"], observed=True).sum()
        total = known.groupby("label", observed=True)[seconds].sum()
        for label, value in (spent / total).dropna().items():
            shares[str(label)] = min(float(value), shares.get(str(label), 1.0))
    return shares


def _speeds(frame: pd.DataFrame) -> dict[str, tuple[float | None, float | None]]:
    """Encoder and decoder megapixels per second of each label."""
    ok = frame.loc[frame["status"] == "ok", ["label", "width", "height", "encode_s", "decode_s"]]
    pixels = (ok["width"] * ok["height"]).astype(float)
    totals = ok[["encode_s", "decode_s"]].assign(pixels=pixels).groupby(ok["label"], observed=True).sum()
    speeds = {}
    for label, total in totals.iterrows():
        times = (float(total["encode_s"]), float(total["decode_s"]))
        encode, decode = (float(total["pixels"]) / 1e6 / it if it > 0 else None for it in times)
        speeds[str(label)] = (encode, decode)
    return speeds


def _lossless(frame: pd.DataFrame) -> tuple[dict[str, dict[Average, float]], tuple[str, ...]]:
    """Average bpp of each lossless label over the images behind it, which are the same for all.

    As for curves, these are what every configuration that finished enough of them finished.
    """
    rows = frame.loc[frame["lossless"], ["label", "image", "status", "bpp", "width", "height"]]
    ok = rows[rows["status"] == "ok"].drop_duplicates(["label", "image"])
    least = (MIN_FINISHED * rows.groupby("label", observed=True)["image"].nunique()).clip(lower=1)
    counts = ok.groupby("label", observed=True).size()
    kept = ok[ok["label"].isin(counts.index[counts >= least.loc[counts.index]])]
    finished = kept["image"].value_counts()
    common = finished.index[finished == kept["label"].nunique()]
    averages: dict[str, dict[Average, float]] = {}
    for label, its in kept[kept["image"].isin(common)].groupby("label", observed=True):
        pixels = (its["width"] * its["height"]).astype(float)
        by_pixels = float((its["bpp"] * pixels).sum() / pixels.sum())
        averages[str(label)] = {"images": float(its["bpp"].mean()), "pixels": by_pixels}
    images = tuple(str(name) for name in dict.fromkeys(rows["image"]) if name in set(common))
    return averages, images


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


def _lint_configs(
    entries: Sequence[Entry],
    curves: Mapping[str, Mapping[str, Curve]],
    images: Mapping[str, tuple[str, ...]],
    bd: Mapping[str, Mapping[str, DetailedBd]],
) -> list[Config]:
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
            n_images=max((len(names) for names in images.values()), default=0),
            curves=tuple(by_label[it.label] for by_label in curves.values() if it.label in by_label),
            overlaps={
                metric: share
                for metric, by_label in bd.items()
                if it.label in by_label and (share := by_label[it.label].per_image.overlap) is not None
            },
        )
        for it in entries
    ]

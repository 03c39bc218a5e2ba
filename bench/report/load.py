"""Several runs as one table of trials, in which every label stands for one configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.errors import ConfigError
from bench.report import findings
from bench.report.measures import Measure, measure_of
from bench.report.selection import Selection
from bench.report.verifications import ReadVerification, read_verifications
from bench.runs.frame import is_read_by_two, load
from bench.runs.store import RunInfo, read_info
from bench.studies.set_metrics.record import SetMeasurement, current_set_measurements

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class LoadedRuns:
    """What some runs hold of the data sets that a report is about."""

    frame: pd.DataFrame
    """Their trials; the column ``run`` says whose."""
    runs: Mapping[str, RunInfo]
    metrics: tuple[Measure, ...]
    distances: tuple[SetMeasurement, ...] = ()
    """Of metrics of sets, under the labels of ``frame``."""
    verifications: tuple[ReadVerification, ...] = ()

    def without(self, labels: Collection[str]) -> LoadedRuns:
        """What is left when the trials of these labels are left out."""
        if not labels:
            return self
        frame = self.frame[~self.frame["label"].isin(list(labels))].reset_index(drop=True)
        frame["label"] = frame["label"].astype("category").cat.remove_unused_categories()
        distances = tuple(it for it in self.distances if it.label not in labels)
        return replace(self, frame=frame, distances=distances)

    def without_startup(self) -> LoadedRuns:
        """With times that are less by what starting programs takes, and never below zero."""
        times = {
            f"{side}_s": (self.frame[f"{side}_s"] - self.frame[f"{side}_startup_s"].fillna(0.0)).clip(
                lower=0.0
            )
            for side in ("encode", "decode")
        }
        frame = self.frame.assign(**times)
        frame.attrs.update(self.frame.attrs)
        return replace(self, frame=frame)

    def by_dataset(self) -> dict[str, LoadedRuns]:
        """The part of each data set, in the order of their first appearance."""
        datasets = self.frame["dataset"].unique()
        return {
            str(name): replace(
                self,
                frame=self.frame if len(datasets) == 1 else self.frame[self.frame["dataset"] == name],
                distances=tuple(it for it in self.distances if it.dataset == name),
            )
            for name in datasets
        }


def load_runs(
    folders: Sequence[Path], selection: Selection, idle: Callable[[], object] = lambda: None
) -> LoadedRuns:
    """Read run folders. What ``selection`` leaves out has no influence on anything later.

    Parameters
    ----------
    idle : called once a second processor has nothing to do: at once, or after large journals are read

    Raises
    ------
    StoreError
        A folder is no run, or one that this version can't read.
    ConfigError
        What ``selection`` names is in none of the runs, or runs hold different images of one name.
    """
    names = _run_names(folders)
    infos = [read_info(it) for it in folders]
    busy = any(map(is_read_by_two, folders))
    if not busy:
        idle()
    import pandas as pd

    frames = [_frame(folder, name) for folder, name in zip(folders, names, strict=True)]
    if busy:
        idle()
    distances = [current_set_measurements(*it) for it in zip(folders, frames, strict=True)]
    renamed = _separate_labels(frames, names)
    metrics = tuple({it.name: it for info in infos for it in info.metrics}.values())
    read = LoadedRuns(
        frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True),
        dict(zip(names, infos, strict=True)),
        tuple(measure_of(it) for it in metrics),
        tuple(
            msgspec.structs.replace(it, label=labels[it.label])
            for its, labels in zip(distances, renamed, strict=True)
            for it in its
        ),
        tuple(
            it
            for folder, name, labels in zip(folders, names, renamed, strict=True)
            for it in read_verifications(folder, name, labels)
        ),
    )
    if selection:
        read = _selected(read, selection, {new: old for it in renamed for old, new in it.items()})
    _require_same_images(read.frame)
    read.frame.attrs["metrics"] = [it.name for it in read.metrics]
    read.frame.attrs["lower_is_better"] = [it.name for it in read.metrics if not it.higher_is_better]
    return read


def images_by_run(frame: pd.DataFrame) -> dict[str, list[str]]:
    """The names of each run's images of one data set."""
    images = frame[["run", "image"]].drop_duplicates()
    return {str(run): list(it["image"]) for run, it in images.groupby("run", observed=True, sort=False)}


def run_name(folder: Path) -> str:
    """What a report calls a run: its folder, of an entry's version (``jpeg/1``) the folder above it as well.

    Parameters
    ----------
    folder : a run folder
    """
    place = folder.resolve()
    return place.name if any(map(str.isalpha, place.name)) else f"{place.parent.name}/{place.name}"


def _run_names(folders: Sequence[Path]) -> list[str]:
    names = [run_name(it) for it in folders]
    return [str(it) if names.count(name) > 1 else name for it, name in zip(folders, names, strict=True)]


def _frame(folder: Path, name: str) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    frame = load(folder)
    frame["run"] = pd.Categorical.from_codes(np.zeros(len(frame), np.int8), categories=[name])
    return frame


def _separate_labels(frames: Sequence[pd.DataFrame], names: Sequence[str]) -> list[dict[str, str]]:
    """Give a label that several runs use on one data set its run's name; each run's new labels by the old."""
    pairs = (frame[["dataset", "label"]].drop_duplicates() for frame in frames)
    seen = [set(zip(it["dataset"], it["label"], strict=True)) for it in pairs]
    renamed = []
    for frame, name, mine in zip(frames, names, seen, strict=True):
        others = set().union(*(its for its in seen if its is not mine))
        shared = {label for _, label in mine & others}
        labels = {it: f"{it} ({name})" if it in shared else it for it in frame["label"].cat.categories}
        if shared:
            frame["label"] = frame["label"].cat.rename_categories(labels)
        renamed.append(labels)
    return renamed


def _selected(read: LoadedRuns, selection: Selection, before: Mapping[str, str]) -> LoadedRuns:
    """The part that is meant; ``before`` gives the label that each one was in its run."""
    frame = read.frame
    pairs = frame[["label", "codec"]].drop_duplicates("label")
    codecs = {str(label): str(codec) for label, codec in zip(pairs["label"], pairs["codec"], strict=True)}
    labels = set(selection.labels(codecs, before))
    frame = frame[frame["label"].isin(labels)].reset_index(drop=True)
    frame["label"] = frame["label"].astype("category").cat.remove_unused_categories()
    metrics = selection.kept_metrics(
        [*(it.name for it in read.metrics), *(it.metric for it in read.distances)]
    )
    return replace(
        read,
        frame=frame,
        metrics=tuple(it for it in read.metrics if it.name in metrics),
        distances=tuple(it for it in read.distances if it.metric in metrics and it.label in labels),
    )


def _require_same_images(frame: pd.DataFrame) -> None:
    """Runs meet in the names of their images, which must then be the same images."""
    if frame["run"].nunique() < 2:
        return
    images = frame[["run", "dataset", "image", "image_sha256"]].drop_duplicates()
    names = (
        images.drop_duplicates(["dataset", "image", "image_sha256"])
        .groupby(["dataset", "image"], observed=True)
        .size()
    )
    several = names.index[names > 1]
    if len(several):
        dataset, image = several[0]
        of_it = images[(images["dataset"] == dataset) & (images["image"] == image)]
        raise ConfigError(
            f"{' and '.join(map(str, of_it['run']))} hold different pictures called {image} in {dataset}"
            f" ({len(several)} such names): report them apart"
        )
    for name, of_set in images.groupby("dataset", observed=True):
        findings.require_shared_pictures(list(images["run"].unique()), str(name), images_by_run(of_set))

"""What a reader of a report has to know of its data: what is missing, and what is of other pictures.

What makes a comparison unfair in itself is in :mod:`bench.rd.fairness`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.errors import ConfigError
from bench.exchange import Published
from bench.exchange.agreement import disagreements
from bench.inputs.goals import BUDGET
from bench.inputs.image import LOSSY, lossy_warning
from bench.rd import MIN_FINISHED, BdResult
from bench.rd.fairness import Finding
from bench.runs.frame import searched_rows
from bench.sealing.seal import needed_paths
from bench.text.plain import some_of

if TYPE_CHECKING:
    import pandas as pd

    from bench.report.entries import Entry
    from bench.runs.store import RunInfo

_NAMED = 6
"""Most published curves that are listed."""


def unfinished(entries: Sequence[Entry]) -> list[Finding]:
    """One warning for a run that was stopped: what was not measured yet is no failure of any codec."""
    missing = {it.label: it.n_missing for it in entries if it.n_missing}
    if not missing:
        return []
    planned = sum(it.n_planned for it in entries)
    text = (
        f"unfinished: {sum(missing.values())} of {planned} trials were not measured yet; the command of the"
        " run goes on with them"
    )
    return [Finding("unfinished", "warning", text, tuple(missing))]


def not_isolated(frame: pd.DataFrame) -> list[Finding]:
    """One warning for what was measured by an engine that isolates nothing."""
    labels = tuple(frame.loc[frame["isolation"] == "none", "label"].unique())
    if not labels:
        return []
    text = (
        f"{', '.join(labels)}: measured in rdbench's own process, without isolation; times and failures may"
        " owe something to whatever else ran there"
    )
    return [Finding("isolation", "warning", text, labels)]


def not_sealed(frame: pd.DataFrame) -> list[Finding]:
    """A remark on what was measured where codecs could see other files than their own."""
    labels = tuple(frame.loc[frame["isolation"] == "process", "label"].unique())
    if not labels:
        return []
    text = (
        f"sealed: no ({len(labels)} of {frame['label'].nunique()} codecs): their processes could see the"
        " machine's files, the originals among them"
    )
    return [Finding("sealing", "note", text, labels)]


def searched(frame: pd.DataFrame, runs: Mapping[str, RunInfo]) -> list[Finding]:
    """A remark on configurations whose qualities were searched: what for, and on how many images it came."""
    goals = {it.goal.of: it.goal for info in runs.values() for it in info.codecs if it.goal is not None}
    rows = searched_rows(frame)
    found = []
    for target, its in rows.groupby("target", sort=False, observed=True):
        labels = tuple(its["label"].astype(str).unique())
        if target == BUDGET:
            text = f"{', '.join(labels)}: the quality of each image was chosen for {goals[BUDGET]}"
            found.append(Finding("targets", "note", text, labels))
            continue
        text = (
            f"{', '.join(labels)}: the quality was searched on each image, for {goals[str(target)]};"
            f" {int(its['within'].sum())} of {len(its)} are within that"
        )
        found.append(Finding("targets", "note", text, labels))
    return found


def shared_paths(entries: Sequence[Entry]) -> list[Finding]:
    """A warning for codecs whose encoder may write where their decoder reads: past the bitstream."""
    paths = {it.label: needed_paths(it.needs) for it in entries}
    sharing = {label: found for label, found in paths.items() if found}
    if not sharing:
        return []
    named = "; ".join(f"{label}: {some_of(found, 3)}" for label, found in sharing.items())
    text = (
        f"encoder and decoder share what both may write to ({named}): nothing there keeps a picture from"
        " getting past the bitstream, sealed or not"
    )
    return [Finding("sealing", "warning", text, tuple(sharing))]


def of_other_forms(frame: pd.DataFrame) -> list[Finding]:
    """One warning where codecs were given the same picture at different depths, or with and without alpha.

    Each is compared with what it was given, so that their values are of different originals.
    """
    ok = frame.loc[frame["status"] == "ok"].reindex(columns=["image", "label", "depth", "channels"])
    depth, alpha = ok["depth"].fillna(8).astype(int), ok["channels"].eq("rgba").astype(int)
    most, any_alpha = (it.groupby(ok["image"], observed=True).transform("max") for it in (depth, alpha))
    converted = ok[(depth < most) | (alpha < any_alpha)]
    if converted.empty:
        return []
    labels = tuple(dict.fromkeys(converted["label"].astype(str)))
    count = converted["image"].nunique()
    pictures = "a picture was" if count == 1 else f"{count} pictures were"
    text = (
        f"{pictures} converted for {', '.join(labels)}, and not for others (fewer bits, or no alpha): their"
        " values are of different originals"
    )
    return [Finding("forms", "warning", text, labels)]


def left_out(labels: set[str], entries: Sequence[Entry]) -> list[Finding]:
    """Those of ``labels`` whose failures keep them out of comparisons."""
    return [
        Finding(
            "left-out",
            "warning",
            f"{it.label} finished under {MIN_FINISHED:.0%} of the images and takes no part in comparisons",
            (it.label,),
        )
        for it in entries
        if it.label in labels and it.n_ok < it.n_planned - it.n_missing
    ]


def exact(images: Mapping[str, Collection[str]]) -> list[Finding]:
    """Images, by metric, that have no curve in it because they are reproduced exactly, such as flat ones."""
    metrics: dict[tuple[str, ...], list[str]] = {}
    for metric, names in images.items():
        if names:
            metrics.setdefault(tuple(sorted(names)), []).append(metric)
    return [
        Finding(
            "exact",
            "note",
            f"{some_of(names, 5)}: reproduced exactly at nearly every quality, and left out of"
            f" {', '.join(its)} for all codecs: identical pixels have no finite value",
            (),
        )
        for names, its in metrics.items()
    ]


def without_values(frame: pd.DataFrame, metric: str, labels: Collection[str]) -> set[str]:
    """Those of ``labels`` with finished trials, none of which has the metric.

    Parameters
    ----------
    frame : the trials of one data set
    metric : a column of it; an exact reconstruction needs no value
    """
    if not labels:
        return set()
    ok = frame.loc[(frame["status"] == "ok") & frame["label"].isin(labels), ["label", "exact", metric]]
    measured = set(ok.loc[ok[metric].notna() | ok["exact"].astype(bool), "label"])
    return set(map(str, set(ok["label"]) - measured))


def unmeasured(metrics: Mapping[str, Sequence[str]], what: str) -> list[Finding]:
    """One note for all codecs that lack the same metrics, which others have.

    Parameters
    ----------
    metrics : what is lacking, by label
    what : what there is in its place, such as "no values"
    """
    labels: dict[tuple[str, ...], list[str]] = {}
    for label, names in metrics.items():
        labels.setdefault(tuple(names), []).append(label)
    return [
        Finding(
            "unmeasured",
            "note",
            f"{', '.join(names)}: {what} for {', '.join(its)}, which take no part in comparisons by"
            f" {'it' if len(names) == 1 else 'them'}",
            tuple(its),
        )
        for names, its in labels.items()
    ]


def valueless(planned: Sequence[str], measured: Collection[str], frame: pd.DataFrame) -> list[Finding]:
    """Metrics that were asked for and are defined on no picture."""
    names = [it for it in planned if it not in measured]
    if not names:
        return []
    lossy = frame.loc[(frame["status"] == "ok") & ~frame["exact"].astype(bool), ["width", "height"]]
    if not len(lossy):
        return []
    size = min(int(lossy["width"].min()), int(lossy["height"].min()))
    text = (
        f"{', '.join(names)}: no value on any picture; a metric may need larger ones (the smallest side here"
        f" is {size} pixels), or the folder was measured without it"
    )
    return [Finding("unmeasured", "note", text, ())]


def require_shared_pictures(runs: Sequence[str], dataset: str, images: Mapping[str, Collection[str]]) -> None:
    """Refuse runs on one data set that have no picture in common: nothing can be compared across them.

    Parameters
    ----------
    runs : names of the runs, in the order in which they were given
    images : the names of each run's images of ``dataset``; those that share one are to be the same picture

    Raises
    ------
    ConfigError
        Names two such runs, and the ways out.
    """
    of_set = [it for it in runs if images.get(it)]
    for place, run in enumerate(of_set):
        for other in of_set[:place]:
            if set(images[run]).isdisjoint(images[other]):
                raise ConfigError(
                    f"{other} and {run} hold different pictures of {dataset}, none in both, so that none of"
                    " their codecs can be compared: report them apart, or run all codecs on one folder with"
                    " the pictures of both"
                )


def partly_shared(dataset: str, images: Mapping[str, Collection[str]]) -> list[Finding]:
    """A warning where runs on one data set have some pictures in common only; ``images`` are by run."""
    sets = [set(it) for it in images.values() if it]
    if len(sets) < 2 or all(it == sets[0] for it in sets):
        return []
    counts = ", ".join(f"{run} {len(set(it))}" for run, it in images.items() if it)
    text = (
        f"the runs hold different pictures of {dataset} ({counts}); only the"
        f" {len(set.intersection(*sets))} that all of them have are behind curves and BD-rates"
    )
    return [Finding("pictures", "warning", text, ())]


def lossy_originals(dataset: str, frame: pd.DataFrame) -> list[Finding]:
    """One warning for originals that were compressed with loss before they were measured on."""
    treatments = [it for it in frame["treatment"].unique() if str(it).startswith(LOSSY)]
    lossy = frame["treatment"].isin(treatments)
    images = frame.loc[lossy, "image"].nunique()
    if not images:
        return []
    text = lossy_warning(images, frame.loc[frame["status"] == "ok", "image"].nunique(), dataset)
    return [Finding("lossy-originals", "warning", text, ())]


def other_versions(dataset: str, runs: Mapping[str, RunInfo]) -> list[Finding]:
    """Metrics that runs on ``dataset`` took in different versions."""
    versions: dict[str, dict[str, list[str]]] = {}
    for run, info in runs.items():
        if any(it.dataset == dataset for it in info.images):
            for metric in info.metrics:
                versions.setdefault(metric.name, {}).setdefault(metric.version, []).append(run)
    return [
        Finding(
            "version",
            "warning",
            f"{metric} was taken in different versions: "
            + "; ".join(f"{version} in {', '.join(names)}" for version, names in by_version.items()),
            (),
        )
        for metric, by_version in versions.items()
        if len(by_version) > 1
    ]


def of_published(
    published: Sequence[Published],
    dataset: str,
    metrics: Collection[str],
    against: Mapping[str, Mapping[tuple[str, str], BdResult]],
    anchor: str | None,
) -> Iterator[Finding]:
    """What a reader has to know of published curves of the measured pictures.

    Parameters
    ----------
    metrics : those with measured curves; curves in no other can be compared with nothing
    against : BD-rates of published curves by metric, then by (anchor, label)
    anchor : the label that the others are compared with
    """
    here = [it for it in published if it.dataset in (None, dataset)]
    useless = tuple(it.label for it in here if not any(curve.metric in metrics for curve in it.curves))
    if useless:
        text = f"{some_of(useless, _NAMED)}: published in no metric that was measured here, and left out"
        yield Finding("published", "note", text, useless)
    by_trap: dict[str, list[str]] = {}
    for it in here:
        for trap in it.traps if it.label not in useless else ():
            by_trap.setdefault(trap, []).append(it.label)
    for trap, trapped in by_trap.items():
        yield Finding("published", "note", f"{some_of(trapped, _NAMED)}: {trap}", tuple(trapped))
    for pair in disagreements(here, metrics):
        labels = (pair.first.label, pair.second.label)
        text = (
            f"{' and '.join(labels)}, both published as {pair.first.codec}, differ in BD-rate (the second"
            f" against the first / the first against the second): {pair.numbers}"
        )
        for metric in pair.bd_rates:
            its = [against.get(metric, {}).get((anchor or "", label)) for label in labels]
            values = [f"{it.value:+.1f}%" for it in its if it is not None and it.value is not None]
            if len(values) == len(labels):
                text += f"; {' and '.join(values)} against {anchor} in {metric}"
        yield Finding("published", "warning", text, labels)

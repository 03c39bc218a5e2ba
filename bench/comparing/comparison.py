"""Compare curves from runs, from codecs within a run, and from published files, as rows of a BD table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.comparing.sources import (
    LoadRun,
    Source,
    in_every_run,
    on_measured_datasets,
    renamed,
    require_same_images,
    resolve,
    unique_labels,
    unique_names,
)
from bench.errors import ConfigError, suggestion
from bench.rd import (
    MIN_FINISHED,
    Average,
    BdResult,
    Curve,
    ImageCurves,
    ImagesBd,
    Interval,
    Method,
    bd_quality,
    bd_rate,
    common_images,
    exact_images,
    finished_enough,
    paired_bd_rate,
)
from bench.rd.fairness import Allocation, allocation, published_findings

NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True)
class BdRow:
    """One line of a BD table. Where a value is None, ``note`` says why."""

    anchor: str
    test: str
    metric: str
    method: Method
    per_image: ImagesBd | None
    """The BD-rate image by image; None where only published mean curves were compared."""
    mean_curve: BdResult
    """The BD-rate of the mean curves over the data set, in percent."""
    ci95: Interval | None
    """95% interval of ``mean_curve``, in percent."""
    bd_quality: float | None
    """BD-quality of the mean curves, in the metric's unit, dB for MS-SSIM."""
    n_images: int | None
    """Number of images behind the row; None for published mean curves."""
    note: str = ""
    average: Average = "images"
    """Weights of the images in the mean curves."""
    allocation: Allocation | None = None
    """How the codecs divide their bits among the images, where the two BD-rates disagree."""
    label: str = ""
    """``test`` without the data set."""
    dataset: str = ""
    """Empty where nothing names it."""

    @property
    def bd_rate(self) -> float | None:
        """Of the mean curves, in percent."""
        return self.mean_curve.value

    @property
    def overlap(self) -> float:
        """The overlap of the mean curves' ranges of quality, 0 to 1."""
        return self.mean_curve.overlap


def compare_selectors(
    anchor: str,
    tests: Sequence[str],
    load_run: LoadRun,
    method: Method = "pchip",
    metrics: Sequence[str] | None = None,
    average: Average = "images",
    names: Mapping[str, str] = NO_NAMES,
) -> tuple[BdRow, ...]:
    """The rows for ``ANCHOR TEST...`` as typed on the command line.

    Parameters
    ----------
    anchor, tests : selectors, ``PATH`` or ``PATH#LABEL``; a test without a label stands for everything in it
        except the anchor; an anchor that is no path is a label in the tests
    load_run : loads the table of a run folder
    method, metrics, average : as for :func:`compare`
    names : what labels are to be called

    Raises
    ------
    ConfigError
        A selector names nothing, the anchor names more than one label, or ``names`` have one that there is
        not, or give two labels one name.
    """
    found_in = [resolve(text, load_run) for text in tests]
    anchors = in_every_run(anchor, found_in) or _anchors_elsewhere(anchor, found_in, load_run)
    labels = {source.label for source in anchors}
    if len(labels) > 1:
        one = f"{anchor}#LABEL" if Path(anchor).exists() else "one of its labels"
        raise ConfigError(f"{anchor}: name one anchor as {one}; it has {', '.join(sorted(labels))}")
    chosen: list[Source] = []
    for found in found_in:
        others = [source for source in found if not any(source.is_same(it) for it in anchors)]
        # A test that was asked for by name stays even if it is the anchor: the answer is 0%.
        chosen += others or found
    called = renamed([*anchors, *chosen], names)
    return compare(called[: len(anchors)], called[len(anchors) :], method, metrics, average)


def _anchors_elsewhere(
    anchor: str, found_in: Sequence[Sequence[Source]], load_run: LoadRun
) -> tuple[Source, ...]:
    """Those of a path, or of a selector."""
    if not Path(anchor).exists() and not {"#", "/", "."} & set(anchor):
        labels = dict.fromkeys(it.label for its in found_in for it in its)
        raise ConfigError(
            f"{anchor!r}: neither a run or file, nor a label of the others{suggestion(anchor, labels)}"
        )
    return resolve(anchor, load_run)


def compare(
    anchors: Sequence[Source],
    tests: Sequence[Source],
    method: Method = "pchip",
    metrics: Sequence[str] | None = None,
    average: Average = "images",
) -> tuple[BdRow, ...]:
    """One row for each test, data set and metric that the test shares with the anchor.

    For each data set and metric, all runs in the comparison are restricted to the images that every one of
    them finished at every operating point.

    Parameters
    ----------
    anchors : one label, once for each data set
    tests : what is compared with it
    method : interpolation for BD-rate and BD-quality
    metrics : names; None for all that are shared
    average : weights of the images in the mean curves

    Raises
    ------
    ConfigError
        A test shares no data set or no metric with the anchor, or nothing has one of ``metrics``.
    """
    available = dict.fromkeys(metric for source in (*anchors, *tests) for metric in source.metrics)
    for name in metrics or ():
        if name not in available:
            raise ConfigError(f"nothing here has the metric {name!r}{suggestion(name, available)}")
    everything = [*anchors, *tests]
    anchors, tests = (on_measured_datasets(it, everything) for it in (anchors, tests))
    everything = [*anchors, *tests]
    names, labels = unique_names(everything), unique_labels(everything)
    spelled = _spellings(everything)
    rows: list[BdRow] = []
    for test in tests:
        for anchor in _anchors_of(test, anchors, tests):
            for metric in _shared_metrics(anchor, test, metrics):
                group = [it for it in everything if metric in it.images and it.fits(test) and it.fits(anchor)]
                require_same_images(group)
                curves = [it.images[metric] for it in group if finished_enough(it.images[metric])]
                pair = _Pair(
                    anchor, test, metric, common_images(curves), exact_images(curves), method, average
                )
                row = pair.row(names[id(anchor)], names[id(test)])
                dataset = spelled.get((test.dataset or anchor.dataset or "").casefold(), "")
                rows.append(replace(row, label=labels[id(test)], dataset=dataset))
    return tuple(rows)


def _spellings(sources: Sequence[Source]) -> dict[str, str]:
    """The name of each data set by its folded form, as the runs write it where one has measured it."""
    measured_last = sorted(sources, key=lambda it: bool(it.images))
    return {it.dataset.casefold(): it.dataset for it in measured_last if it.dataset is not None}


def _anchors_of(test: Source, anchors: Sequence[Source], tests: Sequence[Source]) -> list[Source]:
    """The anchor on the data sets of a test; nothing where only the test's label has that data set.

    Raises
    ------
    ConfigError
        The test's label shares no data set with the anchor.
    """
    found = [anchor for anchor in anchors if anchor.fits(test)]
    if not found and not any(
        it.is_same_label(test) and anchor.fits(it) for it in tests for anchor in anchors
    ):
        raise ConfigError(
            f"{test.label} ({test.dataset}) and {anchors[0].label} ({anchors[0].dataset}) do not share"
            " a data set"
        )
    return found


def _shared_metrics(anchor: Source, test: Source, metrics: Sequence[str] | None) -> list[str]:
    shared = [it for it in anchor.metrics if it in test.metrics and (metrics is None or it in metrics)]
    if not shared:
        raise ConfigError(
            f"{anchor.label} ({', '.join(anchor.metrics)}) and {test.label}"
            f" ({', '.join(test.metrics)}) share no metric to compare"
        )
    return shared


@dataclass(frozen=True)
class _Pair:
    """A test and its anchor on one data set in one metric."""

    anchor: Source
    test: Source
    metric: str
    images: tuple[str, ...]
    """The images that all compared codecs finished."""
    exact: frozenset[str]
    """The images that were left out because some codec reproduces them exactly."""
    method: Method
    average: Average

    @property
    def measured(self) -> list[ImageCurves]:
        """The curves of those of the two that come from a run."""
        return [it.images[self.metric] for it in (self.anchor, self.test) if self.metric in it.images]

    def row(self, anchor: str, test: str) -> BdRow:
        """The row of the table, under these names."""
        excluded = self._excluded()
        row = BdRow(
            anchor=anchor,
            test=test,
            metric=self.metric,
            method=self.method,
            per_image=None,
            mean_curve=BdResult(None, 0.0, excluded),
            ci95=None,
            bd_quality=None,
            n_images=0,
            note=excluded,
            average=self.average,
        )
        if excluded:
            return row
        mean_curves = self._mean_curves()
        quality = bd_quality(*mean_curves, self.method)
        row = replace(row, bd_quality=quality.value, n_images=len(self.images) if self.measured else None)
        if len(self.measured) == 2:
            first, second = (curves.only(self.images) for curves in self.measured)
            both = paired_bd_rate(first, second, self.method, self.average)
            divided = allocation(first, second, both)
            named = divided and replace(divided, anchor=anchor, test=test)
            row = replace(
                row,
                per_image=both.per_image,
                mean_curve=both.mean_curve,
                ci95=both.ci95,
                allocation=named,
            )
        else:
            row = replace(row, mean_curve=bd_rate(*mean_curves, self.method))
        notes = dict.fromkeys([*_notes_on_values(row, quality), *self._notes_on_sources()])
        return replace(row, note="; ".join(notes))

    def _excluded(self) -> str:
        """Why the pair cannot be compared; empty if it can."""
        unfinished = dict.fromkeys(it.label for it in self.measured if not finished_enough(it))
        if unfinished:
            return (
                f"{' and '.join(unfinished)}: no complete curve on {MIN_FINISHED:.0%} of the images or more"
            )
        return "no image that all compared codecs finished" if self.measured and not self.images else ""

    def _mean_curves(self) -> tuple[Curve, Curve]:
        anchor, test = (it.mean(self.metric, self.images, self.average) for it in (self.anchor, self.test))
        if len(self.measured) < 2:
            # Whoever measured the metric knows its direction, which a published file may not state.
            better = self.measured[0].higher_is_better if self.measured else anchor.higher_is_better
            anchor, test = (replace(it, higher_is_better=better) for it in (anchor, test))
        return anchor, test

    def _notes_on_sources(self) -> Iterator[str]:
        pair = (self.anchor, self.test)
        yield from (f"{it.label} was published for {it.stray}" for it in pair if it.stray)
        if len(self.measured) == 1:
            published, run = sorted(pair, key=lambda source: self.metric in source.images)
            dataset = published.dataset and published.dataset.casefold()
            datasets = [] if published.stray else [(published.label, dataset)]
            count = len(run.image_hashes) or len(self.images)
            for finding in published_findings(datasets, str(run.dataset).casefold(), count):
                yield finding.message
        versions = {it.versions[self.metric] for it in pair if self.metric in it.versions}
        if len(versions) > 1:
            yield f"{self.metric} in different versions: {' and '.join(sorted(versions))}"
        exact = {name for curves in self.measured for name in curves.images} & self.exact
        if exact:
            yield f"{', '.join(sorted(exact))} left out, reproduced exactly at nearly every quality"
        most = max((len(curves.images) for curves in self.measured), default=0)
        dropped = most - len(self.images) - len(exact)
        if dropped > 0:
            yield f"{dropped} images left out that not all compared codecs finished"


def _notes_on_values(row: BdRow, quality: BdResult) -> Iterator[str]:
    per_image, result = row.per_image, row.mean_curve
    warnings: Sequence[str] = result.warnings
    if per_image is not None:
        if per_image.reason:
            yield f"n/a ({per_image.reason})"
        yield from per_image.warnings
        # The overlap that matters is that of the images, beside the BD-rate by image.
        warnings = [text for text in warnings if not text.startswith("overlap ")]
    if result.reason and not (per_image is not None and per_image.reason == result.reason):
        yield f"mean curve n/a ({result.reason})"
    yield from warnings
    if quality.reason and not result.reason:
        yield f"BD-quality n/a ({quality.reason})"

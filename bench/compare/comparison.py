"""Compare curves from runs, from codecs inside a run, and from published files, as rows of a BD table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench.errors import ConfigError, suggestion
from bench.exchange import Published, read_compressai, read_typed_csv
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
    image_curves,
    mean_curve,
    metric_columns,
    paired_bd_rate,
)
from bench.rd.fairness import Allocation, allocation, published_findings

if TYPE_CHECKING:
    import pandas as pd

LoadRun: TypeAlias = "Callable[[str], pd.DataFrame]"


@dataclass(frozen=True)
class Selector:
    """``PATH`` or ``PATH#LABEL``: a run's folder or a file of curves, and one label inside it.

    The name of a codec stands for its label where it has one only.
    """

    path: str
    label: str | None = None

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Split at the first ``#`` after which the left side exists; a path that exists is taken whole."""
        if Path(text).exists() or "#" not in text:
            return cls(text)
        cuts = [position for position, character in enumerate(text) if character == "#"]
        cut = next((cut for cut in cuts if Path(text[:cut]).exists()), cuts[-1])
        if not text[cut + 1 :] or not text[:cut]:
            raise ConfigError(f"{text!r}: expected PATH#LABEL")
        return cls(text[:cut], text[cut + 1 :])


@dataclass(frozen=True, eq=False)
class Source:
    """The curves of one label on one data set: per image from a run, or published mean curves.

    ``dataset`` is ``None`` where a published file does not say, which then fits any data set.
    """

    label: str
    origin: str
    dataset: str | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    images: Mapping[str, ImageCurves] = field(default_factory=dict)
    codec: str = ""
    pictures: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each image of a run."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The version of each metric of a run."""
    stray: str | None = None
    """The data set that published curves are said to be of, where no run has one of this name."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that have a curve, in the source's order."""
        return tuple(self.images or self.curves)

    def is_same(self, other: Source) -> bool:
        """Whether both are the same label of the same file or run."""
        return self.is_same_label(other) and self.dataset == other.dataset

    def is_same_label(self, other: Source) -> bool:
        """Whether both are the same label of the same file or run, on whatever data set."""
        return (self.origin, self.label) == (other.origin, other.label)


@dataclass(frozen=True)
class Row:
    """One line of a BD table.

    ``per_image`` is the BD-rate image by image; None where only published means were compared. ``mean_curve``
    and its 95% interval ``ci95`` are in percent, ``bd_quality`` is in the metric's unit (dB for MS-SSIM),
    both of the data set's mean curves. Where a value is None ``note`` says why. ``n_images`` is None for
    published means.
    """

    anchor: str
    test: str
    metric: str
    method: Method
    per_image: ImagesBd | None
    mean_curve: BdResult
    ci95: Interval | None
    bd_quality: float | None
    n_images: int | None
    note: str = ""
    average: Average = "images"
    """How rates and qualities of several images became those of the mean curve."""
    allocation: Allocation | None = None
    """Where both BD-rates disagree, how the codecs divide their bits among the images."""

    @property
    def bd_rate(self) -> float | None:
        """Of the mean curves, in percent."""
        return self.mean_curve.value

    @property
    def overlap(self) -> float:
        """The shared part of both mean curves' range of quality, 0 to 1."""
        return self.mean_curve.overlap


def compare_selectors(
    anchor: str,
    tests: Sequence[str],
    load_run: LoadRun,
    method: Method = "pchip",
    metrics: Sequence[str] | None = None,
    average: Average = "images",
) -> tuple[Row, ...]:
    """The rows for ``ANCHOR TEST...`` as typed on the command line, see :func:`compare`.

    A ``TEST`` without a label stands for everything in it but the anchor itself.

    Raises
    ------
    ConfigError
        A selector names nothing, or the anchor names more than one label.
    """
    anchors = resolve(anchor, load_run)
    labels = {source.label for source in anchors}
    if len(labels) > 1:
        raise ConfigError(f"{anchor}: name one anchor as {anchor}#LABEL; it has {', '.join(sorted(labels))}")
    chosen: list[Source] = []
    for text in tests:
        found = resolve(text, load_run)
        others = [source for source in found if not any(source.is_same(a) for a in anchors)]
        # One that was asked for by name stays, even if it is the anchor: the answer is 0%.
        chosen += others or found
    return compare(anchors, chosen, method, metrics, average)


def resolve(text: str, load_run: LoadRun) -> tuple[Source, ...]:
    """The sources behind a selector: a run's folder, a CompressAI ``.json`` or a typed ``.csv``.

    ``load_run`` turns the path of a run's folder into its table.

    Raises
    ------
    ConfigError
        The path is absent or unreadable, or has no such label.
    """
    selector = Selector.parse(text)
    path = Path(selector.path)
    if not path.exists():
        raise ConfigError(f"{selector.path}: no such run or file")
    if path.is_dir():
        sources = _from_run(load_run(selector.path), str(path.resolve()))
    elif path.suffix.lower() == ".csv":
        sources = tuple(_from_published(p, path) for p in read_typed_csv(path))
    else:
        sources = (_from_published(read_compressai(path), path),)
    if selector.label is not None:
        labels = sorted({source.label for source in sources})
        of_codec = {source.label for source in sources if source.codec == selector.label}
        wanted = {selector.label} if selector.label in labels or len(of_codec) != 1 else of_codec
        sources = tuple(source for source in sources if source.label in wanted)
        if not sources:
            raise ConfigError(f"{selector.path}: no label {selector.label!r}; it has {', '.join(labels)}")
    if not sources:
        raise ConfigError(f"{selector.path}: no lossy configuration, and so no RD curve to compare")
    return sources


def compare(
    anchors: Sequence[Source],
    tests: Sequence[Source],
    method: Method = "pchip",
    metrics: Sequence[str] | None = None,
    average: Average = "images",
) -> tuple[Row, ...]:
    """One row per test, data set and metric that the test shares with the anchor.

    Per data set and metric, all runs in the comparison are restricted to the images that every one of them
    finished at every operating point. ``anchors`` holds one label, once per data set. ``average`` is that of
    the mean curves.

    Raises
    ------
    ConfigError
        A test shares no data set or no metric with the anchor, or nothing has one of ``metrics``.
    """
    known = dict.fromkeys(metric for source in (*anchors, *tests) for metric in source.metrics)
    for name in metrics or ():
        if name not in known:
            raise ConfigError(f"nothing here has the metric {name!r}{suggestion(name, known)}")
    rows: list[Row] = []
    anchors, tests = _placed(anchors, tests)
    names = _names([*anchors, *tests])
    for test in tests:
        pairs = [anchor for anchor in anchors if _fits(anchor, test)]
        if not pairs and any(it.is_same_label(test) and _fits(a, it) for it in tests for a in anchors):
            continue  # a data set that the anchor's run does not have, beside one that it has
        if not pairs:
            raise ConfigError(
                f"{test.label} ({test.dataset}) and {anchors[0].label} ({anchors[0].dataset}) do not share"
                " a data set"
            )
        for anchor in pairs:
            shared = [m for m in anchor.metrics if m in test.metrics and (metrics is None or m in metrics)]
            if not shared:
                raise ConfigError(
                    f"{anchor.label} ({', '.join(anchor.metrics)}) and {test.label}"
                    f" ({', '.join(test.metrics)}) share no metric to compare"
                )
            for metric in shared:
                group = [
                    s
                    for s in (*anchors, *tests)
                    if metric in s.images and _fits(s, test) and _fits(s, anchor)
                ]
                _require_same_pictures(group)
                taking_part = [it.images[metric] for it in group if finished_enough(it.images[metric])]
                shared_images = _Images(common_images(taking_part), exact_images(taking_part))
                pair = (names[id(anchor)], names[id(test)])
                rows.append(_row(pair, (anchor, test), metric, shared_images, _How(method, average)))
    return tuple(rows)


def _placed(anchors: Sequence[Source], tests: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """Published curves without those of other data sets than the runs'.

    Where a file has no curve of them, its data set may just be called otherwise: it stays, marked as a stray.
    """
    everything = [*anchors, *tests]
    measured = {str(it.dataset).casefold() for it in everything if it.images}

    def fits(it: Source) -> bool:
        return not measured or it.dataset is None or it.dataset.casefold() in measured

    def placed(sources: Sequence[Source]) -> list[Source]:
        kept = [it for it in sources if fits(it) or not any(map(fits, filter(it.is_same_label, everything)))]
        return [it if it.images or fits(it) else replace(it, dataset=None, stray=it.dataset) for it in kept]

    return placed(anchors), placed(tests)


def _require_same_pictures(sources: Sequence[Source]) -> None:
    """Images are paired by name, which says nothing about runs of different folders."""
    seen: dict[str, tuple[str, str]] = {}
    for origin, pictures in {it.origin: it.pictures for it in sources}.items():
        for name, sha256 in pictures.items():
            known, where = seen.setdefault(name, (sha256, origin))
            if known != sha256:
                raise ConfigError(
                    f"{where} and {origin} were measured on different pictures called {name}: compare runs"
                    " of the same pictures"
                )


@dataclass(frozen=True)
class _Images:
    """The images that a row is over, and those left out because they are reproduced exactly."""

    common: tuple[str, ...]
    exact: frozenset[str]


@dataclass(frozen=True)
class _How:
    method: Method
    average: Average


def _row(
    names: tuple[str, str], pair: tuple[Source, Source], metric: str, compared: _Images, how: _How
) -> Row:
    images = compared.common
    measured = [source.images[metric] for source in pair if metric in source.images]
    lacking = dict.fromkeys(it.label for it in measured if not finished_enough(it))
    note = ""
    if lacking:
        note = f"{' and '.join(lacking)}: no complete curve on {MIN_FINISHED:.0%} of the images or more"
    elif measured and not images:
        note = "no image that all compared codecs finished"
    if note:
        return Row(
            *names, metric, how.method, None, BdResult(None, 0.0, note), None, None, 0, note, how.average
        )
    anchor, test = (_mean(source, metric, images, how.average) for source in pair)
    if len(measured) < 2:
        # What a file does not say of a metric, whoever measured it knows.
        better = measured[0].higher_is_better if measured else anchor.higher_is_better
        anchor, test = (replace(it, higher_is_better=better) for it in (anchor, test))
    quality = bd_quality(anchor, test, how.method)
    per_image, interval, divided, notes = None, None, None, []
    if len(measured) == 2:
        first, second = (curves.only(images) for curves in measured)
        both = paired_bd_rate(first, second, how.method, how.average)
        per_image, result, interval = both.per_image, both.mean_curve, both.ci95
        divided = allocation(first, second, both)
        if divided is not None:
            divided = replace(divided, anchor=names[0], test=names[1])
        notes += [f"n/a ({per_image.reason})"] if per_image.reason else []
        notes += per_image.warnings
        # the overlap that counts beside the leading BD-rate is that of the images
        remarks = [text for text in result.warnings if not text.startswith("overlap ")]
    else:
        result = bd_rate(anchor, test, how.method)
        remarks = [*result.warnings]
    if result.reason and not (per_image is not None and per_image.reason == result.reason):
        notes.append(f"mean curve n/a ({result.reason})")
    notes += remarks
    if quality.reason and not result.reason:
        notes.append(f"BD-quality n/a ({quality.reason})")
    notes += [f"{it.label} was published for {it.stray}" for it in pair if it.stray]
    if len(measured) == 1:
        theirs, ours = sorted(pair, key=lambda source: metric in source.images)
        known = {} if theirs.stray else {theirs.label: theirs.dataset and theirs.dataset.casefold()}
        told = published_findings(known, str(ours.dataset).casefold(), len(ours.pictures) or len(images))
        notes += [finding.message for finding in told]
    versions = {it.versions[metric] for it in pair if metric in it.versions}
    if len(versions) > 1:
        notes.append(f"{metric} in different versions: {' and '.join(sorted(versions))}")
    exact = {name for curves in measured for name in curves.images} & compared.exact
    if exact:
        notes.append(f"{', '.join(sorted(exact))} left out, reproduced exactly at nearly every quality")
    dropped = max((len(curves.images) for curves in measured), default=0) - len(images) - len(exact)
    if dropped > 0:
        notes.append(f"{dropped} images left out that not all compared codecs finished")
    note = "; ".join(dict.fromkeys(notes))
    count = len(images) if measured else None
    return Row(
        *names,
        metric,
        how.method,
        per_image,
        result,
        interval,
        quality.value,
        count,
        note,
        how.average,
        divided,
    )


def _mean(source: Source, metric: str, images: tuple[str, ...], average: Average) -> Curve:
    if metric in source.images:
        return mean_curve(source.images[metric].only(images), average)
    return source.curves[metric]


def _fits(one: Source, other: Source) -> bool:
    named = {it.dataset.casefold() for it in (one, other) if it.dataset is not None}
    return len(named) < 2


def _names(sources: Collection[Source]) -> dict[int, str]:
    """What to call each source: its label, with data set or origin where the label alone is ambiguous."""
    datasets = {source.dataset for source in sources if source.images}
    names = {}
    for source in sources:
        name = source.label
        if any(other.label == name and other.origin != source.origin for other in sources):
            name = f"{Path(source.origin).name}#{name}"
        if len(datasets) > 1 and source.images:
            name += f" [{source.dataset}]"
        names[id(source)] = name
    return names


def _from_run(frame: pd.DataFrame, origin: str) -> tuple[Source, ...]:
    sources = []
    versions = frame.attrs.get("metric_versions", {})
    for dataset in frame["dataset"].unique():
        part = frame[frame["dataset"] == dataset]
        lossy = part[part["quality"].notna()]
        # A metric that is worse on both sides of an ideal value has no BD-rate.
        comparable = [name for name in metric_columns(part) if name not in frame.attrs.get("ideal", {})]
        measured = [name for name in comparable if lossy[name].notna().any()]
        by_metric = {metric: image_curves(part, metric) for metric in measured}
        pictures = _pictures(part)
        for label, codec in lossy[["label", "codec"]].drop_duplicates().itertuples(index=False):
            images = {metric: curves[str(label)] for metric, curves in by_metric.items()}
            facts = {"codec": str(codec), "pictures": pictures, "versions": versions}
            sources.append(Source(str(label), origin, str(dataset), images=images, **facts))
    return tuple(sources)


def _pictures(frame: pd.DataFrame) -> dict[str, str]:
    if "image_sha256" not in frame.columns:
        return {}
    pairs = frame[["image", "image_sha256"]].drop_duplicates()
    return {str(name): str(sha256) for name, sha256 in pairs.itertuples(index=False)}


def _from_published(curves: Published, path: Path) -> Source:
    by_metric = {curve.metric: curve for curve in curves.curves}
    return Source(curves.label, str(path.resolve()), curves.dataset, by_metric)

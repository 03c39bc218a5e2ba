"""What can be compared: the curves behind a selector, from a run or from a published file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench.errors import ConfigError, suggestion
from bench.exchange import Published, read_published
from bench.rd import Average, Curve, ImageCurves, image_curves, lossy_trials, mean_curve, metric_columns

if TYPE_CHECKING:
    import pandas as pd

LoadRun: TypeAlias = "Callable[[str], pd.DataFrame]"
"""From the path of a run folder to its table."""


@dataclass(frozen=True)
class SourceSelector:
    """``PATH`` or ``PATH#LABEL``: a run folder or a file of curves, and one label in it.

    The name of a codec can be used for its label if the codec has only one.
    """

    path: str
    label: str | None = None

    @classmethod
    def parse(cls, text: str) -> SourceSelector:
        """Split at the first ``#`` before which there is an existing path; an existing path is taken whole.

        Raises
        ------
        ConfigError
            Nothing stands before or after the ``#``.
        """
        if Path(text).exists() or "#" not in text:
            return cls(text)
        cuts = [position for position, character in enumerate(text) if character == "#"]
        cut = next((cut for cut in cuts if Path(text[:cut]).exists()), cuts[-1])
        if not text[cut + 1 :] or not text[:cut]:
            raise ConfigError(f"{text!r}: expected PATH#LABEL")
        return cls(text[:cut], text[cut + 1 :])


@dataclass(frozen=True, eq=False)
class Source:
    """The curves of one label on one data set: of each image from a run, or published mean curves."""

    label: str
    origin: str
    """Absolute path of the run folder or file."""
    dataset: str | None = None
    """None where a published file does not name it; the curves can then be compared on any data set."""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    """Published mean curves, by metric."""
    images: Mapping[str, ImageCurves] = field(default_factory=dict)
    """Measured curves, by metric."""
    codec: str = ""
    image_hashes: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each image of a run."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The version of each metric of a run."""
    stray: str | None = None
    """The data set that a published file names, if no run in the comparison has one of that name."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that have a curve, in the source's order."""
        return tuple(self.images or self.curves)

    def mean(self, metric: str, images: Sequence[str], average: Average) -> Curve:
        """The mean curve over ``images``; a published curve is what it is."""
        if metric in self.images:
            return mean_curve(self.images[metric].only(images), average)
        return self.curves[metric]

    def fits(self, other: Source) -> bool:
        """Whether both are, or may be, of the same data set."""
        names = {it.dataset.casefold() for it in (self, other) if it.dataset is not None}
        return len(names) < 2

    def is_same(self, other: Source) -> bool:
        """Whether both are the same label of the same file or run on the same data set."""
        return self.is_same_label(other) and self.dataset == other.dataset

    def is_same_label(self, other: Source) -> bool:
        """Whether both are the same label of the same file or run, on whatever data set."""
        return (self.origin, self.label) == (other.origin, other.label)


def resolve(text: str, load_run: LoadRun) -> tuple[Source, ...]:
    """The sources behind a selector: a run folder, or a file of published curves.

    Raises
    ------
    ConfigError
        The path is absent or unreadable, or has no such label.
    """
    selector = SourceSelector.parse(text)
    path = Path(selector.path)
    if not path.exists():
        raise ConfigError(f"{selector.path}: no such run or file")
    if path.is_dir():
        sources = _from_run(load_run(selector.path), str(path.resolve()))
    else:
        sources = tuple(_from_published(published, path) for published in read_published(path))
    if selector.label is not None:
        labels = sorted({source.label for source in sources})
        of_codec = {source.label for source in sources if source.codec == selector.label}
        chosen = {selector.label} if selector.label in labels or len(of_codec) != 1 else of_codec
        sources = tuple(source for source in sources if source.label in chosen)
        if not sources:
            raise ConfigError(f"{selector.path}: no label {selector.label!r}; it has {', '.join(labels)}")
    if not sources:
        raise ConfigError(f"{selector.path}: no lossy configuration, and so no RD curve to compare")
    return sources


def on_measured_datasets(sources: Sequence[Source], everything: Sequence[Source]) -> list[Source]:
    """The sources without published curves of data sets that no run has measured.

    Where none of a file's curves is of a measured data set, the file may only use another name for it: its
    curves stay, marked as :attr:`Source.stray`.

    Parameters
    ----------
    sources : the anchors or the tests of a comparison
    everything : both
    """
    measured = {str(it.dataset).casefold() for it in everything if it.images}

    def fits(source: Source) -> bool:
        return not measured or source.dataset is None or source.dataset.casefold() in measured

    kept = [it for it in sources if fits(it) or not any(map(fits, filter(it.is_same_label, everything)))]
    return [it if it.images or fits(it) else replace(it, dataset=None, stray=it.dataset) for it in kept]


def require_same_images(sources: Sequence[Source]) -> None:
    """Refuse runs that used one name for different images, since images are paired by name.

    Raises
    ------
    ConfigError
        The hashes of an image differ.
    """
    seen: dict[str, tuple[str, str]] = {}
    for origin, hashes in {it.origin: it.image_hashes for it in sources}.items():
        for name, sha256 in hashes.items():
            first, where = seen.setdefault(name, (sha256, origin))
            if first != sha256:
                raise ConfigError(
                    f"{where} and {origin} were measured on different pictures called {name}: compare runs"
                    " of the same pictures"
                )


def in_every_run(label: str, runs: Sequence[Sequence[Source]]) -> tuple[Source, ...]:
    """The sources of this label, or of the codec of this name where none has the label, in all of the runs.

    Nothing where ``label`` is a path, or a selector.
    """
    if Path(label).exists() or "#" in label:
        return ()
    everything = {(it.origin, it.label, it.dataset): it for its in runs for it in its}.values()
    found = tuple(it for it in everything if it.label == label)
    return found or tuple(it for it in everything if it.codec == label)


def renamed(sources: Sequence[Source], names: Mapping[str, str]) -> list[Source]:
    """The sources under the names that are given to them, in the same order.

    Parameters
    ----------
    names : by label, or by ``FOLDER#LABEL`` where several runs have the label; those of data sets and metrics
        play no part

    Raises
    ------
    ConfigError
        Nothing has one of the labels, or two labels of one data set would have one name.
    """
    labels = unique_labels(sources)
    keys = {id(it): {labels[id(it)], it.label} & names.keys() for it in sources}
    for name in names:
        others = {it for source in sources for it in (source.dataset, *source.metrics)}
        if name not in others and not any(name in its for its in keys.values()):
            known = dict.fromkeys([*labels.values(), *filter(None, others)])
            raise ConfigError(f"nothing here is called {name!r}{suggestion(name, known)}")
    called = []
    for source in sources:
        key = next((it for it in (labels[id(source)], source.label) if it in keys[id(source)]), None)
        name = source.label if key is None else names[key]
        images = {metric: replace(it, label=name) for metric, it in source.images.items()}
        curves = {metric: replace(it, label=name) for metric, it in source.curves.items()}
        called.append(replace(source, label=name, images=images, curves=curves))
    for before, after in zip(sources, called, strict=True):
        for other, its in zip(sources, called, strict=True):
            if before.label != other.label and after.label == its.label and its.fits(after):
                raise ConfigError(f"{before.label!r} and {other.label!r} would both be called {its.label!r}")
    return called


def unique_labels(sources: Collection[Source]) -> dict[int, str]:
    """What to call each source, by its ``id``: the label, with the origin where it is not unique."""
    return {
        id(it): f"{Path(it.origin).name}#{it.label}" if any(_rivals(it, sources)) else it.label
        for it in sources
    }


def unique_names(sources: Collection[Source]) -> dict[int, str]:
    """As :func:`unique_labels`, with the data set of measured sources where there are several."""
    datasets = {source.dataset for source in sources if source.images}
    names = unique_labels(sources)
    if len(datasets) > 1:
        names |= {id(it): f"{names[id(it)]} [{it.dataset}]" for it in sources if it.images}
    return names


def _rivals(source: Source, sources: Collection[Source]) -> Iterator[Source]:
    """Others of the same name on the same data set."""
    same = (it for it in sources if it.label == source.label and it.origin != source.origin)
    return (it for it in same if it.fits(source))


def _from_run(frame: pd.DataFrame, origin: str) -> tuple[Source, ...]:
    sources = []
    versions = frame.attrs.get("metric_versions", {})
    for dataset in frame["dataset"].unique():
        part = frame[frame["dataset"] == dataset]
        lossy = part[lossy_trials(part)]
        # A metric that is worse on both sides of an ideal value has no BD-rate.
        comparable = [name for name in metric_columns(part) if name not in frame.attrs.get("ideal", {})]
        measured = [name for name in comparable if lossy[name].notna().any()]
        by_metric = {metric: image_curves(part, metric) for metric in measured}
        hashes = _image_hashes(part)
        for label, codec in lossy[["label", "codec"]].drop_duplicates().itertuples(index=False):
            images = {metric: curves[str(label)] for metric, curves in by_metric.items()}
            facts = {"codec": str(codec), "image_hashes": hashes, "versions": versions}
            sources.append(Source(str(label), origin, str(dataset), images=images, **facts))
    return tuple(sources)


def _image_hashes(frame: pd.DataFrame) -> dict[str, str]:
    if "image_sha256" not in frame.columns:
        return {}
    pairs = frame[["image", "image_sha256"]].drop_duplicates()
    return {str(name): str(sha256) for name, sha256 in pairs.itertuples(index=False)}


def _from_published(published: Published, path: Path) -> Source:
    by_metric = {curve.metric: curve for curve in published.curves}
    return Source(published.label, str(path.resolve()), published.dataset, by_metric)

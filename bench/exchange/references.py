"""The list of public reference curves: where they are, and what is known of how they were measured."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bench.errors import ConfigError, DatasetError, suggestion
from bench.exchange.compressai import read_compressai
from bench.exchange.pairs import read_pairs
from bench.exchange.per_image import read_per_image
from bench.exchange.published import Published
from bench.exchange.reading import read_published
from bench.exchange.typed_csv import read_typed_csv
from bench.files.access import read_regular
from bench.files.download import cache_folder, download
from bench.files.problems import SHA256
from bench.files.typed_yaml import load_yaml, located, validate
from bench.rd import Curve
from bench.text.plain import is_one_line

CATALOG = Path(__file__).parents[1] / "references.yaml"
"""The packaged list of public curves."""
DEFAULT_DATASET = "kodak"
"""The data set of a name that names none: ``vtm-444`` is ``kodak/vtm-444``."""
_RAW = "https://raw.githubusercontent.com"
_MOST_BYTES = 1 << 22
"""Size in bytes of the largest file that is downloaded; the curves' have up to 20,000."""


def _file(path: str) -> str:
    if not path or not is_one_line(path) or path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path!r} is no path of a file in the repository")
    return path


def _line(text: str) -> str:
    if not text or not is_one_line(text):
        raise ValueError("write a line of text")
    return text


Line = Annotated[str, AfterValidator(_line)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9.-]*$", max_length=80)]
Metric = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Files = Annotated[
    dict[Annotated[str, AfterValidator(_file)], Annotated[str, Field(pattern=SHA256)]], Field(min_length=1)
]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rows(_Strict):
    """Which rows of a file of several curves."""

    codec: Line
    dataset: Line


class ListedCurve(_Strict):
    """One curve of a source; what is the same for all of them stands with the source."""

    files: Files
    """SHA-256 by path in the source's folder: one file, or of pairs one for each metric."""
    points: int = Field(ge=1)
    codec: str = ""
    """What ought to give the same curve whoever publishes it; empty where nobody else has."""
    version: str = ""
    colour: str = ""
    metrics: tuple[Metric, ...] = ()
    rows: Rows | None = None
    """Of a CSV with several curves."""
    traps: tuple[Line, ...] = ()
    """Besides those of the source."""


class CurveSource(_Strict):
    """Files of curves in one commit of a repository that were made alike."""

    source: Line
    """Whom to credit."""
    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    folder: str = ""
    licence: Line
    format: Literal["compressai", "pairs", "per-image", "csv"]
    version: str = ""
    colour: Line
    averaging: Line
    metrics: tuple[Metric, ...] = ()
    names: dict[str, Metric] = {}
    """Our names of metrics by the source's, where ``metric_name`` does not know them."""
    traps: tuple[Line, ...] = ()
    curves: Annotated[dict[Name, ListedCurve], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name, entry in self.curves.items():
            metrics = entry.metrics or self.metrics
            if not metrics:
                raise ValueError(f"{name}: which metrics? neither it nor its source says")
            if len(entry.files) != (len(metrics) if self.format == "pairs" else 1):
                raise ValueError(f"{name}: {len(entry.files)} files of {len(metrics)} metrics")
            if (entry.rows is None) == (self.format == "csv"):
                raise ValueError(f"{name}: 'rows' belong to a csv, and to nothing else")
        return self


class _Sources(BaseModel):
    sources: dict[str, CurveSource]


@dataclass(frozen=True)
class PublicCurve:
    """A curve of the list, with what its source says of all of its curves."""

    name: str
    """``DATASET/LABEL``."""
    of: CurveSource
    listed: ListedCurve

    @property
    def dataset(self) -> str:
        """The data set that it is of."""
        return self.name.partition("/")[0]

    @property
    def label(self) -> str:
        """What a report calls it."""
        return self.name.partition("/")[2]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it is in."""
        return self.listed.metrics or self.of.metrics

    @property
    def source(self) -> str:
        """Whom to credit, and for what."""
        return ", ".join(filter(None, (self.of.source, self.version)))

    @property
    def version(self) -> str:
        """The software that made it, as far as its source says."""
        return self.listed.version or self.of.version

    @property
    def colour(self) -> str:
        """From RGB to what was coded, and back to what was measured."""
        return self.listed.colour or self.of.colour

    @property
    def traps(self) -> tuple[str, ...]:
        """What makes comparisons with it unfair."""
        return (*self.of.traps, *self.listed.traps)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of its files, in their order."""
        root = f"{_RAW}/{self.of.repository}/{self.of.commit}"
        return tuple(f"{root}/{quote(self.of.folder + path)}" for path in self.listed.files)

    @property
    def copies(self) -> tuple[Path, ...]:
        """Where its files are once they are downloaded."""
        folder = cache_folder() / "references"
        return tuple(
            folder / f"{sha256}{PurePosixPath(path).suffix}" for path, sha256 in self.listed.files.items()
        )

    def fetch(self) -> None:
        """Download what is missing of its files.

        Raises
        ------
        DatasetError
            A file could not be downloaded, or is another one than the list describes.
        """
        for url, sha256, copy in zip(self.addresses, self.listed.files.values(), self.copies, strict=True):
            if copy.is_file():
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                download([url], sha256, copy, _MOST_BYTES)
            except DatasetError as error:
                raise DatasetError(
                    f"reference {self.name!r}: {error}\n"
                    f"Download {url} elsewhere, and give the file in the place of the name."
                ) from error

    def read(self, copies: Sequence[Path] | None = None) -> Published:
        """The curve, from the files that were fetched.

        Parameters
        ----------
        copies : the files, if they are elsewhere

        Raises
        ------
        DatasetError
            A copy is not the file that the hash describes.
        ConfigError
            A file cannot be read, or not as the list says.
        """
        paths = self.copies if copies is None else copies
        for path, sha256 in zip(paths, self.listed.files.values(), strict=True):
            self._verify(path, sha256)
        curves = {self.of.names.get(it.metric, it.metric): it for it in self._curves(paths)}
        if missing := [it for it in self.metrics if it not in curves]:
            raise ConfigError(f"{paths[0]}: reference {self.name!r} has no curve in {', '.join(missing)}")
        return Published(
            self.label,
            tuple(replace(curves[it], label=self.label, metric=it) for it in self.metrics),
            description="; ".join(filter(None, (self.version, self.colour, self.of.averaging))),
            source=self.source,
            dataset=self.dataset,
            codec=self.listed.codec,
            traps=self.traps,
        )

    def _verify(self, path: Path, sha256: str) -> None:
        try:
            found = hashlib.sha256(read_regular(path, _MOST_BYTES, links=True)).hexdigest()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
        if found != sha256:
            raise DatasetError(
                f"{path}: reference {self.name!r} has SHA-256 {found}, expected {sha256}; remove it, and"
                " fetch it again"
            )

    def _curves(self, paths: Sequence[Path]) -> Iterable[Curve]:
        if self.of.format == "pairs":
            for metric, path in zip(self.metrics, paths, strict=True):
                yield from read_pairs(path, metric).curves
        elif self.of.format == "per-image":
            yield from read_per_image(paths[0], self.metrics[0]).curves
        elif self.of.format == "compressai":
            yield from read_compressai(paths[0]).curves
        elif self.listed.rows is not None:
            rows = self.listed.rows
            for it in read_typed_csv(paths[0]):
                if (it.label, it.dataset) == (rows.codec, rows.dataset):
                    yield from it.curves


def open_reference(name_or_path: str) -> tuple[Published, ...]:
    """Read published curves.

    Parameters
    ----------
    name_or_path : a file (:func:`bench.exchange.reading.read_published`), or a name of ``references.yaml``,
        or a pattern of names such as ``kodak/*``. Their files are downloaded once into the user's cache and
        verified.

    Raises
    ------
    ConfigError
        Neither an existing file nor a known name, or a file that cannot be read as curves.
    DatasetError
        A named file could not be downloaded.
    """
    return open_references([name_or_path])


def open_references(names_or_paths: Iterable[str]) -> tuple[Published, ...]:
    """Read published curves of several files, names and patterns, in their order; each of them once.

    Parameters and errors are those of :func:`open_reference`.
    """
    found: dict[Path | str, str | PublicCurve] = {}
    for it in names_or_paths:
        if Path(it).is_file():
            found.setdefault(Path(it).resolve(), it)
        else:
            found |= {curve.name: curve for curve in named(it)}
    return tuple(curve for it in found.values() for curve in _read(it))


def _read(it: str | PublicCurve) -> tuple[Published, ...]:
    if isinstance(it, str):
        return read_published(it)
    it.fetch()
    return (it.read(),)


def named(name: str) -> tuple[PublicCurve, ...]:
    """The curves of the list that a name or a pattern means.

    Parameters
    ----------
    name : ``DATASET/LABEL``; a label alone is one of :data:`DEFAULT_DATASET`. In a pattern ``*`` stands for
        any characters and ``?`` for one.

    Raises
    ------
    ConfigError
        There is none.
    """
    catalog = known_references()
    if set(name) & set("*?["):
        found = tuple(it for key, it in catalog.items() if fnmatchcase(key, name))
        if not found:
            raise ConfigError(
                f"reference {name!r}: no known curve matches; names begin with their data set, as in"
                f" '{DEFAULT_DATASET}/*'"
            )
        return found
    key = name if "/" in name else f"{DEFAULT_DATASET}/{name}"
    if key not in catalog:
        known = [*catalog, *(it.label for it in catalog.values() if it.dataset == DEFAULT_DATASET)]
        raise ConfigError(f"reference {name!r}: neither a file nor a known curve{suggestion(name, known)}")
    return (catalog[key],)


def known_references() -> dict[str, PublicCurve]:
    """The curves of the packaged list, by name."""
    return _by_name(CATALOG)


@cache
def _by_name(catalog: Path) -> dict[str, PublicCurve]:
    return {it.name: it for it in load_references(catalog)}


def load_references(path: str | Path) -> tuple[PublicCurve, ...]:
    """The curves of a file like ``references.yaml``, which explains the format.

    Raises
    ------
    ConfigError
        The file is absent or malformed; the message names the file, the line and the key.
    """
    document = load_yaml(Path(path))
    sources = validate(_Sources, {"sources": document.content}, document, skip=1).sources
    found: dict[str, PublicCurve] = {}
    for key, source in sources.items():
        for name, entry in source.curves.items():
            if name in found:
                raise located(document, (key, "curves", name), "the name is used twice")
            found[name] = PublicCurve(name, source, entry)
    return tuple(found.values())

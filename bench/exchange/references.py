"""The list of public reference curves, with their addresses and hashes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlparse

from pydantic import BaseModel, ConfigDict, Field, RootModel

from bench.errors import ConfigError, DatasetError, suggestion
from bench.exchange.compressai import read_compressai
from bench.exchange.published import Published
from bench.exchange.typed_csv import read_typed_csv
from bench.files.access import read_regular
from bench.files.download import cache_folder, download
from bench.files.typed_yaml import load_yaml, validate
from bench.rd import Curve

CATALOG = Path(__file__).parents[1] / "references.yaml"
"""The packaged list of public curves."""


class PublicCurve(BaseModel):
    """An entry of ``references.yaml``: the address of a file of curves, its hash, and the source to credit.

    The format follows from the ending of the URL: ``.csv`` is the typed CSV, anything else CompressAI's JSON.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    url: Annotated[str, Field(pattern=r"^https://[^\s]+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    source: Annotated[str, Field(min_length=1)]
    dataset: str | None = None
    license: str | None = None

    def read(self, path: str | Path) -> tuple[Published, ...]:
        """The curves in a downloaded copy.

        Raises
        ------
        DatasetError
            The copy is not the file that the hash describes.
        ConfigError
            The file cannot be read as a curve.
        """
        try:
            found = hashlib.sha256(read_regular(Path(path), links=True)).hexdigest()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
        if found != self.sha256:
            raise DatasetError(
                f"{path}: reference {self.name!r} has SHA-256 {found}, expected {self.sha256}; fetch it again"
            )
        read = read_typed_csv(path) if urlparse(self.url).path.endswith(".csv") else (read_compressai(path),)
        return tuple(replace(it, source=self.source, dataset=self.dataset or it.dataset) for it in read)


def open_reference(name_or_path: str) -> tuple[Published, ...]:
    """Read published curves.

    Parameters
    ----------
    name_or_path : a CompressAI ``.json`` or typed ``.csv`` file, or a name of ``references.yaml``, whose file
        is downloaded once into the user's cache and verified

    Raises
    ------
    ConfigError
        Neither an existing file nor a known name, or a file that cannot be read as curves.
    DatasetError
        The named file could not be downloaded.
    """
    path = Path(name_or_path)
    if path.is_file():
        return read_typed_csv(path) if path.suffix.lower() == ".csv" else (read_compressai(path),)
    catalog = {it.name: it for it in load_references(CATALOG)}
    if name_or_path not in catalog:
        raise ConfigError(
            f"reference {name_or_path!r}: neither a file nor a known curve{suggestion(name_or_path, catalog)}"
        )
    reference = catalog[name_or_path]
    ending = Path(urlparse(reference.url).path).suffix
    copy = cache_folder() / "references" / f"{reference.sha256}{ending}"
    if not copy.is_file():
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            download([reference.url], reference.sha256, copy)
        except DatasetError as error:
            raise DatasetError(
                f"reference {name_or_path!r}: {error}\n"
                f"Download {reference.url} elsewhere, and give the file in the place of the name."
            ) from error
    return tuple(
        replace(it, label=reference.name, curves=_renamed(it.curves, reference.name))
        for it in reference.read(copy)
    )


def _renamed(curves: tuple[Curve, ...], label: str) -> tuple[Curve, ...]:
    return tuple(replace(curve, label=label) for curve in curves)


class _PublicCurves(RootModel[tuple[PublicCurve, ...]]):
    pass


def load_references(path: str | Path) -> tuple[PublicCurve, ...]:
    """The references in a YAML list of ``{name, url, sha256, source[, dataset, license]}``.

    Raises
    ------
    ConfigError
        The file is absent or malformed; the message names the file, the line and the key.
    """
    document = load_yaml(Path(path))
    references = validate(_PublicCurves, document.data, document).root
    names = [reference.name for reference in references]
    for position, name in enumerate(names):
        if name in names[:position]:
            line = document.lines.get((position, "name"), 1)
            raise ConfigError(f"{path}:{line}: the name {name!r} is used twice")
    return references

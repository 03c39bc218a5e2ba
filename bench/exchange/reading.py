"""A user's file of published curves, whichever of the formats it has."""

from __future__ import annotations

from pathlib import Path

from bench.exchange._files import read_text
from bench.exchange.compressai import read_compressai
from bench.exchange.pairs import read_pairs
from bench.exchange.per_image import is_per_image, read_per_image
from bench.exchange.published import Published
from bench.exchange.typed_csv import read_typed_csv


def read_published(path: str | Path) -> tuple[Published, ...]:
    """The published curves in a file.

    The ending tells the format: ``.csv`` is a typed CSV (:mod:`bench.exchange.typed_csv`), ``.txt`` two
    columns (:mod:`bench.exchange.pairs`), anything else CompressAI's JSON. A ``.tsv`` has images or curves,
    which its first line tells.

    Raises
    ------
    ConfigError
        The file is absent or malformed; the message names the file and, where there is one, the line.
    """
    ending = Path(path).suffix.lower()
    if ending == ".tsv":
        first_line = read_text(path).partition("\n")[0]
        return (read_per_image(path),) if is_per_image(first_line) else read_typed_csv(path)
    if ending == ".csv":
        return read_typed_csv(path)
    return (read_pairs(path) if ending == ".txt" else read_compressai(path),)

"""Reading, naming and writing files, for all importers and exporters."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.files.access import read_regular, write_atomically

if TYPE_CHECKING:
    import pandas as pd


MOST_BYTES = 1 << 26
"""Size in bytes of the largest file of curves, or batch of codec-compare, that is read."""


@dataclass(frozen=True, eq=False)
class Configuration:
    """All rows of one label on one data set."""

    dataset: str
    label: str
    rows: pd.DataFrame
    alone: bool
    """Whether the run has only one data set."""


def configurations(frame: pd.DataFrame) -> Iterator[Configuration]:
    """The configurations of a run's table, in the order of the table.

    One whose trials were shared out among different machines has no times.
    """
    alone = frame["dataset"].nunique() <= 1
    for (dataset, label), rows in frame.groupby(["dataset", "label"], sort=False):
        finished = rows[rows["status"] == "ok"]
        if "environment" in rows and finished["environment"].nunique() > 1:
            rows = rows.assign(encode_s=math.nan, decode_s=math.nan)
        yield Configuration(str(dataset), str(label), rows, alone)


def safe_name(config: Configuration) -> str:
    """A file name for a configuration, without separators and different for different labels."""
    text = config.label if config.alone else f"{config.dataset}-{config.label}"
    name = re.sub(r"[^A-Za-z0-9._=-]+", "_", text).strip("._-")[:80]
    if name == text:
        return name
    # Two labels that differ only in characters that were replaced must not share a file.
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")


def read_text(path: str | Path) -> str:
    """A text file of somebody's, in UTF-8 with or without a byte order mark.

    Raises
    ------
    ConfigError
        It cannot be read, is too large, or is no text; the message names the file.
    """
    try:
        return read_regular(Path(path), MOST_BYTES, links=True).decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not a text file in UTF-8") from error


def read_number(cell: str, column: str, where: str) -> float:
    """A finite number in a cell.

    Parameters
    ----------
    where : file and line, which begin the message

    Raises
    ------
    ConfigError
        It is none.
    """
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{where}: {column} is {cell!r}; expected a number")
    return value


def read_json(path: str | Path) -> Any:
    """The JSON document in a file.

    Raises
    ------
    ConfigError
        The file cannot be read or is not JSON; the message names the file, and line and column of the fault.
    """
    try:
        document = json.loads(read_text(path), parse_int=_whole)
        json.dumps(document, ensure_ascii=False).encode()  # refuses an escaped lone surrogate
        return document
    except UnicodeEncodeError as error:
        raise ConfigError(f"{path}: text with half a character (a lone surrogate)") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}:{error.colno}: not valid JSON, {error.msg}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply to be a results file") from error


def _whole(digits: str) -> int | float:
    """An integer; one of hundreds of digits becomes infinity, which it is for all purposes here."""
    return int(digits) if len(digits) < 300 else math.inf


def write_json(path: Path, document: Any) -> Path:
    """Write a document atomically. NaN and infinities, which JSON does not have, are refused."""
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    write_atomically(path, (text + "\n").encode())
    return path

"""Numbers typed from a paper: a CSV with one operating point per row.

    # lines that start with a hash are comments
    codec,bpp,psnr_rgb,ms_ssim_rgb,source
    ELIC,0.1235,29.113,,https://arxiv.org/abs/2203.10886

``codec`` (or ``model``) and ``bpp`` are required; ``dataset``, ``source`` and ``description`` are free text;
every other column is a metric. An empty cell means that the metric was not published for that point.

Cells are separated by commas, semicolons or tabs, whichever the first row uses. With semicolons or tabs, a
comma may be the decimal point, as spreadsheets in many countries write it. The points of a codec may be in
any order, since a curve is sorted by rate.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import ConfigError
from bench.exchange._files import read_number, read_text
from bench.exchange.published import Published, metric_name, published, remark_on_order
from bench.rd import Curve
from bench.text.escape import from_csv_cell

_TEXT = ("dataset", "source", "description")
_RUN_ONLY = frozenset({"image", "status"})


@dataclass
class _Codec:
    text: dict[str, str] = field(default_factory=dict)
    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def read_typed_csv(path: str | Path) -> tuple[Published, ...]:
    """The published curves in a typed CSV: one :class:`Published` for each codec and data set, in file order.

    Raises
    ------
    ConfigError
        The file is absent or malformed; the message names the file, the line and the column.
    """
    codecs: dict[tuple[str, str], _Codec] = {}
    try:
        for number, row in _rows(path, io.StringIO(read_text(path), newline="")):
            _add(codecs, row, f"{path}:{number}")
    except csv.Error as error:
        raise ConfigError(f"{path}: not a CSV ({error})") from error
    if not codecs:
        raise ConfigError(f"{path}: no row of data")
    return tuple(_published(name, codec, path) for (name, _), codec in codecs.items())


def _rows(path: str | Path, file: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    lines = list(file)
    separator = _separator(lines)
    reader = csv.reader(lines, delimiter=separator)
    header: list[str] | None = None
    rows: list[tuple[int, dict[str, str]]] = []
    for raw in reader:
        cells = [from_csv_cell(cell.strip()) for cell in raw]
        if not any(cells) or _is_remark(cells[0]):
            continue
        if header is None:
            names = [cell.lower() for cell in cells]
            # as facebookresearch/NeuralCompression calls it
            names = names if "codec" in names else ["codec" if it == "model" else it for it in names]
            header = _header(names, f"{path}:{reader.line_num}")
        elif len(cells) != len(header):
            raise ConfigError(f"{path}:{reader.line_num}: {len(cells)} cells under {len(header)} headings")
        else:
            numbers = {key: _with_point(it, key, separator) for key, it in zip(header, cells, strict=True)}
            rows.append((reader.line_num, numbers))
    return rows


def _separator(lines: Sequence[str]) -> str:
    """The separator of the first row."""
    header = next((it for it in lines if it.strip() and not _is_remark(it.strip())), "")
    return next((it for it in (";", "\t") if it in header), ",")


def _is_remark(cell: str) -> bool:
    """Whether a cell begins a comment, or the line in which Excel states the separator."""
    return cell.startswith("#") or re.fullmatch(r'"?sep=.?"?', cell, re.IGNORECASE) is not None


def _with_point(cell: str, key: str, separator: str) -> str:
    if separator == "," or key == "codec" or key in _TEXT or "." in cell:
        return cell
    return cell.replace(",", ".", 1)


def _header(names: list[str], where: str) -> list[str]:
    if set(names) >= _RUN_ONLY:
        raise ConfigError(f"{where}: this is a run's table, not a published curve; give the run's folder")
    for required in ("codec", "bpp"):
        if required not in names:
            raise ConfigError(f"{where}: no column {required!r}; the first row names codec, bpp and metrics")
    if not set(names) - {"codec", "bpp", *_TEXT}:
        raise ConfigError(f"{where}: no metric beside codec and bpp, for instance psnr_rgb")
    keys = [metric_name(name) for name in names]
    double = next((name for name in keys if keys.count(name) > 1), None)
    if double is not None:
        raise ConfigError(f"{where}: {double!r} is named by two columns; keep one")
    return names


def _add(codecs: dict[tuple[str, str], _Codec], row: dict[str, str], where: str) -> None:
    if not row["codec"]:
        raise ConfigError(f"{where}: the codec has no name")
    codec = codecs.setdefault((row["codec"], row.get("dataset", "")), _Codec())
    bpp = read_number(row["bpp"], "bpp", where)
    if bpp <= 0:
        raise ConfigError(f"{where}: bpp is {row['bpp']}; bits per pixel are above 0")
    for key, cell in row.items():
        if key in ("codec", "bpp"):
            continue
        if key in _TEXT:
            codec.text.setdefault(key, cell)
        elif cell:
            codec.points.setdefault(key, []).append((bpp, read_number(cell, key, where)))


def _published(name: str, codec: _Codec, path: str | Path) -> Published:
    where = f"{path}: codec {name!r}"
    if not codec.points:
        raise ConfigError(f"{where} has no metric value in any row")
    curves: list[Curve] = []
    remark = ""
    for key, points in codec.points.items():
        bpp, values = zip(*points, strict=True)
        made = published(name, bpp, {key: values}, where)
        remark = remark or remark_on_order(made, bpp, where)
        curves += made
    text = codec.text
    return Published(
        name,
        tuple(curves),
        text.get("description", ""),
        text.get("source") or str(path),
        text.get("dataset") or None,
        remark,
    )

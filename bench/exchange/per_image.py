"""Rate and PSNR of every image at every operating point, as Cool-Chic publishes them: a TSV with a header.

    lmbda   seq_name  n_pixels  psnr_db    rate_bpp
    0.0001  kodim01   393216    40.755217  2.083712

The columns stand in any order: the operating point as ``lmbda`` or ``lambda``, the image as ``seq_name`` or
``seq``, ``rate_bpp`` and ``psnr_db``. Others are not read. https://github.com/Orange-OpenSource/Cool-Chic
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from bench.errors import ConfigError
from bench.exchange._files import read_number, read_text
from bench.exchange.published import Published, published, remark_on_order
from bench.text.plain import some_of

RATE = "rate_bpp"
"""The column that only such files have."""
_QUALITY = "psnr_db"
_POINTS = ("lmbda", "lambda")
_IMAGES = ("seq_name", "seq")
_NAMED = 3


def read_per_image(path: str | Path, metric: str = "psnr_rgb") -> Published:
    """The mean curve of the images in such a file, labelled with its stem.

    The mean is over the images that have every operating point, with a remark that names the others: over
    other images at each point it would be no curve.

    Parameters
    ----------
    metric : what ``psnr_db`` is

    Raises
    ------
    ConfigError
        The file is absent or malformed, or no image is complete; the message names the file and the line.
    """
    points: dict[str, dict[str, tuple[float, float]]] = {}
    names: dict[str, None] = {}
    for where, point, image, rate, quality in _rows(path):
        of_point = points.setdefault(point, {})
        if image in of_point:
            raise ConfigError(f"{where}: {image} stands here a second time at {point}; keep one")
        of_point[image] = (
            read_number(rate, RATE, where),
            read_number(quality, _QUALITY, where),
        )
        names[image] = None
    if not points:
        raise ConfigError(f"{path}: no row of data")
    complete = [name for name in names if all(name in its for its in points.values())]
    if not complete:
        raise ConfigError(f"{path}: no image has all {len(points)} operating points")
    rates, values = (
        [fmean(its[name][column] for name in complete) for its in points.values()] for column in (0, 1)
    )
    label = Path(path).stem
    curves = published(label, rates, {metric: values}, str(path))
    remarks = [remark_on_order(curves, rates, str(path))]
    if lacking := [name for name in names if name not in complete]:
        remarks.append(
            f"{path}: {some_of(lacking, _NAMED)} lack operating points and are left out of the mean"
        )
    return Published(label, curves, source=str(path), remark="; ".join(filter(None, remarks)))


def is_per_image(first_line: str) -> bool:
    """Whether a file begins with the header of such a table."""
    return RATE in [it.strip().lower() for it in first_line.split("\t")]


def _rows(path: str | Path) -> list[tuple[str, str, str, str, str]]:
    """File and line, operating point, image, rate and quality of each row."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter="\t")
    found = []
    places: list[int] | None = None
    width = 0
    try:
        for raw in reader:
            cells, where = [it.strip() for it in raw], f"{path}:{reader.line_num}"
            if not any(cells):
                continue
            if places is None:
                header = [it.lower() for it in cells]
                places = [_place(header, names, where) for names in (_POINTS, _IMAGES, (RATE,), (_QUALITY,))]
                width = len(cells)
            elif len(cells) != width:
                raise ConfigError(f"{where}: {len(cells)} cells under {width} headings")
            else:
                point, image, rate, quality = (cells[k] for k in places)
                found.append((where, point, image, rate, quality))
    except csv.Error as error:
        raise ConfigError(f"{path}: not a TSV ({error})") from error
    return found


def _place(header: Sequence[str], names: Sequence[str], where: str) -> int:
    found = [k for k, it in enumerate(header) if it in names]
    if len(found) != 1:
        count = "no column" if not found else f"{len(found)} columns"
        raise ConfigError(
            f"{where}: {count} {' or '.join(names)}; the first row names point, image, rate, PSNR"
        )
    return found[0]

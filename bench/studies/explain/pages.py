"""The files of explained pictures: their names, the numbers (``.npz`` and ``.json``), and the page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from bench.explanation import Channels, Explanation
from bench.files.access import read_regular, subfolder, write_atomically
from bench.files.typed_json import MalformedJson, decode_json
from bench.inputs.image import read_image
from bench.plotting.style import styled
from bench.studies.explain.figure import density, explanation_figure
from bench.studies.explain.record import ExplainedPicture, ExplainRow
from bench.trials.plan import ImagePlan, Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Page: TypeAlias = tuple[ImagePlan, str, float | None]
"""A picture, and the label and quality of a codec."""

_DIGITS = 8
_MOST_LISTED = 8
"""Channels of each grid that the summary names."""


def write_explained(explained: ExplainedPicture, out: Path, *, figure: bool = True) -> list[Path]:
    """Write ``<codec>[@quality]/<picture>`` with the endings ``png`` and ``pdf``, ``npz`` and ``json``.

    A page of the same picture is replaced, one of another picture never. A picture without an explanation
    has no files but its row in the summary.

    Parameters
    ----------
    explained : a picture, as :func:`bench.studies.explain.runner.explain_all` yields it
    out : the folder of all pictures
    figure : whether to draw the page, which takes most of the time

    Raises
    ------
    StoreError
        It cannot be written there, or a folder on the way is a link.
    """
    if explained.explanation is None:
        return []
    row = explained.row
    image = read_image(explained.path).pixels
    folder = subfolder(out, *explained.stem.parent.parts)
    stem = unclaimed(folder / explained.stem.name, row)
    height, width = image.shape[:2]
    files = write_numbers(row, explained.explanation, (height, width), stem)
    if not figure:
        return files
    with styled():
        drawn = explanation_figure(row, explained.explanation, image)
        return [*_save(drawn, stem), *files]


def page_stems(trials: Sequence[Trial]) -> dict[Page, Path]:
    """For each trial ``[data set/]<codec>[@quality]/<picture>``, without ending.

    The data set is named where there are several. A picture has its file name, less the ending where that
    leaves the pictures of its data set distinct, and with its hash where two folders of one name have it.
    """
    pictures: dict[str, list[ImagePlan]] = {}
    for image in dict.fromkeys(it.image for it in trials):
        pictures.setdefault(image.dataset, []).append(image)
    named = {image: name for images in pictures.values() for image, name in _pictures(images).items()}
    folders = _folders(_point(it) for it in trials)
    several = len(pictures) > 1
    return {
        page_of(it): Path(it.image.dataset if several else "", folders[_point(it)], named[it.image])
        for it in trials
    }


def page_of(trial: Trial) -> Page:
    """What a page is of."""
    return trial.image, trial.codec.label, trial.quality


def unclaimed(stem: Path, row: ExplainRow) -> Path:
    """``stem``, or with the picture's hash where another picture's page, of an earlier command, is there."""
    try:
        claim = decode_json(read_regular(stem.with_name(f"{stem.name}.json")), _Claim)
    except (OSError, MalformedJson):
        return stem
    if (claim.image_sha256, claim.label, claim.quality) == (row.image_sha256, row.label, row.quality):
        return stem
    return stem.with_name(f"{stem.name}-{row.image_sha256[:_DIGITS]}")


class _Claim(msgspec.Struct):
    """What the numbers of a page say of its identity."""

    image_sha256: str = ""
    label: str = ""
    quality: float | None = None


def _pictures(images: Sequence[ImagePlan]) -> dict[ImagePlan, str]:
    stems, names = [Path(it.name).stem for it in images], [it.name.replace("/", "-") for it in images]
    hashes = [it.sha256[:_DIGITS] for it in images]
    for found in (stems, names, list(map("-".join, zip(stems, hashes, strict=True)))):
        # compared without case, as some file systems do
        if len({it.casefold() for it in found}) == len(images):
            return dict(zip(images, found, strict=True))
    return {it: f"{name}-{digits}" for it, name, digits in zip(images, names, hashes, strict=True)}


def _point(trial: Trial) -> str:
    return trial.codec.label + ("" if trial.quality is None else f"@{trial.quality:g}")


def _folders(points: Iterable[str]) -> dict[str, str]:
    """Names that a folder may have, numbered where they would be the same."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for point in dict.fromkeys(points):
        plain = folder = re.sub(r"[^\w.@=+-]+", "_", point)
        number = 1
        while folder.casefold() in taken:
            number += 1
            folder = f"{plain}-{number}"
        taken.add(folder.casefold())
        found[point] = folder
    return found


def write_numbers(row: ExplainRow, explanation: Explanation, size: tuple[int, int], stem: Path) -> list[Path]:
    """Write ``stem.npz`` with every array, and ``stem.json`` with the totals.

    Parameters
    ----------
    row, explanation : of one picture
    size : height and width in pixels
    stem : the files without ending
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays(explanation, size))
    summary = msgspec.to_builtins(row) | {
        "height": size[0],
        "width": size[1],
        "deviation_percent": row.deviation,
        "strongest_channels": {it.name: _strongest(it) for it in explanation.channels},
        "notes": list(explanation.notes),
    }
    files = [stem.with_name(f"{stem.name}.{ending}") for ending in ("npz", "json")]
    write_atomically(files[0], buffer.getvalue())
    write_atomically(files[1], msgspec.json.format(msgspec.json.encode(summary), indent=1))
    return files


def arrays(explanation: Explanation, size: tuple[int, int]) -> dict[str, Any]:
    """Every number by name, blanks as underscores.

    Parameters
    ----------
    explanation : of one picture
    size : height and width in pixels

    Returns
    -------
    ``density`` (height, width): bits of each pixel, all grids together. ``bits_<grid>`` (rows, columns),
    ``cell_<grid>`` and ``origin_<grid>`` in pixels; ``channel_bits_<name>`` and ``channel_energy_<name>``
    (channels,); ``impulse_<grid>_<channel>`` (height, width, 3) in levels; ``traversal_<grid>_<channel>``
    (factors, height, width, 3) uint8, with ``factors_<grid>_<channel>``.
    """
    found: dict[str, Any] = {"density": density(explanation.grids, *size).astype(np.float32)}
    for grid in explanation.grids:
        found[f"bits {grid.name}"] = grid.bits
        found[f"cell {grid.name}"] = np.array(grid.cell)
        found[f"origin {grid.name}"] = np.array(grid.origin)
    for channels in explanation.channels:
        found[f"channel bits {channels.name}"] = channels.bits
        found[f"channel energy {channels.name}"] = channels.energy
    for impulse in explanation.impulses:
        found[f"impulse {impulse.name} {impulse.channel}"] = impulse.response
    for traversal in explanation.traversals:
        found[f"traversal {traversal.name} {traversal.channel}"] = traversal.pictures
        found[f"factors {traversal.name} {traversal.channel}"] = np.array(traversal.factors)
    return {name.replace(" ", "_"): value for name, value in found.items()}


def _strongest(channels: Channels) -> list[dict[str, Any]]:
    order = np.argsort(-channels.bits, kind="stable")[:_MOST_LISTED]
    return [
        {
            "channel": channels.labels[index] if channels.labels else int(index),
            "bits": float(channels.bits[index]),
            "energy": float(channels.energy[index]),
        }
        for index in order
    ]


def _save(figure: Figure, stem: Path) -> list[Path]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    paths = [stem.with_name(f"{stem.name}.{ending}") for ending in ("png", "pdf")]
    png, pdf = io.BytesIO(), io.BytesIO()
    FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
    FigureCanvasPdf(figure).print_pdf(pdf, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    for path, drawn in zip(paths, (png, pdf), strict=True):
        write_atomically(path, drawn.getvalue())
    return paths

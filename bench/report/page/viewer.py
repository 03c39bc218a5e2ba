"""What the viewer compares: originals and reconstructions of the images whose bitstreams a run kept.

Every image has a small script beside the page with its operating points, loaded when the image is picked;
its pictures are loaded when they are shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.access import write_atomically
from bench.rd import DB_METRICS, to_db
from bench.report.board import Board
from bench.report.page.data import rounded, script_json
from bench.report.page.examples import Picked, Shot
from bench.report.reconstructions.bitstreams import FOLDER, KeptBitstreams, Originals
from bench.report.reconstructions.decoded import Stored, decode_all
from bench.trials.trust import Trust

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Viewer:
    """The page's part for one board, and the files beside it."""

    data: dict[str, Any]
    files: tuple[Path, ...]


def write_viewer(
    board: Board, page: Path, runs: Mapping[str, Path], trust: Trust
) -> tuple[Viewer, list[Picked]]:
    """Store the pictures of a board beside ``page``; ``runs`` are the folders by their names in the board.

    Kept bitstreams are decoded with the installed codecs, and with those that ``trust`` lets run.
    """
    folder = page / FOLDER
    source = KeptBitstreams(board, runs, trust)
    jobs = source.jobs(source.rows)
    kept = source.rows.loc[sorted(jobs)]
    lossy = kept[~kept["lossless"]]
    if lossy.empty:
        return Viewer({"images": [], "examples": []}, ()), []

    originals = Originals(board.dataset, folder)
    wanted = {index: job for index, job in jobs.items() if index in lossy.index}
    # A lossless reconstruction is the original: it stands in where the data set is not at hand.
    for name, group in kept[kept["exact"].astype(bool)].groupby("image", observed=True):
        if not originals.has(str(name)) and group.index[0] in jobs:
            originals.stand_ins[str(name)] = jobs[group.index[0]]
    stand_ins = originals.stand_ins
    stored = decode_all([*wanted.values(), *stand_ins.values()], folder)
    pictures = dict(zip(wanted, stored, strict=False))
    originals.stored |= dict(zip(stand_ins, stored[len(wanted) :], strict=True))

    picked = list(_picked(board, lossy, pictures, originals))
    images, scripts = [], []
    for it in picked:
        path = folder / (hashlib.sha256(f"{board.dataset}/{it.name}".encode()).hexdigest()[:16] + ".js")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"rdbenchImage({script_json(_image_data(it))});\n".encode())
        scripts.append(path)
        images.append({"name": it.name, "script": f"{FOLDER}/{path.name}"})
    shown = {it.file for image in picked for it in (image.original, *(shot.stored for shot in image.shots))}
    files = (*scripts, *sorted(it for it in shown if it is not None))
    return Viewer({"images": images}, files), picked


def _picked(
    board: Board, rows: pd.DataFrame, pictures: Mapping[Any, Stored], originals: Originals
) -> Iterator[Picked]:
    position = {it.label: index for index, it in enumerate(board.entries)}
    for name, group in rows.groupby("image", sort=False, observed=True):
        first = group.iloc[0]
        shots = []
        for index, row in zip(group.index, group.to_dict("records"), strict=True):
            values = tuple(
                rounded(float(to_db(row[it.name]) if it.name in DB_METRICS else row[it.name]))
                for it in board.metrics
            )
            bpp = rounded(row["bpp"]) or 0.0
            shots.append(
                Shot(position[str(row["label"])], float(row["quality"]), bpp, values, pictures[index])
            )
        yield Picked(
            str(name),
            int(first["width"]),
            int(first["height"]),
            originals.get(str(name), str(first["image_sha256"])),
            tuple(shots),
        )


def _image_data(image: Picked) -> dict[str, Any]:
    return {
        "name": image.name,
        "width": image.width,
        "height": image.height,
        "original": _picture(image.original),
        "shots": [[it.entry, it.quality, it.bpp, list(it.values), _picture(it.stored)] for it in image.shots],
    }


def _picture(stored: Stored) -> dict[str, str]:
    if stored.file is None:
        return {"problem": stored.problem}
    return {"url": f"{FOLDER}/{stored.file.name}"}

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

from bench import registry
from bench.errors import BenchError
from bench.image import read_image, sha256_of
from bench.plan import CodecPlan
from bench.rd import DB_METRICS, to_db
from bench.report.board import Board, Entry
from bench.report.page.data import rounded, script_json
from bench.report.page.examples import Picked, Shot
from bench.report.page.pictures import (
    Job,
    Stored,
    decode_all,
    store_picture,
    stored_picture,
)
from bench.store import BITSTREAM_FOLDER, read_info, write_atomically

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "viewer"
_RUNS_PROGRAMS = frozenset({"command"})
_UNTRUSTED = "not decoded: only installed codecs are run for a report, this one names a program or a file"


@dataclass(frozen=True)
class Viewer:
    """The page's part for one board, and the files beside it."""

    data: dict[str, Any]
    files: tuple[Path, ...]


def write_viewer(
    board: Board, page: Path, runs: Mapping[str, Path], trusted: bool
) -> tuple[Viewer, list[Picked]]:
    """Store the pictures of a board beside ``page``; ``runs`` are the folders by their names in the board.

    Kept bitstreams are decoded with the codecs that are installed. A run that names a program or a file
    as its codec is obeyed only when it is ``trusted``: run folders are passed around.
    """
    folder = page / FOLDER
    plans = {it.label: plan for it in board.entries if (plan := _plan(it, runs)) is not None}
    rows = board.frame[board.frame["label"].isin(list(plans)) & (board.frame["status"] == "ok")]
    jobs: dict[Any, Job] = {}
    problems: dict[Any, Stored] = {}
    for row in rows.itertuples():
        path = runs[str(row.run)] / BITSTREAM_FOLDER / str(row.bitstream_sha256)
        if not path.is_file():
            continue
        if trusted or _is_installed(plans[str(row.label)]):
            jobs[row.Index] = Job(path, plans[str(row.label)].ref, str(row.pixels_sha256))
        else:
            problems[row.Index] = Stored(None, _UNTRUSTED)
    kept = rows.loc[sorted((*jobs, *problems))]
    lossy = kept[~kept["lossless"]]
    if lossy.empty:
        return Viewer({"images": [], "examples": []}, ()), []

    originals = _Originals(board.dataset, folder)
    wanted = {index: job for index, job in jobs.items() if index in lossy.index}
    # A lossless reconstruction is the original: it stands in where the data set is not at hand.
    for name, group in kept[kept["exact"].astype(bool)].groupby("image", observed=True):
        if not originals.has(str(name)) and group.index[0] in jobs:
            originals.stand_ins[str(name)] = jobs[group.index[0]]
    stand_ins = originals.stand_ins
    stored = decode_all([*wanted.values(), *stand_ins.values()], folder)
    pictures = problems | dict(zip(wanted, stored, strict=False))
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


def _plan(entry: Entry, runs: Mapping[str, Path]) -> CodecPlan | None:
    """The planned configuration behind an entry, when its run kept bitstreams."""
    run = runs.get(entry.run)
    if run is None or not (run / BITSTREAM_FOLDER).is_dir():
        return None
    for it in read_info(run).codecs:
        if (it.codec, it.version, it.config) == (entry.codec, entry.version, entry.options):
            return it
    return None


def _is_installed(plan: CodecPlan) -> bool:
    return (
        plan.codec not in _RUNS_PROGRAMS and registry.targets(registry.CODECS).get(plan.codec) == plan.target
    )


class _Originals:
    """The original pictures of a data set, as far as they are at hand and the right ones."""

    def __init__(self, dataset: str, folder: Path) -> None:
        from bench.datasets import open_dataset

        self._folder = folder
        self.stored: dict[str, Stored] = {}
        self.stand_ins: dict[str, Job] = {}
        try:
            self._files = {it.name: it for it in open_dataset(dataset, download=False).images}
        except (BenchError, OSError):
            self._files = {}

    def has(self, name: str) -> bool:
        """Whether the data set's own file is at hand."""
        return name in self._files

    def get(self, name: str, sha256: str) -> Stored:
        """The stored original of the image with this name and SHA-256."""
        if name in self.stored:
            return self.stored[name]
        file = self._files.get(name)
        if file is None:
            return Stored(None, "the original is not on the machine that made this page")
        if file.sha256 != sha256 or sha256_of(file.path) != sha256:
            return Stored(None, "the original at hand is another file than the measured one (SHA-256)")
        try:
            pixels = read_image(file.path).pixels
            known = stored_picture(self._folder, hashlib.sha256(pixels.tobytes()).hexdigest())
            return Stored(known or store_picture(self._folder, pixels))
        except (BenchError, OSError) as error:
            return Stored(None, f"the original can't be read: {error}")


def _picked(
    board: Board, rows: pd.DataFrame, pictures: Mapping[Any, Stored], originals: _Originals
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

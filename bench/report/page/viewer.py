"""What the viewer compares: originals and reconstructions of the images whose bitstreams a run holds.

Every image has a script beside the page with its operating points and their error maps, loaded when the image
is picked; its pictures are loaded when they are shown.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.access import write_atomically
from bench.files.stored_pictures import FOLDER
from bench.inputs.pixels import display_note
from bench.report.data import ReportData
from bench.report.page.data import rounded
from bench.report.page.examples import Reconstruction, ViewerImage
from bench.report.page.mapped import former_maps, with_maps
from bench.report.page.maps import map_facts, map_names
from bench.report.reconstructions.bitstreams import RunBitstreams, RunFolders, StoredOriginals
from bench.report.reconstructions.decoded import Stored, decode_all
from bench.web.document import script_json

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Viewer:
    """The page's part for one data set, and the files beside it."""

    data: dict[str, Any]
    files: tuple[Path, ...]


def write_viewer(data: ReportData, page: Path, runs: RunFolders) -> tuple[Viewer, list[ViewerImage]]:
    """Store the pictures of a data set beside the page.

    RunBitstreams are decoded with the installed codecs, and with those that are trusted.

    Parameters
    ----------
    page : the folder of the page
    runs : those that ``data`` was built from

    Returns
    -------
    tuple
        The page's part, and the images behind it, for the examples inside the page.
    """
    folder = page / FOLDER
    source = RunBitstreams(data.entries, data.frame, runs)
    jobs = source.jobs(source.rows)
    at_hand = source.rows.loc[sorted(jobs)]
    lossy = at_hand[~at_hand["lossless"]]
    if lossy.empty:
        return Viewer({"images": [], "examples": []}, ()), []

    originals = StoredOriginals(data.dataset, folder, runs)
    wanted = {index: job for index, job in jobs.items() if index in lossy.index}
    # A lossless reconstruction is the original: it stands in where the data set is not at hand.
    for name, group in at_hand[at_hand["exact"].astype(bool)].groupby("image", observed=True):
        if not originals.has(str(name)) and group.index[0] in jobs:
            originals.stand_ins[str(name)] = jobs[group.index[0]]
    stand_ins = originals.stand_ins
    stored = decode_all([*wanted.values(), *stand_ins.values()], folder)
    pictures = dict(zip(wanted, stored, strict=False))
    originals.stored |= dict(zip(stand_ins, stored[len(wanted) :], strict=True))

    names = map_names([it.name for it in data.metrics])
    images = with_maps([*_images(data, lossy, pictures, originals)], names, former_maps(folder))
    listed, scripts = [], []
    for image in images:
        name = hashlib.sha256(f"{data.dataset}/{image.name}".encode()).hexdigest()[:16] + ".js"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, f"rdbenchImage({script_json(_image_data(image, names))});\n".encode())
        scripts.append(folder / name)
        listed.append({"name": image.name, "script": f"{FOLDER}/{name}"})
    shown = {
        it.file
        for image in images
        for it in (image.original, *(its.stored for its in image.reconstructions))
        if it.file is not None
    }
    return Viewer({"images": listed, "maps": map_facts(names)}, (*scripts, *sorted(shown))), images


def _images(
    data: ReportData, rows: pd.DataFrame, pictures: Mapping[Any, Stored], originals: StoredOriginals
) -> Iterator[ViewerImage]:
    position = {it.label: index for index, it in enumerate(data.entries)}
    for name, group in rows.groupby("image", sort=False, observed=True):
        first = group.iloc[0]
        reconstructions = [
            Reconstruction(
                position[str(row["label"])],
                None if math.isnan(row["quality"]) else float(row["quality"]),
                rounded(row["bpp"]) or 0.0,
                tuple(rounded(it.shown(float(row[it.name]))) for it in data.metrics),
                pictures[index],
            )
            for index, row in zip(group.index, group.to_dict("records"), strict=True)
        ]
        yield ViewerImage(
            str(name),
            int(first["width"]),
            int(first["height"]),
            originals.get(str(name), str(first["image_sha256"])),
            tuple(reconstructions),
            _display_note(group),
        )


def _display_note(trials: pd.DataFrame) -> str:
    """How an image is shown otherwise than it was measured."""
    if "depth" not in trials:
        return ""
    with_alpha = (trials["channels"] == "rgba").any()
    return display_note("rgba" if with_alpha else "rgb", int(trials["depth"].max()))


def _image_data(image: ViewerImage, names: Sequence[str]) -> dict[str, Any]:
    return {
        "name": image.name,
        "width": image.width,
        "height": image.height,
        "maps": map_facts(names),
        "note": image.note,
        "original": _picture(image.original),
        "reconstructions": [
            [it.entry, it.quality, it.bpp, list(it.values), _picture(it.stored), it.maps]
            for it in image.reconstructions
        ],
    }


def _picture(stored: Stored) -> dict[str, str]:
    if stored.file is None:
        return {"problem": stored.problem}
    return {"url": f"{FOLDER}/{stored.file.name}"}

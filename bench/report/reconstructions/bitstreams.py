"""The trials of a data set whose bitstreams the runs hold, as jobs for a decoder, and the originals."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.engines.kept import KeptBitstream
from bench.errors import BenchError
from bench.files.stored_pictures import stored_picture
from bench.inputs.image import read_image, sha256_of
from bench.inputs.pixels import ON_SCREEN
from bench.report.entries import Entry
from bench.report.load import run_name
from bench.report.reconstructions.decoded import Stored, store_picture
from bench.runs.store import BITSTREAM_FOLDER, read_info
from bench.trials.plan import CodecPlan
from bench.trials.trust import NOBODY, Trust

if TYPE_CHECKING:
    import pandas as pd

    from bench.inputs.datasets import ImageFile


@dataclass(frozen=True)
class RunFolders:
    """The runs behind a report."""

    folders: Mapping[str, Path]
    """By the names that a report has for them."""
    trust: Trust = NOBODY
    """Which codecs of the runs may decode besides the installed ones."""


class RunBitstreams:
    """The bitstreams of one data set that its runs hold.

    Parameters
    ----------
    entries : the configurations of the data set
    frame : its trials
    runs : where the bitstreams are looked for
    """

    def __init__(self, entries: Sequence[Entry], frame: pd.DataFrame, runs: RunFolders) -> None:
        self.runs = runs
        self._plans = {it.label: plan for it in entries if (plan := _plan(it, runs.folders)) is not None}
        whole = frame[["width", "height", "pixels_sha256"]].notna().all(axis=1)
        finished = whole & (frame["status"] == "ok")
        self.rows: pd.DataFrame = frame[frame["label"].isin(list(self._plans)) & finished]
        """Finished trials of the configurations whose runs hold bitstreams."""

    def jobs(self, rows: pd.DataFrame) -> dict[Any, KeptBitstream]:
        """By index, how to decode each of ``rows``, a part of :attr:`rows`, whose bitstream is there."""
        jobs: dict[Any, KeptBitstream] = {}
        for row in rows.itertuples():
            path = self.runs.folders[str(row.run)] / BITSTREAM_FOLDER / str(row.bitstream_sha256)
            if not path.is_file():
                continue
            codec = self.runs.trust.codec(self._plans[str(row.label)])
            jobs[row.Index] = KeptBitstream(
                path, codec, str(row.pixels_sha256), int(getattr(row, "depth", 8))
            )
        return jobs


class StoredOriginals:
    """The original images of a data set, as far as they are at hand and the right ones.

    Parameters
    ----------
    dataset : a name of the catalogue, or of a folder that a run was measured on
    folder : where pictures are stored
    runs : those that name the folder
    """

    def __init__(self, dataset: str, folder: Path, runs: RunFolders) -> None:
        from bench.inputs.catalogue import shipped
        from bench.inputs.datasets import open_dataset

        self._folder = folder
        self.stored: dict[str, Stored] = {}
        self.stand_ins: dict[str, KeptBitstream] = {}
        self._files: dict[str, ImageFile] = {}
        places = [dataset] if dataset in shipped() else source_folders(runs.folders.values(), dataset)
        for place in places:
            with suppress(BenchError, OSError):
                images = open_dataset(place, download=False, recursive=place != dataset).images
                self._files |= {it.name: it for it in images}

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
        try:
            if file.sha256 != sha256 or sha256_of(file.path) != sha256:
                return Stored(None, "the original at hand is another file than the measured one (SHA-256)")
            pixels = read_image(file.path, accepted=ON_SCREEN).pixels
            known = stored_picture(self._folder, hashlib.sha256(pixels.tobytes()).hexdigest())
            return Stored(known or store_picture(self._folder, pixels))
        except (BenchError, OSError) as error:
            return Stored(None, f"the original can't be read: {error}")


def source_folders(runs: Iterable[Path], dataset: str) -> list[str]:
    """The folders on this machine that runs measured as the data set of this name."""
    places = (read_info(it).sources.get(dataset, "") for it in dict.fromkeys(runs))
    return [it for it in dict.fromkeys(places) if it and Path(it).is_absolute() and Path(it).exists()]


def run_folders(runs: Sequence[Path], trust: Trust = NOBODY) -> RunFolders:
    """Run folders as a report calls them: by their name, or by the whole path where two names are alike."""
    return RunFolders({run_name(run): run for run in runs} | {str(run): run for run in runs}, trust)


def _plan(entry: Entry, runs: Mapping[str, Path]) -> CodecPlan | None:
    """The planned configuration behind an entry, when its run holds bitstreams."""
    run = runs.get(entry.run)
    if run is None or not (run / BITSTREAM_FOLDER).is_dir():
        return None
    for plan in read_info(run).codecs:
        own = plan.codec, plan.version, plan.config, plan.recorded_decoder
        if own == (entry.codec, entry.version, entry.options, entry.decoder):
            return plan
    return None

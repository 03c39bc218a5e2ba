"""The leaderboard page: one HTML file that opens from disk, and pictures for its viewer beside it.

The plot is plain SVG drawn by a short script. A chart library (Vega-Lite, Plotly, uPlot) would bring 50 kB
to 3 MB of code that has to be carried along and kept up to date, some need ``unsafe-eval``, none makes single
points reachable by keyboard; what is needed here is two axes, lines, markers and a zoom.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.trials.trust import NOBODY, Trust

if TYPE_CHECKING:
    from bench.report.data import ReportData

PAGE_FILE = "index.html"


def write_page(
    data: Sequence[ReportData], path: Path, *, runs: Sequence[Path], trust: Trust = NOBODY
) -> list[Path]:
    """Write ``index.html`` into the folder ``path``, and the viewer's pictures where there are bitstreams.

    Parameters
    ----------
    data : of each data set what the page says
    runs : the run folders that ``data`` was built from
    trust : which codecs of the runs may decode besides the installed ones

    Returns
    -------
    list of Path
        The page, then the files of its viewer.
    """
    from bench.files.access import write_atomically
    from bench.report.page.assemble import assemble
    from bench.report.page.data import page_data
    from bench.report.page.examples import Examples
    from bench.report.page.perception import crop_bytes, perception_data, study_data
    from bench.report.page.viewer import write_viewer
    from bench.report.reconstructions.bitstreams import run_folders
    from bench.runs.store import read_info

    path.mkdir(parents=True, exist_ok=True)
    folders = run_folders(runs, trust)
    files: list[Path] = []
    parts = []
    perceptions = [perception_data(it) for it in data]
    examples = Examples(taken=sum(map(crop_bytes, perceptions)))
    for of_set, perception in zip(data, perceptions, strict=True):
        viewer, images = write_viewer(of_set, path, folders)
        files += viewer.files
        parts.append(
            page_data(of_set)
            | {"perception": perception}
            | {"studies": study_data(of_set.studies)}
            | {"viewer": viewer.data | {"examples": examples.of(images)}}
        )
    page = path / PAGE_FILE
    title = next((info.title for info in map(read_info, runs) if info.title), "")
    write_atomically(page, assemble(parts, title).encode())
    return [page, *dict.fromkeys(files)]

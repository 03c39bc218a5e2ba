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
    from bench.report.board import Board
    from bench.report.crops import Crops

PAGE_FILE = "index.html"


def write_page(
    boards: Sequence[Board],
    path: Path,
    *,
    runs: Sequence[Path],
    trust: Trust = NOBODY,
    crops: Sequence[Sequence[Crops]] = (),
) -> list[Path]:
    """Write ``index.html`` into the folder ``path``, and the viewer's pictures where bitstreams were kept.

    Parameters
    ----------
    runs : the run folders that the boards were made from
    trust : which codecs of the runs may decode besides the installed ones
    crops : of each board the cut-outs to show beside its pairs of decoders

    Returns
    -------
    list of Path
        The page, then the files of its viewer.
    """
    from bench.files.access import write_atomically
    from bench.report.page.assemble import assemble
    from bench.report.page.data import board_data
    from bench.report.page.examples import Examples
    from bench.report.page.perception import crop_bytes, perception_data, robustness_data
    from bench.report.page.viewer import write_viewer
    from bench.report.reconstructions.bitstreams import run_folders
    from bench.report.study_results import find_robustness

    path.mkdir(parents=True, exist_ok=True)
    folders = run_folders(runs)
    files: list[Path] = []
    parts = []
    perceptions = [perception_data(*it) for it in zip(boards, crops or [()] * len(boards), strict=True)]
    examples = Examples(taken=sum(map(crop_bytes, perceptions)))
    for board, perception in zip(boards, perceptions, strict=True):
        viewer, picked = write_viewer(board, path, folders, trust)
        files += viewer.files
        parts.append(
            board_data(board)
            | {"perception": perception}
            | {"robustness": robustness_data(find_robustness(board.dataset, runs, path))}
            | {"viewer": viewer.data | {"examples": examples.of(picked)}}
        )
    page = path / PAGE_FILE
    write_atomically(page, assemble(parts).encode())
    return [page, *dict.fromkeys(files)]

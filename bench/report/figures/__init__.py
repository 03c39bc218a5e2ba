"""The figures of a board."""

from __future__ import annotations

from pathlib import Path
from bench.report.board import Board
from bench.report.figures.rate_distortion import rate_distortion
from bench.report.figures.scales import headline, metric_axes
from bench.report.figures.sheet import Sheet
from bench.report.figures.style import save, styled

def write_figures(board: Board, folder: Path, prefix: str = "") -> list[Path]:
    files=[]
    with styled():
        f = rate_distortion(board, headline(board), Sheet("double"))
        files += save(f, folder, "rd")
        for m in metric_axes(board, False).values():
            files += save(rate_distortion(board, [m], Sheet("column")), folder, "rd_"+m.name)
    return files

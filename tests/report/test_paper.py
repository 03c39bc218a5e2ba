"""What a paper includes: tables and figures that a real LaTeX takes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.report.matrix import bd_matrix
from bench.report.tables import tables_of
from bench.tables.matrix import Intervals, MatrixCell, matrix
from bench.tables.table import write_tables
from tests.report.made_data import Made, made_data

HOSTILE = (
    r"$\lambda=0.1$",
    r"100% \input{/etc/passwd} #1 & {x} ~^_",
    "[a]",
    "*",
    "price $5 and $6",
    "− – ± × σ ↑ ↓",
    "Δλ ≤ ≥ ≈ \x1b <|>",
)


def compiled(folder: Path, tables: Sequence[Path], figures: Sequence[Path] = ()) -> str:
    """The words of the PDF that LaTeX makes of the files; where there is no LaTeX, the test is skipped."""
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here (.ci/run installs it: texlive-latex-recommended)")
    floats = [
        rf"\begin{{table}}\centering\input{{{it}}}\caption{{t}}\end{{table}}\clearpage" for it in tables
    ]
    floats += [rf"\includegraphics[width=5cm]{{{it}}}" for it in figures]
    lines = [r"\documentclass{article}", r"\usepackage{booktabs,graphicx}", r"\begin{document}", *floats]
    (folder / "main.tex").write_text("\n".join([*lines, r"\end{document}", ""]))
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "main.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]
    assert (folder / "main.pdf").stat().st_size > 5000
    return done.stdout


def test_latex_compiles_tables_with_foreign_names_as_text(tmp_path: Path) -> None:
    """Names with commands, brackets and signs are typeset, simple mathematics too; nothing is executed."""
    cells = [
        MatrixCell(name, group, key, key, -float(row), (-9.0, 1.0), f"remark on {name}" if row % 2 else "")
        for row, name in enumerate(HOSTILE)
        for group in ("kodak_1", "50% & more")
        for key in ("psnr_rgb", "ms_ssim")
    ]
    made = matrix(cells, name="made", title="T %", keys=["ms_ssim", "psnr_rgb"], intervals=Intervals(True))
    log = compiled(tmp_path, write_tables([made], tmp_path, endings=("tex",)))
    assert "passwd" not in log


def test_latex_compiles_every_table_of_a_report(tmp_path: Path) -> None:
    """All tables that a paper may include, and the BD-rates of several data sets, compile."""
    made = (Made("jpeg", "jpeg"), Made("my_codec", "mine", 0.6), Made("png", "png", lossless=True))
    data = made_data(made, published={"H.26x & co": 0.5})
    tables = [
        bd_matrix([data, data]),
        *(it for its in tables_of(data, in_papers=True).values() for it in its),
    ]
    assert {"ranking", "bd_rate"} <= {it.name for it in tables}
    assert not {"failures", "points"} & {it.name for it in tables}
    compiled(tmp_path, write_tables(tables, tmp_path, endings=("tex",)))

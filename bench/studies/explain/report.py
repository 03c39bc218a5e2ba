"""The files of one explained picture: the page and the numbers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from bench.files.access import subfolder, write_atomically
from bench.inputs.image import read_image
from bench.plotting.style import styled
from bench.studies.explain.figure import explanation_figure
from bench.studies.explain.files import write_numbers
from bench.studies.explain.names import unclaimed
from bench.studies.explain.runner import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_outcome(outcome: Outcome, out: Path, *, figure: bool = True) -> list[Path]:
    """Write ``<codec>[@quality]/<picture>`` with the endings ``png`` and ``pdf``, ``npz`` and ``json``.

    A page of the same picture is replaced, one of another picture never. An outcome without an explanation
    has no files but its row in the summary.
    """
    if outcome.explanation is None:
        return []
    row = outcome.row
    image = read_image(outcome.path).pixels
    folder = subfolder(out, *outcome.stem.parent.parts)
    stem = unclaimed(folder / outcome.stem.name, row)
    height, width = image.shape[:2]
    files = write_numbers(row, outcome.explanation, (height, width), stem)
    if not figure:
        return files
    with styled():
        drawn = explanation_figure(row, outcome.explanation, image)
        return [*_save(drawn, stem), *files]


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

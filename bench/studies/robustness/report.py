"""The tables and figures of a run's robustness, as files."""

from __future__ import annotations

from pathlib import Path

from bench.files.access import require_inside, subfolder, write_atomically
from bench.plotting.canvas import Canvas
from bench.plotting.series_style import Series, series_styles
from bench.plotting.style import save, styled
from bench.runs.store import read_info
from bench.studies.robustness.figure import bitstreams_figure, inputs_figure
from bench.studies.robustness.runner import Result
from bench.studies.robustness.summary import bitstream_rows, input_rows
from bench.studies.robustness.tables import bitstream_table, input_table
from bench.tables.table import WRITERS, to_markdown


def write_robustness(run: Path, result: Result, out: Path) -> list[Path]:
    """Write ``tables/``, ``figures/`` and ``robustness.md``; with several data sets a figure for each."""
    files: list[Path] = []
    tables = input_table(result), bitstream_table(result)
    require_inside(out, [run])
    folder = subfolder(out, "tables")
    for table in tables:
        for ending, write in WRITERS.items():
            path = folder / f"{table.name}.{ending}"
            write_atomically(path, write(table).encode())
            files.append(path)
    files += _figures(run, result, subfolder(out, "figures"))
    page = out / "robustness.md"
    pictures = [f"![{it.stem}](figures/{it.name})" for it in files if it.suffix == ".png"]
    sections = ["# Robustness", *pictures, *map(to_markdown, tables)]
    write_atomically(page, "\n\n".join(sections).encode())
    return [*files, page]


def _figures(run: Path, result: Result, folder: Path) -> list[Path]:
    info = read_info(run)
    styles = series_styles(Series(it.label, it.codec, it.lossless) for it in info.codecs)
    inputs, bitstreams = input_rows(result), bitstream_rows(result)
    datasets = list(dict.fromkeys(it.dataset for it in info.images))
    canvas = Canvas("double")
    files: list[Path] = []
    with styled():
        for dataset in datasets:
            figures = {
                "robustness_inputs": inputs_figure(
                    [it for it in inputs if it.group.dataset == dataset], styles, canvas
                ),
                "robustness_bitstreams": bitstreams_figure(
                    [it for it in bitstreams if it.group.dataset == dataset], canvas
                ),
            }
            prefix = "" if len(datasets) == 1 else f"{dataset}_"
            for name, figure in figures.items():
                if figure is not None:
                    files += save(figure, folder, prefix + name)
    return files

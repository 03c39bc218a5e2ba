"""The tables and figures of a run's robustness, as files."""

from __future__ import annotations

from pathlib import Path

from bench.environment import Environment
from bench.frame import load
from bench.plan import CodecPlan
from bench.report.board import Board, Entry
from bench.report.figures.look import looks
from bench.report.figures.sheet import Sheet
from bench.report.figures.style import save, styled
from bench.report.table import WRITERS, to_markdown
from bench.robustness.figure import bitstreams_figure, inputs_figure
from bench.robustness.runner import Result
from bench.robustness.summary import bitstream_rows, input_rows
from bench.robustness.tables import bitstream_table, input_table
from bench.safe_files import require_inside, subfolder, write_atomically
from bench.store import read_info


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
    info, frame = read_info(run), load(run)
    entries = tuple(_entry(it, run, info.environment) for it in info.codecs)
    inputs, bitstreams = input_rows(result), bitstream_rows(result)
    datasets = list(dict.fromkeys(it.dataset for it in info.images))
    sheet = Sheet("double")
    files: list[Path] = []
    with styled():
        for dataset in datasets:
            # For its colours alone; what compares codecs plays no part here.
            board = Board(dataset, frame, entries, metrics=(), anchor=None)
            figures = {
                "robustness_inputs": inputs_figure(
                    [it for it in inputs if it.group.dataset == dataset], looks(board), sheet
                ),
                "robustness_bitstreams": bitstreams_figure(
                    [it for it in bitstreams if it.group.dataset == dataset], sheet
                ),
            }
            prefix = "" if len(datasets) == 1 else f"{dataset}_"
            for name, figure in figures.items():
                if figure is not None:
                    files += save(figure, folder, prefix + name)
    return files


def _entry(codec: CodecPlan, run: Path, environment: Environment) -> Entry:
    return Entry(
        label=codec.label,
        codec=codec.codec,
        version=codec.version,
        options=codec.config,
        lossless=codec.lossless,
        run=run.name,
        environment=environment,
        timing="",
        n_ok=0,
        n_planned=0,
    )

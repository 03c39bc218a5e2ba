"""``rdbench report`` and ``rdbench export``."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from bench.cli import console
from bench.cli.arguments import one_of
from bench.conditions.deviations import judge
from bench.errors import ConfigError
from bench.exchange import export_codec_compare, export_compressai
from bench.exchange.references import open_references
from bench.files.access import write_atomically, writing
from bench.plotting.canvas import RateAxis, Width
from bench.plotting.style import FORMATS, Format
from bench.rd import AVERAGES, Average
from bench.report import FigureOptions, ReportOptions, write_paper, write_report
from bench.report.conditions import conditions_of
from bench.report.data import ReportData
from bench.report.options import STANDARD
from bench.report.selection import Selection
from bench.report.summary import summary
from bench.report.tables.lossless import LosslessTable
from bench.report.tables.memory import MemoryTable
from bench.report.tables.threads import ThreadsTable
from bench.runs.frame import load
from bench.runs.store import read_info
from bench.text.escape import csv_cell

if TYPE_CHECKING:
    import pandas as pd

REPORT_FOLDER = "report"


def report(runs: list[Path], out: Path | None = None, options: ReportOptions = STANDARD) -> None:
    """Write the report of some runs, and print its summary."""
    if options.selection and out is None:
        whole = runs[0] / REPORT_FOLDER
        raise ConfigError(f"a report on some codecs or metrics: give --out DIR, {whole} is for all of them")
    folder = out or runs[0] / REPORT_FOLDER
    with writing(folder, "the measurements are kept, and `rdbench report` writes it again"):
        made = write_report(runs, folder, options)
    for data in made.data:
        _print_summary(data)
    for table in made.of_all:
        print()
        console.print_result(table)
    print(f"\nreport: {made.page}")


def figure(description: Path | None, output: Path | None, new: Path | None) -> None:
    """Draw a figure from its file, or print a file to start from."""
    from bench.report.figure_files import figure_bytes, template

    if (description is None) == (new is None):
        raise ConfigError("give a FIG.yaml to draw, or --new RUN to have one written")
    if new is not None:
        text = template(new)
        if output is None:
            print(text, end="")
        else:
            write_atomically(output, text.encode())
        return
    assert description is not None
    file = output or description.with_suffix(".pdf")
    form = one_of("--output", file.suffix.removeprefix(".").lower(), FORMATS)
    with warnings.catch_warnings(record=True, action="always", category=UserWarning) as found:
        drawn = figure_bytes(description, cast(Format, form))
    for text in dict.fromkeys(str(it.message) for it in found):
        console.note(text)
    write_atomically(file, drawn)
    print(f"figure: {file}")


def paper(runs: Sequence[Path], folder: Path, out: Path | None, options: ReportOptions) -> None:
    """Write what a paper includes, and name the files."""
    if out is not None:
        raise ConfigError(
            "--latex writes only what a paper includes, and --out a whole report: give one of them"
        )
    with writing(folder, "the measurements are kept, and `rdbench report` writes it again"):
        made = write_paper(runs, folder, options)
    for file in made.files:
        print(file)


def report_options(
    anchor: str | None,
    references: Sequence[str],
    selection: Selection,
    average: str,
    conditions: str | None = None,
) -> ReportOptions:
    """The options of a report as the command line says them, but for its figures."""
    published = open_references(references)
    for remark in dict.fromkeys(it.remark for it in published if it.remark):
        console.note(remark)
    return ReportOptions(
        anchor=anchor,
        published=published,
        selection=selection,
        average=cast(Average, one_of("--average", average, AVERAGES)),
        conditions=conditions,
    )


def average_of(average: str | None, conditions: str | None, runs: Sequence[Path]) -> str:
    """What counts the same: as the command line says, else as the conditions do, else every image."""
    if average is not None:
        return average
    found = conditions_of({str(it): read_info(it) for it in runs}, conditions)
    return "images" if found is None else found.definition.averaging.rate


def figure_options(width: str | None, rate_axis: str, style: Path | None) -> FigureOptions:
    """The options of figures as the command line says them."""
    if width is not None:
        one_of("--width", width, get_args(Width))
    one_of("--rate-axis", rate_axis, get_args(RateAxis))
    return FigureOptions(width=cast(Width | None, width), rate=cast(RateAxis, rate_axis), style=style)


def export(run: Path, format: str, output: Path | None) -> None:
    """Write a run's measurements."""
    if format in _FOLDER_EXPORTS:
        if output is None:
            raise ConfigError(f"{format} writes several files: give --output DIR")
        written = _FOLDER_EXPORTS[format](_loaded(run), output)
        console.note(f"{len(written)} files in {output}")
        return
    if format not in _EXPORTS:
        raise ConfigError(f"--format is one of {', '.join((*_EXPORTS, *_FOLDER_EXPORTS))}, not {format!r}")
    if output is None and sys.stdout.isatty() and format == "parquet":
        raise ConfigError("parquet is binary: give --output FILE")
    data = _EXPORTS[format](_loaded(run))
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        write_atomically(output, data)


def _loaded(run: Path) -> pd.DataFrame:
    """A run's table; of one that was made under conditions, with how far it keeps to them."""
    frame, info = load(run), read_info(run)
    conditions = conditions_of({str(run): info}, None)
    if conditions is None:
        return frame
    verdict = str(judge(conditions, info, frame))
    exported = frame.assign(conditions=verdict)
    exported.attrs.update(frame.attrs | {"conditions": verdict})
    return exported


def _csv(frame: pd.DataFrame) -> bytes:
    texts = frame.select_dtypes(["object", "string", "category"]).columns
    guarded = frame.assign(**{name: frame[name].map(csv_cell, na_action="ignore") for name in texts})
    return str(guarded.to_csv(index=False)).encode()


def _json(frame: pd.DataFrame) -> bytes:
    return (str(frame.to_json(orient="records", indent=1, force_ascii=False)) + "\n").encode()


def _parquet(frame: pd.DataFrame) -> bytes:
    try:
        import pyarrow  # noqa: F401  # says why it does not work here; pandas only that it does not
    except ImportError as error:
        raise ConfigError(
            f"parquet needs pyarrow ({error}): pip install 'rdbench[parquet]',"
            " or 'pyarrow<24' where numpy stays at 1"
        ) from error
    return bytes(frame.to_parquet(index=False))


_FOLDER_EXPORTS: dict[str, Callable[[pd.DataFrame, Path], tuple[Path, ...]]] = {
    "compressai": export_compressai,
    "codec-compare": export_codec_compare,
}

_EXPORTS: dict[str, Callable[[pd.DataFrame], bytes]] = {"csv": _csv, "json": _json, "parquet": _parquet}


def _print_summary(data: ReportData) -> None:
    kinds = (LosslessTable, ThreadsTable, MemoryTable)
    for table in (summary(data), *(it().make(data) for it in kinds)):
        if table is not None:
            print()
            console.print_result(table)
    for finding in data.findings:
        console.print_text(f"{finding.severity}: {finding.message}")

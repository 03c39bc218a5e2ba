"""Tables, figures and the leaderboard page from finished runs. Reads run folders and writes beside them.

:mod:`bench.report.build` makes a :class:`~bench.report.data.ReportData` of each data set; everything else is
a view of it. A figure is a module of :mod:`bench.report.figures`, a table one of :mod:`bench.report.tables`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.report.options import STANDARD, FigureOptions, ReportOptions

if TYPE_CHECKING:
    from bench.host.helper_process import Helper
    from bench.report.data import ReportData
    from bench.tables.table import Table

__all__ = ["FigureOptions", "Report", "ReportOptions", "write_paper", "write_report"]

_LISTING = ".written"
"""Names the tables and figures of a report."""
_MADE_HERE = re.compile(r"(tables|figures)/\w[\w.-]*")


@dataclass(frozen=True)
class Report:
    """What was written, and what it says of each data set."""

    folder: Path
    data: tuple[ReportData, ...]
    files: tuple[Path, ...]
    of_all: tuple[Table, ...] = ()
    """Tables of all data sets, where there are several."""

    @property
    def page(self) -> Path:
        """The leaderboard page."""
        return self.folder / "index.html"


def write_report(runs: Sequence[Path], out: Path, options: ReportOptions = STANDARD) -> Report:
    """Write ``index.html``, ``report.md``, ``figures/`` and ``tables/`` for one or several runs.

    With several data sets, the files of each carry its name. No codec runs, but for decoding the bitstreams
    that the runs hold, for crops and the page's viewer.

    Parameters
    ----------
    runs : run folders, with images in common where they are of one data set
    out : where to write; it may lie inside a run folder

    Raises
    ------
    StoreError
        A folder is no run, or one that this version can't read.
    ConfigError
        The anchor, or what is selected, is in none of the runs, or the style file is not one.
    """
    from bench.host.garbage import seldom_collected
    from bench.host.helper_process import Helper, can_help
    from bench.report.drawing import Drawing, job_for
    from bench.report.markdown import Section, write_markdown
    from bench.report.page import write_page
    from bench.report.tables import tables_of
    from bench.tables.table import write_tables

    with ExitStack() as stack:
        stack.enter_context(seldom_collected())
        helper = stack.enter_context(Helper()) if can_help() else None
        built = _build(runs, out, options, helper)
        written: list[Path] = []
        made, drawings = [], []
        for data in built:
            prefix = _prefix(data, built)
            job = job_for(data, out / "figures", prefix, options.figures)
            drawings.append(stack.enter_context(Drawing(job, helper)))
            tables = tables_of(data)
            written += write_tables([*itertools.chain(*tables.values())], out / "tables", prefix)
            made.append(tables)
        of_all = _of_all(built, options)
        written += write_tables(of_all, out / "tables")
        page = write_page(built, out, runs=runs, trust=options.trust)
        sections = []
        for data, tables, drawing in zip(built, made, drawings, strict=True):
            files = drawing.finish()
            written += [file for its in files.values() for file in its]
            sections.append(Section(data, tables, drawing.pictures(files), _prefix(data, built)))
    _replace_former(out, written)
    markdown = write_markdown(out / "report.md", sections, of_all)
    return Report(out, built, (*written, markdown, *page), of_all)


def write_paper(runs: Sequence[Path], out: Path, options: ReportOptions = STANDARD) -> Report:
    """Write only what a paper includes: ``tables/`` as LaTeX and ``figures/`` as PDF.

    Parameters and errors are those of :func:`write_report`. BD-rates are one table of all data sets;
    of several in the metrics that are asked for, by default those of the ranking.
    """
    from bench.files.access import require_inside
    from bench.report.build import build_report_data, with_crops_and_studies
    from bench.report.drawing import draw, job_for
    from bench.report.matrix import bd_matrix
    from bench.report.tables import tables_of
    from bench.tables.table import write_tables

    built = build_report_data(runs, options)
    require_inside(out, runs)
    asked = options.selection.metrics or (None if len(built) == 1 else _headline(built))
    written = write_tables([bd_matrix(built, asked)], out / "tables", endings=("tex",))
    figures = replace(options.figures, formats=("pdf",))
    for data in built:
        prefix = _prefix(data, built)
        tables = itertools.chain(*tables_of(data, in_papers=True).values())
        written += write_tables([*tables], out / "tables", prefix, ("tex",))
        with TemporaryDirectory(prefix="rdbench-") as decoded:
            complete = with_crops_and_studies(data, runs, Path(decoded), options)
        made = draw(job_for(complete, out / "figures", prefix, figures))
        written += itertools.chain(*made.values())
    _replace_former(out, written)
    return Report(out, built, tuple(written))


def _of_all(built: Sequence[ReportData], options: ReportOptions) -> tuple[Table, ...]:
    """Codecs × data sets in each metric that is asked for, by default those of the ranking."""
    from bench.report.matrix import dataset_tables

    if len(built) < 2:
        return ()
    return tuple(dataset_tables(built, options.selection.metrics or _headline(built)))


def _headline(built: Sequence[ReportData]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(metric for data in built for metric in data.headline))


def _prefix(data: ReportData, built: Sequence[ReportData]) -> str:
    """What the names of a data set's files begin with where there are several."""
    return "" if len(built) == 1 else re.sub(r"[^\w.-]+", "-", data.dataset) + "_"


def _build(
    runs: Sequence[Path], out: Path, options: ReportOptions, helper: Helper | None
) -> tuple[ReportData, ...]:
    """What the report says, crops included; nothing has been written then but what is decoded for these."""
    from bench.files.access import require_inside, require_no_link
    from bench.files.stored_pictures import FOLDER
    from bench.report.build import build_report_data, with_crops_and_studies
    from bench.report.drawing import warm_up

    begin = partial(helper.submit, warm_up) if helper is not None else lambda: None
    built = build_report_data(runs, options, begin)
    require_inside(out, runs)
    for part in ("tables", "figures", FOLDER):
        require_no_link(out / part)
    return tuple(with_crops_and_studies(it, runs, out, options) for it in built)


def _replace_former(out: Path, files: Sequence[Path]) -> None:
    """Remove tables and figures of a former report here that are not in this one: nothing is out of date."""
    from bench.files.access import read_regular, require_no_link, write_atomically

    listing = out / _LISTING
    present = {path.relative_to(out).as_posix() for path in files}
    former: list[str] = []
    with suppress(OSError):
        former = read_regular(listing).decode("utf-8", "replace").splitlines()
    for name in {*former} - present:
        if _MADE_HERE.fullmatch(name):
            require_no_link((out / name).parent)
            with suppress(OSError):
                (out / name).unlink()
    write_atomically(listing, "".join(f"{it}\n" for it in sorted(present)).encode())

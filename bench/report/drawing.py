"""Figures made to files, by this process and, at the same time, by a helper."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from bench.host.helper_process import Helper, HelperLost
from bench.plotting.canvas import Canvas
from bench.plotting.style import save, styled
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figures import ReportFigure, figure_kinds, figures_of
from bench.report.options import AS_IT_SUITS, FigureOptions

Files: TypeAlias = dict[str, list[Path]]
"""What was written, by the name of the figure."""


@dataclass(frozen=True)
class FigureJob:
    """What is to be drawn, where figures go, and how they are to look. Can be pickled."""

    data: ReportData
    figures: tuple[ReportFigure, ...]
    folder: Path
    prefix: str = ""
    options: FigureOptions = AS_IT_SUITS


def job_for(
    data: ReportData, folder: Path, prefix: str = "", options: FigureOptions = AS_IT_SUITS
) -> FigureJob:
    """All figures of a report in their order, without the trials behind them.

    Parameters
    ----------
    prefix : of the file names, where a report is of several data sets
    """
    return FigureJob(data.without_trials(), tuple(figures_of(data)), folder, prefix, options)


def warm_up() -> None:
    """Import what drawing needs: the figures, and what writes files."""
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_pdf
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401

    figure_kinds()


def draw(job: FigureJob, claims: Path | None = None, *, backwards: bool = False) -> Files:
    """Write the figures that have something to show, each in all formats of the job's options.

    The same data give the same bytes. matplotlib's global state and the user's matplotlibrc play no part.

    Parameters
    ----------
    claims : a folder for claims; only those figures are made that no other process has claimed there
    backwards : whether to begin with the last figure

    Raises
    ------
    ConfigError
        The style file is absent or gives a setting a value that matplotlib refuses.
    """
    files = {}
    with styled(job.options.style):
        for figure in reversed(job.figures) if backwards else job.figures:
            if claims is None or _claim(claims / figure.name):
                canvas = Canvas(job.options.width or figure.width, job.options.rate)
                drawn = figure.draw(job.data, canvas)
                name, formats = job.prefix + figure.name, job.options.formats
                files[figure.name] = [] if drawn is None else save(drawn, job.folder, name, formats)
    return files


_SHARED = 2
"""Lossy configurations from which there are so many figures that a second process draws too: it has to
load what draws before."""


class Drawing:
    """Figures that a helper begins to draw, the first one first, while this process does something else.

    :meth:`finish` takes part, from the last one on, where there are many. The files are those of
    :func:`draw`.
    """

    def __init__(self, job: FigureJob, helper: Helper | None) -> None:
        self._job = job
        self._helper = helper
        self._theirs: Future[Files] | None = None

    def __enter__(self) -> Self:
        self._claims = tempfile.TemporaryDirectory(prefix="rdbench-")
        if self._helper is not None:
            self._theirs = self._helper.submit(draw, self._job, Path(self._claims.name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._claims.cleanup()

    def finish(self) -> Files:
        """Every file, by figure in their order; errors as of :func:`draw`."""
        claims = Path(self._claims.name)
        joins = self._theirs is None or len(self._job.data.lossy) >= _SHARED
        files = draw(self._job, claims, backwards=True) if joins else {}
        if self._theirs is not None:
            try:
                files |= self._theirs.result()
            except HelperLost:
                left = tuple(it for it in self._job.figures if it.name not in files)
                files |= draw(replace(self._job, figures=left))
        return {it.name: files[it.name] for it in self._job.figures}

    def pictures(self, files: Files) -> dict[Chapter, list[Path]]:
        """The PNG files of every chapter."""
        chapters: dict[Chapter, list[Path]] = {}
        for figure in self._job.figures:
            png = [it for it in files[figure.name] if it.suffix == ".png"]
            chapters.setdefault(figure.chapter, []).extend(png)
        return chapters


def _claim(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True

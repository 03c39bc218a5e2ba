"""The figures of a report. Each module declares one; to add a figure is to add a module.

A module holds a subclass of :class:`ReportFigure`, or several that share their drawing; modules whose name
begins with an underscore hold what several modules share. Nothing has to be listed anywhere.

Shared are axes of rates, qualities and logarithms (``_axes``), scatter plots with named points and a Pareto
front (``_scatter``), configurations as rows (``_rows``), and costs and notes of speed (``_speeds``).

Figures that users may ask for themselves, in a file or in Python, are made of panels: a module declares the
:class:`~bench.report.panels.Panel` of its kind, and the figures of a report as descriptions of that kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from bench.plotting.canvas import Canvas, Width
from bench.plotting.colours import WHITE
from bench.report.chapters import Chapter
from bench.report.composition import compose
from bench.report.data import ReportData
from bench.report.discovery import classes_in
from bench.report.figure_description import FigureDescription, Kind
from bench.report.panels import Panel, prepared, require_matching_limits

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ReportFigure(ABC):
    """The description of a figure: plain values, by which any report data can be drawn.

    Subclasses are frozen dataclasses; their fields say what such a figure is about, such as a metric.
    """

    title: ClassVar[str]
    """What it shows, in a few words."""
    chapter: ClassVar[Chapter] = Chapter.MORE
    order: ClassVar[int] = 0
    """Among the figures of its chapter that are about the same thing, the smallest first."""
    width: ClassVar[Width] = "double"
    """What suits it where the user chooses no width."""

    @property
    @abstractmethod
    def name(self) -> str:
        """File name without ending."""

    @classmethod
    def of(cls, data: ReportData) -> Iterable[Self]:
        """Those that a report may have: one by default, several where there is one for each metric."""
        return (cls(),)

    @abstractmethod
    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        """The figure; None where ``data`` has nothing for it.

        Parameters
        ----------
        data : the results without the trials behind them: to ask for ``frame`` or ``per_image`` is an error.
            What a figure needs of the trials is a field of its own, filled by :mod:`bench.report.build`.
        canvas : what makes the empty figure, in the width and with the rate axis that the user chose
        """


class DescribedFigure(ReportFigure):
    """A figure that is made of panels of one kind."""

    @property
    @abstractmethod
    def description(self) -> FigureDescription:
        """What it shows of any report data."""

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        what = self.description
        if what.kind == "rd":
            what = what.model_copy(update={"xscale": canvas.rate})
        return described_figure([data], what, canvas)


def described_figure(
    data: Sequence[ReportData], what: FigureDescription, canvas: Canvas | None = None
) -> Figure | None:
    """The figure of a description, to be called inside :func:`bench.plotting.style.styled`.

    Parameters
    ----------
    data : of each data set
    canvas : None for the width that the description says

    Returns
    -------
    The figure, not laid out for good; None where ``data`` has nothing for it.

    Raises
    ------
    FieldProblem
        The description names something that ``data`` does not have.
    """
    from matplotlib import rcParams
    from matplotlib.colors import to_hex

    ground = rcParams["axes.facecolor"]
    panels = panels_of(data, what, WHITE if ground == "none" else str(to_hex(ground)))
    if not panels:
        return None
    kind = type(panels[0])
    if canvas is None:
        width = what.width or ("double" if len(panels) > 1 else "column")
        canvas = Canvas(width, what.scale, kind.side_by_side(panels))
    return compose(panels, canvas)


def panels_of(data: Sequence[ReportData], what: FigureDescription, ground: str) -> Sequence[Panel]:
    """The panels of a description, none where ``data`` has nothing for it.

    Parameters
    ----------
    ground : the colour behind the drawing, ``#rrggbb``

    Raises
    ------
    FieldProblem
        The description names something that ``data`` does not have.
    """
    panels = panel_kinds()[what.kind].of(*prepared(data, what, ground))
    if panels:
        require_matching_limits(panels, what)
    return panels


def panel_kinds() -> dict[Kind, type[Panel]]:
    """What descriptions can ask for, as the modules of this package declare it."""
    return {it.kind: it for it in classes_in(__name__) if issubclass(it, Panel)}


def figure_kinds() -> list[type[ReportFigure]]:
    """What the modules of this package declare."""
    return [it for it in classes_in(__name__) if issubclass(it, ReportFigure)]


def figures_of(data: ReportData) -> list[ReportFigure]:
    """Every figure that there may be, chapter by chapter.

    In a chapter, the first figures of all kinds come first, then the second ones: what is about the same
    metric stands together.
    """
    known = [(place, figure) for kind in figure_kinds() for place, figure in enumerate(kind.of(data))]
    known.sort(key=lambda it: (it[1].chapter.place, it[0], it[1].order, it[1].name))
    return [figure for _, figure in known]

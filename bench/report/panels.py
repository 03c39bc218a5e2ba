"""A panel of a figure: one pair of axes, drawn from report data by a description. Each kind is one class."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from bench.errors import suggestion
from bench.plotting.canvas import short
from bench.plotting.series_style import SeriesStyle
from bench.report.data import ReportData
from bench.report.figure_description import (
    CodecLook,
    FieldProblem,
    FigureDescription,
    Kind,
    LegendPlace,
    Limits,
)
from bench.report.measures import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NameIt = Callable[[], None]
"""Writes names at what is drawn; called once the figure is laid out."""


@dataclass(frozen=True)
class Panel(ABC):
    """One pair of axes. Whoever makes it sets its title, its names and its legend."""

    data: ReportData
    what: FigureDescription
    metric: str
    """Of which it has the limits."""

    kind: ClassVar[Kind]
    legend: ClassVar[LegendPlace] = "direct"
    """What suits it where the user chooses no place."""
    share_y: ClassVar[bool] = False
    """Whether panels in a row have one vertical axis."""

    @classmethod
    @abstractmethod
    def of(cls, data: Sequence[ReportData], what: FigureDescription) -> Sequence[Self]:
        """The panels that have something to show, in their order.

        Parameters
        ----------
        data : of each data set, as :func:`prepared` returns it
        """

    @property
    @abstractmethod
    def styles(self) -> Mapping[str, SeriesStyle]:
        """How everything is drawn that is in it, by label."""

    @abstractmethod
    def draw(self, axes: Axes, room: float) -> NameIt | None:
        """Draw into a panel, and set its axes.

        Parameters
        ----------
        axes : empty; nobody's settings of matplotlib are changed
        room : the widest that a name beside the panel may be, in points of 1/72 inch

        Returns
        -------
        What writes names at the drawing; None where they stand at an axis.
        """

    @abstractmethod
    def height(self, *, alone: bool) -> float:
        """Inches that it needs; ``alone`` where nothing stands beside it in a wide figure."""

    @property
    def title(self) -> str:
        """What it shows; empty where its axes say it all."""
        return ""

    @classmethod
    def note(cls, panels: Sequence[Self], figure: Figure) -> str:
        """How to read a figure of them; empty where nothing needs to be said."""
        return ""

    @classmethod
    def side_by_side(cls, panels: Sequence[Self]) -> int | None:
        """How many of the panels of a figure make a row; None for as many as fit."""
        return None

    @property
    def has_names(self) -> bool:
        """Whether names stand beside or in it, so that it has to be high enough for them."""
        return (self.what.legend or self.legend) in ("direct", "inside")

    @property
    def of_several(self) -> bool:
        """Whether the figure is of several data sets, so that titles have to tell which."""
        return len(self.what.datasets) > 1


def datasets_in(panels: Iterable[Panel], figure: Figure) -> str:
    """The data sets of a figure, for its note."""
    return ", ".join(dict.fromkeys(short(figure, it.data.dataset) for it in panels))


def anchors_in(panels: Iterable[Panel], figure: Figure) -> str:
    """The anchors of a figure, for its note."""
    names = dict.fromkeys(it.data.styles[it.data.anchor].name for it in panels if it.data.anchor)
    return ", ".join(short(figure, it) for it in names)


def measures_for(data: ReportData, what: FigureDescription) -> list[Measure]:
    """The measures that a description names and a data set has; without any, those of the ranking."""
    known = {it.name: it for it in data.measures}
    found = [known[name] for name in what.metric or data.headline if name in known]
    return found if what.decibels else [it.as_stored() for it in found]


def chosen(labels: Iterable[str], what: FigureDescription) -> list[str]:
    """Those of the labels that a description names, in its order; all where it names none."""
    present = dict.fromkeys(labels)
    return [it.label for it in what.codecs if it.label in present] if what.codecs else [*present]


def prepared(
    data: Sequence[ReportData], what: FigureDescription, ground: str
) -> tuple[list[ReportData], FigureDescription]:
    """Report data and description made for each other: which data sets, which labels, and their looks.

    Parameters
    ----------
    ground : the colour behind the drawing, ``#rrggbb``

    Returns
    -------
    The data sets that are meant, with the styles that are meant; and the description with a look for each
    label.

    Raises
    ------
    FieldProblem
        The description names a data set, a metric or a codec that the data do not have.
    """
    by_name = {it.dataset: it for it in data}
    for place, name in enumerate(what.datasets):
        if name not in by_name:
            raise FieldProblem(("datasets", place), f"no data set {name!r}{_known(name, by_name)}")
    meant = [by_name[it] for it in what.datasets] or [*data]
    known = list(dict.fromkeys(measure.name for it in meant for measure in it.measures))
    for place, name in enumerate(what.metric):
        if name not in known:
            raise FieldProblem(("metric", place), f"nothing has a curve in {name!r}{_known(name, known)}")
    looks = _looks_by_label(meant, what.codecs)
    described = what.model_copy(
        update={"codecs": tuple(looks.values()), "datasets": tuple(it.dataset for it in meant)}
    )
    return [_dressed(it, looks, ground) for it in meant], described


def require_matching_limits(panels: Collection[Panel], what: FigureDescription) -> None:
    """Refuse limits of a metric that no panel shows.

    Raises
    ------
    FieldProblem
        There are such.
    """
    drawn = dict.fromkeys(it.metric for it in panels)
    fields: dict[tuple[str, ...], Limits | None] = {("xlim",): what.xlim, ("ylim",): what.ylim}
    if what.inset is not None:
        fields |= {("inset", "xlim"): what.inset.xlim, ("inset", "ylim"): what.inset.ylim}
    for key, limits in fields.items():
        for metric in limits if isinstance(limits, dict) else ():
            if metric not in drawn:
                raise FieldProblem((*key, metric), f"no panel shows it{suggestion(metric, drawn)}")


def _known(name: str, names: Collection[str]) -> str:
    """The end of a message about an unknown name: one like it, or all that there are."""
    return suggestion(name, names).replace("; known:", "; there are") if names else "; there are none"


def _looks_by_label(data: Sequence[ReportData], looks: Sequence[CodecLook]) -> dict[str, CodecLook]:
    """The look of each label that is meant, in the order of the description."""
    result: dict[str, CodecLook] = {}
    for place, look in enumerate(looks):
        found = labels_named(data, look.label)
        key = ("codecs", place, "label")
        if not found:
            labels = dict.fromkeys(label for it in data for label in it.styles)
            raise FieldProblem(key, f"no codec {look.label!r}{_known(look.label, labels)}")
        if len(found) > 1 and not look.is_plain:
            raise FieldProblem(key, f"{look.label!r} is each of {', '.join(found)}: name one of them")
        for label in found:
            result.setdefault(label, look.model_copy(update={"label": label}))
    return result


def labels_named(data: Sequence[ReportData], name: str) -> list[str]:
    """What a name stands for: the label, or else all configurations of the codec."""
    labels = dict.fromkeys(label for it in data for label in it.styles)
    codecs = {entry.label: entry.codec for it in data for entry in it.entries}
    return [name] if name in labels else [it for it in labels if codecs.get(it) == name]


def _dressed(data: ReportData, looks: Mapping[str, CodecLook], ground: str) -> ReportData:
    styles = {
        label: _with_look(style, looks[label]) if label in looks else style
        for label, style in data.styles.items()
    }
    return _with_styles(data, {label: style.on(ground) for label, style in styles.items()})


def _with_styles(data: ReportData, styles: Mapping[str, SeriesStyle]) -> ReportData:
    """The same data, drawn in another way."""
    dressed = object.__new__(type(data))
    dressed.__dict__.update(vars(data) | {"styles": styles})
    return dressed


def _with_look(style: SeriesStyle, look: CodecLook) -> SeriesStyle:
    return replace(
        style,
        name=look.name or style.name,
        colour=look.color or style.colour,
        marker=look.marker or style.marker,
        dash=style.dash if look.dash is None else look.dash,
    )


def all_styles(panels: Iterable[Panel]) -> dict[str, SeriesStyle]:
    """How everything is drawn that is in any of the panels, by label."""
    return dict(itertools.chain.from_iterable(it.styles.items() for it in panels))

"""Figures on axes of your own, one function for each kind.

As in::

    import bench
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
    bench.plot.rd("results/kodak", metric="psnr_rgb", codecs=["jpeg", "avif"], ax=left)
    bench.plot.bd_bars("results/kodak", ax=right)

What is drawn is drawn as in a report and by ``rdbench figure``. Neither settings of matplotlib nor the figure
around the axes are changed. Without ``ax``, pyplot makes a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from pydantic import ValidationError

from bench.errors import ConfigError
from bench.files.problems import problems_in_python
from bench.plotting.canvas import LABEL_SHARE, POINTS, figure_of, ground_of
from bench.report.composition import add_legend, draw_panel
from bench.report.figure_description import FigureDescription, Kind, Side
from bench.report.figures import panels_of
from bench.report.panels import Panel
from bench.results import Runs, report_data

if TYPE_CHECKING:
    from typing import Unpack

    from matplotlib.axes import Axes

    from bench.rd import Average

__all__ = ["bd_bars", "pareto", "per_image", "perception", "rd", "relative_rate"]

Codecs = Sequence[str | Mapping[str, Any]]
"""Labels, or mappings with ``label`` and any of ``name``, ``color``, ``marker`` and ``linestyle``."""
_ONE = {"metric": str, "dataset": str, "speed": str, "rate": Real}
"""What axes show one of, where a figure's file may name several."""
_FIELDS = {"dataset": "datasets", "rate": "rates"}
"""What a figure's file calls it."""
_DATA_OPTIONS = ("anchor", "references", "average")


class PlotOptions(TypedDict, total=False):
    """What every function here takes besides; as in the file of a figure."""

    dataset: str
    """Needed where the runs have several."""
    anchor: str
    references: Sequence[str]
    average: Average
    decibels: bool
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    xscale: Literal["log", "linear"]
    inset: Mapping[str, Any]
    legend: Literal["direct", "inside", "off"]
    """``direct`` writes names at what is drawn, in the figure's present layout: call it last."""


def rd(
    run: Runs,
    metric: str | None = None,
    *,
    codecs: Codecs = (),
    ax: Axes | None = None,
    **options: Unpack[PlotOptions],
) -> Axes:
    """Quality over rate.

    Parameters
    ----------
    run : a run folder, what :func:`bench.run` returned, or several of them
    metric : None for the first one of the ranking
    codecs : what is drawn, in this order; none for everything
    ax : where to draw; None for a new figure
    **options : see :class:`PlotOptions`

    Returns
    -------
    matplotlib.axes.Axes
        ``ax``, or that of the new figure.

    Raises
    ------
    ConfigError
        An option is invalid, or names what the runs do not have.
    """
    return _draw("rd", run, ax, {"metric": metric, "codecs": codecs}, options, "inside")


def relative_rate(
    run: Runs,
    metric: str | None = None,
    *,
    codecs: Codecs = (),
    ax: Axes | None = None,
    **options: Unpack[PlotOptions],
) -> Axes:
    """Rate over the anchor's at equal quality. Parameters are those of :func:`rd`."""
    return _draw("relative_rate", run, ax, {"metric": metric, "codecs": codecs}, options, "inside")


def bd_bars(
    run: Runs,
    metric: str | None = None,
    *,
    codecs: Codecs = (),
    ax: Axes | None = None,
    **options: Unpack[PlotOptions],
) -> Axes:
    """BD-rates with their intervals as bars. Parameters are those of :func:`rd`."""
    return _draw("bd_bars", run, ax, {"metric": metric, "codecs": codecs}, options, None)


def per_image(
    run: Runs,
    metric: str | None = None,
    *,
    codecs: Codecs = (),
    ax: Axes | None = None,
    **options: Unpack[PlotOptions],
) -> Axes:
    """BD-rates of single images as dots. Parameters are those of :func:`rd`."""
    return _draw("per_image", run, ax, {"metric": metric, "codecs": codecs}, options, None)


def pareto(
    run: Runs,
    metric: str | None = None,
    *,
    speed: Side = "decode",
    codecs: Codecs = (),
    ax: Axes | None = None,
    **options: Unpack[PlotOptions],
) -> Axes:
    """BD-rates against the ``speed`` of encoders or decoders. Other parameters are those of :func:`rd`."""
    fields = {"metric": metric, "codecs": codecs, "speed": speed}
    return _draw("pareto", run, ax, fields, options, "direct")


def perception(
    run: Runs,
    metric: str | None = None,
    *,
    rate: float = 0.25,
    codecs: Codecs = (),
    ax: Axes | None = None,
    **options: Unpack[PlotOptions],
) -> Axes:
    """Distortion against perception at a matched rate in bits per pixel.

    ``metric`` is the perceptual one, None for the first of the run. Other parameters are those of :func:`rd`.
    """
    fields = {"metric": metric, "codecs": codecs, "rate": rate}
    return _draw("perception", run, ax, fields, options, "direct")


def _draw(
    kind: Kind,
    run: Runs,
    ax: Axes | None,
    fields: Mapping[str, Any],
    options: PlotOptions,
    legend: str | None,
) -> Axes:
    given = {key: value for key, value in {**fields, **options}.items() if value is not None}
    for name in _ONE.keys() & given.keys():
        if not isinstance(given[name], _ONE[name]):
            raise ConfigError(
                f"{name}: {given[name]!r} is not one {name}; axes show one, so call once for each"
            )
    usual = {"legend": legend} if legend else {}
    described = {_FIELDS.get(key, key): it for key, it in given.items() if key not in _DATA_OPTIONS}
    what = _described({"kind": kind, **usual, **described})
    data = report_data(run, **{key: options[key] for key in _DATA_OPTIONS if key in options})  # type: ignore[literal-required]
    axes = ax if ax is not None else _new_axes()
    room = LABEL_SHARE * figure_of(axes).get_figwidth() * POINTS
    try:
        panel = _only_panel(panels_of(data, what, ground_of(axes)), what)
        naming = draw_panel(axes, panel, room)
    except ConfigError:
        if ax is None:
            _forget(axes)
        raise
    if what.legend == "inside":
        add_legend(axes, panel.styles, room)
    elif what.legend == "direct" and naming is not None:
        figure_of(axes).draw_without_rendering()
        naming()
    return axes


def _described(fields: Mapping[str, Any]) -> FigureDescription:
    try:
        what = FigureDescription.model_validate(fields)
    except ValidationError as error:
        keys = {it: key for key, it in _FIELDS.items()}
        raise problems_in_python(error, FigureDescription, keys) from error
    if what.legend == "outside":
        raise ConfigError("legend: outside of axes is for whole figures; say direct, inside or off")
    return what


def _only_panel(panels: Sequence[Panel], what: FigureDescription) -> Panel:
    if not panels:
        raise ConfigError(f"the runs have nothing for {what.kind}")
    names = dict.fromkeys(it.data.dataset for it in panels)
    if len(names) > 1:
        raise ConfigError(f"say dataset=…, one of {', '.join(names)}")
    return panels[0]


def _new_axes() -> Axes:
    from matplotlib import pyplot

    axes: Axes = pyplot.subplots(layout="constrained")[1]
    return axes


def _forget(axes: Axes) -> None:
    """Close a new figure: a notebook would show it empty."""
    from matplotlib import pyplot

    pyplot.close(figure_of(axes))

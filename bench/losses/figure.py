"""Crops of the worst images as one picture: the original, the old and the new one, a row for each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.losses.pictures import SIDE, LossCrops, Made
from bench.losses.ranking import ImageLoss, Losses
from bench.losses.table import unequal_rates
from bench.plotting.canvas import POINTS, fit, note
from bench.studies.study import FinishedTrial
from bench.trials.plan import MetricPlan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SCALE = 2
"""Dots of the figure for a pixel of an image: a whole number, so that all pixels have one size."""
_GAP = 12
"""Dots between crops, and beside them."""
_WIDTH = 7.2
_SIZE = 7.0
_HEAD, _FOOT = 0.24, 0.36
"""Inches of the line above a row of crops, and of the two lines below it."""
_NOTE = 0.2


def draw_losses(losses: Losses, crops: Sequence[LossCrops], map_name: str) -> Figure:
    """The figure, 7.2 inches wide; call it inside :func:`bench.plotting.style.styled`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    step = _SCALE * SIDE + _GAP
    dpi = (3 * step + _GAP) / _WIDTH
    pitch = _SCALE * SIDE / dpi + _HEAD + _FOOT
    figure = Figure(figsize=(_WIDTH, len(crops) * pitch + _NOTE), dpi=dpi)
    figure.set_layout_engine("none")
    FigureCanvasAgg(figure)
    note(figure, _words(losses, crops, map_name))
    width, height = (float(it) for it in figure.get_size_inches())
    side = _SCALE * SIDE / dpi
    room = side * POINTS
    margin = _GAP / dpi / width
    for index, row in enumerate(crops):
        top = height - index * pitch - _HEAD
        figure.text(
            margin, (top + 0.05) / height, fit(figure, heading(row.loss), 3 * room, 8.0), fontsize=8.0
        )
        points = (point(it, losses.metric) for it in (row.loss.old, row.loss.new))
        cells = zip((row.original, row.old, row.new), ("", *points), strict=True)
        for column, (name, (made, at)) in enumerate(zip(("original", *losses.names), cells, strict=True)):
            bottom = round((top - side) * dpi) / dpi
            place = (margin + column * step / dpi / width, bottom / height, side / width, side / height)
            axes = figure.add_axes(place)
            lines = [fit(figure, it, room, _SIZE) for it in (name, at)]
            _draw(axes, made, "\n".join(lines))
    return figure


def heading(loss: ImageLoss) -> str:
    """An image, and what it loses over all operating points, on one line."""
    if loss.bd_rate is None:
        return loss.image
    return f"{loss.image}: BD-rate {'+' if loss.bd_rate >= 0 else '−'}{abs(loss.bd_rate):.1f}%"


def point(trial: FinishedTrial, metric: MetricPlan) -> str:
    """An operating point in words: its setting, rate, and value."""
    value = trial.metrics[metric.name]
    unit = f" {metric.unit}" if metric.unit else ""
    digits = 2 if metric.unit == "dB" else 4
    quality = "" if trial.quality is None else f"quality {trial.quality:g}, "
    return f"{quality}{trial.bpp:.3f} bpp, {metric.title or metric.name} {value:.{digits}f}{unit}"


def _draw(axes: Axes, made: Made, caption: str) -> None:
    axes.set_axis_off()
    if isinstance(made, str):
        axes.text(0.5, 0.5, "no picture", ha="center", va="center", fontsize=_SIZE, color="#555555")
    else:
        # "none" keeps the image's own pixels in PDF and SVG.
        axes.imshow(made, interpolation="none")
    axes.text(0, -0.02, caption, transform=axes.transAxes, va="top", fontsize=_SIZE, linespacing=1.25)


def _words(losses: Losses, crops: Sequence[LossCrops], map_name: str) -> str:
    old, new = losses.names
    order = "BD-rate" if losses.by_bd_rate else (losses.metric.title or losses.metric.name)
    by_map = f"where the error map ({map_name}) of {new} exceeds that of {old} most"
    with_original = {not isinstance(it.original, str) for it in crops}
    places = [by_map] * (True in with_original)
    places += ["where the two differ most, if there is no original"] * (False in with_original)
    sentences = [
        f"{new} against {old}, worst first by {order}.",
        f"Crops of up to {SIDE}×{SIDE} pixels, placed {', or '.join(places)}.",
        "Values of the whole pictures.",
        *unequal_rates([it.loss for it in crops]),
    ]
    return " ".join(sentences)

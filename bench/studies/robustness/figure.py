"""Robustness in two figures: what corrupted pictures cost, and what becomes of damaged bitstreams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.plotting.canvas import Canvas, marks, note
from bench.plotting.series_style import SeriesStyle
from bench.studies.robustness.tables import BitstreamRow, InputRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OUTCOMES: tuple[tuple[str, str, Callable[[BitstreamRow], float]], ...] = (
    ("detected", "#009e73", lambda it: it.detected),
    ("unchanged", "#d9d9d9", lambda it: it.unchanged),
    ("silently wrong", "#e69f00", lambda it: it.wrong),
    ("crashed", "#882255", lambda it: it.crashed),
)
"""From harmless to harmful; colours of Okabe and Ito, and Tol."""
_TICKS = tuple(sign * it for sign in (-1, 1) for it in (0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000))
_ROW_INCHES = 0.17
_INPUT_HEIGHT = 3.4
_SPREAD = 0.8
"""Part of the room of one corruption that the codecs' marks share."""


def inputs_figure(
    rows: Sequence[InputRow], styles: Mapping[str, SeriesStyle], canvas: Canvas
) -> Figure | None:
    """By corruption and codec the growth in rate, and the PSNR to the clean picture that is left.

    Parameters
    ----------
    rows : of one data set
    styles : colour and marker of each codec, by label
    canvas : what to draw on, inside :func:`bench.plotting.style.styled`
    """
    if not rows:
        return None
    figure, (rate, quality) = canvas.figure(2, _INPUT_HEIGHT)
    corruptions = list(dict.fromkeys(it.group.probe for it in rows))
    labels = list(dict.fromkeys(it.group.label for it in rows))
    for place, label in enumerate(labels):
        aside = _SPREAD * ((place + 0.5) / len(labels) - 0.5)
        mine = [(corruptions.index(it.group.probe) + aside, it) for it in rows if it.group.label == label]
        _draw(rate, styles[label], [(x, it.inflation) for x, it in mine], label)
        _draw(quality, styles[label], [(x, it.delta_clean) for x, it in mine])
    for axes, title in ((rate, "bpp inflation [%]"), (quality, "Δ PSNR to clean [dB]")):
        axes.set_xticks(range(len(corruptions)), corruptions, rotation=35, ha="right")
        axes.set_xlim(-0.5, len(corruptions) - 0.5)
        axes.grid(visible=False, axis="x")
        for place in range(len(corruptions) - 1):
            axes.axvline(place + 0.5, color="#dddddd", linewidth=0.5, zorder=1)
        axes.set_ylabel(title)
        axes.axhline(0, color="#555555", linewidth=0.6, zorder=1)
    # Noise costs some codecs a few percent and others several hundred, and blur saves.
    rate.set_yscale("symlog", linthresh=10)
    low, high = rate.get_ylim()
    rate.set_ylim(1.4 * low, 1.4 * high)  # no mark on the edge; margins are linear
    rate.set_yticks([it for it in _TICKS if _reached(rate, it)])
    rate.yaxis.set_major_formatter(lambda value, _: f"{value:+g}".replace("-", "−") if value else "0")
    rate.minorticks_off()
    figure.legend(loc="outside upper center", ncols=min(len(labels), 6))
    note(figure, _operating_points(rows))
    return figure


def bitstreams_figure(rows: Sequence[BitstreamRow], canvas: Canvas) -> Figure | None:
    """By damage a bar for each codec: the shares of what became of its bitstreams.

    Parameters
    ----------
    rows : of one data set
    canvas : what to draw on, inside :func:`bench.plotting.style.styled`
    """
    if not rows:
        return None
    damages = list(dict.fromkeys(it.group.probe for it in rows))
    labels = list(dict.fromkeys(it.group.label for it in rows))
    figure, panels = canvas.figure(len(damages), 0.6 + _ROW_INCHES * len(labels))
    for place, (axes, damage) in enumerate(zip(panels, damages, strict=True)):
        mine = [it for it in rows if it.group.probe == damage]
        places = [labels.index(it.group.label) for it in mine]
        left = [0.0] * len(mine)
        for name, colour, share in _OUTCOMES:
            shares = [share(it) for it in mine]
            axes.barh(places, shares, left=left, height=0.72, color=colour, label=name if not place else None)
            left = [a + b for a, b in zip(left, shares, strict=True)]
        axes.set_yticks(range(len(labels)), labels if place % canvas.columns(len(damages)) == 0 else [])
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_title(damage)
        axes.grid(visible=False, axis="y")
    for axes in panels[-canvas.columns(len(damages)) :]:
        axes.set_xlabel("bitstreams [%]")
    figure.legend(loc="outside upper center", ncols=len(_OUTCOMES))
    return figure


def _reached(axes: Axes, value: float) -> bool:
    """Whether a value lies between the ends of the axis."""
    low, high = axes.get_ylim()
    return low <= value <= high


def _operating_points(rows: Sequence[InputRow]) -> str:
    """The rates that the codecs were probed at, and on how many pictures."""
    parts = []
    for kind, lossless in (("lossy", False), ("lossless", True)):
        rates = [it.bpp_clean for it in rows if (it.group.quality is None) is lossless]
        known = [it for it in rates if it is not None]
        if known:
            parts.append(f"{kind} codecs at {min(known):.2f} to {max(known):.2f} bpp")
    images = max(it.planned for it in rows)
    points = ", ".join(parts) or "no picture was encoded"
    return f"On clean pictures: {points}; means over {images} images."


def _draw(
    axes: Axes, style: SeriesStyle, points: Sequence[tuple[float, float | None]], label: str | None = None
) -> None:
    known = [(x, y) for x, y in points if y is not None]
    if known or label:
        axes.plot([x for x, _ in known], [y for _, y in known], label=label, **marks(style, 4))

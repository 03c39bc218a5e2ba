"""One page for a person: the picture, its bit map, where the bytes went, channels, impulses, traversals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.explanation import BitGrid, Channels, Explanation, Impulse, Traversal
from bench.plotting.canvas import NOTE_SIZE, printable
from bench.studies.explain.record import ExplainRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_WIDTH = 7.2
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Of grids, after Okabe and Ito; overhead is grey."""
_MAP = "inferno"
_PROBES_HEIGHT = 4.1
_PER_ROW = 3
"""Impulse responses side by side."""
_FEW = 3
"""A table of so few channels says no more than the bars of the grids."""
_CLIPPED = 99.5
"""Percentile of the density where the colours end: one busy pixel must not darken the rest."""


def explanation_figure(row: ExplainRow, explanation: Explanation, image: Image) -> Figure:
    """The page of one picture; call it inside :func:`bench.plotting.style.styled`.

    Parameters
    ----------
    row, explanation : of the picture
    image : the original, (height, width, 3) uint8
    """
    from matplotlib import rcParams
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    parts: list[tuple[float, Callable[[SubFigure], None]]] = [
        (_maps_height(image), lambda part: _maps(part, explanation, image)),
        (0.4 + 0.17 * max(len(_shares(row)), _FEW), lambda part: _budget(part, row)),
    ]
    tables = [it for it in explanation.channels if len(it.bits) > _FEW]
    if tables:
        parts.append((2.3, lambda part: _channels(part, tables)))
    if explanation.impulses or explanation.traversals:
        parts.append((_PROBES_HEIGHT, lambda part: _probes(part, explanation)))
    notes = _wrapped(explanation, row)
    heights = [0.3, *(height for height, _ in parts), 0.12 + 0.115 * len(notes)]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    dpi = rcParams["savefig.dpi"]
    figure.dpi = figure.dpi if dpi == "figure" else dpi
    FigureCanvasAgg(figure)
    panels = np.asarray(figure.subfigures(len(heights), 1, height_ratios=heights, hspace=0.0))
    panels[0].text(0.01, 0.5, printable(_headline(row, image)), fontsize=9.5, weight="bold", va="center")
    for (_, draw), panel in zip(parts, panels[1:-1], strict=True):
        draw(panel)
    panels[-1].text(0.01, 0.98, "\n".join(notes), fontsize=NOTE_SIZE, va="top", linespacing=1.35)
    return figure


def density(grids: Iterable[BitGrid], height: int, width: int) -> NDArray[np.float64]:
    """Bits per pixel, (height, width): each cell's bits spread evenly over its pixels; totals are kept.

    Parameters
    ----------
    grids : what they hold is added up; bits of cells in the padding count for the nearest cell inside
    height, width : of the picture, in pixels
    """
    total = np.zeros((height, width))
    for grid in grids:
        rows = _along(grid.bits, 0, grid, height)
        total += _along(rows, 1, grid, width)
    return total


def _along(bits: NDArray[np.float64], axis: int, grid: BitGrid, side: int) -> NDArray[np.float64]:
    """Spread the cells of one axis over ``side`` pixels."""
    edges = grid.origin[axis] + grid.cell[axis] * np.arange(bits.shape[axis] + 1)
    pixels = np.diff(edges.clip(0, side))
    inside = np.flatnonzero(pixels)
    first, last = inside[0], inside[-1]
    middle = np.take(bits, np.arange(first, last + 1), axis)
    low, high = np.take(bits, np.arange(first), axis), np.take(bits, np.arange(last + 1, len(pixels)), axis)
    np.moveaxis(middle, axis, 0)[0] += low.sum(axis)
    np.moveaxis(middle, axis, 0)[-1] += high.sum(axis)
    spread = np.repeat(middle, pixels[inside], axis)
    share = np.repeat(1 / pixels[inside], pixels[inside])
    shared: NDArray[np.float64] = spread * np.expand_dims(share, 1 - axis)
    return shared


def _headline(row: ExplainRow, image: Image) -> str:
    quality = "" if row.quality is None else f" at quality {row.quality:g}"
    bpp = 8 * (row.bytes or 0) / (image.shape[0] * image.shape[1])
    return f"{row.label}{quality} on {row.image}: {row.bytes} bytes, {bpp:.3f} bpp"


def _maps_height(image: Image) -> float:
    return min(4.2, max(0.9, 0.32 + 0.46 * _WIDTH * image.shape[0] / image.shape[1]))


def _maps(part: SubFigure, explanation: Explanation, image: Image) -> None:
    height, width = image.shape[:2]
    left, right = part.subplots(1, 2)
    bits = density(explanation.grids, height, width)
    top = float(np.percentile(bits, _CLIPPED)) or 1.0
    left.imshow(image, interpolation="nearest" if max(height, width) < 64 else "antialiased")
    left.set_title("original", loc="left")
    shown = right.imshow(bits, cmap=_MAP, vmin=0, vmax=top, interpolation="nearest")
    estimated = " (estimate)" if explanation.method == "estimate" else ""
    right.set_title(f"bits of each pixel{estimated}", loc="left")
    _bare(left)
    _bare(right)
    bar = part.colorbar(shown, ax=right, fraction=0.035, pad=0.02, extend="max")
    bar.set_label("bits/pixel")
    bar.outline.set_visible(False)


def _shares(row: ExplainRow) -> list[tuple[str, float, str]]:
    colours = (_COLOURS[k % len(_COLOURS)] for k in range(len(row.grid_bits)))
    grids = [(name, bits / 8, next(colours)) for name, bits in row.grid_bits.items()]
    return grids + [(name, bits / 8, "#999999") for name, bits in row.overhead_bits.items()]


def _budget(part: SubFigure, row: ExplainRow) -> None:
    axes = part.subplots()
    shares = _shares(row)
    whole = float(row.bytes or 1)
    axes.barh(range(len(shares)), [it[1] for it in shares], color=[it[2] for it in shares], height=0.7)
    axes.set_yticks(range(len(shares)), [printable(it[0]) for it in shares])
    axes.set_ylim(max(len(shares), _FEW) - 0.5, -0.5)
    most = max(it[1] for it in shares)
    axes.set_xlim(0, 1.25 * most)
    for place, (_, size, _) in enumerate(shares):
        axes.text(
            size + 0.01 * most, place, f" {size:,.1f} B  {100 * size / whole:.1f}%", va="center", fontsize=6.5
        )
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_title(_verdict(row), loc="left")


def _verdict(row: ExplainRow) -> str:
    assert row.map_bits is not None
    assert row.payload_bits is not None
    total, payload = row.map_bits / 8, row.payload_bits / 8
    if row.method == "estimate":
        return f"estimate: {total:,.0f} B follow from single blocks, the payload has {payload:,.0f} B"
    deviation = "" if row.deviation is None else f" ({row.deviation:+.2f}%)".replace("-", "−")
    return f"where the bytes are: map {total:,.1f} B, payload {payload:,.1f} B{deviation}, {row.method}"


def _channels(part: SubFigure, tables: Sequence[Channels]) -> None:
    counts = [len(it.bits) for it in tables]
    widths = [10 + math.sqrt(it) for it in counts]
    grid = part.subplots(2, len(tables), squeeze=False, sharex="col", width_ratios=widths)
    for place, it in enumerate(tables):
        colour = _COLOURS[place % len(_COLOURS)]
        above, below = grid[:, place]
        numbers = range(len(it.bits))
        above.bar(numbers, it.bits / 8, color=colour, width=0.85)
        above.set_title(_short(it.name), loc="left")
        energy = np.where(it.energy > 0, it.energy, np.nan)
        if np.isfinite(energy).any():
            below.plot(numbers, energy, ".", color=colour, markersize=3)
            below.set_yscale("log")
            below.yaxis.set_major_formatter(_power)
            below.yaxis.set_minor_formatter(lambda value, _: "")
        below.set_xlabel("coefficient" if it.labels else "channel")
        below.set_ylabel(f"energy [{it.unit}]" if place == 0 else f"[{it.unit}]")
    grid[0, 0].set_ylabel("bytes")
    part.align_ylabels(grid[:, 0])


def _power(value: float, _: int) -> str:
    """A power of ten; labels are plain text here."""
    return "10" + f"{round(math.log10(value))}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _probes(part: SubFigure, explanation: Explanation) -> None:
    left, right = _halves(part)
    if explanation.impulses:
        _impulses(left, explanation.impulses)
    if explanation.traversals:
        _traversals(right, explanation.traversals)


def _halves(part: SubFigure) -> list[SubFigure]:
    parts = part.subfigures(1, 2, width_ratios=(3, 4.1), wspace=0.02)
    return list(np.asarray(parts).flat)


def _impulses(part: SubFigure, impulses: Sequence[Impulse]) -> None:
    part.suptitle("one step more of one latent, × gain", x=0.02, ha="left", fontsize=8)
    rows = -(-len(impulses) // _PER_ROW)
    panels = part.subplots(rows, _PER_ROW, squeeze=False)
    for axes in panels.flat[len(impulses) :]:
        axes.remove()
    for axes, it in zip(panels.flat, impulses, strict=False):
        peak = float(np.abs(it.response).max()) or 1.0
        axes.imshow(0.5 + it.response / (2 * peak), interpolation="nearest", vmin=0, vmax=1)
        axes.set_title(f"{_short(it.name)} {it.channel}  ×{127 / peak:.0f}", fontsize=6.5, pad=2)
        _bare(axes)


def _traversals(part: SubFigure, traversals: Sequence[Traversal]) -> None:
    part.suptitle("all latents of one channel multiplied, in the busiest part", x=0.02, ha="left", fontsize=8)
    panels = part.subplots(len(traversals), len(traversals[0].factors), squeeze=False)
    for axes, factor in zip(panels[0], traversals[0].factors, strict=True):
        axes.set_title(f"× {factor:g}", fontsize=7, pad=2)
    for row, it in zip(panels, traversals, strict=True):
        for axes, picture in zip(row, it.pictures, strict=True):
            axes.imshow(picture, interpolation="nearest" if max(picture.shape) < 64 else "antialiased")
            _bare(axes)
        row[0].set_ylabel(f"{_short(it.name)} {it.channel}", fontsize=7)


def _short(name: str) -> str:
    return printable(name.removesuffix("latents").rstrip(" -") or name)


def _wrapped(explanation: Explanation, row: ExplainRow) -> list[str]:
    import textwrap

    notes = list(explanation.notes)
    if explanation.traversals:
        notes.append("Traversals draw a crop anew; where the decoder adds noise, it is other noise there.")
    if row.reason:
        notes.append(f"Not exact: {row.reason}.")
    notes.append(f"{row.codec} {row.version}")
    return textwrap.wrap(printable(" ".join(notes)), 150)


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)

"""BD-rate of every image, which shows whether a codec wins everywhere or only on average."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.plotting.canvas import Canvas, lay_out, note, short, title
from bench.plotting.dot_labels import DotLabel, label_dots
from bench.plotting.series_style import SeriesStyle
from bench.rd import DetailedBd
from bench.rd.curve import Array
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figures import ReportFigure
from bench.report.figures._rows import FRAME, PITCH, mark_zero, name_rows, ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 1.25
"""Rows are this much higher than those of bars."""
_GOLDEN = 0.6180339887498949
_NAMED = 4
"""Dots of a strip that may have a name."""


class ImageStrips(ReportFigure):
    """One strip for each configuration, one dot for each image that has a BD-rate."""

    name = "bd_rate_per_image"
    title = "BD-rate of every image against the anchor"
    chapter = Chapter.COMPARISONS

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        metrics = [it for it in data.headline if any(bd.per_image.n for bd in data.bd.get(it, {}).values())]
        labels = [it for it in ranked(data, metrics, published=False) if it != data.anchor]
        if not labels:
            return None
        figure, panels = canvas.figure(len(metrics), FRAME + _ROW * PITCH * len(labels), share_y=True)
        strips: list[list[_Strip]] = []
        for axes, metric in zip(panels, metrics, strict=True):
            found = [
                _Strip(row, data.images[metric], data.bd[metric][label], data.styles[label])
                for row, label in enumerate(labels)
                if label in data.bd[metric]
            ]
            strips.append(found)
            for strip in found:
                strip.draw(axes)
            name_rows(axes, {it: data.styles[it] for it in labels}, canvas, len(metrics))
            mark_zero(axes)
            title(axes, _title(data, metric), canvas.columns(len(metrics)))
            axes.set_xlabel("BD-rate (%)")
        anchor = short(figure, data.anchor or "")
        note(
            figure,
            f"{short(figure, data.dataset)}: BD-rate of single images against {anchor}, negative = fewer"
            " bits at equal quality. Black bar: their mean in log-rate.",
        )
        lay_out(figure)
        for axes, found in zip(panels, strips, strict=True):
            _name_dots(axes, found)
        return figure


def _title(data: ReportData, metric: str) -> str:
    bds = data.bd[metric].values()
    defined, total = min(it.per_image.n for it in bds), max(it.n_images for it in bds)
    count = f"{total}" if defined == total else f"{defined}–{total}"
    return f"{data.measure(metric).title}, {count} images"


@dataclass(frozen=True)
class _Strip:
    """The dots of one configuration."""

    row: int
    images: tuple[str, ...]
    bd: DetailedBd
    style: SeriesStyle

    @property
    def values(self) -> Array:
        """BD-rates, NaN where there is none."""
        return np.array([np.nan if it.value is None else it.value for it in self.bd.images])

    @property
    def heights(self) -> Array:
        """Where the dots stand in the figure."""
        # An image keeps its height in all strips: one can follow it. The golden ratio spreads neighbours.
        return self.row + 0.62 * ((np.arange(1, len(self.images) + 1) * _GOLDEN) % 1 - 0.5)

    def draw(self, axes: Axes) -> None:
        axes.plot(
            self.values,
            self.heights,
            linestyle="none",
            marker="o",
            markersize=2.8 if len(self.images) < 60 else 1.8,
            markerfacecolor=self.style.colour,
            markeredgewidth=0.0,
            alpha=0.6,
        )
        if (mean := self.bd.per_image.value) is not None:
            axes.plot(
                (mean, mean), (self.row - 0.38, self.row + 0.38), color="#222222", linewidth=1.2, zorder=3
            )

    @property
    def occupied(self) -> Array:
        """What no name may cover: the dots, and points along the bar of the mean."""
        dots = np.stack([self.values, self.heights], axis=1)
        mean = self.bd.per_image.value
        bar = np.linspace(self.row - 0.38, self.row + 0.38, 9)
        return np.concatenate([dots, np.stack([np.full(9, np.nan if mean is None else mean), bar], axis=1)])

    def labels(self) -> list[DotLabel]:
        """The names at the dots: that of the worst image, of the best, of the second worst, and so on."""
        names = without_endings(self.images)
        known = sorted((value, k) for k, value in enumerate(self.values.tolist()) if value == value)
        ends = [it for pair in zip(known[::-1], known, strict=True) for it in pair]
        order = list(dict.fromkeys(k for _, k in ends))[:_NAMED]
        return [DotLabel(names[k], self.values[k], self.heights[k], self.style.text) for k in order]


def _name_dots(axes: Axes, strips: Sequence[_Strip]) -> None:
    """The ends of all strips first, so that none loses its worst image to the many names of another."""
    ranks = itertools.zip_longest(*(it.labels() for it in strips))
    labels = [it for rank in ranks for it in rank if it is not None]
    label_dots(axes, labels, np.concatenate([it.occupied for it in strips]))


def without_endings(names: Sequence[str]) -> list[str]:
    """File names without what follows the last dot, where they differ all the same."""
    stems = [it.rpartition(".")[0] or it for it in names]
    return stems if len(set(stems)) == len(stems) else list(names)

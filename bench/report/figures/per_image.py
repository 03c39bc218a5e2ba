"""BD-rate of every image, which shows whether a codec wins everywhere or only on average."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np

from bench.plotting.colours import grey_on
from bench.plotting.dot_labels import DotLabel, label_dots
from bench.plotting.series_style import SeriesStyle
from bench.rd import DetailedBd
from bench.rd.curve import Array
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.figure_description import FigureDescription
from bench.report.figures import DescribedFigure
from bench.report.figures._rows import FRAME, PITCH, mark_zero, name_rows, rows_of
from bench.report.panels import NameIt, Panel, anchors_in, datasets_in, measures_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 1.25
"""Rows are this much higher than those of bars."""
_GOLDEN = 0.6180339887498949
_NAMED = 4
"""Dots of a strip that may have a name."""


@dataclass(frozen=True)
class StripsPanel(Panel):
    """One strip for each configuration, one dot for each image that has a BD-rate in a metric."""

    rows: Sequence[str]

    kind = "per_image"
    share_y = True

    @classmethod
    def of(cls, data: Sequence[ReportData], what: FigureDescription) -> Sequence[Self]:
        metrics = list(dict.fromkeys(it.name for its in data for it in measures_for(its, what)))
        compared = [
            (its, it)
            for its in data
            for it in metrics
            if any(bd.per_image.n for bd in its.bd.get(it, {}).values())
        ]
        used = [it for it in metrics if any(it == metric for _, metric in compared)]
        anchors = {it.anchor for it in data}
        rows = [it for it in rows_of(data, used, what, published=False) if it not in anchors]
        return [cls(its, what, metric, rows) for its, metric in compared] if rows else []

    @property
    def styles(self) -> Mapping[str, SeriesStyle]:
        return {it: self.data.styles[it] for it in self.rows if it in self.data.styles}

    @property
    def title(self) -> str:
        bds = self.data.bd[self.metric].values()
        defined, total = min(it.per_image.n for it in bds), max(it.n_images for it in bds)
        count = f"{total}" if defined == total else f"{defined}–{total}"
        dataset = f"{self.data.dataset}, " if self.of_several else ""
        return f"{dataset}{self.data.measure(self.metric).title}, {count} images"

    def height(self, *, alone: bool) -> float:
        return FRAME + _ROW * PITCH * len(self.rows)

    def draw(self, axes: Axes, room: float) -> NameIt:
        images, compared = self.data.images[self.metric], self.data.bd[self.metric]
        strips = [
            _Strip(row, images, compared[label], self.data.styles[label])
            for row, label in enumerate(self.rows)
            if label in compared
        ]
        for strip in strips:
            strip.draw(axes)
        name_rows(axes, self.styles, room)
        mark_zero(axes)
        axes.set_xlabel("BD-rate (%)")
        if (limits := self.what.x_limits(self.metric)) is not None:
            axes.set_xlim(limits)
        return partial(_name_dots, axes, strips)

    @classmethod
    def note(cls, panels: Sequence[Self], figure: Figure) -> str:
        return (
            f"{datasets_in(panels, figure)}: BD-rate of single images against"
            f" {anchors_in(panels, figure)}, negative = fewer bits at equal quality. Upright bar: their mean"
            " in log-rate."
        )


class ImageStrips(DescribedFigure):
    """A panel for each metric of the ranking."""

    name = "bd_rate_per_image"
    title = "BD-rate of every image against the anchor"
    chapter = Chapter.COMPARISONS
    description = FigureDescription(kind="per_image")


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
            ink = grey_on(self.style.ground, "#222222")
            axes.plot((mean, mean), (self.row - 0.38, self.row + 0.38), color=ink, linewidth=1.2, zorder=3)

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

"""Crops side by side: an image a row, the original first, then each codec with its rate and values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.codec import Image
from bench.plotting.canvas import POINTS, WIDTHS, Canvas, fit, note, short
from bench.report.chapters import Chapter
from bench.report.crops import SIDE, Crop, Crops
from bench.report.data import ReportData
from bench.report.decoder_pairs import numbered
from bench.report.figures import ReportFigure
from bench.report.measures import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = 6.3
_SCALE = 2
"""Dots of the figure for a pixel of an image: a whole number, so that all pixels have one size."""
_GAP = 12
"""Dots between crops."""
_HEAD, _FOOT = 0.41, 0.32
"""Inches of the three lines above a crop, and of the note below all."""


@dataclass(frozen=True)
class CropRows(ReportFigure):
    """The crops of a pair of decoders."""

    title = "Crops of two decoders of the same bytes"
    chapter = Chapter.DECODER_PAIRS
    order = 1

    pair: int = 0
    """Which of the data's decoder pairs."""

    @property
    def name(self) -> str:
        return numbered("crops", self.pair)

    @classmethod
    def of(cls, data: ReportData) -> Iterator[CropRows]:
        return map(cls, range(len(data.crops)))

    def draw(self, data: ReportData, canvas: Canvas) -> Figure | None:
        return draw_crops(data.crops[self.pair], data.dataset)


def draw_crops(crops: Crops, dataset: str) -> Figure | None:
    """The figure; None where nothing could be decoded. Always at full width: crops have to be seen."""
    if not any(crop.pixels is not None for row in crops.rows for crop in row.crops):
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with_original = any(row.original is not None for row in crops.rows)
    columns = max(len(row.crops) for row in crops.rows) + with_original
    width, step = WIDTHS["double"], _SCALE * SIDE + _GAP
    dpi = (columns * step - _GAP) / width
    height = len(crops.rows) * (_SCALE * SIDE / dpi + _HEAD) + _FOOT
    figure = Figure(figsize=(width, height), dpi=dpi)
    figure.set_layout_engine("none")
    FigureCanvasAgg(figure)
    room = (_SCALE * SIDE - 4) / dpi * POINTS
    dots = (width * dpi, height * dpi)
    side = (_SCALE * SIDE / dots[0], _SCALE * SIDE / dots[1])
    for index, row in enumerate(crops.rows):
        bottom = dots[1] - (index + 1) * (_SCALE * SIDE + _HEAD * dpi)
        cells = [(row.original, ("original", row.image, row.reason))] if with_original else []
        cells += [(it.pixels, _caption(it, crops.measures)) for it in row.crops]
        for column, (pixels, lines) in enumerate(cells):
            axes = figure.add_axes((column * step / dots[0], round(bottom) / dots[1], *side))
            _draw(axes, pixels, "\n".join(fit(figure, it, room, _SIZE) for it in lines))
    note(figure, _words(crops, short(figure, dataset)))
    return figure


def _draw(axes: Axes, pixels: Image | None, caption: str) -> None:
    axes.set_axis_off()
    if pixels is None:
        axes.text(0.5, 0.5, "no picture", ha="center", va="center", fontsize=_SIZE, color="#555555")
    else:
        # "none" keeps the image's own pixels in PDF and SVG.
        axes.imshow(pixels, interpolation="none")
    axes.set_title(caption, fontsize=_SIZE, loc="left", linespacing=1.25, pad=2.5)


def _caption(crop: Crop, measures: Sequence[Measure]) -> tuple[str, str, str]:
    parts = []
    for measure in measures:
        value = crop.values[measure.name]
        parts.append(f"{value:.1f} dB" if measure.unit == "dB" else f"{measure.title} {value:.3f}")
    return crop.label, f"{crop.bpp:.3f} bpp", ", ".join(parts)


def _words(crops: Crops, dataset: str) -> str:
    gain = f" Gain in {crops.measures[-1].title}." if crops.rows[0].reason else ""
    return (
        f"{dataset}: crops of {SIDE}×{SIDE} pixels, placed where {crops.pair.first} and"
        f" {crops.pair.second} (identical bitstreams) differ most; other codecs at the operating point with"
        f" the nearest rate.{gain} Values of the whole pictures."
    )

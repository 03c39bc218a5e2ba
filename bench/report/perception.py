"""Distortion against perception: how near a codec's pictures are to the originals, and how natural they look.

Y. Blau and T. Michaeli, "The Perception-Distortion Tradeoff", CVPR 2018: at a given rate no decoder can have
the least of both. Values are those at a matched rate, interpolated inside the measured range only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.rd import DB_METRICS, Curve, quality_at, to_db
from bench.report.board import Board

DISTORTION = ("psnr_rgb", "psnr_yuv", "psnr_y", "ms_ssim_rgb", "ssim_rgb")
"""Metrics of the pixels' or the structure's difference; the first one measured is taken."""
PERCEPTION = (
    *("lpips_alex", "lpips_vgg", "dists", "ssimulacra2", "butteraugli_3norm", "butteraugli"),
    *("flip", "haarpsi", "gmsd", "vif"),
)
"""Metrics of pairs of pictures made to follow human judgement; the first one measured is taken."""
PLANE_RATES = (0.25, 0.35, 0.5)
"""Bits per pixel at which codecs are put into the plane."""
_FEWEST = 2


@dataclass(frozen=True)
class Measure:
    """A metric of pairs of pictures, or of two sets of them."""

    name: str
    unit: str
    higher_is_better: bool
    ideal: float | None = None
    of_sets: bool = False

    @property
    def decibel(self) -> bool:
        """Whether it is shown as −10·log10(1 − mean)."""
        return self.name in DB_METRICS

    def shown(self, mean: float) -> float:
        """A data set's mean as shown."""
        return float(to_db(mean)) if self.decibel else mean


@dataclass(frozen=True)
class Plane:
    """The codecs of a board at one rate: by label, distortion and perception as shown."""

    rate: float
    distortion: Measure
    perception: Measure
    points: Mapping[str, tuple[float, float]]


def measures(board: Board) -> tuple[Measure, ...]:
    """Everything that was measured: metrics with curves, then data-set metrics with distances."""
    pairs = [
        Measure(it.name, it.unit, it.higher_is_better, it.ideal)
        for it in board.metrics
        if board.curves.get(it.name)
    ]
    # A distance between sets is 0 for equal ones, whatever its name.
    sets = dict.fromkeys(it.metric for it in board.distances if it.value is not None)
    return (*pairs, *(Measure(name, "", False, of_sets=True) for name in sets))


def curves_of(board: Board, measure: Measure) -> Mapping[str, Curve]:
    """The curve of every lossy configuration in a metric of pairs or of sets."""
    if not measure.of_sets:
        return board.curves.get(measure.name, {})
    points: dict[str, list[tuple[float, float, float]]] = {}
    for it in board.distances:
        if it.metric == measure.name and None not in (it.quality, it.bpp, it.value):
            assert it.quality is not None
            assert it.bpp is not None
            assert it.value is not None
            points.setdefault(it.label, []).append((it.quality, it.bpp, it.value))
    return {
        label: Curve(label, tuple(x[1] for x in its), tuple(x[2] for x in its), measure.name, False)
        for label, its in ((label, sorted(its)) for label, its in points.items())
    }


def curves_by_name(board: Board, name: str) -> Mapping[str, Curve]:
    """:func:`curves_of` by the metric's name; empty for one that was not measured."""
    return next((curves_of(board, it) for it in measures(board) if it.name == name), {})


def images_behind(board: Board, name: str) -> int:
    """How many images the curves in a metric stand for."""
    of_sets = (it.images for it in board.distances if it.metric == name)
    return len(board.images[name]) if name in board.images else max(of_sets, default=0)


def planes(board: Board) -> tuple[Plane, ...]:
    """The plane of the first distortion metric and the first perceptual one, and that of the first distance
    between sets, at each rate that two codecs or more reach."""
    known = {it.name: it for it in measures(board)}
    distortion = next((known[it] for it in DISTORTION if it in known), None)
    if distortion is None:
        return ()
    perceptual = [known[it] for it in PERCEPTION if it in known][:1]
    perceptual += [it for it in known.values() if it.of_sets][:1]
    made = (_plane(board, distortion, it, rate) for it in perceptual for rate in PLANE_RATES)
    return tuple(it for it in made if len(it.points) >= _FEWEST)


def at_rate(board: Board, measure: Measure, rate: float) -> dict[str, float]:
    """By label the value at a rate, as shown; without those whose measured range does not hold it."""
    values = {label: quality_at(it, rate) for label, it in curves_of(board, measure).items()}
    return {label: measure.shown(it) for label, it in values.items() if it is not None}


def _plane(board: Board, distortion: Measure, perception: Measure, rate: float) -> Plane:
    x, y = at_rate(board, distortion, rate), at_rate(board, perception, rate)
    return Plane(rate, distortion, perception, {label: (x[label], y[label]) for label in x if label in y})

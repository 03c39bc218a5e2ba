"""The figures of a board: RD curves, BD-rate bars and strips, relative rate, and speed against cost.

Each is built by a function that returns a figure or, where the board holds nothing for it, None; only
:func:`write_figures` touches files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.board import Board
from bench.report.figures.bd_bars import bd_bars
from bench.report.figures.per_image import per_image
from bench.report.figures.rate_distortion import rate_distortion
from bench.report.figures.relative_rate import relative_rate
from bench.report.figures.scales import headline, metric_axes
from bench.report.figures.sheet import RateAxis, Sheet, Width
from bench.report.figures.speed import lossless_speed, speed_against_bd_rate
from bench.report.figures.style import save, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FigureOptions", "Plan", "plans", "write_figures"]


@dataclass(frozen=True)
class FigureOptions:
    """What a user may choose."""

    width: Width | None = None
    """All figures at the width of one column (3.5 in) or of two (7.2 in); by default each as suits it."""
    rate: RateAxis = "log"
    style: Path | None = None
    """A matplotlib style file instead of the one of this package."""


@dataclass(frozen=True)
class Plan:
    """A figure to make: its file name without ending, the width that suits it, and what builds it."""

    name: str
    width: Width
    build: Callable[[Sheet], Figure | None]


def plans(board: Board) -> Iterator[Plan]:
    """Every figure that a board may have, in the order of a report."""
    main = headline(board)
    yield Plan("rd", "double", lambda sheet: rate_distortion(board, main, sheet))
    yield Plan("bd_rate", "double", partial(bd_bars, board))
    yield Plan("bd_rate_per_image", "double", partial(per_image, board))
    yield Plan("relative_rate", "double", partial(relative_rate, board))
    for metric in main:
        yield Plan(f"speed_{metric.name}", "double", partial(speed_against_bd_rate, board, metric))
    yield Plan("lossless", "double", partial(lossless_speed, board))
    plain, decibel = metric_axes(board, decibel=False), metric_axes(board, decibel=True)
    for name, metric in plain.items():
        yield Plan(f"rd_{name}", "column", partial(rate_distortion, board, [metric]))
        if decibel[name] != metric:
            yield Plan(f"rd_{name}_db", "column", partial(rate_distortion, board, [decibel[name]]))


def write_figures(
    board: Board, folder: Path, prefix: str = "", options: FigureOptions | None = None
) -> list[Path]:
    """Write each figure that the board has data for as ``<prefix><name>.png``, ``.svg`` and ``.pdf``.

    The same board gives the same bytes. matplotlib's global state and the user's matplotlibrc play no part.

    Raises
    ------
    ConfigError
        The style file is absent or gives a setting a value that matplotlib refuses.
    """
    options = options or FigureOptions()
    files = []
    with styled(options.style):
        for plan in plans(board):
            figure = plan.build(Sheet(options.width or plan.width, options.rate))
            if figure is not None:
                files += save(figure, folder, prefix + plan.name)
    return files

"""The figures of a board: RD curves, BD-rates, relative rate, speed and complexity, perception, cut-outs.

Each is built by a function that returns a figure or, where the board holds nothing for it, None; only
:func:`write_figures` touches files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.report.board import Board
from bench.report.crops import Crops
from bench.report.decoder_pairs import find_twins, numbered
from bench.report.figures.bd_bars import bd_bars
from bench.report.figures.complexity import complexity
from bench.report.figures.crops import crops_figure
from bench.report.figures.drawing import FigureOptions, Plan, Target, draw
from bench.report.figures.equal_bytes import equal_bytes
from bench.report.figures.per_image import per_image
from bench.report.figures.perception import perception
from bench.report.figures.rate_distortion import rate_distortion
from bench.report.figures.relative_rate import relative_rate
from bench.report.figures.scales import axis_of, headline, metric_axes
from bench.report.figures.speed import lossless_speed, speed_against_bd_rate
from bench.report.perception import measures

__all__ = ["FigureOptions", "Plan", "plans", "warm_up", "write_figures"]


def warm_up() -> None:
    """Import what drawing needs: this module, and what writes files."""
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_pdf
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401


def plans(board: Board, crops: Sequence[Crops] = ()) -> Iterator[Plan]:
    """Every figure that a board may have, with cut-outs of its pictures, in the order of a report."""
    main = headline(board)
    pairs = find_twins(board)
    board = board.without_trials()
    yield Plan("rd", "double", partial(rate_distortion, board, main))
    yield Plan("bd_rate", "double", partial(bd_bars, board))
    yield Plan("bd_rate_per_image", "double", partial(per_image, board))
    yield Plan("relative_rate", "double", partial(relative_rate, board))
    for metric in main:
        yield Plan(f"speed_{metric.name}", "double", partial(speed_against_bd_rate, board, metric))
        yield Plan(f"complexity_{metric.name}", "double", partial(complexity, board, metric))
    yield Plan("perception", "double", partial(perception, board))
    for index, twins in enumerate(pairs):
        yield Plan(numbered("equal_bytes", index), "double", partial(equal_bytes, board, twins))
    for index, its_crops in enumerate(crops):
        yield Plan(numbered("crops", index), "double", partial(crops_figure, its_crops, board.dataset))
    yield Plan("lossless", "double", partial(lossless_speed, board))
    plain, decibel = metric_axes(board, decibel=False), metric_axes(board, decibel=True)
    for name, metric in plain.items():
        yield Plan(f"rd_{name}", "column", partial(rate_distortion, board, [metric]))
        if decibel[name] != metric:
            yield Plan(f"rd_{name}_db", "column", partial(rate_distortion, board, [decibel[name]]))
    for measure in measures(board):
        if measure.of_sets:
            axis = axis_of(measure)
            yield Plan(f"rd_{axis.name}", "column", partial(rate_distortion, board, [axis]))


def write_figures(
    board: Board,
    folder: Path,
    prefix: str = "",
    options: FigureOptions | None = None,
    crops: Sequence[Crops] = (),
) -> list[Path]:
    """Write each figure that the board has data for as ``<prefix><name>.png``, ``.svg`` and ``.pdf``.

    The same board gives the same bytes. matplotlib's global state and the user's matplotlibrc play no part.

    Raises
    ------
    ConfigError
        The style file is absent or gives a setting a value that matplotlib refuses.
    """
    target = Target(folder, prefix, options or FigureOptions())
    return [file for made in draw(list(plans(board, crops)), target).values() for file in made]

"""What stands at the ticks of logarithmic axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.ticker import Formatter, LogFormatterMathtext

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class PlainLogFormatter(Formatter):
    """Writes 100 where matplotlib's own writes mathematics, which figures here show as it is typed.

    Parameters
    ----------
    theirs : says which ticks have words at all
    """

    def __init__(self, theirs: LogFormatterMathtext) -> None:
        self._theirs = theirs

    def set_locs(self, locs: Sequence[float]) -> None:
        """Take the places of all ticks, on which it depends which have words."""
        self._theirs.set_locs(locs)

    def __call__(self, x: float, pos: int | None = None) -> str:
        """What stands at the tick ``x``, empty where nothing does."""
        return f"{x:g}" if self._theirs(x, pos) else ""


def write_plain_logarithms(figure: Figure) -> None:
    """Plain numbers at every logarithmic axis whose ticks nobody has named."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(major := axis.get_major_formatter(), LogFormatterMathtext):
                axis.set_major_formatter(PlainLogFormatter(major))
            if isinstance(minor := axis.get_minor_formatter(), LogFormatterMathtext):
                axis.set_minor_formatter(PlainLogFormatter(minor))

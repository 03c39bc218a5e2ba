"""What stands at the ticks of logarithmic axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import Formatter, Locator, LogFormatterMathtext

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_MIN_TICKS = 3


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


class FewLogTicks(Locator):
    """Ticks of a logarithmic axis that one can read, some seven at most, wherever its limits are.

    Parameters
    ----------
    usual : what the ticks are wherever enough of them are inside
    """

    def __init__(self, usual: Sequence[float] = ()) -> None:
        self._usual = usual

    def __call__(self) -> list[float]:
        """Those within the present limits."""
        assert self.axis is not None
        return self.tick_values(*sorted(self.axis.get_view_interval()))

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Those within some limits."""
        if not 0 < vmin < vmax:
            return []
        inside = [it for it in self._usual if vmin <= it <= vmax]
        return inside if len(inside) >= _MIN_TICKS else _log_ticks(vmin, vmax)


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in (
        (1,),
        (1, 3),
        (1, 2, 5),
        (1, 1.5, 2, 3, 5, 7),
        (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
    ):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [float(f"{it:.6g}") for it in ticks if low <= it <= high]
        if len(inside) > _MIN_TICKS:
            return inside
    return inside or [float(f"{(low * high) ** 0.5:.3g}")]


def write_plain_logarithms(figure: Figure) -> None:
    """Plain numbers at every logarithmic axis whose ticks nobody has named."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(major := axis.get_major_formatter(), LogFormatterMathtext):
                axis.set_major_formatter(PlainLogFormatter(major))
            if isinstance(minor := axis.get_minor_formatter(), LogFormatterMathtext):
                axis.set_minor_formatter(PlainLogFormatter(minor))

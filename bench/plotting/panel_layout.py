"""The layout of panels, for which each is measured once.

matplotlib's constrained layout places panels twice, since ticks may be others once a panel has its place, and
measures each word of each panel before both. Words seldom change, and measuring takes nearly all the time.
What stands at a place within a panel reaches out of it by more or less as that grows: such panels are
measured each time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox
from numpy.typing import NDArray


class PanelAxes(Axes):
    """Axes that remember during a layout what reaches out of them, for as long as ticks are the same."""

    _known: tuple[list[list[float]], NDArray[np.float64]] | None = None

    def forget(self) -> None:
        """Measure again: more may be drawn."""
        self._known = None

    def get_tightbbox(self, renderer: RendererBase | None = None, **options: Any) -> Bbox | None:
        """The box around axes and words, in pixels."""
        if not options.get("for_layout_only") or self._has_words_inside():
            return super().get_tightbbox(renderer, **options)
        ticks = [list(it.get_majorticklocs()) for it in (self.xaxis, self.yaxis)]
        frame = np.array(self.bbox.extents)
        if self._known is None or self._known[0] != ticks:
            box = super().get_tightbbox(renderer, **options)
            if box is None:
                return None
            self._known = ticks, box.extents - frame
        for inset in self.child_axes:  # they follow, as when they are measured
            if (locator := inset.get_axes_locator()) is not None and renderer is not None:
                inset.apply_aspect(locator(inset, renderer))
        return Bbox.from_extents(*(frame + self._known[1]))

    def _has_words_inside(self) -> bool:
        return any(
            it.get_in_layout()
            and (getattr(it, "xycoords", "") == "data" or it.get_transform().contains_branch(self.transData))
            for it in self.texts
        )


class PanelLayout(ConstrainedLayoutEngine):
    """Constrained layout of :class:`PanelAxes`."""

    def execute(self, fig: Figure) -> Any:
        """Give every panel its place."""
        try:
            return super().execute(fig)
        finally:
            for axes in fig.axes:
                if isinstance(axes, PanelAxes):
                    axes.forget()

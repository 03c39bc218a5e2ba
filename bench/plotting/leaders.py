"""Thin lines from curves to their names, for which matplotlib's arrows take ten times as long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import LineCollection
from matplotlib.transforms import IdentityTransform, Transform

from bench.rd.curve import Array


class Leaders(LineCollection):
    """Lines that lead from places in the panel to places beside it, wherever the panel comes to lie.

    Parameters
    ----------
    ends : the transform of the panel's data, and where the lines begin, shape (lines, 2)
    signs : the transform of what stands beside the panel, and the heights of it, shape (lines,), at x = 1
    colours : of each line
    """

    def __init__(
        self, ends: tuple[Transform, Array], signs: tuple[Transform, Array], colours: Sequence[str]
    ) -> None:
        super().__init__(
            [],
            transform=IdentityTransform(),
            colors=colours,
            linewidths=0.4,
            alpha=0.6,
            zorder=3,
            clip_on=False,
        )
        self._of_data, self.starts = ends
        self._of_signs, self._heights = signs
        self.set_in_layout(False)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the lines where they are now."""
        signs = np.column_stack((np.ones_like(self._heights), self._heights))
        ends = self._of_data.transform(self.starts), self._of_signs.transform(signs)
        self.set_segments(np.stack(ends, axis=1))
        super().draw(renderer)

"""A figure drawn once for all its files: what is drawn as PNG is recorded, and given to PDF and SVG.

Most of drawing is the same whatever the file: ticks, places of words, outlines. matplotlib does it anew for
each one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D, Bbox

Call: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any]]

_TRANSFORMS = {
    "draw_path": (2,),
    "draw_markers": (2, 4),
    "draw_path_collection": (1, 5),
    "draw_text": (),
}
"""What can be recorded, and which arguments of it are affine transforms into pixels."""
_GROUPS = ("open_group", "close_group")


class _Recorder:
    """Passes everything on to a renderer, and keeps what is drawn."""

    def __init__(self, renderer: RendererAgg) -> None:
        self._renderer = renderer
        self.calls: list[Call] = []
        self.complete = True

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._renderer, name)
        if name in _TRANSFORMS:
            return partial(self._drawn, name, method)
        if name in _GROUPS:
            return partial(self._grouped, name, method)
        if name.startswith(("draw_", "start_", "stop_")):
            self.complete = False
        return method

    def _drawn(
        self, name: str, method: Callable[..., None], gc: GraphicsContextBase, *args: Any, **named: Any
    ) -> None:
        kept = GraphicsContextBase()
        kept.copy_properties(gc)
        its = [kept, *args]
        for place in _TRANSFORMS[name]:
            its[place] = its[place].get_matrix().copy()
        self.complete &= kept.get_clip_path()[0] is None
        self.calls.append((name, tuple(its), named))
        method(gc, *args, **named)

    def _grouped(self, name: str, method: Callable[..., None], *args: Any, **named: Any) -> None:
        self.calls.append((name, args, named))
        method(*args, **named)


class RecordingCanvas(FigureCanvasAgg):  # type: ignore[misc]
    """Draws a figure's PNG, and can then say what was drawn."""

    _recorder: _Recorder | None = None

    def get_renderer(self) -> Any:
        """The recorder around the renderer."""
        if self._recorder is None:
            self._recorder = _Recorder(super().get_renderer())
        return self._recorder

    def recorded(self) -> Figure | None:
        """A figure that draws the same; None where there was something that depends on the kind of file."""
        found = self._recorder
        return _Recorded(self.figure, found.calls) if found is not None and found.complete else None


class _Recorded(Figure):
    """Draws by saying again what was said to another renderer, in points instead of pixels."""

    def __init__(self, figure: Figure, calls: list[Call]) -> None:
        super().__init__(figsize=(figure.get_figwidth(), figure.get_figheight()), dpi=figure.dpi)
        self.set_layout_engine("none")
        self._scale = 72.0 / figure.dpi
        self._calls = calls

    def draw(self, renderer: RendererBase) -> None:
        """Draw with a renderer of 72 points an inch."""
        points = np.diag([self._scale, self._scale, 1.0])
        clips: dict[int, Bbox] = {}
        height, flipped = self.get_figheight() * 72.0, renderer.flipy()
        for name, args, named in self._calls:
            its = list(args)
            if name in _TRANSFORMS:
                its[0] = self._state(args[0], renderer, clips)
                for place in _TRANSFORMS[name]:
                    its[place] = Affine2D(points @ args[place])
            if name == "draw_text":
                its[1], its[2] = args[1] * self._scale, args[2] * self._scale
                its[2] = its[2] if flipped else height - its[2]
            getattr(renderer, name)(*its, **named)

    def _state(
        self, kept: GraphicsContextBase, renderer: RendererBase, clips: dict[int, Bbox]
    ) -> GraphicsContextBase:
        state = renderer.new_gc()
        state.copy_properties(kept)
        clip = kept.get_clip_rectangle()
        if clip is not None:
            # The very same object again where it was the same: files begin a group for each other one.
            if id(clip) not in clips:
                clips[id(clip)] = Bbox(clip.get_points() * self._scale)
            state.set_clip_rectangle(clips[id(clip)])
        return state

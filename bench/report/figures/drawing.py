"""Figures made to files, by this process and, at the same time, by a helper."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from bench.host.helper_process import Helper, HelperLost
from bench.plotting.canvas import RateAxis, Sheet, Width
from bench.plotting.style import save, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Files: TypeAlias = dict[str, list[Path]]
"""What was written, by the name of the figure."""


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
    """Can be pickled."""


@dataclass(frozen=True)
class Target:
    """Where figures go, and how they are to look."""

    folder: Path
    prefix: str = ""
    options: FigureOptions = FigureOptions()


def draw(plans: Sequence[Plan], target: Target, claims: Path | None = None) -> Files:
    """Write the figures that have something to show, in the order given.

    With a folder for ``claims``, only those are made that no other process has claimed there.

    Raises
    ------
    ConfigError
        The style file is absent or gives a setting a value that matplotlib refuses.
    """
    files = {}
    with styled(target.options.style):
        for plan in plans:
            if claims is None or _claim(claims / plan.name):
                figure = plan.build(Sheet(target.options.width or plan.width, target.options.rate))
                made = [] if figure is None else save(figure, target.folder, target.prefix + plan.name)
                files[plan.name] = made
    return files


class Drawing:
    """Figures that a helper begins to draw, the first one first, while this process does something else.

    :meth:`finish` takes part, from the last one on. The files are those of :func:`draw`.
    """

    def __init__(self, plans: Sequence[Plan], target: Target, helper: Helper | None) -> None:
        self._plans = plans
        self._target = target
        self._helper = helper
        self._theirs: Future[Files] | None = None

    def __enter__(self) -> Self:
        self._claims = tempfile.TemporaryDirectory(prefix="rdbench-")
        if self._helper is not None:
            folder = Path(self._claims.name)
            self._theirs = self._helper.submit(draw, self._plans, self._target, folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._claims.cleanup()

    def finish(self) -> list[Path]:
        """Every file, in the order of the plans; errors as of :func:`draw`."""
        files = draw(self._plans[::-1], self._target, Path(self._claims.name))
        if self._theirs is not None:
            try:
                files |= self._theirs.result()
            except HelperLost:
                files |= draw([it for it in self._plans if it.name not in files], self._target)
        return [file for plan in self._plans for file in files[plan.name]]


def _claim(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True

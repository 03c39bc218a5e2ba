"""What a run shows while it goes on in a notebook: a bar that is redrawn in place, and remarks below."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

from bench.runs.options import Events
from bench.text.plain import printable
from bench.trials.measurement import Measurement

_INTERVAL = 0.2
"""Seconds between two drawings."""
_MOST_LINES = 20


def in_notebook() -> bool:
    """Whether the code runs in a kernel whose front end shows HTML."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def notebook_events() -> Events:
    """Events of a run that draw its progress below the cell."""
    bar = _Bar()
    return Events(bar.note, bar.started, bar.measured, bar.fetching)


class _Bar:
    def __init__(self) -> None:
        self._display: Any = None
        self._lines: list[str] = []
        self._doing = ""
        self._total = self._done = self._failed = 0
        self._begun = self._drawn = 0.0

    def note(self, text: str) -> None:
        self._lines.append(text)
        self._draw()

    def started(self, pending: int, planned: int) -> None:
        self._total, self._begun = pending, time.monotonic()
        self._doing = f"{planned} trials planned, {planned - pending} done before"
        self._draw()

    def fetching(self, name: str, done: int, total: int) -> None:
        self._doing = f"downloading {name} ({done + 1} of {total})" if name else ""
        self._draw()

    def measured(self, label: str, measurement: Measurement) -> None:
        self._done += 1
        if measurement.status != "ok":
            self._failed += 1
            self._lines.append(f"{label} on {measurement.image}: {measurement.status}, {measurement.failure}")
        if self._done == self._total or time.monotonic() - self._drawn >= _INTERVAL:
            left = (time.monotonic() - self._begun) / self._done * (self._total - self._done)
            self._doing = f"{self._done} of {self._total} trials" + (f", {left:.0f} s left" if left else "")
            self._draw()

    def _draw(self) -> None:
        from IPython.display import HTML, display

        self._drawn = time.monotonic()
        bar = f'<progress value="{self._done}" max="{self._total}"></progress> ' if self._total else ""
        failed = f", {self._failed} failed" if self._failed else ""
        lines = [f"{self._doing}{failed}", *self._lines[:_MOST_LINES]]
        if len(self._lines) > _MOST_LINES:
            lines.append(f"and {len(self._lines) - _MOST_LINES} more remarks")
        shown = HTML(bar + "<br>".join(escape(printable(it)) for it in lines))
        if self._display is None:
            self._display = display(shown, display_id=True)
        else:
            self._display.update(shown)

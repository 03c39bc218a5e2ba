"""The progress of a run: a live display on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bench.cli.console import console, note
from bench.runs.options import Events
from bench.text.escape import terminal
from bench.text.plain import printable
from bench.trials.measurement import Measurement

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bench.engines.engine import Machine

_PLAIN_INTERVAL = 10.0
_FAILURES_SHOWN = 10
_MACHINES_SHOWN = 8
_NAME = 40
"""Characters of a machine's name in the live display."""
_REFRESHES = 4
"""Of the live display, in a second."""
_WINDOW = 60.0
"""Seconds over which a rate is taken, or longer where few results came in."""
_FEW = 10
_STEP = 1.0
_LAG = 2.0
"""Seconds for which counts of machines, which come now and then, pass for those of this moment."""


class Rate:
    """How fast a count grows: over the last minute, or as long as it took to grow by ten.

    Over all of a run it would not show a machine that joined an hour ago, or one that got stuck.

    Parameters
    ----------
    start : when the count was 0, in seconds of the monotonic clock
    """

    def __init__(self, start: float) -> None:
        self._seen = deque([(start, 0)])
        self._count = 0

    def reach(self, count: int, now: float) -> None:
        """The count is so much now; less than before starts again."""
        if count < self._count:
            self._seen = deque([(now, count)])
        self._count = count
        if now - self._seen[-1][0] >= _STEP:
            self._seen.append((now, count))
        while len(self._seen) > 1 and now - self._seen[1][0] >= _WINDOW and count - self._seen[1][1] >= _FEW:
            self._seen.popleft()

    def at(self, now: float) -> float:
        """A second."""
        start, count = self._seen[0]
        return (self._count - count) / max(now - start, 1e-9)


@dataclass(frozen=True)
class _Host:
    """What is shown of a machine; the workers of one host are one."""

    jobs: int
    finished: int
    rate: Rate


class Progress:
    """Shows trials done, rate, time left and failures, and of each of several machines jobs and rate.

    Parameters
    ----------
    bar : whether a terminal shows a bar, which is drawn again and again, rather than plain lines
    """

    def __init__(self, *, bar: bool = True) -> None:
        self._terminal = bar and sys.stderr.isatty()
        self._total = 0
        self._done = 0
        self._failures = 0
        self._last_line = self._last_look = time.monotonic()
        self._rate = Rate(self._last_line)
        self._hosts: Mapping[str, _Host] = {}
        self._live: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def events(self) -> Events:
        """What a run is to call."""
        return Events(note, self.started, self.measured, self.fetching, self.machines)

    def fetching(self, name: str, done: int, total: int) -> None:
        """Called before a file of a data set is downloaded; ``name`` is empty when all are."""
        if name and (self._terminal or done % 20 == 0):
            note(f"downloading {name} ({done + 1} of {total})")

    def started(self, pending: int, planned: int) -> None:
        """Called before the ``pending`` trials of the ``planned`` ones are run."""
        self._total = pending
        self._last_line = self._last_look = time.monotonic()
        self._rate = Rate(self._last_line)
        done = planned - pending
        note(f"{planned} trials planned, {done} done before, {pending} to run")
        if not self._terminal or not pending:
            return
        from rich.live import Live

        self._live = Live(
            get_renderable=self._drawn, console=console(stderr=True), refresh_per_second=_REFRESHES
        )
        self._live.start()

    def machines(self, machines: Sequence[Machine]) -> None:
        """Called now and then with all machines that work; one without a name at its own is not shown."""
        now = time.monotonic()
        hosts: dict[str, _Host] = {}
        for machine in machines if len(machines) > 1 or any(it.name for it in machines) else ():
            name = printable(machine.name) or "this machine"
            before = hosts.get(name) or _Host(0, 0, self._rate_of(name))
            hosts[name] = _Host(before.jobs + machine.jobs, before.finished + machine.finished, before.rate)
        for host in hosts.values():
            host.rate.reach(host.finished, now)
        self._hosts = hosts
        self._last_look = now

    def measured(self, label: str, measurement: Measurement) -> None:
        """Called after each trial, with the label of its configuration."""
        self._done += 1
        if measurement.status != "ok":
            self._failures += 1
            if self._failures <= _FAILURES_SHOWN:
                reason = f"{measurement.status}, {_first_line(str(measurement.failure))}"
                self._say(f"{label} on {measurement.image}{_at(measurement)}: {reason}")
            elif self._failures == _FAILURES_SHOWN + 1:
                self._say("further failures are counted, and listed in the report")
        now = time.monotonic()
        self._rate.reach(self._done, now)
        if self._live is None and (now - self._last_line >= _PLAIN_INTERVAL or self._done == self._total):
            self._last_line = now
            note(f"{self._done}/{self._total} trials, {', '.join(filter(None, self._figures(now)))}")
            if self._hosts:
                machines = (f"{name} {' '.join(cells)}" for name, *cells in self._rows(now))
                note(f"machines: {', '.join(machines)}")

    def _rate_of(self, name: str) -> Rate:
        known = self._hosts.get(name)
        return Rate(self._last_look) if known is None else known.rate

    def _say(self, text: str) -> None:
        if self._live is not None:
            self._live.console.print(terminal(text), style="red", markup=False)
        else:
            note(text)

    def _figures(self, now: float) -> tuple[str, str, str]:
        """Rate, time left and failures."""
        rate = self._rate.at(now)
        left = f"{_duration((self._total - self._done) / rate)} left" if rate else ""
        return _per_time(rate), left, f"{self._failures} failed" if self._failures else ""

    def _rows(self, now: float) -> list[tuple[str, ...]]:
        """Name, trials at a time and rate of the first machines, and of all others together."""
        hosts = list(self._hosts.items())
        now = max(self._last_look, now - _LAG)
        rows = [_row(name, [host], now) for name, host in hosts[:_MACHINES_SHOWN]]
        if others := [host for _, host in hosts[_MACHINES_SHOWN:]]:
            rows.append(_row(f"and {len(others)} more", others, now))
        return rows

    def _drawn(self) -> RenderableType:
        """The live display."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        rate, left, failures = self._figures(now)
        bar = Table.grid(padding=(0, 1), expand=True)
        for width in (None, 1, None, None, None, None):
            bar.add_column(ratio=width, no_wrap=True)
        done = f"{self._done}/{self._total}"
        bar.add_row(
            "measuring", ProgressBar(self._total, self._done), done, rate, left, Text(failures, style="red")
        )
        machines = Table.grid(padding=(0, 2))
        for justify in ("left", "right", "right"):
            machines.add_column(justify=justify, no_wrap=True, overflow="ellipsis")
        for name, *cells in self._rows(now):
            machines.add_row(Text(f"  {name[:_NAME]}"), *cells)
        return Group(bar, machines) if self._hosts else bar


def _row(name: str, hosts: Sequence[_Host], now: float) -> tuple[str, ...]:
    jobs, rate = sum(it.jobs for it in hosts), sum(it.rate.at(now) for it in hosts)
    return name, f"{jobs} at a time", _per_time(rate)


def _per_time(rate: float) -> str:
    """A rate in the unit in which it has digits before the point."""
    for unit, seconds in (("s", 1), ("min", 60)):
        if rate * seconds >= 1 or not rate:
            return f"{rate * seconds:.1f}/{unit}"
    return f"{3600 * rate:.1f}/h"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _at(measurement: Measurement) -> str:
    return "" if measurement.quality is None else f" at quality {measurement.quality:g}"


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""

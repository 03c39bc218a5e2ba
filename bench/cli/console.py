"""What the terminal shows: a progress bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bench.tables.table import Table, to_csv, to_json, to_latex, to_markdown, to_text
from bench.tables.terminal import lay_out, wrapped
from bench.text.escape import terminal
from bench.trials.measurement import Measurement

if TYPE_CHECKING:
    from rich.console import Console

_PLAIN_INTERVAL = 10.0
_FAILURES_SHOWN = 10


def console(*, stderr: bool = False) -> Console:
    """A rich console that neither colours nor wraps piped output."""
    from rich.console import Console

    class Passing(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to the command line: rich would exit with the code of a regression."""
            raise BrokenPipeError

    stream = sys.stderr if stderr else sys.stdout
    return Passing(stderr=stderr, highlight=False, soft_wrap=not stream.isatty())


def note(text: str) -> None:
    """Print a remark to standard error, apart from results."""
    print(f"rdbench: {terminal(text)}", file=sys.stderr, flush=True)


def print_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric_from: int = 1,
    dispensable: Sequence[str] = (),
) -> None:
    """Print a table that fits the terminal.

    Parameters
    ----------
    headers, rows : the cells, as text
    numeric_from : index of the first column that is aligned to the right
    dispensable : headers of the columns that are left out first if the terminal is too narrow
    """
    from rich.text import Text

    table = lay_out(headers, list(rows), numeric_from, width(), dispensable)
    out = console()
    for lines, style in ((table.above, ""), (table.header, "bold"), (table.body, ""), (table.below, "")):
        for line in lines:
            out.print(Text(line, style), soft_wrap=True)


def print_result(table: Table) -> None:
    """Print a table's title and those of its columns that are for the terminal."""
    shown = [index for index, column in enumerate(table.columns) if column.in_terminal]
    print(f"{table.title}\n")
    print_table(
        [table.columns[index].title for index in shown],
        [[cells[index] for index in shown] for cells in table.text()],
        numeric_from=sum(index < table.names for index in shown),
        dispensable=table.dispensable,
    )


TABLE_FORMATS: dict[str, Callable[[Table], str]] = {
    "text": lambda table: to_text(table, width()),
    "markdown": to_markdown,
    "latex": to_latex,
    "json": to_json,
    "csv": to_csv,
}
"""The forms in which a command prints a table."""


def print_text(text: str) -> None:
    """Print a remark to standard output, wrapped at spaces; indented lines are commands."""
    for line in text.splitlines():
        for part in [line] if line.startswith(" ") else wrapped(line, width(), "  "):
            print(terminal(part))


def width() -> int | None:
    """Columns of the terminal, or the value of ``COLUMNS``; None in a pipe, where any length will do."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return shutil.get_terminal_size().columns
    return None


class Progress:
    """Shows the progress of a run: trials done, rate, time left, failures.

    Parameters
    ----------
    bar : whether a terminal shows a bar, which is drawn again and again, rather than plain lines
    """

    def __init__(self, *, bar: bool = True) -> None:
        self._terminal = bar and sys.stderr.isatty()
        self._total = 0
        self._done = 0
        self._failures = 0
        self._started = time.monotonic()
        self._last_line = self._started
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def fetching(self, name: str, done: int, total: int) -> None:
        """Called before a file of a data set is downloaded; ``name`` is empty when all are."""
        if name and (self._terminal or done % 20 == 0):
            note(f"downloading {name} ({done + 1} of {total})")

    def started(self, pending: int, planned: int) -> None:
        """Called before the ``pending`` trials of the ``planned`` ones are run."""
        self._total = pending
        self._started = self._last_line = time.monotonic()
        done = planned - pending
        note(f"{planned} trials planned, {done} done before, {pending} to run")
        if not self._terminal or not pending:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("[red]{task.fields[failures]}"),
            console=console(stderr=True),
        )
        self._task = self._bar.add_task("measuring", total=pending, rate="", failures="")
        self._bar.start()

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
        rate = self._done / max(now - self._started, 1e-9)
        if self._bar is not None:
            failures = f"{self._failures} failed" if self._failures else ""
            self._bar.update(self._task, completed=self._done, rate=f"{rate:.1f}/s", failures=failures)
        elif now - self._last_line >= _PLAIN_INTERVAL or self._done == self._total:
            self._last_line = now
            left = (self._total - self._done) / rate
            failures = f", {self._failures} failed" if self._failures else ""
            note(f"{self._done}/{self._total} trials, {rate:.1f}/s, {left:.0f} s left{failures}")

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(terminal(text), style="red", markup=False)
        else:
            note(text)


def _at(measurement: Measurement) -> str:
    return "" if measurement.quality is None else f" at quality {measurement.quality:g}"


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""

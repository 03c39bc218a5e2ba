"""What commands print: remarks to standard error, results to standard output."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from bench.tables.table import Table, to_csv, to_json, to_latex, to_markdown, to_text
from bench.tables.terminal import lay_out, wrapped
from bench.text.escape import terminal

if TYPE_CHECKING:
    from rich.console import Console


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

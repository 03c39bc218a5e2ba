"""``rdbench compare``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from bench.cli import console
from bench.cli.arguments import one_of
from bench.cli.console import TABLE_FORMATS
from bench.comparing.comparison import BdRow, compare_selectors
from bench.comparing.matrix import bd_matrix
from bench.comparing.text import Format, divided_texts, format_rows
from bench.errors import ConfigError
from bench.rd import AVERAGES, METHODS, Average, Method
from bench.runs.frame import load
from bench.tables.matrix import Intervals


@dataclass(frozen=True)
class TableLayout:
    """How the table is to look, as the command line says it."""

    format: str
    columns: str | None
    intervals: bool
    mean_curve: bool
    names: tuple[str, ...]

    @property
    def is_matrix(self) -> bool:
        """Whether codecs are rows and metrics columns, rather than a row for each comparison."""
        return self.columns is not None or self.format == "latex"

    @property
    def metrics(self) -> list[str] | None:
        """The columns that are asked for."""
        return [it.strip() for it in (self.columns or "").split(",") if it.strip()] or None

    def verify(self) -> None:
        """Refuse what has no meaning.

        Raises
        ------
        ConfigError
            A format is unknown, a name is no ``LABEL=NAME``, or an option is of the other layout.
        """
        one_of("--format", self.format, tuple(TABLE_FORMATS))
        for text in self.names:
            if not all(text.partition("=")[::2]):
                raise ConfigError(f"--name {text!r}: expected LABEL=NAME")
        named = (self.columns or "").split(",")
        if self.columns is not None and self.metrics is None:
            raise ConfigError("--columns names no metric; leave it out for a row for each comparison")
        if twice := [it for it in self.metrics or () if [*map(str.strip, named)].count(it) > 1]:
            raise ConfigError(f"--columns names {twice[0]} twice")
        if not self.is_matrix and (self.intervals or self.mean_curve):
            option = "--intervals" if self.intervals else "--mean-curve"
            raise ConfigError(f"{option} is for a table of --columns METRIC,… or --format latex")


def compare(
    anchor: str,
    tests: Sequence[str],
    method: str,
    metrics: Sequence[str] | None,
    average: str,
    layout: TableLayout,
) -> None:
    """Print a table of BD-rates."""
    layout.verify()
    if metrics and layout.metrics:
        raise ConfigError("--metric and --columns both name metrics: give one of them")
    how = cast(Method, one_of("--method", method, METHODS))
    averaged = cast(Average, one_of("--average", average, AVERAGES))
    metrics = layout.metrics or metrics
    names = dict(text.split("=", 1) for text in layout.names)
    rows = compare_selectors(anchor, tests, load, how, metrics, averaged, names)
    if layout.is_matrix:
        _print_matrix(rows, metrics or (), names, layout)
    else:
        _print_rows(rows, cast(Format, layout.format))


def _print_matrix(
    rows: Sequence[BdRow], metrics: Sequence[str], names: dict[str, str], layout: TableLayout
) -> None:
    data = layout.format in ("csv", "json")
    table = bd_matrix(
        rows,
        metrics=metrics,
        mean_curve=layout.mean_curve,
        intervals=Intervals(layout.intervals, numbers=data),
        names=names,
    )
    print(TABLE_FORMATS[layout.format](table), end="")
    if layout.format == "csv":
        for (row, index), text in sorted(table.remarks.items()):
            console.note(f"{table.rows[row][0]}, {table.columns[index].heading}: {text}")


def _print_rows(rows: Sequence[BdRow], form: Format) -> None:
    print(format_rows(rows, form, console.width()), end="")
    if form == "json":
        # The documented keys have no room for remarks.
        for row in rows:
            if row.note:
                console.note(f"{row.test} against {row.anchor}, {row.metric}: {row.note}")
        for text in divided_texts(rows):
            console.note(text)

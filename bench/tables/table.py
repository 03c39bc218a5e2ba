"""A table as data, and its forms: CSV, Markdown, LaTeX (booktabs) and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.files.access import write_atomically
from bench.text.escape import comment, csv_cell, latex, markdown

Value = str | float | int | None

Better = Literal["high", "low"]


@dataclass(frozen=True)
class Column:
    """One column: its key in data formats, its title in print, and how its numbers are written."""

    key: str
    title: str
    digits: int | None = None
    """Decimals of a number; None for text and whole numbers."""
    better: Better | None = None
    """Which end is best: the best value is set in bold, the second is underlined."""
    signed: bool = False
    in_terminal: bool = True
    """Whether it is printed on the terminal too; files have all columns."""


@dataclass(frozen=True)
class Table:
    """A titled table with notes that say how to read it."""

    name: str
    """File name without ending."""
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[str, ...] = ()
    unranked: frozenset[int] = frozenset()
    """Rows whose values compete with no others."""
    names: int = 1
    """How many columns from the left name a row."""
    dispensable: tuple[str, ...] = ()
    """Titles of columns that give way first where there is little room."""

    def cell(self, column: Column, value: Value) -> str:
        """A value as printed: a dash where there is none."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "–"
        if isinstance(value, str):
            return value
        sign = "+" if column.signed else ""
        text = f"{value:{sign}.{column.digits}f}" if column.digits is not None else f"{value:{sign}g}"
        return text.replace("-", "−")

    def by_label(self, key: str) -> dict[str, Value]:
        """The values of a column by those of the column ``label``."""
        at = {column.key: index for index, column in enumerate(self.columns)}
        return {str(row[at["label"]]): row[at[key]] for row in self.rows}

    def text(self) -> list[list[str]]:
        """All cells as printed."""
        return [
            [self.cell(column, value) for column, value in zip(self.columns, row, strict=True)]
            for row in self.rows
        ]

    def ranks(self) -> list[list[int]]:
        """For each cell 1 (best of its column), 2 (second) or 0; equal values share a rank."""
        result = [[0] * len(self.columns) for _ in self.rows]
        for index, column in enumerate(self.columns):
            if column.better is None:
                continue
            printed: dict[int, float] = {}
            for place, row in enumerate(self.rows):
                text = self.cell(column, row[index])
                if place not in self.unranked and isinstance(row[index], int | float) and text != "–":
                    printed[place] = float(text.replace("−", "-"))
            best = sorted(set(printed.values()), reverse=column.better == "high")[:2]
            for place, value in printed.items():
                if value in best:
                    result[place][index] = 1 + best.index(value)
        return result


def to_csv(table: Table) -> str:
    """Comma-separated values with full precision, keys as the header."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    for row in table.rows:
        writer.writerow(["" if value is None or value != value else csv_cell(value) for value in row])
    return buffer.getvalue()


def to_json(table: Table) -> str:
    """An object with title, notes and one object for each row, full precision, null for no finite value."""
    rows: list[dict[str, Any]] = [
        {
            column.key: None if isinstance(value, float) and not math.isfinite(value) else value
            for column, value in zip(table.columns, row, strict=True)
        }
        for row in table.rows
    ]
    return (
        json.dumps({"title": table.title, "notes": table.notes, "rows": rows}, indent=1, ensure_ascii=False)
        + "\n"
    )


def to_markdown(table: Table) -> str:
    """A GitHub table, best value in bold, second underlined."""
    marks: tuple[Callable[[str], str], ...] = (str, "**{}**".format, "<u>{}</u>".format)
    lines = [f"### {markdown(table.title)}", ""]
    lines.append("| " + " | ".join(markdown(it.title) for it in table.columns) + " |")
    lines.append(
        "|"
        + "|".join(" ---: " if _is_numeric(table, i) else " --- " for i in range(len(table.columns)))
        + "|"
    )
    for cells, ranks in zip(table.text(), table.ranks(), strict=True):
        lines.append(
            "| "
            + " | ".join(marks[rank](markdown(cell)) for cell, rank in zip(cells, ranks, strict=True))
            + " |"
        )
    lines += ["", *(f"{markdown(note)}  " for note in table.notes)]
    return "\n".join(lines).rstrip() + "\n"


def to_latex(table: Table) -> str:
    r"""A ``tabular`` with booktabs rules (``\usepackage{booktabs}``); best in bold, second underlined."""
    marks: tuple[Callable[[str], str], ...] = (str, r"\textbf{{{}}}".format, r"\underline{{{}}}".format)
    alignment = "".join("r" if _is_numeric(table, i) else "l" for i in range(len(table.columns)))
    lines = [
        f"% {comment(table.title)}",
        *(f"% {comment(note)}" for note in table.notes),
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
    ]
    lines.append(" & ".join(latex(it.title) for it in table.columns) + r" \\")
    lines.append(r"\midrule")
    for cells, ranks in zip(table.text(), table.ranks(), strict=True):
        lines.append(
            " & ".join(marks[rank](latex(cell)) for cell, rank in zip(cells, ranks, strict=True)) + r" \\"
        )
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


WRITERS: dict[str, Callable[[Table], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
    "json": to_json,
}
"""The forms of a table by file ending."""


def write_tables(tables: Sequence[Table], folder: Path, prefix: str = "") -> list[Path]:
    """Write each table in every form; the files, table by table.

    Parameters
    ----------
    tables : with names that are file names
    folder : made where it is missing
    prefix : what file names begin with

    Raises
    ------
    StoreError
        It cannot be written there.
    """
    forms = [
        (folder / f"{prefix}{table.name}.{ending}", write(table))
        for table in tables
        for ending, write in WRITERS.items()
    ]
    for path, text in forms:
        write_atomically(path, text.encode())
    return [path for path, _ in forms]


def _is_numeric(table: Table, index: int) -> bool:
    column = table.columns[index]
    return column.digits is not None or any(isinstance(row[index], int | float) for row in table.rows)

"""A table as data, and its forms: text, CSV, Markdown, LaTeX (booktabs) and JSON."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.files.access import write_atomically
from bench.tables.terminal import lay_out, wrapped
from bench.text.escape import comment, csv_cell, latex, markdown

Value = str | float | int | None

Better = Literal["high", "low"]

_RAISED = str.maketrans("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")


def _letters() -> Iterator[str]:
    """a to z, then aa, ab, …; without q, which has no raised form in plain text."""
    alphabet = "abcdefghijklmnoprstuvwxyz"
    for length in itertools.count(1):
        yield from map("".join, itertools.product(alphabet, repeat=length))


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
    group: str = ""
    """What it and its neighbours of the same group are about."""

    @property
    def heading(self) -> str:
        """The title where there is one line of them, with the group in it."""
        return f"{self.group} {self.title}".strip()

    def printed(self, values: Iterable[Value]) -> list[str]:
        """Values as printed: a dash where there is none."""
        sign = "+" if self.signed else ""
        fixed = None if self.digits is None else f"{sign}.{self.digits}f"
        whole, other = fixed or f"{sign}d", fixed or f"{sign}g"

        def one(value: Value) -> str:
            if isinstance(value, str):
                return value
            if value is None or value != value:
                return "–"
            return format(value, whole if isinstance(value, int) else other).replace("-", "−")

        return list(map(one, values))


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
    remarks: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """What has to be known of single cells, by row and column: notes below, which the cells point to."""
    unranked_cells: frozenset[tuple[int, int]] = frozenset()
    """Row and column of values that compete with no others."""
    is_long: bool = False
    """Whether a page links it rather than shows it."""

    def letters(self) -> dict[str, str]:
        """The letter of each remark, in the order in which a reader meets them."""
        remarks = dict.fromkeys(text for _, text in sorted(self.remarks.items()))
        return dict(zip(remarks, _letters(), strict=False))

    def pointers(self, pointer: Callable[[str], str]) -> list[list[str]]:
        """What stands behind each cell: ``pointer`` of the letter of its remark, or nothing."""
        letters = self.letters()
        result = [[""] * len(self.columns) for _ in self.rows]
        for (row, index), remark in self.remarks.items():
            result[row][index] = pointer(letters[remark])
        return result

    def by_label(self, key: str) -> dict[str, Value]:
        """The values of a column by those of the column ``label``."""
        at = {column.key: index for index, column in enumerate(self.columns)}
        return {str(row[at["label"]]): row[at[key]] for row in self.rows}

    @cached_property
    def printed(self) -> list[list[str]]:
        """All cells as printed, column by column."""
        return [column.printed(row[index] for row in self.rows) for index, column in enumerate(self.columns)]

    def text(self) -> list[list[str]]:
        """All cells as printed."""
        return list(map(list, zip(*self.printed, strict=True)))

    def ranks(self) -> list[list[int]]:
        """For each cell 1 (best of its column), 2 (second) or 0; a lone value has 0."""
        result = [[0] * len(self.columns) for _ in self.rows]
        for index, column in enumerate(self.columns):
            if column.better is None:
                continue
            printed: dict[int, float] = {}
            for place, row in enumerate(self.rows):
                text = self.printed[index][place]
                competes = place not in self.unranked and (place, index) not in self.unranked_cells
                if competes and isinstance(row[index], int | float) and text != "–":
                    printed[place] = float(text.replace("−", "-"))
            if len(printed) < 2:
                continue
            best = sorted(set(printed.values()), reverse=column.better == "high")[:2]
            for place, value in printed.items():
                if value in best:
                    result[place][index] = 1 + best.index(value)
        return result


def to_csv(table: Table) -> str:
    """Comma-separated values with full precision, keys as the header."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([csv_cell(column.key) for column in table.columns])
    for row in table.rows:
        writer.writerow(["" if value is None or value != value else csv_cell(value) for value in row])
    return buffer.getvalue()


def to_json(table: Table) -> str:
    """An object with title, notes and one object for each row, full precision, null for no finite value."""
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in table.rows]
    document: dict[str, Any] = {"title": table.title, "notes": table.notes, "rows": rows}
    if table.remarks:
        document["remarks"] = [
            {"row": row, "column": table.columns[index].key, "text": text}
            for (row, index), text in sorted(table.remarks.items())
        ]
    # NaN and infinities become null; numpy's numbers are foreign to the encoder
    encoded = msgspec.json.encode(document, enc_hook=lambda number: number.item())
    return msgspec.json.format(encoded, indent=1).decode() + "\n"


def to_text(table: Table, width: int | None = None) -> str:
    """Plain text with the title above and the notes below.

    Parameters
    ----------
    width : columns of the terminal; None for no limit
    """
    cells = _with_pointers(table, str, lambda letter: letter.translate(_RAISED))
    shown = [index for index, it in enumerate(table.columns) if it.in_terminal]
    titles = [table.columns[index].heading for index in shown]
    rows = [[row[index] for index in shown] for row in cells]
    names = sum(index < table.names for index in shown)
    lines = lay_out(titles, rows, names, width, table.dispensable).all
    notes = [f"{letter.translate(_RAISED)} {text}" for text, letter in table.letters().items()]
    below = [line for text in (*notes, *table.notes) for line in wrapped(text, width, "  ")]
    return "\n".join([*wrapped(table.title, width), "", *lines, "", *below]).rstrip() + "\n"


def to_markdown(table: Table) -> str:
    """A GitHub table, best value in bold, second underlined."""
    marks: tuple[Callable[[str], str], ...] = (str, "**{}**".format, "<u>{}</u>".format)
    lines = [f"### {markdown(table.title)}", ""]
    lines.append("| " + " | ".join(markdown(it.heading) for it in table.columns) + " |")
    lines.append(
        "|"
        + "|".join(" ---: " if _is_numeric(table, i) else " --- " for i in range(len(table.columns)))
        + "|"
    )
    cells = _with_pointers(table, markdown, "<sup>{}</sup>".format, marks)
    lines += ["| " + " | ".join(row) + " |" for row in cells]
    notes = [f"<sup>{letter}</sup> {markdown(text)}  " for text, letter in table.letters().items()]
    lines += ["", *notes, *(f"{markdown(note)}  " for note in table.notes)]
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
    lines += _group_lines(table)
    lines.append(_latex_row(latex(it.title) for it in table.columns))
    lines.append(r"\midrule")
    lines += map(_latex_row, _with_pointers(table, latex, r"\rlap{{\textsuperscript{{{}}}}}".format, marks))
    lines += [r"\bottomrule", r"\end{tabular}"]
    notes = [rf"\textsuperscript{{{letter}}}\,{latex(text)}" for text, letter in table.letters().items()]
    if notes:
        lines += [r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize\centering"]
        lines += [*(f"{it}\\par" for it in notes), r"\end{minipage}"]
    return "\n".join(lines) + "\n"


def _group_lines(table: Table) -> Iterator[str]:
    """The upper of two lines of titles: groups over their columns, each with a rule below."""
    if not any(it.group for it in table.columns):
        return
    titles, rules = [], []
    first = 1
    for group, its in itertools.groupby(table.columns, lambda it: it.group):
        count = len([*its])
        titles += [rf"\multicolumn{{{count}}}{{c}}{{{latex(group)}}}"] if group else [""] * count
        rules += [rf"\cmidrule(lr){{{first}-{first + count - 1}}}"] if group else []
        first += count
    yield _latex_row(titles)
    yield " ".join(rules)


def _latex_row(cells: Iterable[str]) -> str:
    row = " & ".join(cells) + r" \\"
    # which the command before the row would take for its argument, or its star
    return "{}" + row if row.startswith(("[", "*")) else row


def _with_pointers(
    table: Table,
    escape: Callable[[str], str],
    pointer: Callable[[str], str],
    marks: Sequence[Callable[[str], str]] = (str, str, str),
) -> list[list[str]]:
    """Cells in print: escaped, the best ones marked by ``marks`` of their ranks, with pointers to remarks."""
    parts = zip(table.text(), table.ranks(), table.pointers(pointer), strict=True)
    return [
        [marks[rank](escape(cell)) + behind for cell, rank, behind in zip(*row, strict=True)] for row in parts
    ]


WRITERS: dict[str, Callable[[Table], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
    "json": to_json,
}
"""The forms of a table by file ending."""


def write_tables(
    tables: Sequence[Table], folder: Path, prefix: str = "", endings: Sequence[str] = tuple(WRITERS)
) -> list[Path]:
    """Write each table in every form; the files, table by table.

    Parameters
    ----------
    tables : with names that are file names
    folder : made where it is missing
    prefix : what file names begin with
    endings : of the forms, of :data:`WRITERS`

    Raises
    ------
    StoreError
        It cannot be written there.
    """
    forms = [
        (folder / f"{prefix}{table.name}.{ending}", WRITERS[ending](table))
        for table in tables
        for ending in endings
    ]
    for path, text in forms:
        write_atomically(path, text.encode())
    return [path for path, _ in forms]


def _is_numeric(table: Table, index: int) -> bool:
    column = table.columns[index]
    return column.digits is not None or any(isinstance(row[index], int | float) for row in table.rows)

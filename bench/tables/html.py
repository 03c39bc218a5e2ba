"""A table as HTML, for notebooks."""

from __future__ import annotations

from html import escape

from bench.tables.table import Table
from bench.text.plain import printable

_MARKS = ("{}", "<b>{}</b>", "<u>{}</u>")


def to_html(table: Table) -> str:
    """A titled table without scripts and styles of its own; best value in bold, second underlined."""
    header = "".join(f"<th>{_text(it.title)}</th>" for it in table.columns)
    rows = (
        "".join(
            f"<td>{_MARKS[rank].format(_text(cell))}</td>" for cell, rank in zip(cells, ranks, strict=True)
        )
        for cells, ranks in zip(table.text(), table.ranks(), strict=True)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    notes = "".join(f"<p>{_text(it)}</p>" for it in table.notes)
    return (
        f"<table><caption>{_text(table.title)}</caption><thead><tr>{header}</tr></thead>"
        f"<tbody>{body}</tbody></table>{notes}"
    )


def _text(foreign: str) -> str:
    return escape(printable(foreign))

"""Tables and remarks in the width that there is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.tables.terminal import lay_out, wrapped
from bench.text.plain import printable

HEADERS = ("data set", "codec", "quality", "silently wrong [%]", "bytes")
ROWS = [
    ("kodak", "jpeg-444-optimized", "50", "12.5", "12345"),
    ("kodak", "jpeg-444-optimized", "90", "0.0", "33"),
    ("kodak", "webp", "5", "–", "1"),
    ("kodak", "webp", "7", "3.5", "2"),
]


def told(width: int | None, rows: list[tuple[str, ...]] = ROWS) -> list[str]:
    it = lay_out(HEADERS, rows, 2, width)
    return [*it.above, *it.header, *it.body, *it.below]


def words(lines: list[str]) -> set[str]:
    return {word for line in lines for word in line.replace(";", "").replace(",", "").split()}


def test_a_pipe_has_each_row_on_one_line() -> None:
    """Without a width nothing wraps, and numbers align right."""
    lines = told(None)
    assert len(lines) == 2 + len(ROWS)
    assert lines[0].split("  ")[0] == "data set"
    assert lines[2].endswith("12345")
    assert lines[3].endswith("   33")


@pytest.mark.parametrize("width", range(30, 80))
def test_no_word_breaks_and_no_line_is_too_long(width: int) -> None:
    """Down to 30 columns every line fits, and each of its words is one of the table's."""
    lines = told(width)
    assert max(map(len, lines)) <= width
    known = words([" ".join(row) for row in (HEADERS, *ROWS)])
    known |= words(["data set: No room for: widen the terminal or pipe the output."])
    assert {it for it in words(lines) if "─" not in it} <= known


def test_what_all_rows_share_goes_above() -> None:
    """Before anything is left out, a column of one value becomes a line."""
    width = len(told(None)[0]) - 8
    lines = told(width - 6)
    assert lines[0] == "data set: kodak"
    assert "No room" not in lines[-1]


def test_rows_share_a_heading() -> None:
    """Where labels take too much room, each stands once above its rows."""
    lines = told(28)
    assert lines.count("jpeg-444-optimized") == lines.count("webp") == 1
    assert lines.index("webp") == lines.index("jpeg-444-optimized") + 3


def test_columns_left_out_are_named() -> None:
    """The dispensable column goes first, and a line says that it is missing."""
    it = lay_out(
        HEADERS, [(*row[:1], f"label{k}", *row[2:]) for k, row in enumerate(ROWS)], 2, 24, ("quality",)
    )
    assert it.below[0].startswith("No room for: quality")
    assert "bytes" in it.header[-2]


def test_long_cells_wrap_at_blanks_and_commas() -> None:
    """Prose wraps between words, and a list without blanks behind its commas."""
    options = "subsampling=420,optimize=false,progressive=false"
    prose = "Photographs that the wheel carries; needs no download"
    it = lay_out(("codec", "options", "what"), [("jpeg", options, prose)], 9, 60)
    assert max(map(len, it.body)) <= 60
    assert " ".join(line[6:].split("  ")[0].strip() for line in it.body).replace(", ", ",").strip() == options


def test_remarks_wrap_with_an_indent() -> None:
    """Lines after the first are indented, and a pipe gets the text as it is."""
    text = "jpeg on p.png: the size does not follow the content"
    lines = wrapped(text, 20, "  ")
    assert all(len(it) <= 20 for it in lines)
    assert all(it.startswith("  ") for it in lines[1:])
    assert " ".join(map(str.strip, lines)) == text
    assert wrapped(text, None) == [text]


def test_names_cannot_steer_the_terminal() -> None:
    """Escapes in a label are shown as what they are: something foreign."""
    assert printable("a\x1b[2J\nb") == "a\N{REPLACEMENT CHARACTER}[2J b"


@pytest.mark.parametrize("width", [80, 120])
def test_lists_fit_the_terminal(width: int) -> None:
    """`rdbench list` keeps to the columns that there are."""
    for what in ("codecs", "datasets"):
        done = subprocess.run(
            [sys.executable, "-m", "bench.cli", "list", what],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"COLUMNS": str(width)},
        )
        assert max(map(len, done.stdout.splitlines())) <= width
        assert "No room" not in done.stdout

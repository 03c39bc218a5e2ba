"""A table in its forms, with remarks on single cells and groups of columns."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.tables.matrix import Intervals, MatrixCell, matrix
from bench.tables.table import Column, Table, to_csv, to_json, to_latex, to_markdown, to_text


def cell(method: str, group: str, key: str, value: float | None, **more: object) -> MatrixCell:
    return MatrixCell(method, group, key, key.upper(), value, **more)  # type: ignore[arg-type]


CELLS = (
    cell("mine", "kodak", "psnr", -30.0, interval=(-31.0, -29.0), remark="few images"),
    cell("mine", "clic", "psnr", -20.0),
    cell("theirs", "kodak", "ssim", -9.0),
    cell("theirs", "kodak", "psnr", -40.0, remark="half the range", competes=False),
    cell("old", "clic", "psnr", -10.0, remark="few images"),
    cell("old", "kodak", "psnr", -5.0),
)


def table(**options: object) -> Table:
    return matrix(CELLS, name="t", title="T", keys=["psnr", "ssim"], **options)  # type: ignore[arg-type]


def test_columns_stand_in_groups_and_missing_cells_are_dashes() -> None:
    """Groups and rows keep their first order, columns that which is asked for; what lacks is a dash."""
    made = table()
    assert [(it.group, it.key) for it in made.columns[1:]] == [
        ("kodak", "kodak_psnr"),
        ("kodak", "kodak_ssim"),
        ("clic", "clic_psnr"),
    ]
    assert made.text() == [
        ["mine", "−30.0", "–", "−20.0"],
        ["theirs", "−40.0", "−9.0", "–"],
        ["old", "−5.0", "–", "−10.0"],
    ]


def test_a_value_that_does_not_compete_is_neither_best_nor_second() -> None:
    """Bold and underlined go to the lowest of those that compete."""
    assert [row[1] for row in table().ranks()] == [1, 0, 2]


def test_a_value_alone_is_not_the_best() -> None:
    """Of one method nothing is set in bold, and none of one that is alone in its column."""
    assert [row[2] for row in table().ranks()] == [0, 0, 0]
    one = matrix([cell("mine", "kodak", "psnr", 8.3)], name="t", title="T", keys=["psnr"])
    assert one.ranks() == [[0, 0]]


def test_whole_numbers_are_written_in_full() -> None:
    """Bytes of a whole data set have all their digits."""
    made = Table("t", "T", (Column("bytes", "bytes"),), ((1188332,), (-7,)))
    assert made.text() == [["1188332"], ["−7"]]


def test_json_takes_the_numbers_of_numpy() -> None:
    """They are written like any other; what is not finite is null."""
    made = Table("x", "X", (Column("value", "Value"),), ((np.float64(1.5),), (np.float64("inf"),), (2.5,)))
    assert [row["value"] for row in json.loads(to_json(made))["rows"]] == [1.5, None, 2.5]


def test_equal_remarks_share_a_letter_in_every_form() -> None:
    """Cells point to notes below: equal remarks to the same one, and data forms hold bare numbers."""
    made = table()
    assert made.letters() == {"few images": "a", "half the range": "b"}
    assert "−40.0ᵇ" in to_text(made)
    assert "ᵃ few images" in to_text(made)
    assert "<sup>a</sup> few images" in to_markdown(made)
    latex = to_latex(made)
    assert r"\textbf{$-$30.0}\rlap{\textsuperscript{a}}" in latex
    assert latex.count("few images") == 1
    assert to_csv(made).splitlines()[1] == "mine,-30.0,,-20.0"
    assert json.loads(to_json(made))["remarks"][0] == {"row": 0, "column": "kodak_psnr", "text": "few images"}


def test_intervals_are_text_in_print_and_numbers_in_data() -> None:
    """An interval has one column in print and two in data; without any it has none."""
    printed, data = table(intervals=Intervals(True)), table(intervals=Intervals(True, numbers=True))
    assert printed.text()[0][1:3] == ["−30.0", "[−31.0, −29.0]"]
    assert data.rows[0][1:4] == (-30.0, -31.0, -29.0)
    assert [it.key for it in data.columns[1:4]] == ["kodak_psnr", "kodak_psnr_low", "kodak_psnr_high"]
    bare = matrix(CELLS[1:], name="t", title="T", keys=["psnr", "ssim"], intervals=Intervals(True))
    assert len(bare.columns) == 4


@pytest.mark.parametrize("name", ["[x]", "*"])
def test_a_row_is_no_argument_of_the_command_before(name: str) -> None:
    """A name that looks like an optional argument of the line before it, or its star, is text."""
    made = matrix([cell(name, "", "psnr", 1.0)], name="t", title="T", keys=["psnr"])
    assert f"\n{{}}{name} & " in to_latex(made)


def test_a_foreign_data_set_is_no_formula() -> None:
    """Groups are named by files of others, and the header of a CSV is read by spreadsheets too."""
    made = matrix([cell("a", it, "psnr", 1.0) for it in ("=1+1", "b")], name="t", title="T", keys=["psnr"])
    assert to_csv(made).splitlines()[0] == "method,'=1+1_psnr,b_psnr"

"""The tables in the repository are those that the code makes of the journals beside them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.report.build import build_report_data
from bench.report.tables import tables_of
from bench.tables.table import WRITERS

RESULTS = Path(__file__).parents[2] / "results"
REMEDY = "`rdbench report` of that folder writes the tables again; commit what it writes"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@pytest.mark.parametrize("board", ["kodak", "cid22-val"])
def test_the_tables_of_a_board_are_made_as_they_stand(board: str) -> None:
    """Every table in every form, byte by byte; the last digit of full precision is the processor's."""
    run = RESULTS / board
    (data,) = build_report_data([run])
    made = {
        f"{table.name}.{ending}": write(table)
        for tables in tables_of(data).values()
        for table in tables
        for ending, write in WRITERS.items()
    }
    assert set(made) == {it.name for it in (run / "report" / "tables").iterdir()}, REMEDY
    for name, text in made.items():
        kept = (run / "report" / "tables" / name).read_text()
        if text != kept and name.endswith((".csv", ".json")):
            numbers = [[float(it) for it in NUMBER.findall(one)] for one in (text, kept)]
            assert numbers[0] == pytest.approx(numbers[1], rel=1e-12), f"{name}: {REMEDY}"
            text, kept = (NUMBER.sub("0", it) for it in (text, kept))
        assert text == kept, f"{name}: {REMEDY}"

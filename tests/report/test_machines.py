"""A report of times from different machines: says so, and compares no speed across them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from bench.plotting.canvas import Canvas
from bench.plotting.style import styled
from bench.report.data import ReportData
from bench.report.entries import comparable_in_speed
from bench.report.figures import figures_of
from bench.report.markdown import Section, write_markdown
from bench.report.page.data import page_data
from bench.report.summary import summary
from bench.report.tables.complexity import ComplexityTable
from bench.report.tables.lossless import LosslessTable
from bench.report.tables.points import PointsTable
from bench.report.tables.ranking import RankingTable
from bench.tables.table import Table
from tests.report.hostile import words
from tests.report.made_data import MACHINES, USUAL, Made, made_data

ONE, OTHER = (it.id for it in MACHINES)
LEARNED = Made("learned", "vae", 0.4, kmac=50.0)
ELSEWHERE = (*USUAL[:2], replace(USUAL[2], machine=1), *USUAL[3:], LEARNED)
"""Webp was measured on another machine."""
SHARED = tuple(replace(it, machine=None) for it in (*USUAL, LEARNED))
"""Every codec on both machines."""


def made(table: Table | None) -> Table:
    assert table is not None
    return table


def messages(data: ReportData) -> list[str]:
    return [it.message for it in data.findings if it.kind == "machine"]


def speed_columns(table: Table) -> list[str | None]:
    return [it.better for it in table.columns if it.key.startswith(("encode_m", "decode_m"))]


def test_equal_machines_are_one() -> None:
    """Where all have one id, nothing is said of machines, and speeds are ranked."""
    data = made_data()
    assert messages(data) == []
    table = made(RankingTable().make(data))
    assert speed_columns(table) == ["high", "high"]
    assert "machine" not in [it.key for it in table.columns]


def test_codecs_of_different_machines_are_not_ranked_by_speed() -> None:
    """Each keeps its speed and is told with its machine; no table marks the fastest."""
    data = made_data(ELSEWHERE)
    (message,) = messages(data)
    assert message.startswith("times come from 2 machines and cannot be compared")
    assert ONE in message
    table = made(RankingTable().make(data))
    assert table.by_label("machine") == {it.label: OTHER if it.label == "webp" else ONE for it in data.lossy}
    assert all(isinstance(it, float) for it in table.by_label("encode_mps").values())
    assert speed_columns(table) == speed_columns(made(summary(data))) == [None, None]
    assert any("not compared" in it for it in table.notes)
    # the lossless ones and the learned one were all timed on one machine
    for other in (LosslessTable(), ComplexityTable()):
        assert speed_columns(made(other.make(data))) == ["high", "high"]


def test_a_codec_of_several_machines_has_no_speed() -> None:
    """Its cells are empty, a note says why, and the finding says how many trials each machine took."""
    data = made_data(SHARED)
    (message,) = messages(data)
    assert "times of all 7 configurations come from 2 kinds of machine (" in message
    assert f"trials on {ONE}" in message
    for table in (RankingTable(), LosslessTable(), ComplexityTable()):
        found = made(table.make(data))
        keys = [it.key for it in found.columns if it.key.startswith(("encode_m", "decode_m"))]
        assert [set(found.by_label(key).values()) for key in keys] == [{None}, {None}]
        assert set(found.by_label("machine").values()) == {"2 kinds"}
        assert any("has no speed" in it for it in found.notes)
    points = made(PointsTable().make(data))
    assert {row[[it.key for it in points.columns].index("encode_s")] for row in points.rows} == {None}


def test_bits_of_several_machines_are_compared() -> None:
    """BD-rates are those of one machine: what a codec writes does not depend on where it runs."""
    shared, one = made_data(SHARED), made_data((*USUAL, LEARNED))
    assert shared.bd == one.bd
    assert shared.ranking == one.ranking


def drawn(data: ReportData, name: str) -> Figure | None:
    """One figure, built but not saved."""
    with styled():
        kind = next(it for it in figures_of(data) if it.name == name)
        return kind.draw(data.without_trials(), Canvas("double"))


def said(figure: Figure | None) -> str:
    """Everything that a figure says, on one line."""
    assert figure is not None
    return " ".join(" ".join(it.get_text().split()) for it in words(figure))


def test_figures_of_speed_are_of_one_machine() -> None:
    """A front is drawn through codecs of one machine alone; who has no place there is counted."""
    data = made_data(ELSEWHERE)
    assert [it.label for it in comparable_in_speed(data.lossy)] == ["jpeg", "jpeg 4:4:4", "avif", "learned"]
    left_out = "No times of 1 of 5 configurations, which were timed on another machine or on several."
    for name in ("speed_psnr_rgb", "complexity_psnr_rgb"):
        assert left_out in said(drawn(data, name))
    assert "webp" not in said(drawn(data, "speed_psnr_rgb"))
    assert "No times of" not in said(drawn(data, "lossless"))


def test_without_speeds_there_is_no_figure_of_them() -> None:
    """Operations are drawn all the same."""
    data = made_data(SHARED)
    assert drawn(data, "speed_psnr_rgb") is None
    assert drawn(data, "lossless") is None
    text = said(drawn(data, "complexity_psnr_rgb"))
    assert "kMAC/px" in text
    assert "s/MP" not in text
    assert "No times of 5 of 5 configurations" in text


def test_environments_of_all_machines_are_listed(tmp_path: Path) -> None:
    """Markdown and page say what each machine is, by the id that findings and tables name."""
    data = made_data(ELSEWHERE)
    text = write_markdown(tmp_path / "report.md", [Section(data)]).read_text()
    for machine in MACHINES:
        assert f"Environment of run run, machine {machine.id}: cpu {machine.machine['cpu']}" in text
    page = page_data(data)
    assert [it["id"] for it in page["environments"]["run"]] == [ONE, OTHER]
    assert {it["label"]: [*it["machines"]] for it in page["entries"]}["webp"] == [OTHER]


@pytest.mark.parametrize("made_ones", [ELSEWHERE, SHARED])
def test_numbers_of_the_page_hold(made_ones: tuple[Made, ...]) -> None:
    """A codec without a speed has none on the page."""
    entries = page_data(made_data(made_ones))["entries"]
    assert all((it["encode"] is None) == (len(it["machines"]) > 1) for it in entries)

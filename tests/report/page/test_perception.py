"""The page's sections on distortion and perception, complexity, and metrics with an ideal value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.report import ReportOptions
from bench.report.build import build_report_data, with_crops_and_studies
from bench.report.page import write_page
from bench.trials.trust import EVERYBODY
from tests.report.decoders import two_decoders_run
from tests.report.page.conftest import Page

Open = Callable[..., Page]


def drawn(page: Page, selector: str) -> list[str]:
    """The words of a drawing, which have no ``innerText``."""
    return page.js(
        "return [...document.querySelectorAll(arguments[0])].map((it) => it.textContent)", selector
    )


@pytest.fixture(scope="module")
def decoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of two decoders of one bitstream."""
    folder = tmp_path_factory.mktemp("decoders")
    run = two_decoders_run(folder)
    options = ReportOptions(trust=EVERYBODY)
    built = build_report_data([run])
    whole = [with_crops_and_studies(it, [run], folder / "page", options) for it in built]
    return write_page(whole, folder / "page", runs=[run], trust=EVERYBODY)[0]


def test_plane_pairs_and_crops_are_shown(decoders: Path, open_page: Open) -> None:
    """The plane names its codecs; the pair has a row for each metric and point, and pictures that load."""
    page = open_page(decoders)
    assert page.js("return document.querySelectorAll('#plane-choice option').length") == 1
    names = drawn(page, "#plane-area .point-name")
    assert set(names) <= {"smooth-420", "rough-420", "jpeg2000"}
    assert names
    assert "identical bitstreams" in page.find("#pairs h3").text
    assert page.js("return document.querySelectorAll('.pair tbody tr').length") == 4 * 3
    sizes = page.js("return [...document.querySelectorAll('.crops img')].map((it) => it.naturalWidth)")
    assert sizes == [192] * (3 * 4)
    assert page.texts("#complexity-table tbody .name button") == ["rough-420"]


def test_filters_apply_to_the_plane(decoders: Path, open_page: Open) -> None:
    """A codec that the search leaves out leaves the plane."""
    page = open_page(decoders)
    before = len(drawn(page, "#plane-area .point-name"))
    chosen = "const it = document.getElementById('search'); it.value = 'jpeg2000'; it.oninput({ target: it })"
    page.js(chosen)
    assert drawn(page, "#plane-area .point-name") == ["jpeg2000"]
    assert before > 1


def test_a_metric_with_an_ideal_value_has_no_ranks(decoders: Path, open_page: Open) -> None:
    """Its plot has a line at the ideal and says so; the ranking is without BD-rates and says why."""
    page = open_page(decoders)
    chosen = (
        "const it = document.getElementById('metric'); it.value = arguments[0]; it.onchange({ target: it })"
    )
    page.js(chosen, "high_band_energy")
    assert page.js("return document.querySelectorAll('#plot-area .ideal').length") == 1
    assert any("1 is ideal" in it for it in drawn(page, "#plot-area .axis-title"))
    assert set(page.texts("#ranking-table tbody tr > :nth-child(1)")) == {"–"}
    assert "has no BD-rate" in page.find("#ranking-note").text


def test_a_page_without_pairs_or_planes_has_no_such_section(index: Path, open_page: Open) -> None:
    """Runs of one kind of metric and of classical codecs alone show neither section."""
    page = open_page(index)
    hidden = page.js(
        "return ['perception', 'complexity', 'studies'].map((it) => document.getElementById(it).hidden)"
    )
    assert hidden == [True, True, True]

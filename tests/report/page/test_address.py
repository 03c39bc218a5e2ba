"""The run page's address and links: what is chosen there is there again, and a suite says what is linked."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.api import run
from bench.errors import ConfigError
from bench.inputs.suite import load_suite
from bench.report.build import build_report_data
from bench.report.page import write_page
from bench.runs.store import read_info
from tests.report.page.conftest import Page
from tests.report.page.test_saving import CATCH

OpenPage = Callable[..., Page]


def opened_at(page: Page, address: str) -> Page:
    url = page.js("return location.href.split('#')[0]")
    page.driver.get("about:blank")
    page.driver.get(f"{url}#{address}")
    return page


def test_the_address_holds_the_controls(index: Path, open_page: OpenPage) -> None:
    """Metric, anchor, search, hidden curves, order and axis are there again at the same address."""
    page = open_page(index)
    assert page.js("return location.hash") == ""
    page.choose("#metric", "MS-SSIM")
    page.choose("#anchor", "webp")
    page.keys("#search", "e")
    page.click('[data-sort="label"]')
    page.click('[data-toggle="0"]')
    page.click('input[name="scale"][value="linear"]')
    address = page.js("return location.hash.slice(1)")
    shown = page.texts("#ranking-table tr")
    again = opened_at(page, address)
    assert again.js("return location.hash.slice(1)") == address
    assert again.texts("#ranking-table tr") == shown
    assert again.js("return document.querySelector('#anchor').selectedOptions[0].text") == "webp"
    assert again.js("return document.querySelectorAll('#plot-area [data-curve]').length") == 2
    usual = opened_at(page, "set=x&metric=<i>&anchor=gone&coding=z&sort=-nothing&hide=y")
    assert usual.labels() == ["avif-420", "webp", "jpeg-420"]


def test_the_address_holds_what_the_viewer_compares(kept: Path, tmp_path: Path, open_page: OpenPage) -> None:
    """Image, sides, rate and kind of comparison are there again; untouched, the viewer adds nothing."""
    page = open_page(write_page(build_report_data([kept]), tmp_path, runs=[kept])[0])
    ready = "return document.querySelector('#viewer-values tbody tr') !== null"
    page.until(ready)
    assert page.js("return location.hash") == ""
    page.choose("#viewer-image", "p1.png")
    page.until("return location.hash.includes('p1.png')")
    page.choose("#viewer-left", "Original")
    page.choose("#viewer-right", "jpeg-420")
    page.click('input[name="mode"][value="difference"]')
    page.choose("#viewer-gain", "×4")
    page.until("return location.hash.includes('amplify=4')")
    address = page.js("return location.hash.slice(1)")
    shown = page.texts("#viewer-values tr")
    again = opened_at(page, address)
    again.until(ready)
    assert again.texts("#viewer-values tr") == shown
    assert again.js("return location.hash.slice(1)") == address
    assert again.js("return document.querySelector('#viewer-stage').dataset.mode") == "difference"


def test_the_ranking_is_saved_as_csv(index: Path, open_page: OpenPage) -> None:
    """As it is shown, with numbers in full."""
    page = open_page(index)
    page.js(CATCH)
    page.click('#ranking [data-saves="csv"]')
    text = page.js("return atob(arguments[0].split(',')[1])", page.until("return window.saved"))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [it["Codec"] for it in rows] == ["avif-420", "webp", "jpeg-420"]
    assert float(rows[1]["BD-rate %"]) == pytest.approx(-30, abs=0.01)


def test_a_suite_names_its_report_and_links_codecs(
    pictures: Path, tmp_path: Path, open_page: OpenPage
) -> None:
    """The title is that of the page, details have the links; a later run without them keeps the title."""
    (tmp_path / "suite.yaml").write_text(SUITE)
    folder = tmp_path / "run"
    run(tmp_path / "suite.yaml", out=folder)
    page = open_page(write_page(build_report_data([folder]), tmp_path / "out", runs=[folder])[0])
    assert page.find("h1").text == "Two & a <b>title</b>"
    page.click("#ranking-table .name button")
    assert page.js("return [...document.querySelectorAll('#details a')].map(it => it.href)") == [
        "https://example.org/paper",
        "https://example.org/code",
    ]
    assert "by everybody" in page.find("#details").text
    run(codecs=["webp@10,50,90"], datasets=[str(pictures)], metrics=["psnr_rgb"], out=folder)
    assert read_info(folder).title == "Two & a <b>title</b>"


SUITE = """\
title: Two & a <b>title</b>
datasets: [pictures]
metrics: [psnr_rgb]
codecs:
  - codec: jpeg
    quality: [10, 50, 90]
    paper: https://example.org/paper
    code: https://example.org/code
    note: Used by everybody.
"""


def test_a_link_is_an_address_of_the_web(tmp_path: Path) -> None:
    """Anything else is named with its line."""
    (tmp_path / "suite.yaml").write_text(SUITE.replace("https://example.org/code", "javascript:alert(1)"))
    with pytest.raises(ConfigError, match=r"suite.yaml:8: codecs.#1.code: an address begins with https"):
        load_suite(tmp_path / "suite.yaml")

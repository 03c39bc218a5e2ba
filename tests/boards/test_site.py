"""The site of a board in a real browser: tabs, filters, address, tables as files, keyboard, hostile names."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.boards.site import write_site
from tests.boards.boards import verify_entry, write_board, write_entry
from tests.report.page.conftest import Page
from tests.report.page.runs import Made
from tests.report.page.test_page import data_of
from tests.report.page.test_saving import CATCH

OpenPage = Callable[..., Page]
ENTER, LEFT, RIGHT, END = "\ue007", "\ue012", "\ue014", "\ue010"
NAMES = "#board-table tbody .name a"
HOSTILE = '</script><img src=x onerror="alert(1)"> @data@ ${7*7}'


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    return write_site(write_board(folder / "board"), folder / "out").page


def at(page: Page, address: str) -> Page:
    """The same page opened anew at an address."""
    url = page.js("return location.href.split('#')[0]")
    page.driver.get("about:blank")
    page.driver.get(f"{url}#{address}")
    return page


def address(page: Page) -> str:
    return str(page.js("return decodeURIComponent(location.hash.slice(1))"))


def column(page: Page, key: str) -> list[str]:
    place = page.js(
        "return document.querySelector(`[data-sort='${arguments[0]}']`).closest('th').cellIndex", key
    )
    return page.texts(f"#board-table tbody tr > :nth-child({place + 1})")


def test_a_tab_for_each_data_set_and_one_over_all(index: Path, open_page: OpenPage) -> None:
    """Each tab ranks by its own results; arrow keys and End move between tabs, which are in the address."""
    page = open_page(index)
    assert page.texts("#tabs [role=tab]") == ["All data sets", "alpha", "beta"]
    assert page.texts(NAMES) == ["good", "jpeg", "half"]
    assert column(page, "meanRank")[0] == "1.0 (1.0–1.0)"
    page.keys("#tabs [aria-selected=true]", RIGHT)
    assert page.texts(NAMES) == ["good", "half", "jpeg"]
    assert column(page, "rank") == ["1", "2", "3"]
    assert column(page, "bd_psnr_rgb") == ["−40.0", "−30.0", "0.0"]
    assert page.js("return document.activeElement.id") == "tab-alpha"
    page.keys("#tabs [aria-selected=true]", END)
    assert page.texts(NAMES) == ["good", "jpeg"]
    assert address(page) == "set=beta"
    page.driver.back()
    page.until("return document.querySelector('#tab-alpha').ariaSelected === 'true'")
    assert page.texts(NAMES) == ["good", "half", "jpeg"]


def test_filters_narrow_the_table_and_the_plot(index: Path, open_page: OpenPage) -> None:
    """Conditions, bounds, dates and words; places stay those among all."""
    page = at(open_page(index), "set=alpha")
    page.choose("#condition", "complete")
    assert page.texts(NAMES) == ["good", "jpeg"]
    assert page.js("return document.querySelectorAll('#plot-area [data-curve]').length") == 2
    page.choose("#condition", "any")
    page.click("#more summary")
    page.keys("#since", "06-01-2026")
    page.until("return document.querySelectorAll('#board-table tbody tr').length === 1")
    page.click("#clear")
    page.keys("#decode", "50")
    assert page.texts(NAMES) == ["good", "half"]
    assert column(page, "rank") == ["1", "2"]
    page.click("#clear")
    page.click("#older")
    assert page.texts(NAMES) == ["good", "half", "jpeg", "good (1)"]
    page.click("#verified")
    assert page.texts(NAMES) == []
    assert "No entry matches" in page.find("#board-empty").text
    page.click("#clear")
    page.keys("#search", "gpl-3")
    assert page.texts(NAMES) == ["half"]


def test_the_address_holds_every_control(index: Path, open_page: OpenPage) -> None:
    """Whatever is set is there again in a page that is opened at the same address."""
    page = at(open_page(index), "set=alpha")
    page.js("document.querySelector('#more').open = true")
    page.choose("#metric", "MS-SSIM")
    page.click("#older")
    page.keys("#decode", "30")
    page.keys("#search", "o")
    page.click('[data-sort="date"]')
    page.click('[data-sort="date"]')
    page.click('#columns input[value="wins"]')
    page.click('input[name="scale"][value="linear"]')
    page.click("#legend button")
    before = address(page)
    shown = page.texts("#board-table tr")
    expected = [
        "metric=ms_ssim_rgb",
        "older=yes",
        "decode=30",
        "search=o",
        "sort=-date",
        "wins",
        "scale=linear",
    ]
    assert [it for it in (*expected, "hide=") if it not in before] == []
    again = at(page, before)
    assert again.texts("#board-table tr") == shown
    assert address(again) == before
    assert again.js("return document.querySelectorAll('#legend [aria-pressed=false]').length") == 1
    assert again.js("return document.querySelector('#decode').value") == "30"
    assert again.texts("#board-table tbody tr")[0].find("2026-06-01") > 0


def test_an_address_of_nonsense_is_the_usual_page(index: Path, open_page: OpenPage) -> None:
    """Names that are not there are left out, and none becomes markup."""
    nonsense = "set=gone&metric=<b>&coding=x&condition=y&decode=-1&since=never&entry=../x&sort=-z&hide=a%23b"
    page = at(open_page(index), nonsense)
    assert page.texts(NAMES) == ["good", "jpeg", "half"]
    assert page.js("return document.querySelectorAll('main b').length") == 0


def test_every_table_is_saved_as_csv_and_json(index: Path, open_page: OpenPage) -> None:
    """The rows as shown, numbers in full; the files of the site hold all rows."""
    page = at(open_page(index), "set=alpha")
    page.js(CATCH)

    def saved(button: str) -> str:
        page.js("window.saved = null")
        page.click(button)
        data = page.until("return window.saved")
        return str(page.js("return fetchless(arguments[0])", data))

    page.js("window.fetchless = (url) => decodeURIComponent(escape(atob(url.split(',')[1])))")
    rows = list(csv.DictReader(io.StringIO(saved('#ranking [data-saves="csv"]'))))
    assert [it["Entry"] for it in rows] == ["good", "half", "jpeg"]
    assert float(rows[0]["BD PSNR %"]) == pytest.approx(-40, abs=0.01)
    parsed = json.loads(saved('#ranking [data-saves="json"]'))
    assert parsed[1]["dec MP/s"] == pytest.approx(56.17, abs=0.1)
    assert page.js("return window.savedName") == "board_alpha.json"


def test_an_entry_has_a_page(index: Path, open_page: OpenPage) -> None:
    """Its results on every set, its history, what it says, curves of its versions; Back leads home."""
    page = at(open_page(index), "set=alpha")
    page.keys(NAMES, ENTER)
    page.until("return !document.querySelector('#entry').hidden")
    assert page.js("return document.activeElement.id") == "entry-title"
    assert address(page) == "set=alpha&entry=good/2"
    text = page.find("#entry").text
    for told in ("good 2", "A. Person, 2026-06-01", "MIT", "Not verified", "complete: met", "Versions"):
        assert told in text
    assert page.texts("#legend button")[:3] == ["good", "good (1)", "jpeg"]
    assert "Example 1" in page.find("#entry-more").text
    page.js("document.querySelector('a[href*=\"good%2F1\"]').click()")
    page.until("return document.querySelector('#entry-title').innerText.includes('older version')")
    page.driver.back()
    page.driver.back()
    page.until("return document.querySelector('#entry').hidden")
    assert page.texts(NAMES)[0] == "good"


def test_an_entry_has_curves_over_all_data_sets_too(index: Path, open_page: OpenPage) -> None:
    """Those of the first data set that it has, or of one that the reader chooses; the address has it."""
    page = at(open_page(index), "entry=good/2")
    assert page.texts("#legend button")[:3] == ["good", "good (1)", "jpeg"]
    assert page.find("#plot-title").text == "Rate–distortion curves on alpha"
    page.choose("#on", "beta")
    assert page.find("#plot-title").text == "Rate–distortion curves on beta"
    assert address(page) == "entry=good/2&on=beta"
    again = at(page, "entry=good/2&on=beta")
    assert again.find("#plot-title").text == "Rate–distortion curves on beta"
    only = at(page, "entry=half")
    assert only.find("#plot-title").text == "Rate–distortion curves on alpha"
    assert not only.find("#on-field").is_displayed()


def test_an_entry_that_is_not_there_is_told(index: Path, open_page: OpenPage) -> None:
    """A link to an entry that was renamed ends at the table, with a word about it."""
    page = at(open_page(index), "set=alpha&entry=gone")
    assert page.find("#unknown").text.startswith("This board has no entry gone")
    assert page.texts(NAMES) == ["good", "half", "jpeg"]
    page.click("#tab-beta")
    assert not page.find("#unknown").is_displayed()


def test_states_and_remarks_can_be_read(tmp_path: Path, open_page: OpenPage) -> None:
    """A suspicion and a contradiction are words in the table and below; neither passes for verified."""
    board = write_board(tmp_path / "board")
    verify_entry(board / "jpeg", decode_only=True)
    verify_entry(board / "good" / "2", flags=("memorised?",))
    verify_entry(board / "half", "decodes, numbers differ")
    page = open_page(write_site(board, tmp_path / "site", pictures=0).page)
    assert page.texts(NAMES) == ["good", "jpeg", "half"]
    assert column(page, "verified") == ["memorised?", "decode-only", "contradicted"]
    remarks = page.texts("#board-remarks li")
    assert "good: memorised? told why" in remarks
    assert "half: no place: alpha: contradicted by verification; beta: no results" in remarks
    assert any(it.endswith("times taken under load: throughput, not latency") for it in remarks)
    page.click("#verified")
    assert page.texts(NAMES) == ["jpeg"]
    page = at(page, "entry=good/2")
    text = page.find("#entry").text
    assert "Every result was verified. Under suspicion: memorised?" in text
    assert "times taken under load" in text


def test_lossless_codecs_are_ranked_by_their_rate(index: Path, open_page: OpenPage) -> None:
    """They have a table of their own, and over all data sets a word about why there is none."""
    page = at(open_page(index), "set=alpha&coding=lossless")
    assert page.texts(NAMES) == ["png"]
    assert page.js("return document.querySelector('#plot').hidden")
    page.click("#tab-overall")
    assert "choose a data set" in page.find("#board-empty").text


def test_hostile_names_stay_text(tmp_path: Path, open_page: OpenPage) -> None:
    """Markup, right-to-left marks and long words in anything that an entry says neither run nor break out."""
    said = {
        "licence": HOSTILE,
        "note": HOSTILE,
        "authors": HOSTILE,
        "hardware": HOSTILE,
        "training_data": HOSTILE,
    }
    write_entry(tmp_path / "board" / "jpeg", [Made("jpeg", "jpeg", 1.0)])
    write_entry(
        tmp_path / "board" / "a'<b>&",
        [Made(HOSTILE[:70], "<i>", 0.5), Made("=cmd()", "x" * 80, 0.6)],
        name="W" * 150,
        version=HOSTILE,
        paper="https://example.org/?a=<script>".replace("<", "%3C").replace(">", "%3E"),
        **said,
    )
    site = write_site(tmp_path / "board", tmp_path / "site")
    text = site.page.read_text()
    assert (text.count("<script"), text.count("<img")) == (2, 0)
    assert data_of(site.page)["entries"][1]["licence"] == HOSTILE
    page = open_page(site.page, 390)
    assert page.js("return document.documentElement.scrollWidth") <= 390
    page.click(NAMES)
    page.until("return !document.querySelector('#entry').hidden")
    for selector in ("img", "i", "main b"):
        assert page.js("return document.querySelectorAll(arguments[0]).length", selector) == 0
    assert page.js("return document.documentElement.scrollWidth") <= 390
    page.js(CATCH)
    page.click('#entry [data-saves="csv"]')
    saved = page.js("return atob(arguments[0].split(',')[1])", page.until("return window.saved"))
    for table in (saved, (tmp_path / "site" / "tables" / "set-alpha.csv").read_text()):
        assert ",'=cmd()," in table, "no spreadsheet takes it for a formula"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_nothing_leaves_the_screen_and_words_can_be_read(
    index: Path, open_page: OpenPage, width: int, dark: bool
) -> None:
    """No sideways scrolling of the page on a phone; theme and address are as the reader wants them."""
    page = open_page(index, width, dark)
    for place in ("", "set=alpha", "set=alpha&entry=good/2"):
        at(page, place)
        page.js("document.querySelector('#more').open = true")
        assert page.js("return document.documentElement.scrollWidth") <= width
    ground = page.js("return getComputedStyle(document.documentElement).backgroundColor")
    assert ground == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")

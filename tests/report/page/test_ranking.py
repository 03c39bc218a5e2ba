"""The ranking, the plot and the details in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bench.host.environment import Environment
from bench.report import ReportOptions
from bench.report.build import build_report_data
from bench.report.page import write_page
from bench.runs.store import JOURNAL_FILE, RUN_FILE, read_info, read_journal
from tests.report.page.conftest import Page
from tests.report.page.runs import ENVIRONMENT, Made, write_run

OpenPage = Callable[..., Page]


def test_ranking_sorts_by_click_and_by_key(index: Path, open_page: OpenPage) -> None:
    """A column's head sorts by it, a second time the other way round, and the focus stays on it."""
    page = open_page(index)
    assert page.labels() == ["avif-420", "webp", "jpeg-420"]
    page.click('[data-sort="label"]')
    assert page.labels() == ["avif-420", "jpeg-420", "webp"]
    page.keys('[data-sort="label"]', "\ue007")
    assert page.labels() == ["webp", "jpeg-420", "avif-420"]
    assert page.js("return document.activeElement.dataset.sort") == "label"
    assert page.js("return document.activeElement.closest('th').ariaSort") == "descending"
    page.keys('[data-sort="bd"]', " ")
    assert page.column("rank") == ["1", "2", "3"]


def test_a_bd_rate_over_a_small_part_of_the_range_ranks_nobody(tmp_path: Path, open_page: OpenPage) -> None:
    """Who shares less than half of the anchor's range stands below the others, without a place."""
    codecs = [Made("jpeg", "jpeg", 1.0), Made("low", "low", 0.5, points=4), Made("webp", "webp", 0.7)]
    run = write_run(tmp_path / "run", codecs, images=3, points=10)
    data = build_report_data([run], ReportOptions(mean_of=("psnr_rgb", "psnr_y")))
    page = open_page(write_page(data, tmp_path / "out", runs=[run])[0])
    assert page.labels() == ["webp", "jpeg", "low"]
    assert page.column("rank") == ["1", "2", "–"]
    assert page.column("bd")[2].startswith("−50")
    assert "not ranked" in page.find("#ranking-note").text
    cells = "[...document.querySelectorAll('#ranking-table td.muted')]"
    pale = f"return {cells}.map((it) => it.closest('tr').dataset.label)"
    assert page.js(pale) == ["low", "low"]


def test_filters_narrow_ranking_and_plot(index: Path, open_page: OpenPage) -> None:
    """Codec family and search leave what they name, and say so when nothing is left."""
    page = open_page(index)
    page.choose("#family", "webp")
    assert page.labels() == ["webp"]
    assert page.column("rank") == ["2"]
    assert page.js("return document.querySelectorAll('#plot-area [data-curve]').length") == 1
    page.choose("#family", "All")
    page.keys("#search", "effort=2")
    assert page.labels() == ["avif-420"]
    page.keys("#search", " nothing")
    assert page.labels() == []
    assert "No configuration matches" in page.find("#ranking-empty").text


def test_lossless_has_its_own_ranking(index: Path, open_page: OpenPage) -> None:
    """The lossless choice ranks by rate; metric and anchor do not apply."""
    page = open_page(index)
    page.click('input[value="lossless"]')
    assert page.labels() == ["jpegls", "png"]
    assert page.find("#anchor").get_attribute("disabled")
    assert "no rate–distortion curve" in page.find("#plot-area").text


def test_anchor_and_metric_change_the_bd_rates(index: Path, open_page: OpenPage) -> None:
    """The BD-rates on the page are those of the report, for the anchor and metric that are chosen."""
    (data,) = build_report_data([index.parents[1] / "run"], ReportOptions(anchor="webp"))
    page = open_page(index)
    assert page.column("bd") == ["−50.0", "−30.0", "0.0"]
    page.choose("#anchor", "webp")
    page.choose("#metric", "MS-SSIM")
    expected = {label: it.mean_curve.value for label, it in data.bd["ms_ssim_rgb"].items()} | {"webp": 0.0}
    shown = dict(zip(page.labels(), page.column("bd"), strict=True))
    assert {label: float(text.replace("−", "-")) for label, text in shown.items()} == {
        label: pytest.approx(value, abs=0.051) for label, value in expected.items()
    }
    assert "against webp" in page.find("#ranking-note").text


def test_the_mean_of_several_bd_rates_is_a_column(tmp_path: Path, open_page: OpenPage) -> None:
    """Conditions that average BD-rates give the ranking a column of it, which follows the anchor."""
    conditions = tmp_path / "ours@1.yaml"
    conditions.write_text(
        "{name: ours, version: 1, title: Ours, mean_bd: [psnr_rgb, psnr_y],"
        " metrics: {psnr_rgb: null, psnr_y: null}}"
    )
    codecs = [Made("jpeg", "jpeg", 1.0), Made("webp", "webp", 0.7)]
    run = write_run(tmp_path / "run", codecs, images=3, points=10)
    options = ReportOptions(conditions=str(conditions))
    (data,) = build_report_data([run], options)
    assert data.mean_bd is not None
    page = open_page(write_page((data,), tmp_path / "out", runs=[run])[0])
    found = data.mean_bd.against("jpeg", "webp")
    assert found is not None
    assert page.column("meanBd") == [f"{found.value:.1f}".replace("-", "−"), "0.0"]
    page.choose("#anchor", "webp")
    assert page.column("meanBd")[0] == "0.0"
    other = data.mean_bd.against("webp", "jpeg")
    assert other is not None
    assert page.column("meanBd")[1] == f"+{other.value:.1f}"


def test_data_sets_stand_side_by_side(tmp_path: Path, open_page: OpenPage) -> None:
    """Several data sets have a table with a mean over them, which follows metric and anchor; one has none."""
    codecs = [Made("jpeg", "jpeg", 1.0), Made("webp", "webp", 0.7), Made("new", "new", 0.5)]
    run = write_run(tmp_path / "run", codecs, 4, 6, "one", "two")
    lone = write_run(tmp_path / "lone", codecs[:2], 4, 6, "three")
    data = build_report_data([run], ReportOptions(mean_of=("psnr_rgb", "psnr_y")))
    page = open_page(write_page(data, tmp_path / "out", runs=[run])[0])
    heads = page.texts("#sets-table th[scope=col]")
    assert [it.strip() for it in heads] == [
        *("Codec", "one %", "two %", "mean %"),
        *("mean of 2: one %", "mean of 2: two %", "mean of 2: mean %"),
    ]
    rows = page.texts("#sets-table tbody tr")
    assert [it.split()[0] for it in rows] == ["new", "webp", "jpeg"]
    assert rows[0].split()[3] == "−50.0"
    page.choose("#anchor", "new")
    assert "+100.0" in page.texts("#sets-table tbody tr")[2]
    page = open_page(write_page(build_report_data([run, lone]), tmp_path / "three", runs=[run, lone])[0])
    (of_new,) = [it for it in page.texts("#sets-table tbody tr") if it.startswith("new")]
    assert of_new.split()[3:] == ["–", "–"]
    page = open_page(write_page(data[:1], tmp_path / "alone", runs=[run])[0])
    assert not page.find("#sets").is_displayed()


def test_hover_and_arrow_keys_tell_a_point(index: Path, open_page: OpenPage) -> None:
    """The pointer and the arrow keys both show codec, quality, bpp and value of a point.

    Across curves the keys go to the point with the nearest rate.
    """
    from selenium.webdriver.common.action_chains import ActionChains

    page = open_page(index)
    page.js("document.getElementById('plot').scrollIntoView()")
    ActionChains(page.driver).move_to_element(page.find('[data-curve="1"] g:nth-of-type(3)')).perform()
    hovered = page.find("#tip").text
    assert hovered.splitlines()[0:2] == ["webp", "quality 30"]
    assert "bpp" in hovered
    assert "PSNR" in hovered
    ActionChains(page.driver).move_to_element(page.find("#plot-title")).perform()
    assert not page.find("#tip").is_displayed()
    page.keys("#plot-area", "\ue014", "\ue014", "\ue015")
    assert page.find("#tip").text.splitlines()[0] == "webp"
    assert page.find("#plot-live").get_attribute("textContent").startswith("webp, quality 30")


def test_plot_zooms_and_curves_toggle(index: Path, open_page: OpenPage) -> None:
    """Buttons, keys, a dragged rectangle and the axis choice change the range; the legend hides curves."""
    from selenium.webdriver.common.action_chains import ActionChains

    page = open_page(index)
    path = "return document.querySelector('[data-curve=\"0\"] .curve').getAttribute('d')"
    whole = page.js(path)
    page.click("#plot-in")
    zoomed = page.js(path)
    assert zoomed != whole
    page.keys("#plot-area", "0")
    assert page.js(path) == whole
    area = page.find("#plot-area svg")
    page.js("document.getElementById('plot').scrollIntoView()")
    ActionChains(page.driver).move_to_element_with_offset(area, -100, -80).click_and_hold().move_by_offset(
        220, 150
    ).release().perform()
    assert page.js(path) not in (whole, zoomed)
    page.click("#plot-reset")
    page.click('input[value="linear"]')
    assert page.js(path) != whole
    page.keys('[data-toggle="0"]', " ")
    assert page.js("return document.querySelector('[data-curve=\"0\"]')") is None
    assert page.js("return document.activeElement.ariaPressed") == "false"


def test_details_and_failures_are_a_click_away(index: Path, open_page: OpenPage) -> None:
    """A label opens options, version, machine and points; Escape closes; failures say phase and error."""
    page = open_page(index)
    page.keys("#ranking-table tbody .name button", "\ue007")
    text = page.find("#details").text
    for part in ("avif-420", "1+library 2.0", "effort", "Example 1", "66 of 72 ok", "SIGSEGV", "under load"):
        assert part in text
    page.driver.switch_to.active_element.send_keys("\ue00c")
    assert not page.find("#details").is_displayed()
    row = page.texts("#failures-table tbody td")
    assert row[:5] == ["avif-420", "crash", "decode", "the process died of SIGSEGV", "6"]
    assert "66 of 72 trials succeeded" in page.js("return document.getElementById('findings').textContent")


def test_hostile_names_are_text(tmp_path: Path, open_page: OpenPage) -> None:
    """Markup in labels, options and errors is shown as it is written and runs nothing."""
    labels = ['<img src=x onerror="window.ran=1">', "</script><script>window.ran=1</script>", "\"'><b>bold"]
    codecs = [Made(label, label, 1 - 0.2 * k, error=label) for k, label in enumerate(labels)]
    codecs[2] = Made(labels[2], labels[2], 0.5, failing="image000.png", error=labels[0])
    folder = write_run(tmp_path / "run", codecs, images=12, points=5)
    page = open_page(write_page(build_report_data([folder]), tmp_path / "out", runs=[folder])[0])
    assert sorted(page.labels()) == sorted(labels)
    page.choose("#family", labels[0])
    page.click("#ranking-table tbody .name button")
    assert labels[0] in page.find("#details").text
    assert page.js("return window.ran") is None
    assert page.js("return document.body.querySelectorAll('img, b').length") == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 360])
def test_page_fits_and_is_readable(index: Path, open_page: OpenPage, width: int, dark: bool) -> None:
    """Nothing is wider than the window, every control has a name, and text has a contrast of 4.5 or more."""
    page = open_page(index, width, dark)
    assert page.js("return document.documentElement.scrollWidth <= window.innerWidth")
    assert page.js(UNNAMED) == []
    assert page.js(FAINT) == []
    before = page.js("return getComputedStyle(document.documentElement).backgroundColor")
    page.click("#theme")
    assert page.js("return getComputedStyle(document.documentElement).backgroundColor") != before
    assert page.js(FAINT) == []


UNNAMED = """
return [...document.querySelectorAll("button, select, input, [role=application]")]
  .filter(it => it.offsetParent && !(it.ariaLabel || it.innerText || it.labels?.length))
  .map(it => it.outerHTML);
"""

FAINT = """
const parse = text => text.match(/[0-9.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
  .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
const ground = it => {
  for (; it; it = it.parentElement) {
    const colour = parse(getComputedStyle(it).backgroundColor);
    if (colour.length === 3 || colour[3] > 0.5) return colour;
  }
};
const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const faint = [];
while (words.nextNode()) {
  const it = words.currentNode.parentElement;
  if (!words.currentNode.data.trim() || !it.checkVisibility()) continue;
  if (it.closest("script, option, :disabled, .only-read")) continue;
  const style = getComputedStyle(it);
  const text = parse(it instanceof SVGElement ? style.fill : style.color);
  const [a, b] = [light(text), light(ground(it))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) faint.push([it.tagName, words.currentNode.data, contrast]);
}
return faint;
"""


def test_times_of_different_machines_have_no_order(tmp_path: Path, open_page: OpenPage) -> None:
    """Speeds are shown and not sorted by; details name the machines of a codec, and their environments."""
    run = write_run(tmp_path / "run", [Made("jpeg", "jpeg", 1.0), Made("webp", "webp", 0.7)], 3, 4)
    other = Environment({"cpu": "Example 2"}, ENVIRONMENT.software)
    lines = [
        msgspec.structs.replace(it, environment=other.id if it.codec == "webp" else it.environment)
        for it in read_journal(run)
    ]
    info = msgspec.structs.replace(read_info(run), further_environments=(other,), several_machines=True)
    (run / JOURNAL_FILE).write_bytes(b"".join(msgspec.json.encode(it) + b"\n" for it in lines))
    (run / RUN_FILE).write_bytes(msgspec.json.encode(info))
    page = open_page(write_page(build_report_data([run]), tmp_path / "out", runs=[run])[0])
    assert page.js("return document.querySelectorAll('[data-sort=encode], [data-sort=decode]').length") == 0
    assert "enc MP/s" in page.texts("#ranking-table th")
    assert "different machines" in page.find("#ranking-note").text
    page.click('[data-label="webp"] button')
    details = page.find("#details").text
    assert f"{other.id} (12 trials)" in details
    assert "Example 2" in details
    assert "Example 1" not in details
    page.click("#details button")
    shown = page.find("#environments").text
    assert other.id in shown
    assert ENVIRONMENT.id in shown

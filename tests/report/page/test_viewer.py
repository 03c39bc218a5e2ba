"""The comparison of reconstructions in a real browser, opened from disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.report import ReportOptions
from bench.report.build import build_report_data
from bench.report.page import write_page
from bench.report.page.mapped import former_maps
from bench.report.page.maps import cut_map
from bench.runs.store import read_journal
from bench.trials.measurement import Measurement
from bench.trials.trust import EVERYBODY
from tests.conftest import photo
from tests.losses.runs import SPOILED, versions
from tests.report.page.conftest import Page

OpenPage = Callable[..., Page]

READ = """
const canvas = document.getElementById("viewer-canvas");
const [x, y] = arguments;
const place = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
return [...canvas.getContext("2d").getImageData(...place, 1, 1).data];
"""
PAINTED = "return document.getElementById('viewer-side-left').innerText.includes(arguments[0])"


@pytest.fixture(scope="session")
def with_pictures(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with its folder of pictures."""
    return write_page(build_report_data([kept]), tmp_path_factory.mktemp("viewer"), runs=[kept])[0]


def bpp(record: Measurement) -> float:
    """Bits per pixel of a finished trial."""
    assert record.bpp is not None
    return record.bpp


def shown(page: Page, name: str) -> None:
    """Wait until the left picture is that of a codec."""
    page.until(PAINTED, name)
    page.until(
        "const c = document.getElementById('viewer-canvas'); return c.getContext('2d')"
        ".getImageData(c.width / 2 - 20, c.height / 2, 1, 1).data[3] > 0"
    )


def pixel(page: Page, x: float = 0.25, y: float = 0.5) -> list[int]:
    """A sample of the canvas, at a share of its width and height."""
    return list(page.js(READ, x, y))


def test_slider_shows_one_picture_on_each_side(with_pictures: Path, open_page: OpenPage) -> None:
    """The divider decides which picture a place shows; it moves by its control and by the bracket keys."""
    page = open_page(with_pictures)
    page.choose("#viewer-left", "jpeg-420")
    page.choose("#viewer-right", "Original")
    shown(page, "jpeg")
    page.keys("#viewer-divider", "\ue010")
    left = pixel(page, 0.45)
    page.keys("#viewer-divider", "\ue011")
    right = pixel(page, 0.45)
    assert left != right
    page.keys("#viewer-stage", *["]"] * 50)
    assert pixel(page, 0.45) == left


def test_target_rate_picks_the_nearest_point(kept: Path, with_pictures: Path, open_page: OpenPage) -> None:
    """Each side shows the operating point nearest to the target, with its own rate and values."""
    page = open_page(with_pictures)
    records = [it for it in read_journal(kept) if it.codec == "jpeg" and it.image == "p0.png"]
    page.choose("#viewer-image", "p0.png")
    page.until("return document.getElementById('viewer-stage').ariaLabel.startsWith('p0.png')")
    home, end = "\ue011", "\ue010"
    for key, wanted in ((home, min(records, key=bpp)), (end, max(records, key=bpp))):
        page.keys("#viewer-rate", key)
        table = page.texts("#viewer-values tbody tr td:nth-of-type(1)")
        assert table[0] == f"{wanted.quality:g}"
        assert table[1] == f"{wanted.bpp:.3f}"
        assert table[2] == f"{wanted.metrics['psnr_rgb']:.2f}"


def test_difference_is_zero_only_where_pictures_agree(with_pictures: Path, open_page: OpenPage) -> None:
    """The difference of a picture with itself is black; with another it is the absolute difference."""
    page = open_page(with_pictures)
    page.choose("#viewer-left", "Original")
    page.choose("#viewer-right", "Original")
    page.until(PAINTED, "Original")
    page.click('input[value="difference"]')
    total = """
    const canvas = document.getElementById("viewer-canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value, k) => sum + (k % 4 === 3 ? 0 : value), 0);
    """
    page.until(f"return (() => {{ {total} }})() === 0")
    page.choose("#viewer-right", "jpeg-420")
    page.until(f"return (() => {{ {total} }})() > 0")
    gain = "return document.getElementById('heat-gain').getAttribute('values')"
    before = page.js(gain)
    page.choose("#viewer-gain", "×16")
    assert page.js(gain) != before
    assert "heat" in page.find("#viewer-canvas").get_attribute("class")


def test_flicker_alternates_and_stops(with_pictures: Path, open_page: OpenPage) -> None:
    """Flicker swaps by itself until paused; the Space key swaps by hand."""
    page = open_page(with_pictures)
    page.choose("#viewer-left", "jpeg-420")
    page.choose("#viewer-right", "Original")
    shown(page, "jpeg")
    page.click('input[value="flicker"]')
    page.until(PAINTED, "Original")
    page.until(PAINTED, "jpeg")
    page.click("#viewer-play")
    before = page.find("#viewer-shown").text
    page.keys("#viewer-stage", " ")
    assert page.find("#viewer-shown").text != before


def test_enlarged_pixels_are_the_decoders(kept: Path, with_pictures: Path, open_page: OpenPage) -> None:
    """Zoomed in, one pixel fills a square of one colour, which is the decoded sample itself."""
    page = open_page(with_pictures)
    page.choose("#viewer-left", "jpeg-420")
    page.choose("#viewer-right", "jpeg-420")
    shown(page, "jpeg")
    page.keys("#viewer-stage", "+", "+")
    scale = int(page.find("#viewer-zoom").text.rstrip("%")) // 100
    assert scale >= 8
    block = np.array(
        page.js(
            "const c = document.getElementById('viewer-canvas');"
            "return [...c.getContext('2d').getImageData(0, 0, c.width, 64).data]"
        )
    ).reshape(64, -1, 4)[..., :3]
    row = block[scale // 2]
    edges = np.flatnonzero((np.diff(row[: len(row) // 3].astype(int), axis=0) != 0).any(axis=1)) + 1
    assert len(edges) > 3
    assert len({int(it) % scale for it in edges}) == 1
    quality, rate = page.texts("#viewer-values tbody td:nth-of-type(1)")[:2]
    record = next(
        it
        for it in read_journal(kept)
        if it.codec == "jpeg" and it.image == "p0.png" and it.quality == float(quality)
    )
    assert f"{record.bpp:.3f}" == rate
    with Image.open(with_pictures.parent / "viewer" / f"{str(record.pixels_sha256)[:32]}.webp") as image:
        known = {tuple(it) for it in np.asarray(image.convert("RGB")).reshape(-1, 3).tolist()}
    assert {tuple(it) for it in row[: len(row) // 3].tolist()} <= known


def test_page_alone_still_has_examples(with_pictures: Path, tmp_path: Path, open_page: OpenPage) -> None:
    """Without its folder the page shows the embedded crops, and says what is missing for the rest."""
    alone = shutil.copy(with_pictures, tmp_path / "alone.html")
    page = open_page(alone)
    shown(page, "jpeg")
    assert not page.find("#viewer-problem").is_displayed()
    page.choose("#viewer-image", "p1.png")
    page.until("return document.getElementById('viewer-problem').innerText.includes('not beside this page')")
    # The browser itself logs that the file is not there.
    page.driver.get_log("browser")


def test_without_bitstreams_the_viewer_says_how(index: Path, open_page: OpenPage) -> None:
    """A run without bitstreams names the option that keeps them."""
    page = open_page(index)
    assert "--keep-bitstreams" in page.find("#viewer-none").text
    assert not page.find("#viewer-body").is_displayed()


@pytest.fixture(scope="session")
def of_two_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two versions of a codec, of which the second spoils a corner of every picture."""
    folder = tmp_path_factory.mktemp("versions")
    (folder / "pictures").mkdir()
    for index, side in enumerate((320, 176)):
        Image.fromarray(photo(side, side, index)).save(folder / "pictures" / f"p{index}.png")
    runs = versions(folder, folder / "pictures")
    options = ReportOptions(anchor="blot (run1)", trust=EVERYBODY)
    return write_page(build_report_data(runs, options), folder / "page", runs=runs, trust=EVERYBODY)[0]


def test_two_runs_stand_side_by_side_and_the_worst_image_first(
    of_two_versions: Path, open_page: OpenPage
) -> None:
    """One codec of two runs is on both sides, and images are in the order of what the right one loses."""
    page = open_page(of_two_versions)
    shown(page, "blot (run1)")
    assert page.find("#viewer-side-right").text.startswith("blot (run2)")
    order = (
        "return [...document.querySelectorAll('#viewer-image optgroup:last-child option')].map(o => o.text)"
    )
    page.until(f"return (() => {{ {order} }})()[0].includes('%')")
    first, second = page.js(order)
    assert first.startswith("p1.png +")
    assert second.startswith("p0.png +")
    assert "bits of blot (run2) against blot (run1) at equal PSNR" in page.find("#viewer-order-note").text
    assert page.find("#viewer-stage").get_attribute("aria-label").startswith("p1.png")
    page.choose("#viewer-order", "as in the data set")
    assert page.js(order) == [second, first]


def test_the_viewer_fits_a_phone(of_two_versions: Path, open_page: OpenPage) -> None:
    """Nothing stands out of the page, which would make all of it scroll."""
    page = open_page(of_two_versions, 360)
    shown(page, "blot (run1)")
    assert page.js("return document.documentElement.scrollWidth <= window.innerWidth")


def test_the_viewer_goes_to_where_two_pictures_differ(of_two_versions: Path, open_page: OpenPage) -> None:
    """The button enlarges the place where the error maps differ most."""
    page = open_page(of_two_versions)
    page.choose("#viewer-image", "p0.png, crop")
    page.until("return document.getElementById('viewer-stage').ariaLabel.startsWith('p0.png')")
    shown(page, "blot (run1)")
    before = int(page.find("#viewer-zoom").text.rstrip("%"))
    page.click("#viewer-jump")
    page.until(f"return parseInt(document.getElementById('viewer-zoom').innerText) > {before}")
    page.click('input[value="difference"]')
    canvas = page.js(
        "const c = document.getElementById('viewer-canvas');"
        "return [c.width, c.height, ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )
    gaps = np.array(canvas[2:]).reshape(canvas[1], canvas[0], 4)[..., :3].sum(axis=2)
    spoiled = np.argwhere(gaps > gaps.max() / 2)
    assert gaps.max() > 30
    scale = int(page.find("#viewer-zoom").text.rstrip("%")) / 100
    assert np.ptp(spoiled, axis=0).max() > 0.5 * 48 * scale, "the whole spot of 48 pixels is in sight"


def test_the_error_map_is_that_of_each_side(of_two_versions: Path, open_page: OpenPage) -> None:
    """The original has no error; where a version spoils the picture, its map is bright."""
    page = open_page(of_two_versions)
    page.choose("#viewer-image", "p0.png, crop")
    page.until("return document.getElementById('viewer-stage').ariaLabel.startsWith('p0.png')")
    page.choose("#viewer-left", "Original")
    page.choose("#viewer-right", "blot (run2)")
    shown(page, "Original")
    page.click('input[value="map"]')
    left, _, right, _ = SPOILED
    middle = (left + right) / 2 / 320
    page.keys("#viewer-divider", "\ue010")
    page.until("return document.getElementById('viewer-divider').value === '1000'")
    assert pixel(page, 0.3, 120 / 320)[:3] == [0, 0, 0]
    page.keys("#viewer-divider", "\ue011")
    canvas = "const c = document.getElementById('viewer-canvas');"
    width, height = page.js(f"{canvas} return [c.width, c.height]")
    inside = 0.5 + (middle - 0.5) * min(width, height) / width
    page.until(
        f"{canvas} return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0] > 0"
    )
    assert pixel(page, inside, 120 / 320)[0] > pixel(page, 0.5, 0.8)[0]
    assert page.texts("#viewer-map option") == ["1 − SSIM", "Squared error"]


def test_a_second_page_takes_over_its_maps(of_two_versions: Path) -> None:
    """Maps are read from the scripts of the page before, by the hashes of the pictures."""
    known = former_maps(of_two_versions.parent / "viewer")
    assert sum(len(it) for it in known.values()) == 12
    for by_picture in known.values():
        assert all(its["ssim"].startswith("data:image/webp;base64,") for its in by_picture.values())
    assert cut_map(next(iter(by_picture.values()))["ssim"], 4, 8, 40, 40).startswith("data:image/webp")

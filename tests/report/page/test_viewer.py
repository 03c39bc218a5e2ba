"""The comparison of reconstructions in a real browser, opened from disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.report.build import build_report_data
from bench.report.page import write_page
from bench.runs.store import read_journal
from bench.trials.measurement import Measurement
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

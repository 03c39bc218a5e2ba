"""The plot as a file: the picture that is on the page."""

from __future__ import annotations

import base64
import io
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.report.page.conftest import Page

SVG = "{http://www.w3.org/2000/svg}"
CATCH = """
window.saved = null;
URL.createObjectURL = (blob) => {
  const reader = new FileReader();
  reader.onload = () => { window.saved = reader.result; };
  reader.readAsDataURL(blob);
  return "#";
};
HTMLAnchorElement.prototype.click = function () { window.savedName = this.download; };
"""


def saved(page: Page, form: str) -> bytes:
    """The file that a button gives."""
    page.js(CATCH)
    page.click(f"#save-{form}")
    address = str(page.until("return window.saved"))
    assert page.js("return window.savedName") == f"rd_kodak_psnr_rgb.{form}"
    return base64.b64decode(address.partition(",")[2])


@pytest.mark.parametrize(("dark", "ground"), [(False, (255, 255, 255)), (True, (20, 23, 27))])
def test_a_saved_plot_looks_as_it_is_shown(
    index: Path, open_page: Callable[..., Page], tmp_path: Path, dark: bool, ground: tuple[int, int, int]
) -> None:
    """Zoom, hidden curves and colours of the theme are kept, names stand below, and no style is missing."""
    page = open_page(index, dark=dark)
    page.click("#plot-in")
    page.click('[data-toggle="0"]')
    drawn = ET.fromstring(saved(page, "svg"))
    assert [it.get("data-curve") for it in drawn.iter(f"{SVG}g") if it.get("data-curve")] == ["1", "2"]
    paths = {it.get("d") for it in drawn.iter(f"{SVG}path")}
    assert page.js("return document.querySelector('[data-curve=\"1\"] .curve').getAttribute('d')") in paths
    names = [it.text for it in drawn.iter(f"{SVG}text")]
    assert names[-2:] == ["webp", "avif-420"]
    assert not [it for it in drawn.iter() if it.get("class") or it.get("style") or "var(" in str(it.attrib)]
    picture = Image.open(io.BytesIO(saved(page, "png"))).convert("RGB")
    assert picture.size == tuple(2 * int(float(drawn.get(it, 0))) for it in ("width", "height"))
    pixels = np.asarray(picture)
    assert tuple(pixels[2, 2]) == ground
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50, "curves and words are in it"

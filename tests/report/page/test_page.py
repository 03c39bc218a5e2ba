"""What the page's file holds, and what is written beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from bench.rd import all_pairs, paired_bd_rate
from bench.report.build import build_report_data
from bench.report.page import write_page
from bench.runs.store import read_info, read_journal
from bench.trials.trust import EVERYBODY
from tests.conftest import photo
from tests.report.page.conftest import CODECS
from tests.report.page.runs import Made, write_run


def data_of(page: Path) -> Any:
    """The JSON block of a page."""
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_pairs_are_those_of_the_analysis(tmp_path: Path) -> None:
    """A BD-rate against any anchor is the one that the analysis gives for that pair, interval included."""
    data = build_report_data([write_run(tmp_path / "run", CODECS, images=7, points=5)])[0]
    curves = data.per_image["ms_ssim_rgb"]
    pairs = all_pairs(curves)
    assert pairs.keys() == {(a, b) for a in curves for b in curves if a != b}
    for (anchor, test), it in pairs.items():
        expected = paired_bd_rate(curves[anchor], curves[test])
        assert it.mean_curve == expected.mean_curve
        assert it.ci95 == pytest.approx(expected.ci95, rel=1e-12)
        assert it.per_image.value == pytest.approx(expected.per_image.value, rel=1e-12)
        assert it.per_image.ci95 == pytest.approx(expected.per_image.ci95, rel=1e-12)


def test_policy_admits_this_pages_script_and_style_by_hash(index: Path) -> None:
    """The policy has no unsafe source, and its hashes are those of the script and style in the page."""
    text = index.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    for name, directive in (("script", "script-src"), ("style", "style-src")):
        contents = re.search(rf"<{name}>(.*?)</{name}>", text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(contents.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_names_cannot_leave_the_data_block(tmp_path: Path) -> None:
    """Markup in labels and messages appears in the file only as escaped JSON or text."""
    hostile = "</script><script>alert(1)</script><!-- @data@ @script@"
    codecs = [
        Made(hostile, "jpeg", 1.0),
        Made("b", "<b>", 0.5, failing="image000.png", error="<img src=x onerror=alert(1)>"),
    ]
    folder = write_run(tmp_path / "run", codecs, images=2, points=4)
    page = write_page(build_report_data([folder]), tmp_path / "out", runs=[folder])[0]
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") == 2
    assert "<img" not in text
    assert "alert(1)</script>" not in text
    assert data_of(page)["datasets"][0]["entries"][0]["label"] == hostile


def test_alike_failures_do_not_swell_the_page(tmp_path: Path) -> None:
    """Failures that are alike are one line with a count; the page stays under 2 MB."""
    codecs = [Made("a", "jpeg", 1.0), Made("b", "webp", 0.5, failing="image000.png", error="x" * 5000)]
    folder = write_run(tmp_path / "run", codecs, images=3, points=30)
    page = write_page(build_report_data([folder]), tmp_path / "out", runs=[folder])[0]
    failures = data_of(page)["datasets"][0]["failures"]
    assert (failures["total"], len(failures["groups"]), failures["groups"][0]["count"]) == (30, 1, 30)
    assert page.stat().st_size < 200_000


def test_pictures_are_the_decoded_pixels(kept: Path, tmp_path: Path) -> None:
    """Every measured reconstruction lies beside the page, pixel for pixel.

    The lossless one stands in for an original that is not at hand.
    """
    files = write_page(build_report_data([kept]), tmp_path, runs=[kept])
    stored = {it.stem for it in files if it.suffix == ".webp"}
    records = [it for it in read_journal(kept) if it.status == "ok"]
    assert stored == {str(it.pixels_sha256)[:32] for it in records}
    for it in records:
        with Image.open(tmp_path / "viewer" / f"{str(it.pixels_sha256)[:32]}.webp") as image:
            pixels = np.asarray(image.convert("RGB"))
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == it.pixels_sha256
    assert {hashlib.sha256(photo(170, 200, k).tobytes()).hexdigest()[:32] for k in range(2)} <= stored


def test_a_second_page_decodes_nothing(kept: Path, tmp_path: Path) -> None:
    """Pictures that are already there are used as they are, and the page is the same."""
    first = write_page(build_report_data([kept]), tmp_path, runs=[kept])
    before = {it: (it.read_bytes(), it.stat().st_mtime_ns) for it in first if it.suffix == ".webp"}
    text = first[0].read_bytes()
    second = write_page(build_report_data([kept]), tmp_path, runs=[kept])
    assert second == first
    assert {it: (it.read_bytes(), it.stat().st_mtime_ns) for it in before} == before
    assert second[0].read_bytes() == text


def test_examples_stay_within_their_budget(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embedded pictures never take more bytes than the budget."""
    from bench.report.page.examples import Examples

    monkeypatch.setattr(Examples.__init__, "__defaults__", (200_000,))
    page = write_page(build_report_data([kept]), tmp_path, runs=[kept])[0]
    examples = data_of(page)["datasets"][0]["viewer"]["examples"]
    urls = [it["original"]["url"] for it in examples]
    urls += [point[4]["url"] for it in examples for point in it["reconstructions"]]
    assert urls
    assert sum(map(len, urls)) <= 200_000


def test_a_broken_bitstream_has_its_reason(kept: Path, tmp_path: Path) -> None:
    """A damaged bitstream or pixels unlike the record's cost one picture, whose place says why."""
    folder = shutil.copytree(kept, tmp_path / "run")
    records = [it for it in read_journal(folder) if it.codec == "jpeg" and it.image == "p0.png"]
    (folder / "bitstreams" / str(records[0].bitstream_sha256)).write_bytes(b"damaged")
    journal = folder / "measurements.jsonl"
    journal.write_text(journal.read_text().replace(str(records[1].pixels_sha256), "0" * 64))
    files = write_page(build_report_data([folder]), tmp_path / "out", runs=[folder])
    problems = "".join(it.read_text() for it in files if it.suffix == ".js")
    assert problems.count('"problem"') == 2
    assert "the kept bitstream is damaged" in problems
    assert "the decoded pixels differ from the measured ones" in problems


@pytest.mark.usefixtures("unsealed")
def test_a_run_cannot_make_a_report_run_its_code(kept: Path, tmp_path: Path) -> None:
    """A run.json whose codec is a file of its own is decoded only when the caller trusts it."""
    folder = shutil.copytree(kept, tmp_path / "run")
    evil = tmp_path / "evil.py"
    evil.write_text(f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\nclass Jpeg: pass\n")
    info = read_info(folder)
    codecs = tuple(msgspec.structs.replace(it, target=f"{evil}:Jpeg") for it in info.codecs)
    (folder / "run.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(info, codecs=codecs)))
    files = write_page(build_report_data([folder]), tmp_path / "out", runs=[folder])
    assert not (tmp_path / "ran").exists()
    assert any("only installed codecs" in it.read_text() for it in files if it.suffix == ".js")
    files = write_page(build_report_data([folder]), tmp_path / "out", runs=[folder], trust=EVERYBODY)
    told = "".join(it.read_text() for it in files if it.suffix == ".js")
    assert "only installed codecs" not in told
    assert "decoding failed" in told, "it was run: sealed, where nothing that it writes is left"

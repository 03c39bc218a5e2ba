"""Pages and files made from a stranger's run whose names are attacks: they show text, and run nothing."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from bench.check.baseline import TrialResult
from bench.check.exhibits import Exhibit
from bench.check.page import as_page
from bench.check.snapshot import snapshot
from bench.check.verdict import Change, CheckFinding, SpeedCell, Verdict
from bench.host.environment import Environment
from bench.report.build import build_report_data
from bench.report.page import write_page
from bench.runs.store import read_info
from tests.conftest import photo
from tests.inputs.strangers import rdbench
from tests.report.page.conftest import Page
from tests.report.page.runs import Made, write_run

OpenPage = Callable[..., Page]

ATTACKS = (
    '<img src=x onerror="window.ran=1">',
    "</script><script>window.ran=1</script>",
    "\"'><svg onload=window.ran=1>",
    "javascript:window.ran=1",
    "--><style>*{background:url(https://example.org/x)}</style>",
    "${window.ran=1}`{{constructor.constructor('window.ran=1')()}}",
    r"\input{/etc/passwd}[a](javascript:window.ran=1)|=1+1",
)
RAN = "return window.ran === undefined && !document.querySelector('img[src=x], svg[onload], body style')"


def attacked(folder: Path) -> Path:
    """A run whose labels, versions, options, images, machines and messages are attacks."""
    codecs = [Made(f"{it} {k}", it, 1 - 0.1 * k, error=it) for k, it in enumerate(ATTACKS)]
    codecs[0] = replace(codecs[0], failing="image000.png")
    run = write_run(folder, codecs, images=8, points=5)
    machine = Environment(
        {"cpu": ATTACKS[0], ATTACKS[1]: ATTACKS[2]}, {"python": ATTACKS[3], ATTACKS[4]: ATTACKS[5]}
    )

    info = json.loads((run / "run.json").read_text())
    lines = [json.loads(it) for it in (run / "measurements.jsonl").read_text().splitlines()]
    for entry in (*info["codecs"], *lines):
        attack = entry["codec"]
        entry |= {"version": attack, "config": {attack: attack, "effort": entry["config"]["effort"]}}
    for line in lines:
        line |= {
            "image": f"{ATTACKS[0]} {line['image']}",
            "environment": machine.id,
            "treatment": line["codec"],
        }
    for image in info["images"]:
        image["name"] = f"{ATTACKS[0]} {image['name']}"
    info["environment"] = {"machine": machine.machine, "software": machine.software}
    for metric in info["metrics"]:
        metric |= {"unit": ATTACKS[1], "version": ATTACKS[2]}
    (run / "run.json").write_text(json.dumps(info))
    (run / "measurements.jsonl").write_text("".join(json.dumps(it) + "\n" for it in lines))
    return run


def test_the_page_of_a_run_shows_attacks_as_text(tmp_path: Path, open_page: OpenPage) -> None:
    """Whatever is opened, no name, option, machine, unit, image or message becomes more than text."""
    run = attacked(tmp_path / "run")
    page = open_page(write_page(build_report_data([run]), tmp_path / "out", runs=[run])[0])
    assert sorted(page.labels()) == sorted(it.label for it in read_info(run).codecs)
    for selector in ("button", "summary", "#ranking-table tbody .name button"):
        count = page.js("return document.querySelectorAll(arguments[0]).length", selector)
        for place in range(min(count, 25)):
            page.js(
                "const it = document.querySelectorAll(arguments[0])[arguments[1]];"
                "const saves = /save|download|csv|json|png|svg/i;"
                "if (it?.checkVisibility() && !saves.test(it.id + it.innerText)) it.click()",
                selector,
                place,
            )
    assert page.js(RAN)
    assert ATTACKS[0] in page.js("return document.body.textContent")


def test_a_hash_in_the_address_is_no_code(tmp_path: Path, open_page: OpenPage) -> None:
    """The state in the page's address chooses among what is there, and makes nothing."""
    run = attacked(tmp_path / "run")
    index = write_page(build_report_data([run]), tmp_path / "out", runs=[run])[0]
    page = open_page(index)
    for attack in ATTACKS:
        page.js("location.hash = arguments[0]; dispatchEvent(new HashChangeEvent('hashchange'))", attack)
        page.js("location.hash = 'metric=' + encodeURIComponent(arguments[0])", attack)
    page.driver.refresh()
    assert page.js(RAN)
    assert page.labels()


def test_the_page_of_a_check_shows_attacks_as_text(tmp_path: Path, open_page: OpenPage) -> None:
    """Labels, images, metrics, machines and reasons of a verdict are text in the browser."""
    run = attacked(tmp_path / "run")
    findings = [
        CheckFinding("regression", True, it, 50.0, it, it, 0.0, (Change(it, 30.0, 29.0, 1.0),), detail=it)
        for it in ATTACKS
    ]
    speed = (SpeedCell(ATTACKS[0], 10.0, "encode", 1.12, (0.9, 1.4), 1.1, 80, "inconclusive"),)
    verdict = Verdict(tuple(findings), compared=3, identical=1, environment=ATTACKS, speed=speed)
    crop = photo(96, 96)
    shown = [
        Exhibit(it, TrialResult(image=it.label), TrialResult(image=it.label), (0, 0), crop, it.label, crop)
        for it in findings
    ]
    path = tmp_path / "verdict.html"
    path.write_text(as_page(verdict, shown, snapshot(run)))
    page = open_page(path)
    assert page.js(RAN)
    assert page.js("return document.scripts.length") == 0
    text = page.js("return document.body.textContent")
    assert all(it in text for it in ATTACKS)


def test_written_files_hold_attacks_as_text(tmp_path: Path) -> None:
    """LaTeX has no command of a stranger, Markdown no tag and no link, CSV no formula, SVG no script."""
    run = attacked(tmp_path / "run")
    assert rdbench("report", run).code == 0
    report = run / "report"
    for path in report.rglob("*.tex"):
        lines = [it for it in path.read_text().splitlines() if not it.startswith("%")]
        assert not [it for it in lines if r"\input" in it], path
    for path in report.rglob("*.md"):
        text = path.read_text()
        for it in ("<img", "<script", "</script", "<svg", "<style"):
            assert it not in text.replace("\\" + it, ""), (path, it)
        assert "](javascript" not in text.replace(r"\](javascript", ""), path
    for path in report.rglob("*.csv"):
        with path.open(newline="") as file:
            assert not [cell for row in csv.reader(file) for cell in row if cell.startswith(("=", "@"))], path
    for path in report.rglob("*.svg"):
        tags = {it.tag.rpartition("}")[2] for it in ElementTree.parse(path).iter()}
        assert tags.isdisjoint({"script", "img", "foreignObject", "a"}), path
    assert {it.suffix for it in report.rglob("*.*")} >= {".tex", ".md", ".csv", ".svg", ".json", ".html"}


def test_pictures_of_a_former_page_stay_in_the_folder(tmp_path: Path, kept: Path) -> None:
    """Scripts beside a stranger's former page send the new one nowhere."""
    run = tmp_path / "run"
    shutil.copytree(kept, run)
    assert rdbench("report", run, "--trust").code == 0
    known = 0
    for script in (run / "report" / "viewer").glob("*.js"):
        text = script.read_text()
        head, tail = text.index("("), text.rindex(")")
        image = json.loads(text[head + 1 : tail])
        for entry in image["reconstructions"]:
            known += len(entry[-1])
            entry[-1] = dict.fromkeys(entry[-1], "https://example.org/x.png")
        script.write_text(f"{text[: head + 1]}{json.dumps(image)}{text[tail:]}")
    assert rdbench("report", run, "--trust").code == 0
    assert known, "there is nothing to forge"
    assert "example.org" not in "".join(it.read_text() for it in (run / "report").rglob("*.js"))
    assert "example.org" not in (run / "report" / "index.html").read_text()

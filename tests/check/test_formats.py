"""The forms of a verdict, as the programs that read them see them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from bench.check.formats import FORMATS
from bench.check.page import as_page
from bench.check.text import as_text
from bench.check.verdict import Change, CheckFinding, SpeedCell, Verdict, worst_first

HOSTILE = "crash, 100% <b>|\x1b[31m\x00 bad]]>\nsecond line"

VERDICT = Verdict(
    worst_first(
        [
            CheckFinding(
                "improved", False, "jpeg", 50.0, "bytes", "%", 0.0, (Change("k/a.png", 100, 90, -10.0),)
            ),
            CheckFinding(
                "regression",
                True,
                "jpeg",
                50.0,
                "psnr_rgb",
                "dB",
                0.0,
                (Change("k/b.png", 30.0, 29.5, 0.5), Change("k/a.png", None, 40.0, math.inf)),
            ),
            CheckFinding(
                "regression", True, "webp", 10.0, "bytes", "%", 0.5, (Change("k/a.png", 100, 102, 2.0),)
            ),
            CheckFinding(
                "failed",
                True,
                "a|b",
                None,
                "status",
                changes=(Change("k/a.png", None, None, 0),),
                detail=HOSTILE,
            ),
            CheckFinding("inconclusive", False, "webp", 10.0, "encode time", "%", 10.0),
        ]
    ),
    compared=10,
    identical=5,
    environment=("numpy 1.26 -> 2.1",),
    speed=(SpeedCell("webp", 10.0, "encode", 1.12, (0.9, 1.4), 1.1, 80, "inconclusive"),),
)


def test_worst_comes_first_in_every_form() -> None:
    """Failures, then regressions by weight (0.5 dB outweighs 2% of bytes), then the rest."""
    assert [(it.kind, it.label) for it in VERDICT.findings] == [
        ("failed", "a|b"),
        ("regression", "jpeg"),
        ("regression", "webp"),
        ("inconclusive", "webp"),
        ("improved", "jpeg"),
    ]
    for name in ("text", "markdown", "github"):
        text = FORMATS[name](VERDICT)
        assert text.index("psnr_rgb") < text.index("+2.00") < text.index("10.00")


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_steers_the_reader(form: str) -> None:
    """What a codec wrote into a message arrives without control characters in any form."""
    text = FORMATS[form](VERDICT)
    assert "\x1b" not in text
    assert "\x00" not in text


def test_json_is_whole_and_strict() -> None:
    """JSON holds every image and number; an infinite loss is null, not ``Infinity``."""
    document = json.loads(FORMATS["json"](VERDICT), parse_constant=lambda name: pytest.fail(name))
    assert document["outcome"] == "regression"
    assert document["findings"][1]["changes"][0] == {
        "image": "k/b.png",
        "before": 30.0,
        "after": 29.5,
        "amount": 0.5,
    }
    assert document["findings"][1]["worst"] is None
    assert document["speed"][0]["interval"] == [0.9, 1.4]


def test_junit_counts_failures() -> None:
    """A suite for each codec; failing findings are failures, inconclusive ones are skipped."""
    root = ElementTree.fromstring(FORMATS["junit"](VERDICT).encode())
    suites = {it.get("name"): it for it in root}
    assert suites["jpeg"].get("tests") == "2"
    assert suites["jpeg"].get("failures") == "1"
    assert suites["webp"].get("skipped") == "1"
    failure = suites["jpeg"].find("testcase/failure")
    assert failure is not None
    assert failure.text == "k/b.png: 30.0 -> 29.5\nk/a.png: None -> 40.0"


def test_github_commands_stay_on_their_line() -> None:
    """One command a line, with the line breaks of a message escaped."""
    lines = FORMATS["github"](VERDICT).splitlines()
    assert len(lines) == 6
    assert all(it.startswith(("::error ", "::warning ", "::notice ")) for it in lines)
    assert [it.split(" ")[0] for it in lines] == ["::error"] * 4 + ["::warning", "::notice"]


def test_github_shows_the_verdict_and_the_ten_worst() -> None:
    """The verdict is the first annotation; of many findings the ten worst follow, and the rest is counted."""
    many = replace(VERDICT, findings=VERDICT.findings[1:2] * 13)
    lines = FORMATS["github"](many).splitlines()
    assert lines[0].startswith("::error title=rdbench check::regression (5 of 10 trials identical")
    assert len([it for it in lines[1:] if it.startswith("::error title=jpeg")]) == 10
    assert lines[-1] == "and 3 more, which the summary of the job lists"


def test_markdown_table_keeps_its_columns() -> None:
    """Bars and tags in names break neither the table nor the page."""
    text = FORMATS["markdown"](VERDICT)
    row = next(it for it in text.splitlines() if "FAILED" in it)
    assert row.replace("\\|", "").count("|") == 9
    assert "<b>" not in text


def test_text_fits_the_terminal() -> None:
    """A table is no wider than the terminal, and no image or cause is lost for that."""
    detail = "libjpeg-turbo 2.1.5 -> 3.1.3; option subsampling 444 -> 420"
    many = Verdict(tuple(replace(it, detail=detail) for it in VERDICT.findings), environment=("a b " * 40,))
    text = as_text(many, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert all(it in text for it in ("b.png", "a.png", "3.1.3", "420"))


def test_a_narrow_terminal_has_the_worst_image_alone() -> None:
    """Where lines are short, a row names one image and counts the others."""
    changes = tuple(Change(f"k/p{k}.png", 30.0, 29.0, 1.0 - 0.1 * k) for k in range(6))
    verdict = Verdict((CheckFinding("regression", True, "jpeg", 50.0, "psnr_rgb", "dB", 0.0, changes),))
    assert "p0.png, 5 more" in as_text(verdict, width=80)
    assert "p3.png −1.0000 dB and 2 more" in as_text(verdict, width=160)


def test_a_cause_of_all_findings_is_told_once() -> None:
    """Above the table instead of in each row; with several causes they stay in their rows."""
    due = Verdict(tuple(replace(it, detail="subsampling 444 -> 420") for it in VERDICT.findings[1:]))
    for form in (FORMATS["markdown"], as_page):
        assert form(due).count("subsampling 444") == 1
        assert "<th" not in form(due) or "because" not in form(due)
    assert "because" in FORMATS["markdown"](VERDICT)


def test_a_long_table_begins_with_a_line_for_each_codec() -> None:
    """How often each kind of finding occurs and the worst of each measure; a short table needs none."""
    rows = [
        CheckFinding(
            "regression", True, "jpeg", q, measure, unit, 0.0, (Change("k/a.png", None, None, amount * q),)
        )
        for q in range(1, 6)
        for measure, unit, amount in (("bytes", "%", 1.0), ("psnr_rgb", "dB", 0.01))
    ]
    rows.append(CheckFinding("changed", False, "webp", 10.0, "bitstream"))
    text = as_text(Verdict(worst_first(rows)))
    assert text.splitlines()[2:4] == [
        "jpeg: regression 10; worst: bytes +5.00%, psnr_rgb +0.0500 dB",
        "webp: changed 1",
    ]
    assert "regression 5" not in as_text(Verdict(worst_first(rows[:5])))

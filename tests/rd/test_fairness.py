"""Unfair comparisons are reported, each kind by its name, and fair ones are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.rd import Curve
from bench.rd.fairness import Config, fairness_findings
from tests.rd.curves import curve

FAIR = Config(
    "a",
    "jpeg",
    {"subsampling": "420"},
    "1",
    {"m": 48},
    "alone",
    n_ok=48,
    n_planned=48,
    n_images=24,
    curves=(curve("a"),),
)
OTHER = replace(FAIR, label="b", codec="webp", version="2", curves=(curve("b", 0.8),))
FOLDED = Curve("b", curve().rate, (*curve().quality[:3], 27.0, *curve().quality[4:]))
APART = Curve("b", curve().rate, tuple(q + 30 for q in curve().quality))


def test_a_fair_comparison_has_no_finding() -> None:
    """Nothing is said where nothing is wrong."""
    assert fairness_findings([FAIR, OTHER], "a") == ()


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("subsampling", {"options": {"subsampling": "4:4:4"}}, "4:2:0 in a; 4:4:4 in b"),
        ("overlap", {"curves": (APART,)}, "a share little of their quality ranges (0% in psnr_rgb)"),
        ("non-monotone", {"curves": (FOLDED,)}, "b: non-monotone"),
        ("few-points", {"curves": (curve("b", points=2),)}, "fewer than 3 points"),
        ("timing", {"timing": "load"}, "under load"),
        ("timing", {"timing": "disturbed"}, "other processes took part of the processor"),
        ("version", {"codec": "jpeg"}, "1 in a; 2 in b"),
        ("machine", {"machines": {"n": 48}}, "times come from 2 machines and cannot be compared: m, n"),
        ("machine", {"machines": {"n": 8, "m": 40}}, "(40 trials on m, 8 trials on n)"),
        ("few-images", {"n_images": 3}, "only 3 images behind b"),
        ("failures", {"n_ok": 47}, "47 of 48"),
    ],
)
def test_each_fault_is_found(kind: str, change: dict[str, object], words: str) -> None:
    """Each kind of unfairness gives exactly one finding, which names the label at fault."""
    findings = fairness_findings([FAIR, replace(OTHER, **change)], "a")  # type: ignore[arg-type]  # one field at a time
    assert [finding.kind for finding in findings] == [kind]
    assert words in findings[0].message
    assert "b" in findings[0].labels


def test_single_points_are_told_once() -> None:
    """One note for all configurations and metrics without a curve; points have no ranges to share."""
    points = tuple(replace(curve("b", points=1), metric=it) for it in ("psnr_rgb", "ms_ssim_rgb"))
    (finding,) = fairness_findings([replace(FAIR, curves=points), replace(OTHER, curves=points)], "a")
    assert finding.kind == "few-points"
    assert "psnr_rgb, ms_ssim_rgb" in finding.message
    assert finding.labels == ("a", "b")


def test_warnings_come_before_notes() -> None:
    """What can overturn a conclusion is listed first."""
    findings = fairness_findings([FAIR, replace(OTHER, n_images=2, n_ok=1)], "a")
    assert [finding.severity for finding in findings] == ["warning", "note"]

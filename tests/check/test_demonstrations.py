"""What the gate must catch, on runs of a real codec whose source was changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from bench.check.baseline import Snapshot, encoded, read_baseline
from bench.check.compare import compare
from bench.check.text import as_text
from bench.check.verdict import CheckFinding, Verdict
from bench.inputs.gate import Gate, gate_of
from tests.check import codecs
from tests.conftest import photo

SIZES = {"p0.png": (176, 168), "p1.png": (170, 190), "p2.png": (165, 165)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three images."""
    made = tmp_path_factory.mktemp("check") / "pictures"
    made.mkdir()
    for index, (name, size) in enumerate(SIZES.items()):
        Image.fromarray(photo(*size, index)).save(made / name)
    return made


@pytest.fixture(scope="module")
def baseline(folder: Path) -> Snapshot:
    """The snapshot of the sound codec, written to a file and read again."""
    path = folder.parent / "baseline.json"
    path.write_bytes(encoded(codecs.snapshot_of(folder.parent / "sound", folder)))
    return read_baseline(path)


def checked(
    baseline: Snapshot, folder: Path, tmp_path: Path, *changes: tuple[str, str], gate: Gate | None = None
) -> Verdict:
    run = codecs.snapshot_of(tmp_path / "changed", folder, *changes)
    return compare(baseline, run, lambda codec: gate or Gate())


def failing(verdict: Verdict) -> list[CheckFinding]:
    found = [it for it in verdict.findings if it.fails]
    assert {it.label for it in found} <= {"tables"}, "the other codec is innocent"
    return found


def test_same_code_passes(baseline: Snapshot, folder: Path, tmp_path: Path) -> None:
    """A second run of the same codecs is identical in every trial, whatever else the file's text holds."""
    verdict = checked(baseline, folder, tmp_path, ("import io,", "# a remark\nimport io,"))
    assert verdict.outcome == "pass"
    assert verdict.findings == ()
    assert verdict.compared == verdict.identical == 18


def test_quantisation_step_is_caught(baseline: Snapshot, folder: Path, tmp_path: Path) -> None:
    """One entry of the table, one step coarser: the quality that it costs is named, by point and image."""
    verdict = checked(baseline, folder, tmp_path, codecs.STEP)
    assert verdict.outcome == "regression"
    found = failing(verdict)
    assert {it.measure for it in found} >= {"psnr_rgb"}
    worst = found[0]
    assert worst.quality in (1.0, 2.0, 4.0)
    assert [it.amount for it in worst.changes] == sorted((it.amount for it in worst.changes), reverse=True)
    assert {it.kind for it in verdict.findings if it.measure == "bytes"} == {"improved"}


def test_dropped_optimisation_is_caught(baseline: Snapshot, folder: Path, tmp_path: Path) -> None:
    """Larger files of the same pixels are a regression of bytes and of BD-rate, and of nothing else."""
    verdict = checked(baseline, folder, tmp_path, codecs.FLAG)
    assert verdict.outcome == "regression"
    found = failing(verdict)
    assert {it.measure for it in found} == {"bytes", "BD-rate (psnr_rgb)", "BD-rate (ms_ssim_rgb)"}
    by_point = {it.quality: it for it in found if it.measure == "bytes"}
    assert set(by_point) == {1.0, 2.0, 4.0}
    assert {it.image for it in by_point[1.0].changes} == {f"pictures/{name}" for name in SIZES}
    assert "p0.png" in as_text(verdict)


def test_one_percent_of_bytes_is_caught_by_every_limit(
    baseline: Snapshot, folder: Path, tmp_path: Path
) -> None:
    """1% of padding exceeds a limit on bytes and one on BD-rate, each alone."""
    pad = ("return buffer.getvalue()", "data = buffer.getvalue(); return data + bytes(-(-len(data) // 100))")
    run = codecs.snapshot_of(tmp_path / "changed", folder, pad)
    bytes_alone = gate_of(max_bytes="0.5%", max_bd_rate="off", max_psnr_drop="off")
    assert {it.measure for it in failing(compare(baseline, run, lambda _: bytes_alone))} == {"bytes"}
    rate_alone = gate_of(max_bytes="off", max_bd_rate={"psnr_rgb": "0.5%"})
    found = failing(compare(baseline, run, lambda _: rate_alone))
    assert [it.measure for it in found] == ["BD-rate (psnr_rgb)"]
    assert found[0].worst == pytest.approx(1.0, abs=0.05)
    lenient = gate_of(max_bytes="2%", max_bd_rate="2%")
    assert compare(baseline, run, lambda _: lenient).outcome == "pass"


def test_channel_swap_is_caught(baseline: Snapshot, folder: Path, tmp_path: Path) -> None:
    """Swapped channels end every trial as a mismatch that names the order."""
    verdict = checked(baseline, folder, tmp_path, codecs.SWAP)
    assert verdict.outcome == "failed"
    found = failing(verdict)
    assert sum(len(it.changes) for it in found) == 9
    assert all("BGR" in it.detail for it in found)


def test_crashing_image_is_caught(baseline: Snapshot, folder: Path, tmp_path: Path) -> None:
    """A crash on one image at one quality is named with image, quality and signal; the rest is compared."""
    verdict = checked(baseline, folder, tmp_path, codecs.CRASH)
    assert verdict.outcome == "failed"
    (found,) = failing(verdict)
    assert (found.quality, [it.image for it in found.changes]) == (2.0, ["pictures/p1.png"])
    assert re.search("crash.*SIGSEGV", found.detail)
    assert verdict.identical == 17


def test_other_library_is_an_environment_change(baseline: Snapshot, folder: Path, tmp_path: Path) -> None:
    """What got worse with another library behind the adapter is named so, apart from regressions of code."""
    run = codecs.snapshot_of(tmp_path / "changed", folder, codecs.LIBRARY, codecs.STEP)
    verdict = compare(baseline, run, lambda _: Gate())
    assert verdict.outcome == "environment changed"
    assert {it.kind for it in failing(verdict)} == {"environment changed"}
    assert "libjpeg 9.5 -> libjpeg 9.6" in as_text(verdict)
    assert compare(baseline, run, lambda _: gate_of(environment="warn")).outcome == "pass"
    assert compare(baseline, run, lambda _: gate_of(own_library=True)).outcome == "regression"


def test_other_library_with_the_same_results_passes(baseline: Snapshot, folder: Path, tmp_path: Path) -> None:
    """A new library build that changes nothing is nobody's concern."""
    assert checked(baseline, folder, tmp_path, codecs.LIBRARY).outcome == "pass"

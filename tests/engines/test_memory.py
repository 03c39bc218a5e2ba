"""The memory that a learned codec needs on the CPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import bench
from bench.engines import memory
from bench.runs.store import read_journal
from bench.trials.measurement import Measurement
from tests.conftest import ADAPTERS

OWN = Path(__file__).with_name("adapters.py")


@pytest.mark.skipif(not memory.reset_peak(), reason="the system does not tell a process's peak")
def test_each_trial_of_a_learned_codec_has_its_own_peak(pictures: Path, tmp_path: Path) -> None:
    """The peak is that of the phase, not of an earlier trial in the same process; others have none."""
    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{OWN}:Learned@6,4", f"{ADAPTERS}:Honest@4"],
        metrics=["psnr_rgb"],
        limit=2,
        out=tmp_path / "run",
        options=bench.Options(jobs=1),
    )
    found = list(read_journal(tmp_path / "run"))
    assert {it.status for it in found} == {"ok"}
    for it in found:
        if it.codec == "Honest":
            assert it.encode_peak_bytes is it.decode_peak_bytes is None
        else:
            assert it.encode_peak_bytes is not None
            assert it.decode_peak_bytes is not None
            assert 1 << 20 < it.encode_peak_bytes < 1 << 29
            assert (it.decode_peak_bytes > 1 << 29) == (it.quality == 6)
    frame = bench.load(tmp_path / "run")
    assert frame["decode_peak_bytes"].max() == max(it.decode_peak_bytes or 0 for it in found)


def test_journals_without_memory_are_read() -> None:
    """Lines of before the fields existed have no figure."""
    line = (
        b'{"key":"k","environment":"e","dataset":"d","image":"i","image_sha256":"s","codec":"vae",'
        b'"version":"1","config":{},"status":"ok"}'
    )
    found = msgspec.json.decode(line, type=Measurement)
    assert found.encode_peak_bytes is found.decode_peak_bytes is None


@pytest.mark.skipif(not memory.reset_peak(), reason="the system does not tell a process's peak")
@pytest.mark.parametrize("points", ["6,4", "4,6"])
def test_a_peak_is_the_codecs_own(pictures: Path, tmp_path: Path, points: str) -> None:
    """It begins at the idle process and does not grow with what came before, of this codec or another."""
    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{OWN}:LeavesPages@{points}", f"{OWN}:Learned@6"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
        options=bench.Options(jobs=1),
    )
    found = list(read_journal(tmp_path / "run"))
    assert {(it.status, it.peak_of) for it in found} == {("ok", "codec")}
    for it in found:
        peaks = [it.encode_peak_bytes or 0, it.decode_peak_bytes or 0]
        if it.codec == "LeavesPages":
            work = 200e6 if it.quality == 6 else 20e6
            assert all(30e6 + work <= peak < 30e6 + work + 40e6 for peak in peaks), (it.quality, peaks)
        else:
            assert peaks[0] < 40e6
    assert set(bench.load(tmp_path / "run")["peak_of"]) == {"codec"}


def test_figures_of_older_journals_stand_apart(pictures: Path, tmp_path: Path) -> None:
    """A table of memory has figures of one kind, and its note says which."""
    from bench.report.build import build_report_data
    from bench.report.tables.complexity import ComplexityTable

    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{OWN}:Counted@4", f"{OWN}:AlsoCounted@4"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
    )
    journal = tmp_path / "run" / "measurements.jsonl"
    lines = journal.read_text().splitlines()
    old = [it.replace('"peak_of":"codec",', "") if '"codec":"Counted"' in it else it for it in lines]
    for written, cells in ((lines, (True, True)), (old, (False, True))):
        journal.write_text("\n".join(written) + "\n")
        (data,) = build_report_data([tmp_path / "run"])
        table = ComplexityTable().make(data)
        assert table is not None
        found = table.by_label("encode_peak_mb")
        assert tuple(found[it] is not None for it in ("Counted", "AlsoCounted")) == cells
        assert "the codec took" in table.notes[-1]


def test_a_process_named_like_a_size_is_no_size(tmp_path: Path) -> None:
    """Its name stands where sizes are read."""
    name = "from pathlib import Path; Path('/proc/self/comm').write_text('1 kB'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert memory.used(child.pid)
        assert child.stdin is not None
        child.stdin.write(b"\n")

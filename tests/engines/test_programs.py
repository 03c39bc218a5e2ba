"""What the programs behind a codec need, beside the time of their work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import bench
from bench.engines import memory
from bench.engines.programs import program_use
from bench.inputs.suite import CodecEntry
from bench.program import run_program
from bench.report import ReportOptions
from bench.report.build import build_report_data
from bench.report.tables.lossless import LosslessTable
from bench.report.tables.memory import MemoryTable
from bench.runs.store import read_journal

OWN = Path(__file__).with_name("adapters.py")
PYTHON = f"{sys.executable} -I -S"
HUNGRY = """
import shutil, sys
_, source, target, log = sys.argv
open(log, "a").write("run\\n")
block = bytearray(64_000_000)
block[::4096] = b"x" * len(block[::4096])
shutil.copyfile(source, target)
"""
linux = pytest.mark.skipif(not memory.reset_peak(), reason="the system does not tell a process's peak")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Has a line for each run of the program; pictures lie elsewhere, since nobody may need their folder."""
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "log"


@pytest.fixture
def programs(tmp_path: Path, log: Path) -> CodecEntry:
    """An encoder that is a program with a buffer of 64 MB, and a decoder that is a small one."""
    script = tmp_path / "hungry.py"
    script.write_text(HUNGRY)
    lines = {
        "encode": f"{PYTHON} {script} {{input}} {{output}} {log}",
        "decode": "cp {input} {output}",
    }
    config = {**lines, "lossless": True}
    return CodecEntry(codec="command", label="programs", config=config, needs=(str(log.parent),))


def measured(pictures: Path, out: Path, codec: CodecEntry | str, *, timing: bool, repeats: int = 3):
    """The one line of a run on one picture."""
    bench.run(
        datasets=[str(pictures)],
        codecs=[codec],
        metrics=["ssim_rgb"],
        limit=1,
        out=out,
        options=bench.Options(timing=timing, repeats=repeats),
    )
    return list(read_journal(out))[-1]


@linux
def test_memory_and_start_of_programs_are_measured(
    pictures: Path, tmp_path: Path, programs: CodecEntry, log: Path
) -> None:
    """Memory is the program's own and not the worker's; the program runs once more, and not for its start."""
    found = measured(pictures, tmp_path / "run", programs, timing=True)
    assert found.status == "ok", found.failure
    assert found.encode_peak_bytes is not None
    assert found.decode_peak_bytes is not None
    assert 64e6 <= found.encode_peak_bytes < 64e6 + 40e6
    assert found.decode_peak_bytes < 20e6
    assert found.encode_startup_s is not None
    assert found.decode_startup_s is not None
    assert len(found.encode_s) == 3
    # warm-up, repetitions, memory; and on other pictures where the first one takes long
    assert log.read_text().count("run") >= 1 + 3 + 1

    (data,) = build_report_data([tmp_path / "run"])
    table, lossless = MemoryTable().make(data), LosslessTable().make(data)
    assert table is not None
    assert lossless is not None
    assert table.by_label("encode_peak_mb")["programs"] == pytest.approx(found.encode_peak_bytes / 1e6)
    assert table.by_label("encode_startup_ms")["programs"] == pytest.approx(1e3 * found.encode_startup_s)
    assert "is included, in ms an image: programs" in lossless.notes[1]


@linux
def test_a_report_without_start_subtracts_it(pictures: Path, tmp_path: Path, programs: CodecEntry) -> None:
    """Times are less by the start and never below zero; the tables say so, and the record keeps both."""
    run = tmp_path / "run"
    found = measured(pictures, run, programs, timing=True, repeats=1)
    journal = run / "measurements.jsonl"
    for start, left in ((found.encode_s[0] / 4, found.encode_s[0] * 3 / 4), (1e6, 0.0)):
        line = journal.read_text().splitlines()[-1]
        then = f'"encode_startup_s":{found.encode_startup_s}'
        assert then in line
        changed = tmp_path / f"run{start}"
        changed.mkdir()
        (changed / "run.json").write_bytes((run / "run.json").read_bytes())
        (changed / journal.name).write_text(line.replace(then, f'"encode_startup_s":{start}') + "\n")
        (data,) = build_report_data([changed], ReportOptions(startup=False))
        assert data.frame["encode_s"].tolist() == pytest.approx([left])
        table = LosslessTable().make(data)
        assert table is not None
        assert "is left out, in ms an image: programs" in table.notes[1]


def test_under_load_programs_run_once(
    pictures: Path, tmp_path: Path, programs: CodecEntry, log: Path
) -> None:
    """Without --timing nothing is run a second time, and nothing is told of programs."""
    found = measured(pictures, tmp_path / "run", programs, timing=False)
    assert found.encode_peak_bytes is found.encode_startup_s is found.decode_startup_s is None
    assert log.read_text().count("run") == 1


@linux
def test_memory_of_a_codec_without_programs_is_measured_with_precise_times(
    pictures: Path, tmp_path: Path
) -> None:
    """It need not be a learned one; the decoder has none of what the encoder held."""
    found = measured(pictures, tmp_path / "run", f"{OWN}:EncodesWith64Megabytes@4", timing=True)
    assert found.encode_peak_bytes is not None
    assert found.decode_peak_bytes is not None
    assert 64e6 <= found.encode_peak_bytes < 64e6 + 40e6
    assert found.decode_peak_bytes < 40e6
    assert found.encode_startup_s is None
    (data,) = build_report_data([tmp_path / "run"])
    table = MemoryTable().make(data)
    assert table is not None
    keys = [it.key for it in table.columns]
    assert keys == ["label", "encode_peak_mb", "decode_peak_mb", "encode_cold_ms", "decode_cold_ms"]
    assert found.encode_cold_s is not None
    assert found.encode_cold_s > 0


def test_a_call_that_fails_when_it_is_repeated_has_no_numbers(tmp_path: Path) -> None:
    """What is run beside the times does no harm to them."""

    def call() -> None:
        assert run_program(["no such program"], tmp_path / "out").returncode == 0

    use = program_use(call, 2)
    assert (use.peak_bytes, use.startup) == (None, None)

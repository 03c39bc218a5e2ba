"""The engine for debugging: the same results as in isolation, in this process, and marked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.engines import open_engine
from bench.engines.messages import Describe, Failed
from bench.errors import ConfigError
from bench.report.findings import not_isolated
from bench.runs.store import read_journal
from bench.trials.codec_ref import CodecRef
from bench.trials.measurement import Measurement
from tests.conftest import ADAPTERS

CODECS = ("jpeg@30,80", "png", f"{ADAPTERS}:Raises@4", f"{ADAPTERS}:ChannelSwap@4")


def measured(pictures: Path, out: Path, *codecs: str, engine: str, **options: object) -> list[Measurement]:
    """The journal after a run with one engine."""
    bench.run(
        datasets=[str(pictures)],
        codecs=list(codecs),
        metrics=["psnr_rgb", "ms_ssim_rgb"],
        limit=2,
        out=out,
        options=bench.Options(engine=engine, **options),
    )
    return sorted(read_journal(out), key=lambda it: (it.codec, it.image, it.quality or 0))


def essence(it: Measurement) -> tuple[object, ...]:
    """What does not depend on where a trial ran."""
    failure = it.failure and (it.failure.phase, it.failure.exception, it.failure.message)
    return it.key, it.status, it.bytes, it.bitstream_sha256, it.pixels_sha256, it.exact, it.metrics, failure


def test_both_engines_give_the_same(pictures: Path, tmp_path: Path) -> None:
    """Bytes, pixels, metrics and failures agree; those without isolation say so, in the report too."""
    isolated = measured(pictures, tmp_path / "isolated", *CODECS, engine="local")
    path = sys.path[:]
    here = measured(pictures, tmp_path / "here", *CODECS, engine="inprocess")
    assert [essence(it) for it in here] == [essence(it) for it in isolated]
    assert {it.status for it in here} == {"ok", "codec_error", "mismatch"}
    assert {it.isolation for it in here} == {"none"}
    assert sys.path == path, "what lies beside a codec's file is for the codec alone"
    assert '"isolation":"none"' not in (tmp_path / "isolated" / "measurements.jsonl").read_text()
    assert not_isolated(bench.load(tmp_path / "isolated")) == []
    (finding,) = not_isolated(bench.load(tmp_path / "here"))
    assert "png" in finding.labels


def test_an_isolated_run_measures_again(pictures: Path, tmp_path: Path) -> None:
    """What was measured without isolation does not serve a run that has it; the other way round it does."""
    assert len(measured(pictures, tmp_path, "png", engine="inprocess")) == 2
    assert len(measured(pictures, tmp_path, "png", engine="inprocess")) == 2
    assert len(measured(pictures, tmp_path, "png", engine="local")) == 4
    assert len(measured(pictures, tmp_path, "png", engine="inprocess")) == 4


def test_a_codec_that_ends_the_process_is_a_row(pictures: Path, tmp_path: Path) -> None:
    """sys.exit in a codec does not end the run."""
    found = measured(pictures, tmp_path, f"{ADAPTERS}:SystemExits@4", "png", engine="inprocess")
    assert [(it.codec, it.status) for it in found] == [("SystemExits", "crash")] * 2 + [("png", "ok")] * 2
    assert "sys.exit" in found[0].failure.message


def test_ctrl_c_ends_the_run(pictures: Path, tmp_path: Path) -> None:
    """What was measured before is kept."""
    file = tmp_path / "codec.py"
    file.write_text(
        "from tests.adapters import Honest\n"
        "class Interrupted(Honest):\n"
        "    def encode(self, image, quality):\n"
        "        if quality == 4:\n"
        "            raise KeyboardInterrupt\n"
        "        return super().encode(image, quality)\n"
    )
    with pytest.raises(KeyboardInterrupt):
        measured(pictures, tmp_path / "run", f"{file}:Interrupted@2,4", engine="inprocess")
    assert [it.quality for it in read_journal(tmp_path / "run")] == [2.0]


def test_a_breakpoint_stops_in_the_codec(pictures: Path, tmp_path: Path) -> None:
    """The debugger sees the codec's variables, and its quit ends the run as Ctrl-C does."""
    file = tmp_path / "codec.py"
    file.write_text(
        "class Puzzling:\n"
        "    name, version, lossless, qualities, quality_range = 'puzzling', '1', True, (), None\n"
        "    def encode(self, image, quality):\n"
        "        breakpoint()\n"
        "        return b'x'\n"
        "    def decode(self, bitstream):\n"
        "        raise NotImplementedError\n"
    )
    line = [sys.executable, "-m", "bench.cli", "run", "-d", str(pictures), "-c", f"{file}:Puzzling"]
    line += ["-m", "psnr_rgb", "-o", str(tmp_path / "run"), "--engine", "inprocess"]
    done = subprocess.run(line, input="p image.shape\nq\n", capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert "(Pdb)" in done.stdout
    assert "(176, 168, 3)" in done.stdout
    assert "isolates nothing" in done.stderr


def test_trust_rules_stay_in_force(pictures: Path) -> None:
    """A file that nobody vouched for is not imported."""
    codec = CodecRef(f"{ADAPTERS}:Honest")
    with open_engine("inprocess") as engine:
        answer = engine.describe(Describe(codec))
    assert isinstance(answer, Failed)
    assert "--trust" in answer.message


def test_precise_times_are_refused(pictures: Path, tmp_path: Path) -> None:
    """They would be of a process that does everything."""
    with pytest.raises(ConfigError, match="--timing"):
        measured(pictures, tmp_path / "run", "png", engine="inprocess", timing=True)


def test_an_unknown_engine_is_told(pictures: Path, tmp_path: Path) -> None:
    """With those that there are."""
    with pytest.raises(ConfigError, match="unknown engine 'cloud'; known: cluster, inprocess, local"):
        measured(pictures, tmp_path / "run", "png", engine="cloud")
    assert not (tmp_path / "run").exists()

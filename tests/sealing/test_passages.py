"""What passes between two processes where no file is written, and what a seal leaves of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import bench
from bench.cli.app import app
from bench.inputs.suite import CodecEntry
from bench.runs.store import read_journal
from tests.conftest import sealed_only

SOURCE = Path(__file__).with_name("passages.py")
PASSAGES = (
    "InAttributes",
    "InTimes",
    "InPermissions",
    "InRecordLocks",
    "InFileLocks",
    "OnBoundDatagrams",
    "InNamesOfTemporaryFiles",
    "InLimits",
    "InOpenedFiles",
    "InFlagsOfInput",
    "ThroughParent",
)


@pytest.fixture
def codecs(tmp_path: Path) -> Path:
    """The codecs' file, with files beside it, where its attributes can be set."""
    folder = tmp_path / "codecs"
    folder.mkdir()
    for number in range(16):
        (folder / f"mark{number}").touch()
    return Path(shutil.copy(SOURCE, folder))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A folder with one picture of twelve samples."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    samples = np.array([3, 50, 97, 144, 191, 238, 13, 60, 107, 154, 201, 248], np.uint8)
    Image.fromarray(samples.reshape(1, 4, 3)).save(folder / "p.png")
    return folder


def exact(codecs: Path, picture: Path, out: Path, *, sealed: bool) -> set[str]:
    """The codecs that gave back the very picture; they are copied, since files keep what was put there."""
    codecs = Path(shutil.copytree(codecs.parent, out.with_suffix(".codecs"))) / codecs.name
    bench.run(
        datasets=[str(picture)],
        codecs=[f"{codecs}:{it}" for it in PASSAGES],
        metrics=["psnr_rgb"],
        out=out,
        options=bench.Options(jobs=1, sealed=sealed),
    )
    table = bench.load(out)
    assert set(table["status"]) == {"ok"}, [it.failure for it in read_journal(out) if it.failure]
    return set(table[table["exact"]]["label"])


@sealed_only
def test_nothing_passes(codecs: Path, picture: Path, tmp_path: Path) -> None:
    """Each works where codecs are not sealed, and gives grey where they are."""
    assert exact(codecs, picture, tmp_path / "open", sealed=False) == set(PASSAGES)
    assert exact(codecs, picture, tmp_path / "sealed", sealed=True) == set()


@sealed_only
def test_a_sealed_process_is_alone(codecs: Path, picture: Path, tmp_path: Path) -> None:
    """It sees itself and the first process of its namespace, empty folders, and no way out."""
    bench.run(
        datasets=[str(picture)],
        codecs=[f"{codecs}:Looks"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
        options=bench.Options(sealed=True),
    )
    (found,) = read_journal(tmp_path / "run")
    assert found.failure is not None
    assert "allowed=[] pids=[1, 2] empty=[[], []]" in found.failure.message


@sealed_only
@pytest.mark.parametrize("typed", [False, True])
def test_a_run_folder_beneath_a_codec_is_hidden(
    codecs: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, typed: bool
) -> None:
    """From its first trial on, before anything tells that a run lies there: by Python and by command."""
    monkeypatch.chdir(codecs.parent)
    out, spec = Path("a", "b", "c", "run"), f"{codecs}:SeesRun"
    for sealed in (True, False):
        if typed:
            how = "--sealed" if sealed else "--no-sealed"
            line = f"run -d {picture} -c {spec} -m psnr_rgb --no-report {how} -o {out}"
            CliRunner().invoke(app, line.split())
        else:
            options = bench.Options(sealed=sealed)
            bench.run(datasets=[str(picture)], codecs=[spec], metrics=["psnr_rgb"], out=out, options=options)
        assert [it.status for it in read_journal(out)] == ["ok" if sealed else "codec_error"]
        shutil.rmtree("a")


@sealed_only
def test_programs_leave_nothing_beside_compiled_kernels(picture: Path, tmp_path: Path) -> None:
    """What runs unsealed lies there, and the programs of ``command`` can't write to it."""
    target = Path(bench.__file__).parent / "__pycache__" / "rdbench-test"
    target.parent.mkdir(exist_ok=True)
    copy = f"sh -c 'cp {{input}} {{output}}; echo > {target}'"
    entry = CodecEntry(
        codec="command", config={"encode": copy, "decode": "cp {input} {output}", "lossless": True}
    )
    try:
        for sealed in (True, False):
            bench.run(
                datasets=[str(picture)],
                codecs=[entry],
                metrics=["psnr_rgb"],
                out=tmp_path / f"sealed-{sealed}",
                options=bench.Options(sealed=sealed),
            )
            assert target.exists() is not sealed
    finally:
        target.unlink(missing_ok=True)


def test_what_links_lead_to_is_hidden_too(codecs: Path, picture: Path, tmp_path: Path) -> None:
    """A data set of links is no way to pictures that lie beside the codec."""
    from bench.engines.engine import EngineOptions
    from bench.engines.local import LocalEngine
    from bench.trials.codec_ref import CodecRef

    beside = codecs.parent / "p.png"
    (picture / "p.png").rename(beside)
    (picture / "p.png").symlink_to(beside)
    with LocalEngine(EngineOptions()) as engine:
        ref = CodecRef(f"{codecs}:InTimes")
        assert any(beside.is_relative_to(it) for it in engine._view(ref, ()).reads)
        engine.hide([picture / "p.png"])
        assert not any(beside.is_relative_to(it) for it in engine._view(ref, ()).reads)
        assert any(codecs.is_relative_to(it) for it in engine._view(ref, ()).reads)


def test_a_worker_has_no_open_file_of_another(codecs: Path, picture: Path, tmp_path: Path) -> None:
    """Sealed or not: input, output and error, the connection, the samples, and what came with the request."""
    bench.run(
        datasets=[str(picture)],
        codecs=[f"{codecs}:Looks"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
        options=bench.Options(sealed=False),
    )
    (found,) = read_journal(tmp_path / "run")
    assert found.failure is not None
    assert found.failure.message.startswith("6 files=")

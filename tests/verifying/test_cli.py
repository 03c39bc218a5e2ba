"""``rdbench verify``: what it prints and writes, how it ends, and what a report says of it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench.cli.app import app
from bench.cli.exit_codes import EXIT_FAILED_TRIALS, EXIT_OK, EXIT_REGRESSION
from bench.cli.verifying import share
from bench.errors import ConfigError
from bench.host.environment import Environment, current
from bench.report.build import build_report_data
from bench.report.chapters import Chapter
from bench.report.tables import tables_of
from bench.runs.store import BITSTREAM_FOLDER, RUN_FILE
from bench.verifying.record import VERIFICATION_FILE, CodecFlag, read_verification, write_verification
from tests.conftest import photo, until
from tests.verifying.tampering import copied, edit, measured

ADAPTERS = Path(__file__).parents[1] / "adapters.py"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small picture."""
    folder = tmp_path_factory.mktemp("originals") / "pictures"
    folder.mkdir()
    Image.fromarray(photo(40, 44)).save(folder / "p0.png")
    return folder


@pytest.fixture(scope="module")
def honest(pictures: Path) -> Path:
    """A run of two installed codecs."""
    return measured(pictures, pictures.parent / "run", ["jpeg", "qoi"])


@pytest.fixture(scope="module")
def foreign(pictures: Path) -> Path:
    """A run of an installed codec and of one in a file."""
    return measured(pictures, pictures.parent / "foreign", ["qoi", f"{ADAPTERS}:HonestLossless"])


def typed(*arguments: object, columns: int = 80) -> tuple[int, str]:
    """Exit code and standard output of a command."""
    done = CliRunner().invoke(app, ["verify", *map(str, arguments)], env={"COLUMNS": str(columns)})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def test_a_verified_run_exits_with_0_and_leaves_its_file(honest: Path, tmp_path: Path) -> None:
    """The folder that the run was measured on is found again; all is told in 80 columns."""
    run = copied(honest, tmp_path / "run")
    code, text = typed(run, "--seed", 3, "--sample", "100%")
    assert code == EXIT_OK
    assert text.startswith("3 of 3 results verified (sealed")
    assert "3 encoded again with seed 3" in text
    assert max(map(len, text.splitlines())) <= 80
    found = read_verification(run / VERIFICATION_FILE)
    assert (found.seed, found.sample, found.whole) == (3, 1.0, True)


def test_looking_less_does_not_replace_what_was_found(honest: Path, tmp_path: Path) -> None:
    """Neither encoding nor auditing less, where it would lose a suspicion; another file may be written."""
    run = copied(honest, tmp_path / "run")
    typed(run, "--decode-only")
    assert typed(run, "--seed", 3, "--no-audit")[0] == EXIT_OK
    before = (run / VERIFICATION_FILE).read_bytes()
    refused = CliRunner().invoke(app, ["verify", str(run), "--decode-only"])
    assert isinstance(refused.exception, ConfigError)
    assert "does not replace it" in str(refused.exception)
    assert (run / VERIFICATION_FILE).read_bytes() == before
    assert typed(run, "--decode-only", "-o", run / "verification-quick.json")[0] == EXIT_OK
    assert typed(run, "--no-audit")[0] == EXIT_OK
    found = read_verification(run / VERIFICATION_FILE)
    flag = CodecFlag(label="jpeg-420", flag="memorised?", detail="mirrored")
    write_verification(run / VERIFICATION_FILE, msgspec.structs.replace(found, flags=(flag,)))
    assert isinstance(CliRunner().invoke(app, ["verify", str(run), "--no-audit"]).exception, ConfigError)
    edit(run, {"codec": "jpeg", "quality": 30}, lambda it: it["metrics"].update(psnr_rgb=60.5))
    assert typed(run, "--decode-only")[0] == EXIT_REGRESSION, "of another state there is nothing to lose"


def test_a_suspicion_is_a_warning_of_the_report(honest: Path, tmp_path: Path) -> None:
    """What verification suspects of a codec stands there with its name, and what was encoded again."""
    run = copied(honest, tmp_path / "run")
    typed(run, "--decode-only")
    found = read_verification(run / VERIFICATION_FILE)
    flags = tuple(
        CodecFlag(label="jpeg-420", flag=it, detail="why") for it in ("memorised?", "other version")
    )
    write_verification(run / VERIFICATION_FILE, msgspec.structs.replace(found, flags=flags))
    (data,) = build_report_data([run])
    told = {it.kind: (it.severity, it.message, it.labels) for it in data.findings}
    assert told["suspicion"] == (
        "warning",
        "run: jpeg-420 is under suspicion, memorised?: why",
        ("jpeg-420",),
    )
    assert told["verification"][1].endswith("verified by decoding them again, none encoded again")


@pytest.mark.parametrize("format", ["text", "markdown", "github", "json"])
def test_a_contradicted_run_exits_with_1_and_names_the_row(honest: Path, tmp_path: Path, format: str) -> None:
    """In every form both numbers are told, and nothing in the record becomes markup or a command."""
    run = copied(honest, tmp_path / "run")
    edit(run, {"codec": "jpeg", "quality": 30}, lambda it: it["metrics"].update(psnr_rgb=60.5))
    code, text = typed(run, "--decode-only", "--format", format, "-o", tmp_path / "v.json")
    assert code == EXIT_REGRESSION
    assert not (run / VERIFICATION_FILE).exists()
    if format == "json":
        assert json.loads(text)["rows"][0]["differences"][0]["recorded"] == 60.5
        assert text.encode() == (tmp_path / "v.json").read_bytes()
        return
    plain = " ".join(text.replace("\\", "").split())
    assert "jpeg-420 at 30 on pictures/p0.png" in plain
    assert "psnr_rgb 60.5 recorded" in plain
    assert plain.startswith(
        {"github": "::error title=rdbench verify::", "markdown": "### ❌"}.get(format, "2")
    )
    if format == "text":
        assert max(map(len, text.splitlines())) <= 80


def test_a_report_shows_who_decodes_whose_bitstreams(honest: Path, tmp_path: Path) -> None:
    """A row for each codec and machine that verified, and a warning for what does not hold there."""
    run = copied(honest, tmp_path / "run")
    edit(run, {"codec": "qoi"}, lambda it: it.update(pixels_sha256="0" * 64, metrics=it["metrics"]))
    typed(run, "--decode-only", "--seed", 1)
    found = read_verification(run / VERIFICATION_FILE)
    there = Environment({"cpu": "Example 2"}, {"numpy": "9"})
    whole = tuple(
        msgspec.structs.replace(it, verdict="verified", differences=(), levels=None) for it in found.rows
    )
    other = msgspec.structs.replace(found, environment=there, rows=whole, sealed=False)
    write_verification(run / "verification-there.json", other)
    (run / "verification-broken.json").write_text("{")
    (data,) = build_report_data([run])
    told = [(it.severity, it.message) for it in data.findings if it.kind == "verification"]
    assert [severity for severity, _ in told] == ["note", "note", "warning"]
    assert "verification-broken.json" in told[0][1]
    assert "3 of 3 results verified by decoding them again, not sealed" in told[1][1]
    assert "2 of 3 results verified" in told[2][1]
    assert "qoi on pictures/p0.png" in told[2][1]
    (table,) = tables_of(data)[Chapter.VERIFICATION]
    rows = [dict(zip((it.key for it in table.columns), row, strict=True)) for row in table.rows]
    assert [(it["label"], it["decoded_again_on"], it["verified"], it["same_pixels"]) for it in rows] == [
        ("jpeg-420", "Example 2", 2, "2/2"),
        ("qoi", "Example 2", 1, "1/1"),
        ("jpeg-420", current().title, 2, "2/2"),
        ("qoi", current().title, 0, "0/1"),
    ]
    assert any("numpy" in it and "-> 9" in it for it in table.notes)
    edit(run, {"codec": "qoi"}, lambda it: it.update(bytes=7))
    (stale,) = build_report_data([run])
    assert Chapter.VERIFICATION not in tables_of(stale)
    assert any("another state of the run" in it.message for it in stale.findings)


def test_what_is_not_vouched_for_exits_with_3(foreign: Path, tmp_path: Path) -> None:
    """A claim that nobody checked is told, with the option that checks it."""
    out = ("-o", tmp_path / "v.json")
    code, text = typed(foreign, "--no-audit", *out)
    assert code == EXIT_FAILED_TRIALS
    assert "1 of 2 results verified" in text
    assert "--trust" in text
    assert typed(foreign, "--trust", "--decode-only", *out)[0] == EXIT_OK


def test_a_run_folder_chooses_no_code(honest: Path, tmp_path: Path) -> None:
    """Neither for codecs nor for metrics, nor by a link out of it."""
    run = copied(honest, tmp_path / "run")
    proof = tmp_path / "proof"
    (tmp_path / "evil.py").write_text(f"open({str(proof)!r}, 'w')\nclass Evil: pass\n")
    info = msgspec.json.decode((run / RUN_FILE).read_bytes())
    info["codecs"][0]["target"] = info["metrics"][0]["target"] = f"{tmp_path / 'evil.py'}:Evil"
    (run / RUN_FILE).write_bytes(msgspec.json.encode(info))
    (run / BITSTREAM_FOLDER).rename(tmp_path / "elsewhere")
    (run / BITSTREAM_FOLDER).symlink_to(tmp_path / "elsewhere")
    code, text = typed(run, "--decode-only")
    assert code == EXIT_FAILED_TRIALS
    assert text.startswith("0 of 3 results verified")
    assert not proof.exists()


@pytest.mark.parametrize(("text", "value"), [("10%", 0.1), ("0.25", 0.25), ("0", 0.0), ("100%", 1.0)])
def test_a_sample_is_a_share(text: str, value: float) -> None:
    """In percent or as a number."""
    assert share(text) == value


@pytest.mark.parametrize("text", ["", "ten", "101%", "-1", "nan", "5"])
def test_no_other_sample_is_taken(text: str) -> None:
    """The message says what is."""
    with pytest.raises(ConfigError, match="--sample is a share"):
        share(text)


def test_a_kill_leaves_the_old_file_or_the_new_one(honest: Path, tmp_path: Path) -> None:
    """Whenever it comes; what was half written is under another name."""
    run = copied(honest, tmp_path / "run")
    assert typed(run, "--decode-only", "--seed", 1)[0] == EXIT_OK
    path = run / VERIFICATION_FILE
    writing = (
        "import sys, msgspec; from pathlib import Path\n"
        "from bench.verifying.record import read_verification, write_verification\n"
        "path = Path(sys.argv[1]); found = read_verification(path)\n"
        "for seed in range(1, 1 << 40):\n"
        "    write_verification(path, msgspec.structs.replace(found, seed=seed, notes=('x' * 900,) * 200))\n"
    )
    instants = random.Random(5)
    for _ in range(8):
        before = path.stat().st_mtime_ns
        process = subprocess.Popen([sys.executable, "-c", writing, str(path)])
        until(lambda then=before: path.stat().st_mtime_ns != then)
        time.sleep(instants.uniform(0, 0.02))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert read_verification(path).rows


def test_a_kill_of_the_command_leaves_what_was_there(honest: Path, tmp_path: Path) -> None:
    """Or the whole of what it was about to write."""
    run = copied(honest, tmp_path / "run")
    assert typed(run, "--decode-only", "--seed", 1)[0] == EXIT_OK
    command = "from bench.cli import main; main()"
    instants = random.Random(6)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", command, "verify", str(run), "--decode-only", "--seed", "2"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(instants.uniform(0.2, 4))
        process.kill()
        process.wait()
        assert read_verification(run / VERIFICATION_FILE).seed in (1, 2)

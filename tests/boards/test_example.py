"""The example of a leaderboard: its workflows, step by step, on a pull request as they would get it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest
import yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "leaderboard"
LARGEST = 320_000  # bytes that a checkout of rdbench has for it

pytestmark = pytest.mark.slow


def git(folder: Path, *line: str) -> str:
    identity = ["-c", "user.name=A. Keeper", "-c", "user.email=keeper@example.org"]
    done = subprocess.run(["git", *identity, *line], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A repository of the example, on a branch that adds a second version of the entry of WebP."""
    if not EXAMPLE.is_dir():
        pytest.skip("examples are part of the checkout, not of the wheel")
    folder = tmp_path / "board"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("verification.json", "site"))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "The board")
    git(folder, "checkout", "-q", "-b", "entry")
    new = folder / "entries" / "webp" / "2"
    shutil.copytree(folder / "entries" / "webp" / "1", new)
    text = (new / "entry.yaml").read_text()
    (new / "entry.yaml").write_text(text.replace("version: '1'\nauthors", "version: '2'\nauthors"))
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "An entry")


def steps(name: str) -> dict[str, str]:
    """What a workflow types, by the names of its steps, without what installs and what talks to a server."""
    workflow = yaml.safe_load((EXAMPLE / ".github" / "workflows" / name).read_text())
    all_steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return {it["name"]: it["run"] for it in all_steps if "name" in it and "run" in it}


def typed(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A step, as GitHub's runner starts it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "BASE": "main", "TRUST": "", "DATASETS": "sample"}
    script = script.replace("${{ github.event.number }}", "7")
    line = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_sound_entry_is_verified_and_shown(board: Path) -> None:
    """All steps pass, only the new entry is verified, and the site has it as the newest version."""
    for name, script in steps("entry.yml").items():
        done = typed(board, script)
        assert done.returncode == 0, f"{name}\n{done.stdout}\n{done.stderr}"
    assert (board / "changed.txt").read_text() == "entries/webp/2\n"
    verdicts = sorted(it.name for it in (board / "verdicts").iterdir())
    assert verdicts == ["entries-webp-2.md", "number"]
    assert "12 of 12" in (board / "verdicts" / "entries-webp-2.md").read_text()
    table = json.loads((board / "site" / "tables" / "set-sample.json").read_text())
    versions = {(it["entry"], it["version"]): it for it in table["rows"]}
    assert versions.keys() == {("JPEG", "1"), ("JPEG 2000", "1"), ("WebP", "1"), ("WebP", "2")}
    assert versions["WebP", "2"]["best_place_psnr_rgb"] is not None
    assert versions["WebP", "1"]["best_place_psnr_rgb"] is None


def test_bitstreams_that_are_elsewhere_are_fetched_and_verified(board: Path, tmp_path: Path) -> None:
    """An entry that names their address passes like one that has them."""
    new = board / "entries" / "webp" / "2"
    (new / "bitstreams").rename(tmp_path / "elsewhere")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "elsewhere"))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        text = (new / "entry.yaml").read_text()
        address = f"bitstreams: http://127.0.0.1:{server.server_port}/"
        (new / "entry.yaml").write_text(text.replace("codecs:", f"{address}\ncodecs:"))
        commit(board)
        script = steps("entry.yml")
        typed(board, script["Which entries changed"])
        sound = typed(board, script["Is each sound"])
        server.shutdown()
    assert "12 bitstreams downloaded" in sound.stdout
    assert "WebP on sample, PSNR: place " in sound.stdout
    assert typed(board, script["Verify what was sent"]).returncode == 0


def test_an_edited_number_fails_the_pull_request(board: Path) -> None:
    """It passes for sound, and decoding names the row and both numbers, for the comment too."""
    journal = board / "entries" / "webp" / "2" / "measurements.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    record = json.loads(lines[5])
    honest = record["metrics"]["psnr_rgb"]
    lines[5] = lines[5].replace(str(honest), str(honest + 2))
    journal.write_text("".join(lines))
    commit(board)
    results = {name: typed(board, script) for name, script in steps("entry.yml").items()}
    failed = [name for name, done in results.items() if done.returncode]
    assert failed == ["Verify what was sent"]
    verdict = (board / "verdicts" / "entries-webp-2.md").read_text()
    assert record["image"] in verdict
    assert "numbers differ" in verdict


def test_what_is_not_sound_is_named(board: Path) -> None:
    """A file that is no part of an entry, a verdict of the submitter's own, and a file beside all entries."""
    (board / "entries" / "webp" / "2" / "run.sh").write_text("echo\n")
    commit(board)
    script = steps("entry.yml")
    typed(board, script["Which entries changed"])
    assert "run.sh: is no part of an entry" in typed(board, script["Is each sound"]).stderr
    git(board, "rm", "-q", "entries/webp/2/run.sh")
    (board / "entries" / "webp" / "2" / "verification.json").write_text("{}")
    git(board, "add", "-f", "entries/webp/2/verification.json")
    commit(board)
    assert "leave it out" in typed(board, script["Is each sound"]).stdout
    git(board, "rm", "-q", "entries/webp/2/verification.json")
    (board / "entries" / "stray.txt").touch()
    commit(board)
    typed(board, script["Which entries changed"])
    assert typed(board, script["Is each sound"]).returncode != 0


def test_the_site_has_the_keepers_verdicts(board: Path) -> None:
    """On the main branch every entry is verified again and the site says so."""
    git(board, "checkout", "-q", "main")
    for name, script in steps("site.yml").items():
        done = typed(board, script)
        assert done.returncode == 0, f"{name}\n{done.stderr}"
        assert "::warning::" not in done.stdout
    table = json.loads((board / "site" / "tables" / "overall.json").read_text())
    assert [it["verified"] for it in table["rows"]] == ["yes"] * 3


def test_the_readme_says_what_works(tmp_path: Path) -> None:
    """Its commands are understood by this rdbench, options and all; the example stays small."""
    text = (EXAMPLE / "README.md").read_text()
    commands = [it.split() for it in text.splitlines() if it.startswith("    rdbench")]
    assert len(commands) == 5
    for command in commands:
        done = typed(tmp_path, f"{command[0]} {command[1]} --help")
        for option in (it for it in command if it.startswith("--")):
            assert option in done.stdout
    assert sum(it.stat().st_size for it in EXAMPLE.rglob("*") if it.is_file()) < LARGEST

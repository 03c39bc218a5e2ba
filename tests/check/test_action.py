"""The example of a GitHub Action: its own steps, run by a shell as a runner would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.conftest import photo
from tests.losses.runs import CODEC

ACTION = Path(__file__).parents[2] / "examples" / "github-action" / "action.yml"
SUITE = (
    "datasets: [pictures]\nmetrics: [psnr_rgb]\ncodecs:\n  - {codec: 'blot.py:Blot', quality: [30, 60, 90]}\n"
)


def test_the_action_judges_shows_and_remembers(tmp_path: Path) -> None:
    """A codec that got worse fails the job; the page, the report and the history lie in the folder."""
    if not ACTION.is_file() or shutil.which("bash") is None:
        pytest.skip("needs a checkout and bash")
    (tmp_path / "pictures").mkdir()
    Image.fromarray(photo(200, 240)).save(tmp_path / "pictures" / "p0.png")
    (tmp_path / "gate.yaml").write_text(SUITE)
    (tmp_path / "blot.py").write_text(CODEC.format(version="1", spoils=False))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "rdbench").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bench.cli "$@"\n')
    (tmp_path / "bin" / "rdbench").chmod(0o755)
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def shell(script: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | files | more | {"PATH": path}
        command = ["bash", "-eo", "pipefail", "-c", script]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    first = "rdbench run gate.yaml -o old --no-report && rdbench baseline old -o baseline.json"
    assert shell(f"{first} && mkdir states && cp baseline.json states/2026-01-01.json").returncode == 0
    (tmp_path / "blot.py").write_text(CODEC.format(version="2", spoils=True))
    action = yaml.safe_load(ACTION.read_text())
    inputs = {name: str(it["default"]) for name, it in action["inputs"].items()} | {"history": "states"}

    def filled(text: str) -> str:
        outputs = Path(files["GITHUB_OUTPUT"])
        code = outputs.read_text().strip().partition("=")[2] if outputs.exists() else ""
        return re.sub(
            r"\$\{\{ (\S+) \}\}",
            lambda it: code if it[1].startswith("steps.") else inputs[it[1].removeprefix("inputs.")],
            text,
        )

    ended = {}
    for step in action["runs"]["steps"]:
        if "run" in step and step["name"] != "Install":
            done = shell(step["run"], **{key: filled(it) for key, it in step["env"].items()})
            ended[step["name"]] = done.returncode
            assert step["name"] == "Verdict" or done.returncode == 0, done.stderr
            if step["name"] == "Check":
                assert done.stdout.startswith("::error title=rdbench check::regression")
    assert ended == {"Check": 0, "History": 0, "Report": 0, "Verdict": 1}
    out = tmp_path / "codec-quality"
    assert (out / "verdict.html").is_file()
    assert "history" in (out / "report" / "index.html").read_text()
    summary = Path(files["GITHUB_STEP_SUMMARY"]).read_text()
    assert "Codec regression check" in summary
    assert "adapter 1 -> 2" in summary or "adapter 1 -\\> 2" in summary

"""The example project works as its README says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

from tests.packaging.installing import pip_install

EXAMPLE = Path(__file__).parents[2] / "examples" / "regression-project"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, its package installed by pip into a folder of its own."""
    if not EXAMPLE.is_dir():
        pytest.skip("examples are part of the checkout, not of the wheel")
    copy = tmp_path_factory.mktemp("example") / "project"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip_install(copy, copy / "site")
    return copy


def run(project: Path, *line: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(project / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *line],
        cwd=project,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def run_tests(project: Path) -> subprocess.CompletedProcess[str]:
    installed = any(it.value == "bench.pytest_plugin" for it in entry_points(group="pytest11"))
    named = [] if installed else ["-p", "bench.pytest_plugin"]
    return run(project, "pytest", *named, "-p", "no:cacheprovider", "tests")


CHECK = ("bench.cli", "check", "gate.yaml", "--baseline", "baseline.json")


def printed_setup() -> str:
    """The lines that the README shows for setting up."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8").partition("Set up")[2]
    return "".join(f"{it.strip()}\n" for it in text.splitlines()[1:] if it.startswith("    "))


def test_the_setup_works_as_printed(tmp_path: Path) -> None:
    """Its lines put this rdbench and the codec into a new environment, without an index that has rdbench."""
    if not EXAMPLE.is_dir():
        pytest.skip("examples are part of the checkout, not of the wheel")
    checkout = EXAMPLE.parents[1]
    clutter = shutil.ignore_patterns(
        ".git", ".venv", "build", "*.egg-info", "__pycache__", "results", "tests", ".*_cache"
    )
    shutil.copytree(checkout, tmp_path / "checkout", ignore=clutter)
    copy = tmp_path / "checkout" / "examples" / "regression-project"
    lines = printed_setup().partition("\n\n")[0].splitlines()[:3]
    assert [it.split()[0] for it in lines] == ["python", "pip", "pip"]
    # What rdbench needs is in this environment; there is no network to have it from.
    others = [it for it in sys.path if Path(it).name in ("site-packages", "dist-packages")]
    lines.insert(1, 'python -c "import site, sys; print(site.getsitepackages()[0])" > site')
    lines.insert(2, "pip uninstall --quiet --yes setuptools || true")  # that of a new environment may be old
    lines.insert(3, "".join(f"echo {it!r} >> $(cat site)/others.pth; " for it in others))
    lines.append('cd / && python -c "import bench, pocket; print(bench.__file__); print(pocket.__file__)"')
    # pip takes the value of this switch for that of build isolation
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    clean = {key: it for key, it in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=copy,
        capture_output=True,
        text=True,
        env=clean | offline | {"PATH": f"{Path(sys.executable).parent}:{clean['PATH']}"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    bench_file, pocket_file = done.stdout.splitlines()[-2:]
    assert bench_file.startswith(str(copy / ".venv"))
    assert pocket_file.startswith(str(copy / "src"))


def test_the_example_passes(project: Path) -> None:
    """Its tests and its gate pass against the baselines that are committed with it."""
    assert "11 passed" in run_tests(project).stdout
    done = run(project, *CHECK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass (10 of 10 trials identical)" in done.stdout


def test_the_change_that_the_readme_suggests_is_caught(project: Path) -> None:
    """A coarser table fails tests and gate, naming measure and images, and can be accepted."""
    source = project / "site" / "pocket.py"
    sound = source.read_text()
    source.write_text(sound.replace("LUMA_TABLE = 6 +", "LUMA_TABLE = 7 +"))
    try:
        assert source.read_text() != sound
        assert "2 failed, 9 passed" in run_tests(project).stdout
        done = run(project, *CHECK)
        assert done.returncode == 1
        assert "psnr_rgb" in done.stdout
        assert "chelsea.png" in done.stdout
        assert run(project, *CHECK, "--update").returncode == 0
        assert run(project, *CHECK).returncode == 0
    finally:
        source.write_text(sound)
        shutil.copy(EXAMPLE / "baseline.json", project / "baseline.json")


def test_the_workflow_calls_what_exists(project: Path) -> None:
    """Every rdbench command of the workflow is understood by this rdbench, options and all."""
    workflow = yaml.safe_load((project / ".github" / "workflows" / "codec-regression.yml").read_text())
    lines = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    commands = [line.split() for line in lines if line.startswith("rdbench")]
    assert len(commands) == 2
    for command in commands:
        done = run(project, "bench.cli", command[1], "--help")
        for option in (it for it in command if it.startswith("--")):
            assert option in done.stdout

"""Metrics of the user's own: a program, and a class of a file; and that no run folder brings one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.errors import CodecUnavailable, ConfigError
from bench.metrics.base import Pair, Reference
from bench.metrics.command import CommandMetric
from bench.registry import load_metric
from bench.runs.store import read_info
from tests.conftest import photo
from tests.inputs.strangers import rdbench

PROGRAM = """
import sys
import numpy as np
from PIL import Image
one, other = (np.asarray(Image.open(it)).astype(int) for it in sys.argv[1:])
print("off by: %.6f levels" % np.abs(one - other).mean())
"""
COMMAND = {
    "name": "off",
    "command": f"{sys.executable} program.py {{original}} {{decoded}}",
    "pattern": r"off by: ([0-9.]+)",
    "higher_is_better": False,
    "unit": "levels",
    "title": "Off by",
}
CLASS = """
import numpy as np

class Worst:
    higher_is_better = False

    def __call__(self, pair):
        return float(np.abs(pair.reference.image.astype(int) - pair.decoded).max())
"""


@pytest.fixture
def folder(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a program, a class in a file, and a suite of both."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "worst.py").write_text(CLASS)
    suite = {
        "datasets": [str(pictures)],
        "codecs": ["jpeg@50"],
        "metrics": ["psnr_rgb", COMMAND, "worst.py:Worst"],
        "limit": 1,
    }
    (tmp_path / "suite.yaml").write_text(json.dumps(suite))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def values(folder: Path) -> dict[str, Any]:
    """The row of the only trial."""
    (row,) = bench.load(folder / "run").to_dict("records")
    return row


def test_a_suite_names_a_program_and_a_class_of_a_file(folder: Path) -> None:
    """Both have values, titles, units and directions, and paths relative to the suite file."""
    assert rdbench("run", "suite.yaml", "-o", "run").code == 0
    row = values(folder)
    assert row["status"] == "ok"
    assert 0.1 < row["off"] < row["Worst"] == int(row["Worst"])
    known = {it.name: it for it in read_info(folder / "run").metrics}
    assert (known["off"].title, known["off"].unit) == ("Off by", "levels")
    assert not known["Worst"].higher_is_better
    assert known["Worst"].version.startswith("sha256:")
    assert "1 of 1 trials ok (1 from before)" in rdbench("run", "suite.yaml", "-o", "run").text


def test_the_command_line_takes_a_class_of_a_file(folder: Path, pictures: Path) -> None:
    """As it takes a codec's; a folder that has it is resumed without it, and says so."""
    words = ("run", "-d", pictures, "-c", "jpeg@50", "--limit", "1", "-o", "run", "-m")
    assert rdbench(*words, "worst.py:Worst").code == 0
    assert values(folder)["Worst"] > 0
    said = rdbench(*words, "psnr_rgb")
    assert said.code == 0
    assert "unknown metric 'Worst'" in said.text


def test_another_definition_is_measured_again(folder: Path) -> None:
    """The version follows the command line, the pattern and the files."""
    program = folder / "program.py"
    words = {**COMMAND, "command": f"{sys.executable} {program} {{original}} {{decoded}}"}
    versions = [CommandMetric(**words).version, CommandMetric(**{**words, "pattern": "(.)"}).version]
    program.write_text(PROGRAM + "\n")
    versions.append(CommandMetric(**words).version)
    assert len({*versions}) == 3


def test_the_program_gets_the_pictures_in_their_places() -> None:
    """Placeholders are replaced wherever they stand, and any text that the pattern finds is read."""
    code = "import sys; print(sys.argv[1:], 'SCORE=-1.5e3')"
    metric = CommandMetric(
        name="x",
        command=f'{sys.executable} -c "{code}" --a={{original}} {{decoded}},{{original}}',
        pattern=r"decoded.png,.*original.png.*SCORE=(\S+)",
        higher_is_better=True,
    )
    picture = photo(8, 8)
    assert metric(Pair(Reference(picture), picture)) == -1500


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("print('a'); raise SystemExit(3)", "exit status 3, .* printed: a"),
        ("print('nothing here')", "is not in what .* printed: nothing here"),
        ("print('score: high')", "'high' is no number"),
    ],
)
def test_a_program_without_a_value_is_an_error(code: str, told: str) -> None:
    """What it printed is in the message; no value is made up."""
    command = f'{sys.executable} -c "{code}" {{original}} {{decoded}}'
    metric = CommandMetric(name="x", command=command, pattern=r"score: (\w+)", higher_is_better=True)
    with pytest.raises(RuntimeError, match=told):
        metric(Pair(Reference(photo(8, 8)), photo(8, 8)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pattern": "score"}, "has 0 groups and not one"),
        ({"pattern": "("}, "is no regular expression"),
        ({"command": "true {original}"}, r"has no \{decoded\}"),
        ({"command": "'"}, "No closing quotation"),
        ({"command": "no-such-tool {original} {decoded}"}, "no program 'no-such-tool'"),
    ],
)
def test_a_wrong_command_is_refused(change: dict[str, str], told: str) -> None:
    """Before anything is measured."""
    given = {"name": "x", "command": "true {original} {decoded}", "pattern": "(.)", "higher_is_better": True}
    with pytest.raises((ConfigError, CodecUnavailable), match=told):
        CommandMetric(**(given | change))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ssim_rgb", "an installed metric has that name"),
        ("bytes", "the table of a run has a column of that name"),
        ("psnr_rgb", "an installed metric has that name"),
        ("Worst", "the suite has two metrics of that name"),
    ],
)
def test_a_name_that_is_taken_is_refused(folder: Path, name: str, told: str) -> None:
    """By an installed metric, a column of the table or another metric of the suite."""
    command = {**COMMAND, "name": name, "command": f"{sys.executable} program.py {{original}} {{decoded}}"}
    with pytest.raises(ConfigError, match=told):
        bench.run("suite.yaml", metrics=["psnr_rgb", "worst.py:Worst", command], out=folder / "run")


def test_an_entry_of_a_board_tells_no_places(folder: Path) -> None:
    """Neither where a metric's file lies nor the command line leaves the machine; values and versions do."""
    assert rdbench("run", "suite.yaml", "-o", "run", "--keep-bitstreams").code == 0
    said = ["--name", "it", "--authors", "A. Person", "--date", "2026-01-01", "--licence", "MIT"]
    assert rdbench("submit", "run", "-o", "entry", *said).code == 0
    (written,) = (folder / "entry").rglob("run.json")
    assert str(folder) not in written.read_text()
    assert sys.executable not in written.read_text()
    versions = [
        {it.name: it.version for it in read_info(it).metrics} for it in (folder / "run", written.parent)
    ]
    assert versions[0] == versions[1]


def stranger(folder: Path, target: str, name: str = "psnr_rgb", config: Any = None) -> Path:
    """A run whose ``run.json`` names a metric that leaves a file behind where it is imported."""
    (folder / "evil.py").write_text(f"open({str(folder / 'harm')!r}, 'w')\n{CLASS}")
    run = folder / "run"
    suite = folder / "suite.yaml"
    bench.run(suite, metrics=["psnr_rgb"], out=run, options=bench.Options(keep_bitstreams=True))
    text = json.loads((run / "run.json").read_text())
    text["metrics"][0] |= {"target": target, "name": name, "config": config or {}}
    (run / "run.json").write_text(json.dumps(text))
    return run


def test_a_run_folder_brings_no_metric(folder: Path, pictures: Path) -> None:
    """Neither a class of a file nor a program of the folder runs, unless the user vouches for it."""
    run = stranger(folder, f"{folder / 'evil.py'}:Worst")
    words = ("generations", run, "-d", pictures, "-n", "2", "-j", "1", "-m", "psnr_rgb")
    said = rdbench(*words)
    assert said.code == 2
    assert "only installed metrics are taken for a run folder" in said.text
    assert not (folder / "harm").exists()
    assert rdbench(*words, "--trust").code == 0
    assert (folder / "harm").exists()


@pytest.mark.parametrize(
    "words", [("run", "-c", "jpeg@50", "-m", "psnr_rgb", "-o"), ("verify", "--no-audit")]
)
def test_the_name_of_a_metric_is_no_file(folder: Path, pictures: Path, words: tuple[str, ...]) -> None:
    """A recorded name that is also that of a file beside the user loads nothing."""
    run = stranger(folder, "bench.metrics.psnr:PsnrRgb", name="evil.py")
    rdbench(*words, run, "-d", pictures)
    assert not (folder / "harm").exists()


def test_an_untrusted_metric_has_no_options() -> None:
    """Not even an installed one."""
    target = "bench.metrics.psnr:PsnrRgb"
    assert load_metric(target, {}, trusted=False)
    for refused, options in ((target, {"device": "cuda"}), ("bench.metrics.command:CommandMetric", {})):
        with pytest.raises(CodecUnavailable, match="say --trust"):
            load_metric(refused, options, trusted=False)


def test_a_deep_picture_has_a_reason() -> None:
    """The program is given 8 bits; it is not asked of more."""
    from bench.errors import MetricUndefined
    from bench.metrics.base import suited

    metric = CommandMetric(
        name="x", command="true {original} {decoded}", pattern="(.)", higher_is_better=True
    )
    deep = photo(8, 8).astype(np.uint16)
    with pytest.raises(MetricUndefined, match="x is not defined for 16 bits"):
        suited(Pair(Reference(deep, 16), deep), metric)

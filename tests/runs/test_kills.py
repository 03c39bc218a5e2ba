"""Whatever a verb was at when it was killed, the same command goes on to the same result.

``RDBENCH_KILLS`` says how many kills there are of each verb.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from bench.runs.store import BITSTREAM_FOLDER, JOURNAL_FILE, RUN_FILE
from tests.conftest import photo

KILLS = int(os.environ.get("RDBENCH_KILLS", "3"))
MEASURE = "run -d pictures -c jpeg@20,60 -c png -m psnr_rgb --keep-bitstreams --no-report --jobs 2"
STATEMENT = "--name one --authors me --date 2026-01-01 --licence MIT"
TIMES = ("encode_s", "decode_s")


class Verb(NamedTuple):
    """A command that is killed; it works in the folder ``out``."""

    line: str
    result: Callable[[Path], Any]
    """What of ``out`` is to be the same."""
    begins_as: str = ""
    """The folder that ``out`` is a copy of at first; none if it does not exist then."""


def of_run(out: Path) -> Any:
    """Each trial's line without times, once; what was planned; and the bitstreams."""
    lines = [json.loads(line) for line in (out / JOURNAL_FILE).read_text().splitlines()]
    content = sorted(
        json.dumps({key: it for key, it in line.items() if key not in TIMES}, sort_keys=True)
        for line in lines
    )
    kept = {it.name: it.read_bytes() for it in (out / BITSTREAM_FOLDER).iterdir() if it.name[0] != "."}
    return content, (out / RUN_FILE).read_bytes(), kept


def of_merge(out: Path) -> Any:
    """The same, with times and in order."""
    return (out / JOURNAL_FILE).read_bytes(), of_run(out)


def of_robustness(out: Path) -> Any:
    """Each answer once, and the tables made of them."""
    tables = {it.name: list(csv.reader(it.open())) for it in (out / "robustness" / "tables").glob("*.csv")}
    return sorted((out / "robustness.jsonl").read_text().splitlines()), tables


def of_verify(out: Path) -> Any:
    """All but when it was."""
    document = json.loads((out / "verification.json").read_text())
    del document["created"]
    return document


def of_folder(out: Path) -> Any:
    """Every file."""
    return {str(it.relative_to(out)): it.read_bytes() for it in out.rglob("*") if it.is_file()}


VERBS = {
    "run": Verb(f"{MEASURE} -o out", of_run),
    "search": Verb(f"{MEASURE.replace('jpeg@20,60', 'jpeg@bpp=2,3')} -o out", of_run),
    "merge": Verb("merge part-1 part-2 whole -o out", of_merge),
    "robustness": Verb("robustness out -d pictures --draws 1 --jobs 2", of_robustness, "whole"),
    "verify": Verb("verify out -d pictures --seed 1 --jobs 2", of_verify, "whole"),
    "submit": Verb(f"submit whole -o out {STATEMENT}", of_folder),
    "site": Verb("site board -o out", of_folder),
}
"""A verb is tried by a line here."""


def command(line: str) -> list[str]:
    return [sys.executable, "-m", "bench.cli", *line.split()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with pictures, a whole run of them, and two of a part each."""
    desk = tmp_path_factory.mktemp("desk")
    (desk / "pictures").mkdir()
    for index in range(3):
        Image.fromarray(photo(48, 56 + index, index)).save(desk / "pictures" / f"p{index}.png")
    for more in ("-o whole", "-o part-1 --shard 1/2", "-o part-2 --shard 2/2"):
        subprocess.run(command(f"{MEASURE} {more}"), cwd=desk, check=True, capture_output=True)
    line = f"submit whole -o board/entries/one {STATEMENT}"
    subprocess.run(command(line), cwd=desk, check=True, capture_output=True)
    return desk


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", VERBS)
def test_kills_change_no_result(name: str, desk: Path) -> None:
    """Killed with -9 at random instants, and started again until it ends: what comes out is the same."""
    verb, out = VERBS[name], desk / "out"

    def begin() -> None:
        shutil.rmtree(out, ignore_errors=True)
        if verb.begins_as:
            shutil.copytree(desk / verb.begins_as, out)

    begin()
    start = time.monotonic()
    subprocess.run(command(verb.line), cwd=desk, check=True, capture_output=True)
    duration = time.monotonic() - start
    calm = verb.result(out)
    begin()
    moments = random.Random(name)
    kills = ends = 0
    while kills < KILLS or ends == 0:
        process = subprocess.Popen(
            command(verb.line), cwd=desk, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            _, told = process.communicate(
                timeout=moments.uniform(0, 1.3 * duration) if kills < KILLS else None
            )
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0, told
        assert verb.result(out) == calm, f"after {kills} kills"
        ends += 1
        begin()
    print(f"{name}: {kills} kills, {ends} times to the end, {duration:.1f} s undisturbed")

"""How often the speed gate cries wolf, and how often it sees the wolf.

    python tests/benchmarks/gate.py [COMPARISONS]

Two installations of one codec, which differ in nothing (A/A) or in an encoder that is slower by 15%, are
compared as `rdbench check --timing` does it. A/A may raise one alarm in 20 comparisons at most; of the
slow-downs at least 19 in 20 must be caught, in the encoder and nowhere else. gate.txt is a recorded output.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from bench.check.speed import SpeedRequest, compare_speed
from bench.check.timing.abba import Schedule
from bench.check.timing.installation import Installation
from bench.check.timing.subjects import TimedCodec, TimedSuite, subjects_of
from bench.check.verdict import SpeedCell
from bench.host.environment import current
from bench.inputs.suite import Suite, parse_codec

LIMIT = 1.10
SLOWDOWN = 0.15
QUALITIES = (30.0, 80.0)

MODULE = """\
import time

from bench_codecs.jpeg import Jpeg


class Paced(Jpeg):
    name = "paced"

    def encode(self, image, quality):
        start = time.thread_time_ns()
        bitstream = super().encode(image, quality)
        end = time.thread_time_ns()
        end += int((end - start) * {slowdown})
        while time.thread_time_ns() < end:
            pass
        return bitstream
"""


def installation(folder: Path, slowdown: float) -> Installation:
    """An installation whose encoder takes longer by that share."""
    folder.mkdir()
    (folder / "paced_codec.py").write_text(MODULE.format(slowdown=slowdown))
    return Installation(folder.name, (sys.executable,), os.environ | {"PYTHONPATH": str(folder)})


def compare(installations: tuple[Installation, Installation], images: TimedSuite) -> tuple[SpeedCell, ...]:
    """All four cells: two qualities, encoding and decoding."""
    subject = TimedCodec("paced", "paced", "paced_codec:Paced", {}, QUALITIES)
    subjects = TimedSuite((subject,), (), images.images)
    result = compare_speed(SpeedRequest(installations, subjects, {"paced": LIMIT}, Schedule()))
    assert len(result.cells) == 4, result.findings
    return result.cells


def shown(cell: SpeedCell) -> str:
    """One cell in a few words."""
    low, high = cell.interval
    mark = {"slower": "!", "inconclusive": "?"}.get(cell.word, "")
    return f"{cell.operation[:3]}@{cell.quality:g} {cell.ratio:.3f} [{low:.3f} {high:.3f}]{mark:1}"


def main() -> int:
    """Run and print; exit code 1 when the promise is not kept."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    images = subjects_of(Suite(codecs=(parse_codec("jpeg@50"),), limit=2))
    machine, plan = current().machine, Schedule()
    print(f"{machine['cpu']}, {machine['cores']} cores, {platform.system()} {platform.release()},", end=" ")
    print(f"Python {platform.python_version()}; load average {os.getloadavg()[0]:.1f}")
    print(
        f"{len(images.images)} images, {plan.samples} samples a point and side, {plan.rounds} rounds;",
        end=" ",
    )
    print(f"limit {LIMIT:.2f}\nratio and 99% interval of each cell, ! slower, ? inconclusive\n")
    with tempfile.TemporaryDirectory() as scratch:
        same, also, slow = (
            installation(Path(scratch) / name, slowdown)
            for name, slowdown in (("same", 0.0), ("also", 0.0), ("slow", SLOWDOWN))
        )
        alarms = _series("A/A", (same, also), images, count)
        caught = _series(f"+{SLOWDOWN:.0%}", (same, slow), images, count)
    false = sum(any(it.word == "slower" for it in cells) for cells in alarms)
    unsure = sum(it.word == "inconclusive" for cells in alarms for it in cells)
    found = sum(all((it.word == "slower") == (it.operation == "encode") for it in cells) for cells in caught)
    print(
        f"\nA/A: {false} of {count} comparisons raised an alarm; {unsure} of {4 * count} cells inconclusive"
    )
    print(f"+{SLOWDOWN:.0%} in the encoder: caught in {found} of {count}, at both qualities and nowhere else")
    kept = 20 * false <= count and 20 * found >= 19 * count
    print(f"promise (at most 1 in 20, at least 19 in 20): {'kept' if kept else 'NOT KEPT'}")
    return 0 if kept else 1


def _series(
    name: str, installations: tuple[Installation, Installation], images: TimedSuite, count: int
) -> list[tuple[SpeedCell, ...]]:
    series = []
    for number in range(1, count + 1):
        start = time.monotonic()
        cells = compare(installations, images)
        line = "  ".join(shown(it) for it in cells)
        print(f"{name:5} {number:2}  {line}  {time.monotonic() - start:.0f} s", flush=True)
        series.append(cells)
    return series


if __name__ == "__main__":
    sys.exit(main())

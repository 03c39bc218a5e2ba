"""Speed: the statistics on samples that are known, and real processes where the outcome is beyond doubt."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.check.machine_readable import as_github
from bench.check.speed import SpeedRequest, compare_speed
from bench.check.text import as_markdown
from bench.check.timing.abba import Samples, Schedule, Timed
from bench.check.timing.installation import Installation, open_installation, this_installation
from bench.check.timing.session import Session, TimedPoint
from bench.check.timing.statistics import LogRatio, estimate, judge, round_ratios
from bench.check.timing.subjects import TimedCodec, TimedSuite
from bench.check.verdict import Verdict
from bench.cli.checking import exit_code
from bench.errors import ConfigError
from bench.inputs.gate import gate_of
from tests.conftest import photo

MODULE = """\
import time


class Pace:
    name, version, lossless, qualities, quality_range = "pace", "1", False, (1.0,), (1.0, 1.0)

    def __init__(self, *, {options}):
        pass

    def encode(self, image, quality):
        time.sleep({encode})
        return image.tobytes()

    def decode(self, bitstream):
        {decode}
"""

QUICK = Schedule(rounds=3, quadruples=2, timeout=20)


def samples(seed: int, factor: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Times of 10 rounds, 4 images, 8 samples: drift, bursts that triple a time, noise between processes."""
    random = np.random.default_rng(seed)
    drift = np.exp(np.cumsum(random.normal(0, 0.05, (10, 1, 1)), axis=0))
    base = np.array([1.0, 5.0, 20.0, 2.0])[None, :, None] * 1e-3

    def side(by: float) -> np.ndarray:
        process = np.exp(random.normal(0, 0.01, (10, 1, 1)))
        noise = np.exp(np.abs(random.normal(0, 0.05, (10, 4, 8))))
        burst = np.where(random.random((10, 4, 8)) < 0.2, 3.0, 1.0)
        return base * drift * process * noise * burst * by

    return side(1.0), side(factor)


def word(seed: int, factor: float, limit: float = 1.10) -> str:
    return judge([estimate(round_ratios(*samples(seed, factor)))], [limit])[0].word


def test_equal_codes_raise_no_alarm() -> None:
    """On noisy samples of equal code no comparison in 200 says slower, and nearly all pass."""
    words = [word(seed, 1.0) for seed in range(200)]
    assert "slower" not in words
    assert words.count("pass") >= 190


def test_slowdowns_are_seen() -> None:
    """15% is caught on such samples, and 15% of gain is called faster."""
    assert sum(word(seed, 1.15) == "slower" for seed in range(200)) >= 195
    assert sum(word(seed, 0.85) == "faster" for seed in range(200)) >= 195


def test_interval_covers_the_truth() -> None:
    """The 99% interval misses the true ratio rarely, for all that there are only 10 rounds."""
    missed = 0
    for seed in range(300):
        judged = judge([estimate(round_ratios(*samples(seed, 1.07)))], [1.10])[0]
        missed += not judged.interval[0] <= 1.07 <= judged.interval[1]
    assert missed <= 9


def test_a_slowdown_within_the_limit_passes() -> None:
    """3% more, clearly measured, is no alarm; the limit is on the ratio."""
    assert word(1, 1.03) == "pass"
    assert word(1, 1.03, limit=1.01) == "slower"


def test_wide_intervals_are_inconclusive() -> None:
    """What is neither shown to be slower nor shown to be within the limit is called so."""
    assert judge([LogRatio(math.log(1.2), 0.2, 10, 0.4)], [1.10])[0].word == "inconclusive"
    assert judge([LogRatio(0.0, 0.2, 10, 1.0)], [1.10])[0].word == "inconclusive"


def test_holm_widens_with_the_number_of_cells() -> None:
    """A cell that alone is significant at 1% is not among a hundred; a stronger one still is."""
    weak = LogRatio(math.log(1.15), math.log(1.15) / 3.4, 10, 0.0079)
    strong = LogRatio(math.log(1.15), math.log(1.15) / 12, 10, 7.6e-7)
    null = LogRatio(0.0, 0.001, 10, 1.0)
    assert judge([weak], [1.10])[0].word == "slower"
    words = [it.word for it in judge([weak, strong, *[null] * 98], [1.10] * 100)]
    assert words == ["inconclusive", "slower", *["pass"] * 98]


def test_too_few_samples_are_refused() -> None:
    """Under 10 samples a point or 3 rounds there is no verdict to be had."""
    with pytest.raises(ConfigError, match="rounds"):
        Schedule(rounds=2)
    with pytest.raises(ConfigError, match="samples"):
        Schedule(rounds=3, quadruples=1)
    with pytest.raises(ValueError, match="rounds"):
        estimate(np.zeros((2, 4)))


def side(
    folder: Path, encode: float = 0.002, decode: str = "pass", options: str = "fast: bool = True"
) -> Installation:
    """An installation of the codec that sleeps instead of working."""
    folder.mkdir()
    (folder / "pace_codec.py").write_text(MODULE.format(encode=encode, decode=decode, options=options))
    return Installation(folder.name, (sys.executable,), os.environ | {"PYTHONPATH": str(folder)})


def request(old: Installation, new: Installation, limit: float | None = 1.5) -> SpeedRequest:
    subject = TimedCodec("pace", "pace", "pace_codec:Pace", {"fast": True}, (1.0,))
    images = {"set/a.png": photo(16, 16), "set/b.png": photo(16, 16, 1)}
    return SpeedRequest((old, new), TimedSuite((subject,), (), images), {"pace": limit}, QUICK)


def test_two_installations_are_told_apart(tmp_path: Path) -> None:
    """Each side runs the module of its own installation; ten times the time is slower, measured twice."""
    # Microseconds of decoding would be measured cold after one sleep and warm after the other.
    decode = "time.sleep(0.004)"
    old, new = (side(tmp_path / it, pace, decode) for it, pace in (("old", 0.002), ("new", 0.02)))
    result = compare_speed(request(old, new))
    encoding, decoding = result.cells
    assert (encoding.operation, encoding.word) == ("encode", "slower")
    assert encoding.samples == 12
    assert "measured twice" in encoding.detail
    assert decoding.word != "slower"
    (finding,) = [it for it in result.findings if it.fails]
    assert {it.image for it in finding.changes} == {"set/a.png", "set/b.png"}
    swapped = compare_speed(request(side(tmp_path / "was", 0.02), side(tmp_path / "is", 0.002)))
    assert swapped.cells[0].word == "faster"


def test_a_suspicion_that_is_not_confirmed_is_no_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second measurement decides: what was slow once only does not fail."""
    from bench.check import speed

    true_measure = speed.measure_abba
    calls = []

    def first_is_slow(*arguments):
        timed = true_measure(*arguments)
        calls.append(timed)
        for samples in timed.cells.values():
            samples.new[:] = samples.old * (3.0 if len(calls) == 1 else 1.0)
        return timed

    monkeypatch.setattr(speed, "measure_abba", first_is_slow)
    result = compare_speed(request(side(tmp_path / "old"), side(tmp_path / "new")))
    assert len(calls) == 2
    assert {it.word for it in result.cells} == {"pass"}
    assert all("not confirmed" in it.detail for it in result.cells)


def test_failures_of_a_side_are_told(tmp_path: Path) -> None:
    """A new side that raises or dies fails; an old one leaves the comparison inconclusive."""
    sound = side(tmp_path / "sound")
    raising = side(tmp_path / "raising", decode="raise RuntimeError('no such luck')")
    dying = side(tmp_path / "dying", decode="__import__('os')._exit(3)")
    for broken, words in ((raising, "no such luck"), (dying, "ended")):
        (finding,) = compare_speed(request(sound, broken)).findings
        assert (finding.kind, finding.fails) == ("failed", True)
        assert words in finding.detail
        (finding,) = compare_speed(request(broken, sound)).findings
        assert (finding.kind, finding.fails) == ("inconclusive", False)


def test_a_hanging_side_is_given_up(tmp_path: Path) -> None:
    """A codec that does not come back costs its timeout, not the check."""
    hanging = side(tmp_path / "hanging", decode="time.sleep(3600)")
    asked = request(side(tmp_path / "sound"), hanging)
    impatient = SpeedRequest(asked.installations, asked.subjects, asked.limits, Schedule(3, 2, timeout=1.5))
    (finding,) = compare_speed(impatient).findings
    assert "no answer within 1.5 s" in finding.detail


def test_options_of_one_side_only_are_told(tmp_path: Path) -> None:
    """An option that the old installation does not have yet is left out there, with a remark."""
    older = side(tmp_path / "older", options="slow: bool = False")
    result = compare_speed(request(older, side(tmp_path / "newer")))
    assert "pace: older has no option fast" in result.remarks
    assert len(result.cells) == 2


@pytest.mark.parametrize(
    "source",
    [
        "encode, decode = Inner().encode, Inner().decode\ndel Inner",
        "from bench.codec import from_functions\nmine = from_functions(Inner().encode, Inner().decode)",
        "class Outer(Inner):\n    pass",
    ],
)
def test_a_file_that_is_named_alone_is_timed(tmp_path: Path, source: str) -> None:
    """Its functions, its codec made of functions or its one class; a former file can stand for it."""
    (tmp_path / "inner.py").write_text(
        "class Inner:\n    def encode(self, image):\n        return b'x'\n\n"
        "    def decode(self, bitstream):\n        return None\n"
    )
    for name in ("now.py", "then.py"):
        (tmp_path / name).write_text(f"import codecs\nfrom inner import Inner\n{source}\n")
    then = dataclasses.replace(this_installation(), codec_file=str(tmp_path / "then.py"))
    for installation in (this_installation(), then):
        with Session(installation, cpu=-1, timeout=20) as session:
            assert session.codec("mine", "mine", str(tmp_path / "now.py"), {}) == ()
            session.image("a", photo(16, 16))
            assert session.time("encode", TimedPoint("mine", "a", None), 1) >= 0


def test_a_limit_that_is_off_leaves_the_codec_out(tmp_path: Path) -> None:
    """Nothing is measured for a codec without a limit on time."""
    assert compare_speed(request(side(tmp_path / "a"), side(tmp_path / "b"), None)).cells == ()


def test_against_takes_an_environment_a_wheel_or_a_command(tmp_path: Path) -> None:
    """Each form starts the installation that it names, and anything else is refused."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "oldmodule"\nversion = "1"\n[tool.setuptools]\npy-modules = ["oldmodule"]\n'
    )
    (project / "oldmodule.py").write_text("WHERE = __file__\n")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path), str(project)], check=True)
    (wheel,) = tmp_path.glob("*.whl")

    def imports(installation: Installation, module: str) -> str:
        line = [*installation.command, "-P", "-c", f"import {module} as it; print(it.__file__)"]
        return subprocess.run(
            line, env=installation.environment, text=True, capture_output=True, check=True
        ).stdout

    with open_installation(str(wheel)) as unpacked:
        assert "rdbench-wheel-" in imports(unpacked, "oldmodule")
        assert imports(unpacked, "numpy") == imports(this_installation(), "numpy")
    with open_installation(sys.prefix) as environment:
        assert imports(environment, "numpy") == imports(this_installation(), "numpy")
    with open_installation(f"env {sys.executable} -E") as command:
        assert command.command == ("env", sys.executable, "-E")
    for bad in ("no-such-command here", str(tmp_path), str(tmp_path / "absent.whl")):
        with pytest.raises(ConfigError, match="--against"), open_installation(bad):
            pass


def scheduled(rounds: int, qualities: int = 3, limit: float | None = 1.10) -> SpeedRequest:
    codec = TimedCodec("mine", "mine", "mine:Mine", {}, tuple(map(float, range(qualities))))
    return SpeedRequest(
        (this_installation(), this_installation()),
        TimedSuite((codec,), (), {}),
        {"mine": limit},
        Schedule(rounds=rounds),
    )


def test_a_schedule_that_could_show_nothing_is_refused() -> None:
    """Three rounds hold back no slow-down of 10%; the error names the number that can."""
    with pytest.raises(
        ConfigError, match=r"--rounds 3: in 6 .* under 1\.24, .* limit of 1\.10 .* --rounds 4"
    ):
        scheduled(3).require_sight()
    with pytest.raises(ConfigError, match="--rounds 5"):
        scheduled(4, qualities=10).require_sight()
    for taken in (
        scheduled(4),
        scheduled(5, 10),
        scheduled(3, limit=1.5),
        scheduled(3, limit=None),
        scheduled(10, 40),
    ):
        taken.require_sight()


def test_what_can_be_seen_is_what_is_called_slower() -> None:
    """A ratio above the least detectable one is slower, one under it is not."""
    spread = judge([LogRatio(0.0, 0.03, 10, 1.0)], [1.05])[0]
    assert spread.word == "inconclusive"
    for factor, word in ((1.01, "slower"), (0.99, "inconclusive")):
        log_ratio = math.log(spread.detectable) * factor
        assert judge([LogRatio(log_ratio, 0.03, 10, 1e-3)], [1.05])[0].word == word
    assert judge([LogRatio(0.0, 1e-4, 10, 1.0)], [1.05])[0].detectable == 1.05


@pytest.mark.parametrize(("strict", "code"), [(frozenset(), 0), (frozenset({"mine"}), 1)])
def test_inconclusive_fails_where_the_gate_says_so(
    monkeypatch: pytest.MonkeyPatch, strict: frozenset[str], code: int
) -> None:
    """It is a warning by default; either way it says what could have been seen."""
    random = np.random.default_rng(0)
    old = np.exp(random.normal(0, 0.3, (4, 1, 8)))
    timed = Timed({("mine", 1.0, "encode"): Samples(("a.png",), old, old[::-1] * 3.3)})
    monkeypatch.setattr("bench.check.speed.measure_abba", lambda *_: timed)
    result = compare_speed(dataclasses.replace(scheduled(4, 1), strict=strict))
    (cell,) = result.cells
    assert cell.word == "inconclusive"
    assert f"no slow-down under {cell.detectable:.2f} could be seen" in result.findings[0].detail
    assert f"{cell.detectable:.2f} in the worst of them" in result.remarks[0]
    verdict = Verdict(result.findings, speed=result.cells)
    assert verdict.outcome == "inconclusive"
    assert exit_code(verdict) == code
    assert ("::error" in as_github(verdict), "❌" in as_markdown(verdict)) == (bool(code), bool(code))


def test_the_gate_says_what_becomes_of_inconclusive() -> None:
    """``inconclusive: fail`` or ``warn``, nothing else."""
    assert gate_of().inconclusive == "warn"
    assert gate_of(inconclusive="fail").inconclusive == "fail"
    with pytest.raises(ConfigError, match="inconclusive"):
        gate_of(inconclusive="ignore")

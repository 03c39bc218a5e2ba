"""The rules of the comparison, on handmade snapshots."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.check.baseline import (
    CodecResults,
    ImageIdentity,
    MetricDefinition,
    Snapshot,
    TrialResult,
    encoded,
    read_baseline,
    write_baseline,
)
from bench.check.compare import compare
from bench.check.gates import limits_of
from bench.errors import ConfigError, StoreError
from bench.host.environment import Environment
from bench.inputs.gate import Gate, gate_of
from bench.inputs.suite import Suite

ENVIRONMENT = Environment(
    {"cpu": "A", "architecture": "x86_64", "cores": "2"}, {"numpy": "1.26", "kernel": "6.1"}
)
METRICS = {"psnr_rgb": MetricDefinition("1", "dB", True), "lpips": MetricDefinition("1", "", False)}


def trial(image: str = "a.png", quality: float | None = 50.0, **values: Any) -> TrialResult:
    known: dict[str, Any] = {
        "bytes": 1000,
        "bitstream_sha256": "b" * 64,
        "pixels_sha256": "c" * 64,
        "metrics": {"psnr_rgb": 30.0, "lpips": 0.2},
    }
    return TrialResult(image=f"set/{image}", quality=quality, **known | values)


def snapshot_of(*trials: TrialResult, environment: Environment = ENVIRONMENT, **codec: Any) -> Snapshot:
    known: dict[str, Any] = {"label": "mine", "codec": "mine", "version": "1+lib 1.0"}
    images = {
        it.image: ImageIdentity(hashlib.sha256(it.image.encode()).hexdigest(), 100, 100) for it in trials
    }
    codecs = (CodecResults(trials=trials, **known | codec),)
    return Snapshot(environment=environment, metrics=METRICS, images=images, codecs=codecs)


def changed(**values: Any) -> TrialResult:
    """A trial of another bitstream and other pixels."""
    return trial(bitstream_sha256="d" * 64, pixels_sha256="e" * 64, **values)


def kinds(before: Snapshot, after: Snapshot, gate: Gate | None = None) -> dict[str, str]:
    """What was found, by measure."""
    return {it.measure: it.kind for it in compare(before, after, lambda codec: gate or Gate()).findings}


def psnr(value: float) -> dict[str, float]:
    return {"psnr_rgb": value, "lpips": 0.2}


def test_any_byte_is_a_difference() -> None:
    """In one environment one byte more is a regression, one less an improvement."""
    assert kinds(snapshot_of(trial()), snapshot_of(changed(bytes=1001))) == {"bytes": "regression"}
    assert kinds(snapshot_of(trial()), snapshot_of(changed(bytes=999))) == {"bytes": "improved"}


def test_metric_tolerance_depends_on_the_environment() -> None:
    """1e-6 dB counts in one environment; across environments 1e-3 dB does, and 1e-4 of other metrics."""
    other = Environment(ENVIRONMENT.machine, {"numpy": "2.1", "kernel": "6.1"})
    slightly, clearly = changed(metrics=psnr(30 - 2e-6)), changed(metrics=psnr(30 - 2e-3))
    assert kinds(snapshot_of(trial()), snapshot_of(slightly)) == {"psnr_rgb": "regression"}
    assert kinds(snapshot_of(trial()), snapshot_of(changed(metrics=psnr(30 - 5e-7)))) == {
        "bitstream": "changed"
    }
    assert kinds(snapshot_of(trial()), snapshot_of(slightly, environment=other)) == {"bitstream": "changed"}
    assert kinds(snapshot_of(trial()), snapshot_of(clearly, environment=other)) == {"psnr_rgb": "regression"}
    learned = changed(metrics={"psnr_rgb": 30.0, "lpips": 0.2 + 5e-5})
    assert kinds(snapshot_of(trial()), snapshot_of(learned)) == {"lpips": "regression"}
    assert kinds(snapshot_of(trial()), snapshot_of(learned, environment=other)) == {"bitstream": "changed"}


def test_another_kernel_is_the_same_environment() -> None:
    """The operating system's kernel has no influence on numbers, and does not loosen the tolerance."""
    other = Environment(ENVIRONMENT.machine, {"numpy": "1.26", "kernel": "6.2"})
    after = snapshot_of(changed(metrics=psnr(30 - 2e-6)), environment=other)
    assert kinds(snapshot_of(trial()), after) == {"psnr_rgb": "regression"}


def test_several_machines_are_no_single_environment() -> None:
    """A trial may have run on another of them before, so their tolerance is that across environments."""
    other = Environment(ENVIRONMENT.machine, {"numpy": "2.1", "kernel": "6.1"})
    slightly = changed(metrics=psnr(30 - 2e-6))

    def of_both(made: TrialResult) -> Snapshot:
        return msgspec.structs.replace(snapshot_of(made), further_environments=(other,))

    assert kinds(of_both(trial()), of_both(slightly)) == {"bitstream": "changed"}
    assert compare(of_both(trial()), of_both(slightly), lambda codec: Gate()).environment == ()
    verdict = compare(of_both(trial()), snapshot_of(trial()), lambda codec: Gate())
    assert verdict.environment == ("numpy 1.26, 2.1 -> 1.26",)
    arm = Environment({**ENVIRONMENT.machine, "architecture": "aarch64"}, ENVIRONMENT.software)
    mixed = msgspec.structs.replace(snapshot_of(trial()), further_environments=(arm,))
    more = msgspec.structs.replace(snapshot_of(changed(bytes=1001)), further_environments=(arm,))
    assert kinds(mixed, more) == {"bytes": "environment changed"}


def test_environments_of_several_machines_survive_the_file(tmp_path: Path) -> None:
    """A baseline holds all of them; one of a single machine is written as ever."""
    one = snapshot_of(trial())
    other = Environment({"cpu": "another"}, ENVIRONMENT.software)
    both = msgspec.structs.replace(one, further_environments=(other,))
    write_baseline(tmp_path / "both.json", both)
    assert read_baseline(tmp_path / "both.json") == both
    assert b"further" not in encoded(one)


def test_direction_of_a_metric() -> None:
    """Where lower is better a rise is the loss."""
    worse = changed(metrics={"psnr_rgb": 30.0, "lpips": 0.3})
    assert kinds(snapshot_of(trial()), snapshot_of(worse)) == {"lpips": "regression"}
    assert kinds(snapshot_of(worse), snapshot_of(trial())) == {"lpips": "improved"}


@pytest.mark.parametrize(("after", "kind"), [(1.3, "regression"), (0.7, "regression"), (1.1, "improved")])
def test_farther_from_an_ideal_value_is_worse(after: float, kind: str) -> None:
    """For a metric that is best at 1, moving away from 1 is a loss in either direction; it has no BD-rate."""
    known = MetricDefinition("1", "", True, 1.0)

    def of(*values: float, pixels: str) -> Snapshot:
        points = [
            trial(quality=10.0 * k, bytes=1000 * k, pixels_sha256=pixels, metrics={"energy": value})
            for k, value in enumerate(values, start=1)
        ]
        return msgspec.structs.replace(snapshot_of(*points), metrics={"energy": known})

    before, now = of(0.2, 0.5, 0.8, pixels="p"), of(0.2, 0.5, after, pixels="P")
    assert kinds(before, now) == {"energy": kind, "pixels": "changed"}
    old = msgspec.structs.replace(before, metrics={"energy": MetricDefinition("1", "", True)})
    assert kinds(old, now)["energy"] == kind, "a baseline that does not know of the ideal"


def test_losing_exactness_is_a_regression() -> None:
    """Identical pixels have no PSNR; a finite one afterwards is a loss, and the reverse an improvement."""
    exact = trial(exact=True, metrics={"psnr_rgb": None, "lpips": 0.2})
    assert kinds(snapshot_of(exact), snapshot_of(changed(metrics=psnr(60)))) == {"psnr_rgb": "regression"}
    assert kinds(
        snapshot_of(trial()), snapshot_of(msgspec.structs.replace(exact, pixels_sha256="e" * 64))
    ) == {"psnr_rgb": "improved"}


def test_losing_a_metric_s_value_is_a_regression() -> None:
    """A metric that had a value on an image and has none now is worse, whatever the limit."""
    wide = gate_of(max_drop={"lpips": 1000})
    undefined = changed(metrics={"psnr_rgb": 30.0, "lpips": None})
    assert kinds(snapshot_of(trial()), snapshot_of(undefined), wide) == {"lpips": "regression"}


@pytest.mark.parametrize("ending", ["missing trial", "missing codec", "cancelled", "failing", "other image"])
def test_what_is_gone_always_fails(ending: str) -> None:
    """A trial that is absent, failing or about another image fails however wide the limits are."""
    wide = gate_of(max_bytes="off", max_psnr_drop="off", max_drop={"*": "off"}, max_bd_rate="off")
    before = snapshot_of(trial("a.png"), trial("b.png"))
    kept = trial("a.png")
    after = {
        "missing trial": snapshot_of(kept),
        "missing codec": snapshot_of(kept),
        "cancelled": snapshot_of(kept, trial("b.png", status="cancelled")),
        "failing": snapshot_of(kept, trial("b.png", status="timeout", error="encode: too slow")),
        "other image": snapshot_of(kept, trial("b.png")),
    }[ending]
    if ending == "missing codec":
        extra = CodecResults(label="gone", codec="gone", version="1", trials=(trial("b.png"),))
        before = msgspec.structs.replace(before, codecs=(*snapshot_of(kept).codecs, extra))
    if ending == "other image":
        after.images["set/b.png"] = ImageIdentity("another", 100, 100)
    verdict = compare(before, after, lambda codec: wide)
    (finding,) = verdict.findings
    assert (verdict.outcome, verdict.compared) == ("failed", 1)
    assert finding.kind == ("failed" if ending == "failing" else "missing")
    assert [it.image for it in finding.changes] == ["set/b.png"]


def test_known_failures_do_not_fail() -> None:
    """What failed when the baseline was made may go on failing; working now is an improvement."""
    before = snapshot_of(trial("a.png"), trial("b.png", status="unsupported", error="too small"))
    assert compare(before, before, lambda codec: Gate()).outcome == "pass"
    assert kinds(before, snapshot_of(trial("a.png"), trial("b.png"))) == {"status": "improved"}


def test_new_trials_are_reported_and_new_failures_fail() -> None:
    """A trial that is not in the baseline is reported; if it fails, so does the gate."""
    before = snapshot_of(trial("a.png"))
    assert kinds(before, snapshot_of(trial("a.png"), trial("b.png"))) == {"status": "new"}
    broken = snapshot_of(trial("a.png"), trial("b.png", status="crash", error="decode: died"))
    assert compare(before, broken, lambda codec: Gate()).outcome == "failed"


def test_a_metric_that_is_not_taken_any_more_fails() -> None:
    """Leaving out a metric would hide what it shows."""
    after = msgspec.structs.replace(snapshot_of(trial()), metrics={"psnr_rgb": METRICS["psnr_rgb"]})
    assert kinds(snapshot_of(trial()), after) == {"lpips": "missing"}


def test_limits_by_codec_and_metric() -> None:
    """A codec's entry refines the suite's limits; a metric's own limit goes before the general one."""
    suite = Suite.model_validate(
        {
            "gate": {"max_bytes": "5%", "max_drop": {"lpips": 0.01}},
            "codecs": [
                {"codec": "mine", "config": {"fast": True}, "gate": {"max_bytes": 0}},
                {"codec": "mine", "label": "loose", "gate": {"max_psnr_drop": "off"}},
            ],
        }
    )
    limits = limits_of(suite)
    fast = limits(CodecResults(label="x", codec="mine", version="1", config={"fast": True}))
    slow = limits(CodecResults(label="x", codec="mine", version="1", config={"fast": False}))
    loose = limits(CodecResults(label="loose", codec="mine", version="1"))
    assert (fast.max_bytes, slow.max_bytes, loose.max_bytes) == (0, 5, 5)
    assert (loose.drop("psnr_rgb", "dB"), slow.drop("psnr_rgb", "dB")) == (None, 0)
    assert (slow.drop("lpips", ""), slow.drop("ssim_rgb", "")) == (0.01, 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_bytes", "-1%"),
        ("max_bytes", True),
        ("max_byte", 1),
        ("max_slowdown", 0.9),
        ("max_bd_rate", "x%"),
    ],
)
def test_bad_limits_are_named(key: str, value: object) -> None:
    """A limit that does not exist or makes no sense is refused by its name."""
    with pytest.raises(ConfigError, match=key):
        gate_of(**{key: value})


def test_each_codec_has_the_limits_of_its_own_entry(tmp_path: Path) -> None:
    """By label, by what most options say whatever their spelling, by the name in a file; else the suite's."""
    (tmp_path / "mine.py").write_text('class Mine:\n    name = "my codec"\n')
    suite = Suite.model_validate(
        {
            "gate": {"max_bytes": "1%"},
            "codecs": [
                {"codec": "jpeg", "gate": {"max_bytes": "90%"}},
                {"codec": "jpeg", "config": {"optimize": 1}, "gate": {"max_bytes": "2%"}},
                {"codec": "jpeg", "config": {"progressive": "yes"}},
                {"codec": "jpeg", "label": "special", "gate": {"max_bytes": "3%"}},
                {"codec": f"{tmp_path / 'mine.py'}:Mine", "gate": {"max_bytes": "4%"}},
            ],
        }
    )
    limits = limits_of(suite)

    def limit(codec: str, label: str = "any", **config: Any) -> float | None:
        return limits(CodecResults(label=label, codec=codec, version="1", config=config)).max_bytes

    plain = {"optimize": False, "progressive": False, "subsampling": "420"}
    assert limit("jpeg", **plain) == 90
    assert limit("jpeg", **plain | {"optimize": True}) == 2
    assert limit("jpeg", **plain | {"progressive": True}) == 1
    assert limit("jpeg", "special", **plain | {"optimize": True}) == 3
    assert limit("my codec") == 4
    assert limit("webp") == 1


def test_values_of_two_definitions_are_not_compared() -> None:
    """A metric of another version says so; with the same pixels there is nothing to say."""
    newer = {**METRICS, "psnr_rgb": MetricDefinition("2", "dB", True)}
    worse = msgspec.structs.replace(snapshot_of(changed(metrics=psnr(20.0))), metrics=newer)
    found = compare(snapshot_of(trial()), worse, lambda codec: Gate()).findings
    (told,) = [it for it in found if it.measure == "psnr_rgb"]
    assert (told.kind, told.fails) == ("missing", True)
    assert "1 -> 2" in told.detail
    same = msgspec.structs.replace(snapshot_of(trial()), metrics=newer)
    assert compare(snapshot_of(trial()), same, lambda codec: Gate()).outcome == "pass"


def test_a_replaced_picture_is_in_no_bd_rate() -> None:
    """It is named as another file, and the curve is that of the others."""
    before, after = (
        snapshot_of(
            *(
                trial(image, q, bytes=int(size * q), metrics=psnr(20 + q / 5), **hashes)
                for q in (10.0, 30.0, 50.0, 70.0)
                for image, size, hashes in (("a.png", 100, {}), ("b.png", other, sums))
            )
        )
        for other, sums in ((100, {}), (150, {"bitstream_sha256": "d" * 64, "pixels_sha256": "e" * 64}))
    )
    images = {**after.images, "set/b.png": ImageIdentity("another file", 100, 100)}
    gate = gate_of(max_bytes="50%", max_bd_rate="0")
    found = compare(before, msgspec.structs.replace(after, images=images), lambda codec: gate)
    assert {it.kind for it in found.findings} == {"missing"}


def test_bd_rate_stands_for_trials_that_are_not_limited() -> None:
    """With bytes free, a curve that is better in sum passes although a point is larger."""
    points = (10.0, 30.0, 50.0, 70.0)
    before = snapshot_of(*(trial(quality=q, bytes=int(100 * q), metrics=psnr(20 + q / 4)) for q in points))
    sizes = {10.0: 900, 30.0: 2700, 50.0: 4500, 70.0: 7010}
    after = snapshot_of(*(changed(quality=q, bytes=sizes[q], metrics=psnr(20 + q / 4)) for q in points))
    gate = gate_of(max_bytes="off", max_bd_rate={"psnr_rgb": "0.1%"})
    verdict = compare(before, after, lambda codec: gate)
    assert verdict.outcome == "pass"
    assert {it.kind for it in verdict.findings if it.measure == "BD-rate (psnr_rgb)"} == {"improved"}


def test_undefined_bd_rate_is_inconclusive_where_nothing_else_is_limited() -> None:
    """Curves that do not overlap have no BD-rate: that is no pass."""
    points = (10.0, 30.0, 50.0)
    before = snapshot_of(*(trial(quality=q, bytes=int(100 * q), metrics=psnr(20 + q / 4)) for q in points))
    after = snapshot_of(*(changed(quality=q, bytes=int(99 * q), metrics=psnr(60 + q / 4)) for q in points))
    gate = gate_of(max_bytes="off", max_drop={"lpips": "off"}, max_bd_rate={"psnr_rgb": "0.1%"})
    assert compare(before, after, lambda codec: gate).outcome == "inconclusive"
    assert compare(before, after, lambda codec: Gate()).outcome == "pass"


def test_nothing_in_common_is_bad_usage() -> None:
    """A baseline of something else cannot be compared with."""
    with pytest.raises(ConfigError, match="no trial in common"):
        compare(snapshot_of(trial()), snapshot_of(trial(), label="other"), lambda codec: Gate())


def test_baseline_reads_back_and_differs_by_line(tmp_path) -> None:
    """The file holds the snapshot exactly, and one changed trial is one changed line."""
    one = snapshot_of(trial("a.png", encode_s=(0.25, 0.5)), trial("é.png", None, exact=True))
    write_baseline(tmp_path / "b.json", one)
    assert read_baseline(tmp_path / "b.json") == one
    other = snapshot_of(trial("a.png", encode_s=(0.25, 0.5), bytes=2000), trial("é.png", None, exact=True))
    pairs = zip(encoded(one).splitlines(), encoded(other).splitlines(), strict=True)
    assert sum(old != new for old, new in pairs) == 1


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (
            '{"format": "rdbench baseline", "schema": 0}',
            StoreError,
            "version 0.*reads 1.*make the baseline again",
        ),
        ('{"format": "rdbench baseline", "schema": 99}', StoreError, "version 99.*update rdbench"),
        ('{"schema": 1}', StoreError, "not a baseline"),
        ("[]", StoreError, "not a baseline"),
        ('{"format": "rdbench baseline", "schema": 1, "metrics": 3}', StoreError, "damaged"),
    ],
)
def test_unreadable_baselines_are_refused(tmp_path, content: str, error: type, words: str) -> None:
    """Another schema is refused with its version named, damage and other files with what they are."""
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(error, match=words):
        read_baseline(tmp_path / "b.json")


def test_empty_baselines_are_neither_written_nor_read(tmp_path) -> None:
    """Nothing to compare with is never a pass."""
    (tmp_path / "b.json").write_bytes(encoded(snapshot_of()))
    with pytest.raises(ConfigError, match="empty"):
        read_baseline(tmp_path / "b.json")
    with pytest.raises(ConfigError, match="none of the 1 trials"):
        write_baseline(tmp_path / "c.json", snapshot_of(trial(status="crash")))


def test_times_are_never_compared() -> None:
    """Stored times, of this machine or another, change no verdict."""
    quick, slow = trial(encode_s=(0.1,) * 10), trial(encode_s=(9.0,) * 10)
    verdict = compare(snapshot_of(quick), snapshot_of(slow), lambda codec: Gate())
    assert dataclasses.astuple(verdict)[:3] == ((), 1, 1)


def test_equal_hashes_beside_other_results_are_an_error() -> None:
    """Bytes or metrics that were edited in a journal or a baseline are named, whoever they favour."""
    whole = snapshot_of(trial(), trial("b.png"))
    for edited, told in (
        (trial(bytes=900), "mine at 50 on set/a.png has 900 bytes, in the baseline 1000"),
        (
            trial(metrics=psnr(31)),
            "mine at 50 on set/a.png has psnr_rgb 31, in the baseline 30",
        ),
    ):
        with pytest.raises(ConfigError, match=told):
            compare(whole, snapshot_of(edited, trial("b.png")), lambda codec: Gate())
        with pytest.raises(ConfigError, match="equal hashes"):
            compare(snapshot_of(edited, trial("b.png")), whole, lambda codec: Gate())
    many = [trial(f"{k}.png") for k in range(5)]
    with pytest.raises(ConfigError, match=r"0\.png.*2\.png.* and 2 more"):
        compare(
            snapshot_of(*many),
            snapshot_of(*(trial(f"{k}.png", metrics=psnr(31)) for k in range(5))),
            lambda it: Gate(),
        )


def test_equal_hashes_may_differ_by_the_environment() -> None:
    """Rounding, a value that could not be taken, and a new definition contradict nothing."""
    before = snapshot_of(trial())
    for after in (
        snapshot_of(trial(metrics=psnr(30 + 5e-4))),
        snapshot_of(trial(metrics={"psnr_rgb": 30.0, "lpips": None})),
    ):
        assert kinds(before, after) == {}
    renewed = msgspec.structs.replace(
        snapshot_of(trial(metrics=psnr(31))),
        metrics=METRICS | {"psnr_rgb": MetricDefinition("2", "dB", True)},
    )
    assert kinds(before, renewed) == {}
    assert kinds(before, snapshot_of(trial(metrics=psnr(31), pixels_sha256="P"))) == {"psnr_rgb": "improved"}

"""One checkpoint for each operating point: one configuration, whose points have weights of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import bench
from bench.checkpoints import checkpoints_of, text_of
from bench.engines import open_engine
from bench.engines.describing import require_unchanged
from bench.errors import CodecUnavailable, ConfigError
from bench.inputs.suite import load_suite
from bench.runs.store import read_info, read_journal
from bench.trials.codec_ref import Description
from bench.trials.plan import CodecPlan, has_same_weights
from bench.trials.trust import EVERYBODY

CODEC = '''\
"""Rounds samples to as many levels as a file has bytes."""

import zlib
import numpy as np
from bench.checkpoints import checkpoints_of, sha256_of


class Rounding:
    name, version, lossless = "rounding", "1", False

    def __init__(self, *, checkpoint: str = ""):
        self.files = checkpoints_of(checkpoint)
        self.qualities = tuple(self.files)
        self.quality_range = (self.qualities[0], self.qualities[-1])
        self.weights_sha256 = {quality: sha256_of(file) for quality, file in self.files.items()}

    def encode(self, image, quality):
        step = 128 // len(self.files[quality].read_bytes())
        height, width = image.shape[:2]
        return bytes((height, width)) + zlib.compress((image // step * step).tobytes())

    def decode(self, bitstream):
        height, width = bitstream[:2]
        return np.frombuffer(zlib.decompress(bitstream[2:]), np.uint8).reshape(height, width, 3).copy()
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a codec and two checkpoints, named by their λ."""
    (tmp_path / "codec.py").write_text(CODEC)
    (tmp_path / "ckpt").mkdir()
    for name, size in (("0.0018", 2), ("0.0483", 8)):
        (tmp_path / "ckpt" / f"{name}.pth").write_bytes(b"w" * size)
    return tmp_path


def measured(project: Path, pictures: Path, **entry: Any) -> int:
    """How many trials the run, which goes on in one folder, has measured."""
    choice = {"codec": f"{project}/codec.py:Rounding", "label": "mine", **entry}
    summary = bench.run(
        datasets=[str(pictures)],
        codecs=[choice],
        metrics=["psnr_rgb"],
        out=project / "run",
        options=bench.Options(engine="inprocess"),
    )
    assert summary.failed == 0
    return summary.measured


def pattern(project: Path) -> dict[str, Any]:
    return {"config": {"checkpoint": f"{project}/ckpt/{{quality}}.pth"}}


def test_checkpoints_are_one_curve_and_a_new_one_is_measured_alone(project: Path, pictures: Path) -> None:
    """What is added or trained anew is measured, and nothing else; lines have the hash of their own point."""
    assert measured(project, pictures, **pattern(project)) == 2 * 3
    (project / "ckpt" / "0.0067.pth").write_bytes(b"w" * 4)
    assert measured(project, pictures, **pattern(project)) == 3
    (project / "ckpt" / "0.0483.pth").write_bytes(b"v" * 16)
    assert measured(project, pictures, **pattern(project)) == 3
    assert measured(project, pictures, **pattern(project)) == 0
    frame = bench.load(project / "run")
    assert frame["label"].unique().tolist() == ["mine"]
    assert frame["quality"].unique().tolist() == [0.0018, 0.0067, 0.0483]
    assert set(frame["status"]) == {"ok"}
    psnr = frame.groupby("quality")["psnr_rgb"].mean()
    assert psnr.is_monotonic_increasing
    hashes = {(it.quality, it.weights_sha256) for it in read_journal(project / "run")}
    assert len(hashes) == 4, "one for each file that ever was"


def test_a_mapping_of_a_suite_names_the_same_weights(project: Path, pictures: Path) -> None:
    """λ to file beside ``codec``: paths are the suite's, and it does not matter how a file is named."""
    assert measured(project, pictures, **pattern(project)) == 2 * 3
    (project / "suite.yaml").write_text(
        f"datasets: ['{pictures}']\nmetrics: [psnr_rgb]\ncodecs:\n  - codec: codec.py:Rounding\n"
        "    label: mine\n    checkpoints: {0.0018: ckpt/0.0018.pth, 0.0483: ckpt/0.0483.pth}\n"
    )
    (entry,) = load_suite(project / "suite.yaml").codecs
    files = checkpoints_of(str(entry.config["checkpoint"]))
    assert files == {0.0018: project / "ckpt/0.0018.pth", 0.0483: project / "ckpt/0.0483.pth"}
    summary = bench.run(
        project / "suite.yaml", out=project / "run", options=bench.Options(engine="inprocess")
    )
    assert (summary.measured, summary.planned) == (0, 6)
    assert set(bench.load(project / "run")["status"]) == {"ok"}


def test_checkpoints_that_change_places_are_measured_again(project: Path, pictures: Path) -> None:
    """The weights of one point are not taken for those of another."""
    names = [project / "ckpt" / f"{it}.pth" for it in ("0.0018", "0.0483")]
    assert measured(project, pictures, checkpoints=dict(zip((1, 2), names, strict=True))) == 6
    assert measured(project, pictures, checkpoints=dict(zip((2, 1), names, strict=True))) == 6
    frame = bench.load(project / "run")
    psnr = frame.groupby("quality")["psnr_rgb"].mean()
    assert psnr[1.0] > psnr[2.0]


def test_a_run_stays_that_of_its_own_points(project: Path, pictures: Path) -> None:
    """Studies go on after a checkpoint was added, and refuse when one of theirs is another."""
    measured(project, pictures, **pattern(project))
    plans = EVERYBODY.codecs(read_info(project / "run").codecs)
    (project / "ckpt" / "0.0067.pth").write_bytes(b"w" * 4)
    with open_engine("inprocess") as engine:
        require_unchanged(engine, plans)
    (project / "ckpt" / "0.0018.pth").write_bytes(b"other")
    with open_engine("inprocess") as engine, pytest.raises(ConfigError, match="run it again first"):
        require_unchanged(engine, plans)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a/{quality}.pth", {1.0: "a/1.pth", 2.5: "a/2.5.pth"}),
        ("lambda-{quality}/best.pth", {0.01: "lambda-0.01/best.pth"}),
        ("l-{quality}/c-{quality}.pth", {3.0: "l-3/c-3.pth"}),
        ("2='my folder/x.pth' 1e-3=a/1.pth", {1e-3: "a/1.pth", 2.0: "my folder/x.pth"}),
        ("a/lambda=0.5.pth", {1.0: "a/lambda=0.5.pth"}),
    ],
)
def test_forms_of_naming_checkpoints(
    text: str, found: dict[float, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers in names of files and folders, or told; one file alone is quality 1."""
    monkeypatch.chdir(tmp_path)
    for name in (
        *("a/1.pth", "a/2.5.pth", "a/best.pth", "a/lambda=0.5.pth", "my folder/x.pth"),
        *("lambda-0.01/best.pth", "l-3/c-3.pth", "l-3/c-4.pth"),
    ):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    assert checkpoints_of(text) == {quality: Path(file) for quality, file in found.items()}
    assert checkpoints_of(text_of(found.items())) == checkpoints_of(text)


def test_mistakes_about_checkpoints_are_told(tmp_path: Path) -> None:
    """A mapping that is none, one beside the option, and a file that is not there."""
    for entry, message in (
        ("checkpoints: [a.pth]", r"suite.yaml:2: codecs.*: write a file for each quality, as in \{0.0035"),
        ("checkpoints: {low: a.pth}", "a file for each quality"),
        ("checkpoints: {1: a.pth}\n    config: {checkpoint: b.pth}", "has a checkpoint too"),
        ('checkpoints: {"0.010": a.pth, 0.01: b.pth}', r"a\.pth and b\.pth are both for quality 0\.01"),
    ):
        (tmp_path / "suite.yaml").write_text(f"codecs:\n  - codec: x.py:X\n    {entry}\n")
        with pytest.raises(ConfigError, match=message):
            load_suite(tmp_path / "suite.yaml")
    with pytest.raises(CodecUnavailable, match=r"no checkpoint at a\.pth"):
        checkpoints_of("1=a.pth")
    with pytest.raises(CodecUnavailable, match=r"a\.pth and b\.pth are both for quality 1"):
        checkpoints_of("1=a.pth 1.0=b.pth")


def test_configurations_that_share_a_checkpoint_have_a_row_each(project: Path, pictures: Path) -> None:
    """An ablation that begins at one base: each configuration is whole, whichever was measured first."""
    base, one = (project / "ckpt" / f"{it}.pth" for it in ("0.0018", "0.0483"))
    other = project / "ckpt" / "0.0067.pth"
    other.write_bytes(b"w" * 4)
    assert measured(project, pictures, label="a", checkpoints={1: base, 2: one}) == 6
    assert measured(project, pictures, label="b", checkpoints={1: base, 2: other}) == 6
    assert measured(project, pictures, label="b", checkpoints={1: base, 2: other}) == 0
    frame = bench.load(project / "run")
    assert frame.groupby("label").size().to_dict() == {"a": 6, "b": 6}
    assert set(frame["status"]) == {"ok"}


def test_a_target_is_searched_among_the_checkpoints(project: Path, pictures: Path) -> None:
    """No quality without a checkpoint is tried, and the nearest one is the result."""
    (project / "ckpt" / "0.0067.pth").write_bytes(b"w" * 4)
    measured(project, pictures, **pattern(project))
    sweep = bench.load(project / "run")
    target = float(sweep[sweep["quality"] == 0.0067]["bpp"].mean()) * 1.001
    measured(project, pictures, label="found", quality={"bpp": [target, 1000]}, **pattern(project))
    tried = {(it.quality, it.status) for it in read_journal(project / "run")}
    assert tried == {(0.0018, "ok"), (0.0067, "ok"), (0.0483, "ok")}
    whole = bench.load(project / "run")
    for _, row in whole[whole["label"] == "found"].iterrows():
        own = sweep[sweep["image"] == row["image"]]
        nearest = own.loc[(own["bpp"] / row["quality"]).map(lambda it: max(it, 1 / it)).idxmin()]
        assert row["setting"] == nearest["quality"]


def test_weights_are_compared_by_quality() -> None:
    """A quality that had no checkpoint then and has none now does not make all others strange."""
    plan = CodecPlan(
        label="x", codec="x", target="m:X", version="1", lossless=False, config={}, qualities=(1.0, 2.0),
        weights_sha256="a" * 64, weights_by_quality={1.0: "b" * 64},
    )  # fmt: skip
    found = Description("x", "1", False, (1.0,), None, {}, "c" * 64, {}, weights_by_quality={1.0: "b" * 64})
    assert has_same_weights(plan, found)
    assert not has_same_weights(plan, msgspec.structs.replace(found, weights_by_quality={1.0: "d" * 64}))


def test_a_single_checkpoint_of_a_suite_may_be_a_name(tmp_path: Path) -> None:
    """What is no file beside the suite stays what it was, as in any option."""
    (tmp_path / "w.pth").touch()
    (tmp_path / "suite.yaml").write_text(
        "codecs:\n"
        + "".join(f"  - {{codec: jpeg, config: {{checkpoint: '{it}'}}}}\n" for it in ("best", "w.pth"))
        + "  - {codec: jpeg, config: {checkpoint: 'a/{quality}.pth'}}\n"
    )
    found = [it.config["checkpoint"] for it in load_suite(tmp_path / "suite.yaml").codecs]
    assert found == ["best", str(tmp_path / "w.pth"), str(tmp_path / "a/{quality}.pth")]

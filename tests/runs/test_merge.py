"""Joining runs: the whole is what one run would have measured, or the reason why it is none."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

import bench
from bench.errors import BenchError, ConfigError, StoreError
from bench.inputs.shard import Shard
from bench.runs.options import Options
from bench.runs.store import BITSTREAM_FOLDER, JOURNAL_FILE, RUN_FILE, is_run, read_info, read_journal
from tests.cli.test_cli import rdbench
from tests.conftest import ADAPTERS
from tests.runs.far import FarEngine, machine, measured

A, B = machine("Node A"), machine("Node B")
NEWER = machine("Node A", software={"python": "3.12.1", "numpy": "2.1.0"})
TIMES = ("encode_s", "decode_s")


def content(run: Path) -> set[str]:
    """The lines of a journal without order and times."""
    lines = [json.loads(line) for line in (run / JOURNAL_FILE).read_text().splitlines()]
    return {
        json.dumps({key: it for key, it in line.items() if key not in TIMES}, sort_keys=True)
        for line in lines
    }


def kept(run: Path) -> set[str]:
    return {it.name for it in (run / BITSTREAM_FOLDER).iterdir()}


@pytest.fixture
def run(pictures: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a run of a machine in a new folder."""

    def make(name: str, *codecs: str, on: Any = A, **options: Any) -> Path:
        measured(FarEngine(on), pictures, tmp_path / name, *codecs, options=Options(**options))
        return tmp_path / name

    return make


def edit(run: Path, line: int, **fields: Any) -> None:
    """Change a line of a journal."""
    lines = [json.loads(it) for it in (run / JOURNAL_FILE).read_text().splitlines()]
    lines[line - 1] |= fields
    (run / JOURNAL_FILE).write_text("".join(json.dumps(it) + "\n" for it in lines))


def edit_info(run: Path, change: Callable[[Any], None]) -> None:
    info = json.loads((run / RUN_FILE).read_text())
    change(info)
    (run / RUN_FILE).write_text(json.dumps(info))


def test_joined_shards_are_the_undivided_run(pictures: Path, tmp_path: Path) -> None:
    """In isolated processes, with bitstreams: the same lines, plan and files, and nothing left to measure."""
    more = tmp_path / "more"
    shutil.copytree(pictures, more)
    line = {
        "datasets": [str(pictures), str(more)],
        "codecs": ["jpeg@20,80", "webp@50", "png"],
        "metrics": ["psnr_rgb", "ms_ssim_rgb"],
    }
    keeping = Options(keep_bitstreams=True)
    bench.run(**line, out=tmp_path / "whole", options=keeping)
    shards = [f"{number}/4" for number in (1, 2, 3, 4)]
    for shard in shards:
        bench.run(**line, out=tmp_path / shard.replace("/", "-"), options=keeping, shard=shard)
    parts = [tmp_path / it.replace("/", "-") for it in (shards[3], *shards[:3])]
    joint = tmp_path / "joint"
    summary = bench.merge(parts, joint)
    assert (summary.planned, summary.statuses, summary.compared) == (24, {"ok": 24}, 0)
    assert content(joint) == content(tmp_path / "whole")
    assert kept(joint) == kept(tmp_path / "whole")
    assert read_info(joint) == read_info(tmp_path / "whole")
    assert bench.run(**line, out=joint, options=keeping).measured == 0


def test_codecs_of_two_machines_keep_theirs(run: Callable[..., Path], tmp_path: Path) -> None:
    """Runs of other codecs become one of all; every row names its machine, and run.json both."""
    notes: list[str] = []
    bench.merge([run("a", "jpeg@30,80"), run("b", "webp@50", on=B)], tmp_path / "joint", notes.append)
    frame = bench.load(tmp_path / "joint")
    assert set(frame["status"]) == {"ok"}
    assert dict(zip(frame["label"], frame["environment"], strict=True)) == {
        "jpeg-420": A.environment.id,
        "webp": B.environment.id,
    }
    assert read_info(tmp_path / "joint").several_machines
    assert any("a codec that ran on several has no speed" in it for it in notes)


def test_equal_trials_are_compared_and_times_never_pooled(run: Callable[..., Path], tmp_path: Path) -> None:
    """Of trials that both have, one line stays, with the times of its own machine: the precise ones."""
    a, b = run("a", "jpeg@30,80"), run("b", "jpeg@80", on=B, timing=True, repeats=3)
    summary = bench.merge([a, b], tmp_path / "joint")
    assert (summary.planned, summary.compared) == (6, 3)
    for it in read_journal(tmp_path / "joint"):
        expected = (B, 3) if it.quality == 80 else (A, 1)
        assert (it.environment, len(it.encode_s)) == (expected[0].environment.id, expected[1])
    assert len(list(read_journal(tmp_path / "joint"))) == 6


def test_points_and_images_without_a_result_are_told(run: Callable[..., Path], tmp_path: Path) -> None:
    """A joint plan may have trials that nobody measured; how many, and of which codec, is said."""
    notes: list[str] = []
    parts = run("a", "jpeg@30", shard=Shard(1, 3)), run("b", "webp@30", shard=Shard(2, 3))
    bench.merge(parts, tmp_path / "joint", notes.append)
    assert notes == ["2 of 4 trials were measured by none of these runs: jpeg-420 (1), webp (1)"]
    assert read_info(tmp_path / "joint").shard is None


DIFFERENCES = {
    "bytes": ({"bytes": 7}, r"bytes \d+ and 7"),
    "bitstream": ({"bitstream_sha256": "1" * 64}, r"bitstream_sha256 \w{16}… and 1{16}…"),
    "pixels": ({"pixels_sha256": "2" * 64}, r"pixels_sha256 \w{16}… and 2{16}…"),
    "metric": ({"metrics": {"psnr_rgb": 1.0}}, r"psnr_rgb \d+\.\d+ and 1\.0"),
    "no metric": ({"metrics": {}}, r"psnr_rgb \d+\.\d+ and None"),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_results_that_differ_are_refused(case: str, run: Callable[..., Path], tmp_path: Path) -> None:
    """The message has file, line and value of both, and no folder is made."""
    a, b = run("a"), run("b", "jpeg@80")
    fields, told = DIFFERENCES[case]
    edit(b, 2, **fields)
    where = f"{re.escape(str(a))}/{JOURNAL_FILE}:4 and {re.escape(str(b))}/{JOURNAL_FILE}:2"
    with pytest.raises(StoreError, match=rf"1 of 3 trials .*\n{where}: jpeg at 80 on p1\.png: {told}$"):
        bench.merge([a, b], tmp_path / "joint")
    assert not (tmp_path / "joint").exists()


def test_rounding_of_another_processor_is_no_difference(run: Callable[..., Path], tmp_path: Path) -> None:
    """A metric's last digits may differ; the line of the run that is named first stays."""
    a, b = run("a"), run("b", on=B)
    value = next(read_journal(b)).metrics["psnr_rgb"]
    assert value is not None
    edit(b, 1, metrics={"psnr_rgb": value * (1 + 1e-7)})
    bench.merge([a, b], tmp_path / "joint")
    assert content(tmp_path / "joint") == content(a)


def test_a_result_goes_before_a_failure(run: Callable[..., Path], tmp_path: Path) -> None:
    """What failed in one run and not in the other is done; what failed in both stays a failure."""
    failure = {"status": "timeout", "failure": {"phase": "encode", "message": "too slow"}}
    a, b = run("a"), run("b")
    for name, lines in ((a, (1, 2)), (b, (2,))):
        for line in lines:
            edit(name, line, **failure)
    notes: list[str] = []
    assert bench.merge([a, b], tmp_path / "joint", notes.append).statuses == {"ok": 5, "timeout": 1}
    assert notes == ["1 failures are left out, since another run has a result of the same trial"]


def test_history_stays_behind(run: Callable[..., Path], tmp_path: Path) -> None:
    """Lines of a machine that a run no longer counts do not count again where another run names it."""
    a, b = run("a", "jpeg@30"), run("b", "jpeg@80", on=B)
    old = (a / JOURNAL_FILE).read_text().replace(A.environment.id, B.environment.id)
    (a / JOURNAL_FILE).write_text((a / JOURNAL_FILE).read_text() + old.replace('"bytes":', '"bytes":1'))
    bench.merge([a, b], tmp_path / "joint")
    assert content(tmp_path / "joint") == content(b) | {it for it in content(a) if A.environment.id in it}


def test_other_software_on_one_machine_is_told_apart(run: Callable[..., Path], tmp_path: Path) -> None:
    """Both are one machine to their runs; the joint one has an id for each, and no speed of the two."""
    a, b = run("a", "jpeg@30"), run("b", "jpeg@80", on=NEWER)
    bench.merge([a, b], tmp_path / "joint")
    info = read_info(tmp_path / "joint")
    assert [it.software["numpy"] for it in info.environments] == ["2.0.0", "2.1.0"]
    names = {it.quality: it.environment for it in read_journal(tmp_path / "joint")}
    assert names == {30: info.environments[0].id, 80: info.environments[1].id}
    assert info.several_machines
    assert set(bench.load(tmp_path / "joint")["status"]) == {"ok"}


def relabelled(info: Any) -> None:
    info["codecs"][0]["label"] = "mine"


def reversioned(info: Any) -> None:
    info["codecs"][0]["version"] = "0.1"


def weighted(info: Any) -> None:
    info["codecs"][0]["weights_sha256"] = "3" * 64


def other_metric(info: Any) -> None:
    info["metrics"][0]["version"] = "0"


def more_metrics(info: Any) -> None:
    info["metrics"].append(info["metrics"][0] | {"name": "ssim_rgb"})


def other_picture(info: Any) -> None:
    info["images"][0]["sha256"] = "4" * 64


CONFLICTS = {
    "version": (reversioned, r"jpeg-420 of .*a and jpeg-420 of .*b can't be one: version .* and 0\.1"),
    "weights": (weighted, r"jpeg-420 of .*a and jpeg-420 of .*b can't be one: weights none and 333333333333"),
    "metric": (other_metric, r"metric psnr_rgb is of version \S+ in .*a and of version 0 in .*b"),
    "metrics": (more_metrics, r".*b has the metric ssim_rgb, and .*a has not"),
    "picture": (other_picture, r"p0\.png of pictures is another picture in .*a \(SHA-256 .*b \(4{12}…\)"),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_plans_that_do_not_go_together_are_refused(
    case: str, run: Callable[..., Path], tmp_path: Path
) -> None:
    """The message names both runs and what differs."""
    a, b = run("a", "jpeg@30"), run("b", "jpeg@80")
    change, told = CONFLICTS[case]
    edit_info(b, change)
    with pytest.raises(ConfigError, match=told):
        bench.merge([a, b], tmp_path / "joint")
    assert not (tmp_path / "joint").exists()


def test_one_label_for_two_configurations_is_refused(run: Callable[..., Path], tmp_path: Path) -> None:
    """Two labels for one configuration are one codec, under the name that it had first."""
    a, b, c = run("a", "jpeg@30"), run("b", "jpeg@80"), run("c", "jpeg:optimize=true@80")
    edit_info(b, relabelled)
    notes: list[str] = []
    bench.merge([a, b], tmp_path / "joint", notes.append)
    assert notes == [f"mine of {b} is what {a} calls jpeg-420, which stays"]
    assert set(bench.load(tmp_path / "joint")["label"]) == {"jpeg-420"}
    edit_info(c, relabelled)
    edit_info(a, relabelled)
    with pytest.raises(ConfigError, match=r"can't be one: options .*optimize=False.* and .*optimize=True"):
        bench.merge([a, c], tmp_path / "other")


def test_which_folders_are_no_runs_to_join(run: Callable[..., Path], tmp_path: Path) -> None:
    """One alone, one twice, the result among them, none, and a folder that holds something else."""
    a, b = run("a"), run("b")
    for folders, out, told in (
        ([a], "joint", "two runs or more"),
        ([a, a / ".." / "a"], "joint", "are one run"),
        ([a, b], "b", "is one of the runs"),
        ([a, tmp_path], "joint", "not a run folder"),
    ):
        with pytest.raises(BenchError, match=told):
            bench.merge(folders, tmp_path / out)
    with pytest.raises(StoreError, match="holds a run that these do not make"):
        bench.merge([a, b], run("other", "webp@50"))


def twice(info: Any) -> None:
    info["codecs"].append(info["codecs"][0] | {"label": "again"})


def told_apart_by_type(info: Any) -> None:
    info["codecs"].append(info["codecs"][0] | {"label": "again", "config": {"optimize": 0}})
    info["codecs"][0]["config"] = {"optimize": False}


def impossible_shard(info: Any) -> None:
    info["shard"] = "9/8"


def other_points(info: Any) -> None:
    info["codecs"][0] |= {"lossless": True, "qualities": [None, 80]}


def no_machine(info: Any) -> None:
    info["environment"] = {"machine": {}, "software": {}}


def giant(info: Any) -> None:
    info["codecs"][0]["qualities"] = list(range(1_400_000))


ODD = [twice, told_apart_by_type, impossible_shard, other_points, no_machine, giant]


@pytest.mark.parametrize("change", ODD, ids=[it.__name__ for it in ODD])
def test_a_strangers_run_ends_in_no_traceback(
    change: Callable[[Any], None], run: Callable[..., Path], tmp_path: Path
) -> None:
    """What no rdbench writes is joined as far as it means something, or refused."""
    a, b = run("a", "jpeg@30"), run("b", "jpeg@80")
    edit_info(b, change)
    with suppress(BenchError):
        summary = bench.merge([a, b], tmp_path / "joint")
        assert len(bench.load(tmp_path / "joint")) == summary.planned


def test_only_whole_bitstreams_inside_the_run_come_along(run: Callable[..., Path], tmp_path: Path) -> None:
    """Links and damaged files stay behind, and are named; the other run's copy takes their place."""
    a, b = run("a", "jpeg@30", keep_bitstreams=True), run("b", "jpeg@80", keep_bitstreams=True)
    first, second, third = sorted((a / BITSTREAM_FOLDER).iterdir())
    first.write_bytes(b"damaged")
    shutil.move(second, tmp_path / "outside")
    second.symlink_to(tmp_path / "outside")
    shutil.move(b / BITSTREAM_FOLDER, tmp_path / "elsewhere")
    (b / BITSTREAM_FOLDER).symlink_to(tmp_path / "elsewhere")
    notes: list[str] = []
    bench.merge([a, b], tmp_path / "joint", notes.append)
    assert kept(tmp_path / "joint") == {third.name}
    assert "a link, which is not followed" in notes[0]
    assert f"{first}: the kept bitstream is damaged" in notes[1]
    assert f"{second}: the bitstream can't be read (a link" in notes[1]


class Killed(BaseException):
    """Ends a merge as a kill would, but for what a process does after it."""


@pytest.mark.parametrize("at", ["journal", "bitstreams", "end"])
def test_a_killed_merge_is_no_run_and_can_be_repeated(
    at: str, run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it has left, the same call makes the run; once more, it finds it done."""
    parts = [run("a", "jpeg@30", keep_bitstreams=True), run("b", "webp@50", keep_bitstreams=True)]
    bench.merge(parts, tmp_path / "calm")
    where = {
        "journal": "bench.files.journal.Journal.append",
        "bitstreams": "bench.runs.store.RunWriter.keep_bitstream",
        "end": "bench.runs.merge.write_atomically",
    }[at]
    calls = []

    def killed(*given: Any) -> None:
        calls.append(given)
        if len(calls) == 3 or (at == "end" and given[0].name == RUN_FILE):
            raise Killed
        original(*given)

    original = resolve_name(where)
    joint = tmp_path / "joint"
    with monkeypatch.context() as patch:
        patch.setattr(where, killed)
        with pytest.raises(Killed):
            bench.merge(parts, joint)
    assert not is_run(joint)
    for _ in range(2):
        bench.merge(parts, joint)
        assert sorted(it.name for it in joint.iterdir()) == sorted(
            it.name for it in (tmp_path / "calm").iterdir()
        )
        for name in (RUN_FILE, JOURNAL_FILE):
            assert (joint / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
        assert kept(joint) == kept(tmp_path / "calm")


def test_the_command_line_joins(run: Callable[..., Path], tmp_path: Path) -> None:
    """The summary counts; what does not go together is bad usage."""
    a, b = run("a", "jpeg@30"), run("b", f"{ADAPTERS}:Raises@4")
    done = rdbench("merge", a, b, "-o", tmp_path / "joint")
    assert done.returncode == 0, done.stderr
    assert "3 of 6 trials ok; failed: 3 codec_error; run folder:" in done.stderr
    done = rdbench("merge", a, "-o", tmp_path / "other")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)

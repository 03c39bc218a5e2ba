"""A run survives being killed at any instant, and goes on where it was."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from multiprocessing import Pipe
from pathlib import Path

import pandas as pd
import pytest

import bench
from bench.engines import zygote as zygote_module
from bench.engines.zygote import Zygote
from bench.errors import ConfigError, StoreError
from bench.runs.store import JOURNAL_FILE, RunWriter, read_info, read_journal
from tests.conftest import ADAPTERS, processes_marked, until

CODECS = (f"{ADAPTERS}:Slow@2,3,4,5", f"{ADAPTERS}:HonestLossless", "jpeg@20,60")


def command(pictures: Path, out: Path, *extra: str) -> list[str]:
    codecs = [part for codec in CODECS for part in ("--codec", codec)]
    line = [
        sys.executable,
        "-m",
        "bench.cli",
        "run",
        "--dataset",
        str(pictures),
        *codecs,
        "--metric",
        "psnr_rgb",
    ]
    return [*line, "--jobs", "2", "--out", str(out), "--no-report", *extra]


def both_jobs_hang(run: Path) -> bool:
    """Whether all is measured that comes before ``Hang`` on the first two of the images, one for each job."""
    return (run / JOURNAL_FILE).is_file() and len(list(read_journal(run))) >= 2 * 7


def _heed_interrupts() -> None:
    """Undo what a shell does to a script's background jobs: they ignore Ctrl-C, and so do their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def statuses(run: Path) -> set[str]:
    """Of what a run that goes on has measured by now."""
    return {it.status for it in read_journal(run)}


def result(run: Path) -> pd.DataFrame:
    return bench.load(run).drop(columns=["encode_s", "decode_s"])


@pytest.mark.slow
def test_twenty_kills_leave_the_same_table(tmp_path: Path, pictures: Path) -> None:
    """After 20 kills with -9 at random instants the table equals that of an undisturbed run."""
    start = time.monotonic()
    subprocess.run(command(pictures, tmp_path / "calm"), check=True, capture_output=True)
    duration = time.monotonic() - start
    calm = result(tmp_path / "calm")
    moments = random.Random(0)
    disturbed = tmp_path / "disturbed"
    kills, journal_sizes = 0, set()
    while kills < 20:
        process = subprocess.Popen(
            command(pictures, disturbed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=moments.uniform(0.2, 1.0) * duration)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        journal = disturbed / JOURNAL_FILE
        if journal.exists():
            journal_sizes.add(journal.stat().st_size)
            if process.returncode == 0:
                journal.unlink()  # it got through between two kills; start over to go on killing
    subprocess.run(command(pictures, disturbed), check=True, capture_output=True)
    pd.testing.assert_frame_equal(result(disturbed), calm)
    assert len(journal_sizes) > 3, "the kills fell into different stages of the run"


def test_resuming_measures_only_what_is_missing(tmp_path: Path, pictures: Path) -> None:
    """A second run adds no line for a finished trial, and a torn last line is measured again."""
    subprocess.run(command(pictures, tmp_path), check=True, capture_output=True)
    journal = tmp_path / JOURNAL_FILE
    whole = journal.read_bytes()
    subprocess.run(command(pictures, tmp_path), check=True, capture_output=True)
    assert journal.read_bytes() == whole

    lines = whole.splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:40])
    assert len(list(read_journal(tmp_path))) == len(lines) - 1
    subprocess.run(command(pictures, tmp_path), check=True, capture_output=True)
    assert len(journal.read_bytes().splitlines()) == len(lines)
    assert len(list(read_journal(tmp_path))) == len(lines)


def test_a_kill_orphans_no_process(tmp_path: Path, pictures: Path) -> None:
    """When the main process is killed, its workers end too, even one that hangs."""
    line = command(pictures, tmp_path, "--codec", f"{ADAPTERS}:Hang@4")
    environment = os.environ | {"RDBENCH_TEST_MARK": str(tmp_path)}
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    until(lambda: both_jobs_hang(tmp_path))
    assert len(processes_marked(str(tmp_path))) > 2
    process.kill()
    process.wait()
    until(lambda: processes_marked(str(tmp_path)) == [])


def test_interrupt_keeps_what_was_measured(tmp_path: Path, pictures: Path) -> None:
    """Ctrl-C ends the run with exit code 130 and a word on how to go on; the journal is whole."""
    line = command(pictures, tmp_path, "--codec", f"{ADAPTERS}:Hang@4")
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_interrupts)
    until(lambda: both_jobs_hang(tmp_path))
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "goes on from there" in stderr
    frame = bench.load(tmp_path)
    assert (frame["status"] == "ok").sum() > 0
    assert set(frame.loc[frame["codec"] == "Hang", "status"]) == {"cancelled"}


def test_a_parent_that_gives_up_leaves_no_worker(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An interrupt between request and answer ends the forking process in order, and what it forked."""
    zygote = Zygote(zygote_module.THREADS | {"RDBENCH_TEST_MARK": str(tmp_path)})
    ours, theirs = Pipe()
    with ours, theirs, (tmp_path / "stderr").open("w") as stderr, (tmp_path / "samples").open("w") as samples:
        request = zygote_module._REQUEST.pack(zygote_module._FORK, 0, 1, False, False, False)
        descriptors = [theirs.fileno(), stderr.fileno(), samples.fileno()]
        socket.send_fds(zygote._socket, [request], descriptors)
        zygote.close()
        assert zygote._process.returncode == 0
        assert processes_marked(str(tmp_path)) == []
    assert "Traceback" not in capfd.readouterr().err


def test_second_writer_is_refused(tmp_path: Path) -> None:
    """Two runs into one folder: the second is told so, and nothing is written."""
    with (
        RunWriter(tmp_path / "run"),
        pytest.raises(StoreError, match="another rdbench"),
        RunWriter(tmp_path / "run"),
    ):
        pass


def test_damaged_line_is_named(tmp_path: Path, pictures: Path) -> None:
    """A damaged line in the middle of the journal is an error with its number, not silently skipped."""
    subprocess.run(command(pictures, tmp_path), check=True, capture_output=True)
    journal = tmp_path / JOURNAL_FILE
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[2] = b'{"key": 12}\n'
    journal.write_bytes(b"".join(lines))
    with pytest.raises(StoreError, match=f"{JOURNAL_FILE}:3"):
        bench.load(tmp_path)


def test_unknown_schema_is_refused(tmp_path: Path, pictures: Path) -> None:
    """A run of a newer schema is refused with its version, before anything is read as something else."""
    subprocess.run(command(pictures, tmp_path), check=True, capture_output=True)
    info = tmp_path / "run.json"
    info.write_text(info.read_text().replace('"schema": 1', '"schema": 99'))
    with pytest.raises(StoreError, match="schema version 99"):
        read_info(tmp_path)


def test_changed_codec_version_is_measured_again(tmp_path: Path, pictures: Path) -> None:
    """An edited codec file is measured again, and only it; the former results no longer count."""
    adapter = tmp_path / "mine.py"
    adapter.write_text(ADAPTERS.read_text())
    run = tmp_path / "run"

    def measure():
        return bench.run(
            datasets=[str(pictures)], codecs=[f"{adapter}:Honest@4", "jpeg@50"], metrics=["psnr_rgb"], out=run
        )

    assert measure().measured == 6
    adapter.write_text(ADAPTERS.read_text() + "\n# edited\n")
    again = measure()
    assert (again.measured, again.reused) == (3, 3)
    assert len(bench.load(run)) == 6


def test_another_machine_measures_everything_again(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results of another machine are not mixed in: the difference is told, and all trials run again."""
    run = tmp_path / "run"
    notes: list[str] = []

    def measure():
        return bench.run(
            datasets=[str(pictures)],
            codecs=["jpeg@50"],
            metrics=["psnr_rgb"],
            out=run,
            events=bench.Events(note=notes.append),
        )

    measure()
    assert [it for it in notes if not it.startswith("data set")] == []
    monkeypatch.setattr("bench.host.environment._cpu_model", lambda: "Another CPU")
    assert measure().measured == 3
    assert any("Another CPU" in it for it in notes)
    assert len(bench.load(run)) == 3


def test_timing_replaces_times_taken_under_load(tmp_path: Path, pictures: Path) -> None:
    """--timing measures again what was timed under load, keeps raw samples, and is not undone later."""
    run = tmp_path / "run"
    options = bench.Options(timing=True, repeats=3)

    def measure(options: bench.Options):
        return bench.run(
            datasets=[str(pictures)], codecs=["jpeg@50"], metrics=["psnr_rgb"], out=run, options=options
        )

    measure(bench.Options(jobs=2))
    assert set(bench.load(run)["timing"]) == {"load"}
    assert measure(options).measured == 3
    assert set(bench.load(run)["timing"]) == {"alone"}
    assert [len(it.encode_s) for it in read_journal(run)][-3:] == [3, 3, 3]
    assert measure(bench.Options(jobs=2)).measured == 0


def test_timing_keeps_the_scores_of_the_same_samples(tmp_path: Path, pictures: Path) -> None:
    """Who asks for times later waits for no metric again, unless the samples have become others."""
    run = tmp_path / "run"
    ask = {"datasets": [str(pictures)], "codecs": ["jpeg@50"], "metrics": ["psnr_rgb"], "out": run}
    bench.run(**ask)
    lines = [json.loads(it) for it in (run / JOURNAL_FILE).read_text().splitlines()]
    for line in lines:
        line["metrics"]["psnr_rgb"] = 12.5
    lines[-1]["pixels_sha256"] = "0" * 64
    (run / JOURNAL_FILE).write_text("".join(json.dumps(it) + "\n" for it in lines))
    assert bench.run(**ask, options=bench.Options(timing=True, repeats=1)).measured == 3
    taken = [(it.timing, it.image, it.metrics["psnr_rgb"] == 12.5) for it in read_journal(run)][-3:]
    assert sorted(taken) == sorted(("alone", it["image"], it is not lines[-1]) for it in lines)


def test_disturbed_times_are_told_and_measured_again(tmp_path: Path, pictures: Path) -> None:
    """Times taken without the processor are one warning, and the same command takes them anew."""
    notes: list[str] = []

    def measure(*, timing: bool):
        return bench.run(
            datasets=[str(pictures)],
            codecs=[f"{Path(__file__).parents[1] / 'engines' / 'adapters.py'}:Sleeps@4"],
            metrics=["psnr_rgb"],
            limit=1,
            out=tmp_path / "run",
            options=bench.Options(timing=timing, repeats=1),
            events=bench.Events(note=notes.append),
        )

    assert measure(timing=True).measured == 1
    (told,) = (note for note in notes if "too long" in note)
    assert told.startswith("times of 1 of 1 trials are too long: other processes took part of the processor")
    assert "Sleeps on p0.png" in told
    row = bench.load(tmp_path / "run").iloc[0]
    assert row["timing"] == "alone"
    assert row["encode_cpu_share"] < 0.9
    assert measure(timing=True).measured == 1
    assert measure(timing=False).measured == 0


def test_second_command_adds_to_the_folder(tmp_path: Path, pictures: Path) -> None:
    """Another codec measured into the same folder joins the table; --fresh starts anew, keeping the old."""
    run = tmp_path / "run"
    for codec in ("jpeg@50", "jpeg@70", "honest"):
        spec = f"{ADAPTERS}:Honest@4" if codec == "honest" else codec
        bench.run(datasets=[str(pictures)], codecs=[spec], metrics=["psnr_rgb"], out=run)
    frame = bench.load(run)
    assert set(frame["label"]) == {"jpeg-420", "Honest"}
    assert set(frame.loc[frame["codec"] == "jpeg", "quality"]) == {50.0, 70.0}
    bench.run(
        datasets=[str(pictures)],
        codecs=["jpeg@50"],
        metrics=["psnr_rgb"],
        out=run,
        options=bench.Options(fresh=True),
    )
    assert len(bench.load(run)) == 3
    assert (run / f"{JOURNAL_FILE}.old").is_file()


def test_equal_pictures_are_measured_each(tmp_path: Path, pictures: Path) -> None:
    """A copy of a folder, and one picture under two names, have rows of their own; a renamed one has one."""
    arguments = {"codecs": ["jpeg@50"], "metrics": ["psnr_rgb"], "out": tmp_path / "run"}
    copied = tmp_path / "copied"
    shutil.copytree(pictures, copied)
    bench.run(datasets=[str(pictures)], **arguments)
    summary = bench.run(datasets=[str(copied)], **arguments)
    assert (summary.measured, summary.reused) == (3, 0)
    (copied / "p0.png").rename(copied / "renamed.png")
    shutil.copy(copied / "p1.png", copied / "twin.png")
    assert bench.run(datasets=[str(copied)], **arguments).measured == 2
    frame = bench.load(tmp_path / "run")
    assert len(frame) == 3 + 4
    assert set(frame["status"]) == {"ok"}


def test_the_line_that_tables_show_decides_what_is_done(tmp_path: Path, pictures: Path) -> None:
    """A later failure, or a later line without times, is measured again, whatever stood before it."""
    line = {
        "datasets": [str(pictures)],
        "codecs": ["jpeg@50"],
        "metrics": ["psnr_rgb"],
        "out": tmp_path / "run",
    }
    timed = bench.Options(timing=True, repeats=2)
    bench.run(**line, options=timed)
    bench.run(**line, options=bench.Options(keep_bitstreams=True))
    assert bench.run(**line, options=timed).measured == 3
    assert set(bench.load(tmp_path / "run")["timing"]) == {"alone"}
    journal = tmp_path / "run" / JOURNAL_FILE
    last = json.loads(journal.read_text().splitlines()[-1])
    failed = last | {"status": "timeout", "failure": {"phase": "encode", "message": "late"}}
    journal.write_text(journal.read_text() + json.dumps(failed) + "\n")
    assert bench.run(**line).measured == 1
    assert set(bench.load(tmp_path / "run")["status"]) == {"ok"}


def test_a_picture_that_was_replaced_is_told_and_measured(tmp_path: Path, pictures: Path) -> None:
    """Its former results are history, and the run can be reported."""
    arguments = {"codecs": ["jpeg@20,50,80"], "metrics": ["psnr_rgb"], "out": tmp_path / "run"}
    bench.run(datasets=[str(pictures)], **arguments)
    shutil.copy(pictures / "p1.png", pictures / "p0.png")
    notes: list[str] = []
    bench.run(datasets=[str(pictures)], **arguments, events=bench.Events(note=notes.append))
    assert any("1 pictures are others than before (p0.png)" in it for it in notes)
    frame = bench.load(tmp_path / "run")
    assert len(frame) == 9
    assert set(frame["status"]) == {"ok"}


def test_points_of_other_weights_are_history(tmp_path: Path, pictures: Path) -> None:
    """After new weights a run of one point plans that point, and not former ones that nothing measures."""
    codec = tmp_path / "weighted.py"
    source = (
        "import hashlib\nfrom pathlib import Path\nfrom tests.adapters import Honest\n\n\n"
        "class Weighted(Honest):\n    name = 'weighted'\n"
        "    weights_sha256 = hashlib.sha256(Path(r'%s').read_bytes()).hexdigest()\n"
    )
    codec.write_text(source % (tmp_path / "weights"))
    line = {"datasets": [str(pictures)], "metrics": ["psnr_rgb"], "out": tmp_path / "run"}
    for weights, points in (("1", "2,4,6"), ("2", "4")):
        (tmp_path / "weights").write_text(weights)
        bench.run(codecs=[f"{codec}:Weighted@{points}"], **line)
    assert sorted(bench.load(tmp_path / "run")["quality"]) == [4, 4, 4]


def test_a_mistyped_data_set_leaves_no_folder(tmp_path: Path) -> None:
    """Whatever is wrong with the data set is told before anything is made."""
    with pytest.raises(ConfigError, match="nowhere"):
        bench.run(datasets=[str(tmp_path / "nowhere")], codecs=["png"], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_metrics_of_the_folder_are_taken_as_well(tmp_path: Path, pictures: Path) -> None:
    """Another metric for one codec does not cost it the values it had, and then all is done."""
    line = {"datasets": [str(pictures)], "out": tmp_path / "run"}
    bench.run(codecs=["jpeg@50", "webp@50"], metrics=["psnr_rgb"], **line)
    notes: list[str] = []
    events = bench.Events(note=notes.append)
    assert bench.run(codecs=["jpeg@50"], metrics=["ssim_rgb"], **line, events=events).measured == 3
    assert "also takes psnr_rgb, which this folder has" in notes
    jpeg = bench.load(tmp_path / "run").query("codec == 'jpeg'")
    assert jpeg[["psnr_rgb", "ssim_rgb"]].notna().all().all()
    assert bench.run(codecs=["jpeg@50"], metrics=["psnr_rgb"], **line).measured == 0


def test_a_metric_of_another_version_is_told(tmp_path: Path, pictures: Path) -> None:
    """Codecs that are not run again keep values of the former definition."""
    line = {"datasets": [str(pictures)], "metrics": ["psnr_rgb"], "out": tmp_path / "run"}
    bench.run(codecs=["jpeg@50"], **line)
    info = tmp_path / "run" / "run.json"
    document = json.loads(info.read_text())
    document["metrics"][0]["version"] = "0"
    info.write_text(json.dumps(document))
    notes: list[str] = []
    bench.run(codecs=["webp@50"], **line, events=bench.Events(note=notes.append))
    assert any(it.startswith("psnr_rgb changed (0 -> ") for it in notes)


def notes_of(tmp_path: Path, *specs: str, **arguments) -> list[str]:
    """Run some codecs on the folder of pictures, and return what was told beside the data set."""
    notes: list[str] = []
    bench.run(
        codecs=list(specs),
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
        events=bench.Events(note=notes.append),
        **arguments,
    )
    return [it for it in notes if not it.startswith("data set")]


def test_what_is_asked_for_no_more_leaves_no_gap(tmp_path: Path, pictures: Path) -> None:
    """Fewer points on more pictures: the others are history, told once, and come back when asked for."""
    few = {"datasets": [str(pictures)], "limit": 2}
    every = {"datasets": [str(pictures)]}
    assert notes_of(tmp_path, "jpeg@10,20,30", "webp@50", **few) == []
    (told,) = notes_of(tmp_path, "jpeg@20", **every)
    assert "no longer in reports" in told
    assert "jpeg-420 at 10, 30; webp;" in told
    assert "--prune" in told
    frame = bench.load(tmp_path / "run")
    assert set(frame["status"]) == {"ok"}
    assert (set(frame["label"]), set(frame["quality"]), len(frame)) == ({"jpeg-420"}, {20.0}, 3)
    assert notes_of(tmp_path, "jpeg@20", **every) == []
    assert notes_of(tmp_path, "jpeg@10,20,30", "webp@50", **every) == []
    frame = bench.load(tmp_path / "run")
    assert (len(frame), set(frame["status"])) == (12, {"ok"})


def test_the_pictures_are_those_that_were_asked_for_last(tmp_path: Path, pictures: Path) -> None:
    """A picture that was taken out of the folder is in no mean; another data set stays as it is."""
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(pictures / "p0.png", other)
    notes_of(tmp_path, "jpeg@50", datasets=[str(other)])
    assert notes_of(tmp_path, "jpeg@50", datasets=[str(pictures)]) == []
    (pictures / "p1.png").unlink()
    (told,) = notes_of(tmp_path, "jpeg@50", datasets=[str(pictures)])
    assert "1 image (p1.png)" in told
    frame = bench.load(tmp_path / "run")
    assert list(zip(frame["dataset"], frame["image"], strict=True)) == [
        ("other", "p0.png"),
        ("pictures", "p0.png"),
        ("pictures", "p2.png"),
    ]
    # a codec that the other data set lacks would leave a gap there
    (told,) = notes_of(tmp_path, "webp@50", datasets=[str(pictures)])
    assert "1 image (p0.png)" in told
    assert set(bench.load(tmp_path / "run")["status"]) == {"ok"}


def test_prune_keeps_the_former_journal(tmp_path: Path, pictures: Path) -> None:
    """The journal and the reports have what the command asks for, nothing runs again, nothing is lost."""
    line = {"datasets": [str(pictures)]}
    prune = bench.Options(prune=True)
    notes_of(tmp_path, "jpeg@20,50", "webp@50", **line)
    before = (tmp_path / "run" / JOURNAL_FILE).read_bytes()
    told = notes_of(tmp_path, "jpeg@50", **line, options=prune)
    assert "jpeg-420 at 20" in told[0]
    assert "webp" in told[0]
    assert f"{JOURNAL_FILE}.old" in told[1]
    assert (tmp_path / "run" / f"{JOURNAL_FILE}.old").read_bytes() == before
    assert [it.quality for it in read_journal(tmp_path / "run")] == [50] * 3
    assert len(bench.load(tmp_path / "run")) == 3
    assert notes_of(tmp_path, "jpeg@50", **line, options=prune) == []
    notes_of(tmp_path, "jpeg@50", "webp@50", **line)
    notes_of(tmp_path, "webp@50", **line, options=prune)
    assert (tmp_path / "run" / f"{JOURNAL_FILE}.old").read_bytes() == before
    assert (tmp_path / "run" / f"{JOURNAL_FILE}.old2").is_file()

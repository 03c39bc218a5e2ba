"""Codecs that cheat, one by one, and what becomes of each: it finds nothing, is refused, or is believed."""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench
from bench.engines.messages import Decode, Decoded, Repeat
from bench.engines.process import Limits
from bench.engines.worker_handle import WorkerHandle
from bench.engines.zygote import Zygote
from bench.errors import ConfigError
from bench.report.build import build_report_data
from bench.runs.store import read_journal
from bench.trials.codec_ref import CodecRef
from bench.trials.output_checks import clock_problem, may_be_kept, reuse_problem
from tests.conftest import ADAPTERS, photo, sealed_only, until
from tests.engines import time_cheats

REACHING = Path(__file__).with_name("cheats.py")
LYING = Path(__file__).with_name("time_cheats.py")
PAST_THE_BITSTREAM = (
    "InTemporaryFolder",
    "InSharedMemory",
    "InHome",
    "InWorkingDirectory",
    "InRunFolder",
    "InSystemV",
    "OnAbstractSocket",
    "OnNetwork",
    "InServerProcess",
    "ByHash",
    "ByNeed",
    "ByNeedAround",
    "ByName",
    "InDescriptors",
    "InMemoryOfEncoder",
)
REFUSED = (
    "PatchesTheClock",
    "StartsTheClockStopped",
    "WorksOnceInThree",
    "Lively",
    "Remembers",
    "RemembersAndIdles",
    "RemembersPictures",
    "LazyArray",
    "ForgesTheAnswer",
    "Forges",
    "ForgesRepetitions",
    "ForgesFirst",
    "ForgesPrograms",
    "ForgesNumbers",
    "ClaimsGpu",
    "SaysTooMuch",
)
HONEST = ("Slow", "WorksInThreads", "CachesTables")
HARMLESS = ("LazyBytes", "PatchesMetrics", "PatchesTheLibrary")


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    """What workers are forked from."""
    found = Zygote()
    yield found
    found.close()


@pytest.fixture
def sizes_alike(tmp_path: Path) -> Path:
    """A folder of pictures of one size: from the second on nothing is loaded any more."""
    folder = tmp_path / "alike"
    folder.mkdir()
    for index in range(3):
        Image.fromarray(photo(64, 96, index)).save(folder / f"p{index}.png")
    return folder


def exact(pictures: Path, out: Path, *, sealed: bool) -> set[str]:
    """The cheats that gave back the very picture, of those that get it past the bitstream."""
    summary = bench.run(
        datasets=[str(pictures)],
        codecs=[f"{REACHING}:{it}" for it in PAST_THE_BITSTREAM],
        metrics=["psnr_rgb"],
        out=out,
        options=bench.Options(jobs=1, sealed=sealed),
    )
    assert summary.statuses["ok"] == 3 * len(PAST_THE_BITSTREAM)
    table = bench.load(out)
    assert set(table["isolation"]) == {"sealed" if sealed else "process"}
    return set(table[table["exact"]]["label"])


@sealed_only
def test_what_is_kept_past_the_bitstream_is_not_found(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each such cheat works where codecs are not sealed, and gives grey where they are."""
    monkeypatch.setenv("RDBENCH_TEST_PICTURES", str(pictures))
    monkeypatch.setenv("RDBENCH_TEST_AROUND", str(pictures.parent))
    monkeypatch.setenv("RDBENCH_TEST_RUN_FOLDER", str(tmp_path / "open"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert exact(pictures, tmp_path / "open", sealed=False) == set(PAST_THE_BITSTREAM)
    assert exact(pictures, tmp_path / "sealed", sealed=True) == set()
    assert not [it for it in os.listdir("/dev/shm") if "rdbench-cheat" in it]


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that cheats need."""
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setenv("RDBENCH_TEST_SHARED", str(folder))
    return folder


@sealed_only
def test_a_folder_that_both_sides_may_write_to_is_in_the_record(
    shared: Path, pictures: Path, tmp_path: Path
) -> None:
    """It works, sealed: so each line names it, and a report warns."""
    run = bench.run(
        datasets=[str(pictures)],
        codecs=[f"{REACHING}:InNeededFolder"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
    )
    lines = list(read_journal(run.folder))
    assert {(it.exact, it.isolation, it.needs) for it in lines} == {(True, "sealed", (str(shared),))}
    (data,) = build_report_data([run.folder])
    (finding,) = (it for it in data.findings if it.kind == "sealing")
    assert (finding.severity, finding.labels) == ("warning", ("InNeededFolder",))


@sealed_only
def test_needs_that_change_are_refused(shared: Path, pictures: Path, tmp_path: Path) -> None:
    """What a process was shut in by is what is recorded; a class that tells it otherwise is not measured."""
    with pytest.raises(ConfigError, match=r"needs? '.*shared' before .* nothing afterwards"):
        bench.run(datasets=[str(pictures)], codecs=[f"{REACHING}:InDeniedFolder"], out=tmp_path / "run")


def test_lies_about_time_are_refused_by_name(sizes_alike: Path, tmp_path: Path) -> None:
    """Nothing of them is in the results; the honest ones beside them are, threads, tables and all."""
    names = (*HONEST, *REFUSED, *HARMLESS)
    bench.run(
        datasets=[str(sizes_alike)],
        codecs=[f"{LYING}:{it}" for it in names],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
        options=bench.Options(timing=True, repeats=3),
    )
    found = {name: [it for it in read_journal(tmp_path / "run") if it.codec == name] for name in names}
    for name in HONEST:
        assert {it.status for it in found[name]} == {"ok"}, found[name][-1].failure
    for name in REFUSED:
        told = getattr(time_cheats, name).told
        # a repetition that waits for other processes looks like work, and its trial is disturbed
        refused = [it for it in found[name] if not (it.status == "ok" and it.disturbed)]
        assert "ok" not in {it.status for it in refused}, name
        assert all(re.search(told, str(it.failure)) for it in refused), refused[-1].failure
    for name in ("PatchesMetrics", "PatchesTheLibrary"):
        for honest, it in zip(found["Slow"], found[name], strict=True):
            assert (it.status, it.metrics) == ("ok", honest.metrics)
            assert min(it.decode_s) >= 0.9 * time_cheats.WORK
    assert {it.status for it in found["LazyBytes"]} == {"mismatch"}


def test_what_a_decoder_keeps_of_other_bitstreams_is_found_out(pictures: Path, tmp_path: Path) -> None:
    """Within eight trials, and again with each new picture; an honest codec's results stay.

    The process that found it out takes the other's place and knows nothing: what it decodes is grey.
    """
    run = bench.run(
        datasets=[str(pictures)],
        codecs=[f"{REACHING}:InDecoder", f"{ADAPTERS}:Honest@1,2,3,4,5,6,7,8"],
        metrics=["psnr_rgb"],
        limit=2,
        out=tmp_path / "run",
        options=bench.Options(jobs=1),
    )
    lines = list(read_journal(run.folder))
    assert {it.status for it in lines if it.codec == "Honest"} == {"ok"}
    later = [it for it in lines if it.codec == "InDecoder" and it.image == "p1.png" and it.quality]
    (refused,) = (it for it in later if it.status != "ok")
    assert (refused.status, refused is later[0]) == ("mismatch", True)
    assert "has decoded nothing else" in str(refused.failure)
    assert not any(it.exact for it in later)


def test_a_picture_that_is_written_late_is_found_out(zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a bitstream is decoded again, the first picture has to be the one that was told."""
    monkeypatch.setattr("bench.engines.rechecks._FIRST", 1)
    worker = WorkerHandle(zygote, Limits(timeout=60))
    request = Decode(CodecRef(f"{REACHING}:WritesLate", trusted=True), struct.pack("<HH", 8, 8))
    found = None
    try:
        for _ in range(2):
            answer = worker.ask(request)
            assert isinstance(answer, Decoded)
            until(lambda: not worker.samples((8, 8, 3)).any())
            found = worker.recheck(request, answer, image=0)
    finally:
        worker.close()
    assert found == "the decoder wrote another picture once it had answered"


def test_memory_is_seen_from_outside(sizes_alike: Path, tmp_path: Path) -> None:
    """Whatever the process tells of it."""
    run = bench.run(
        datasets=[str(sizes_alike)],
        codecs=[f"{LYING}:ForgesMemory"],
        metrics=["psnr_rgb"],
        limit=1,
        out=tmp_path / "run",
    )
    (line,) = read_journal(run.folder)
    assert line.status == "ok", line.failure
    assert 100e6 < (line.decode_peak_bytes or 0) < 200e6


@pytest.mark.parametrize("cheat", ["GoesOnInThread", "ForksHelpers"])
def test_work_elsewhere_is_counted(zygote: Zygote, cheat: str) -> None:
    """Processor time of a child, and of a thread while nobody asks, is that of the codec: more than it tells.

    On a machine with time to spare, that is; else it has gained nothing.
    """
    worker = WorkerHandle(zygote, Limits(timeout=60, pinned=True))
    picture = np.zeros((64, 96, 3), np.uint8)
    request = Decode(
        CodecRef(f"{LYING}:{cheat}", trusted=True), time_cheats.Slow().encode(picture, 6.0), Repeat(1, 3)
    )
    counted = 0.0
    try:
        worker.ask(request)
        (process,) = worker.processes.values()
        for _ in range(2):
            while len(os.listdir(f"/proc/{process.pid}/task")) > 1:
                time.sleep(0.01)
            worker.ask(request)
            counted += worker.spent.cpu
    finally:
        worker.close()
    assert counted > 2 * 4 * time_cheats.WORK * (2 if cheat == "ForksHelpers" else 1) - 0.05
    assert clock_problem(4 * time_cheats.WORK, 2 * 4 * time_cheats.WORK, 1.0, 100_000) is not None


@pytest.mark.parametrize(
    ("warmup", "programs", "seconds", "others", "kept"),
    [
        (0.060, 0.0, (0.058, 0.061, 0.09), [], False),  # honest
        (0.600, 0.0, (0.058, 0.061, 0.09), [0.25], False),  # loads something in its first call
        (0.060, 0.6, (0.058, 0.061, 0.09), [0.8], False),  # runs programs
        (0.060, 0.0, (0.020, 0.021, 0.02), [0.1, 0.3], False),  # was disturbed once
        (0.060, 0.0, (0.004, 0.003, 0.004), [0.07, 0.071, 0.09], True),
        (0.237, 0.0, (0.001, 0.001, 0.001), [0.24, 0.24, 0.24], True),  # tells all as the first's time
        (0.001, 0.24, (0.001, 0.001, 0.001), [0.24, 0.24, 0.24], True),  # and as that of programs
    ],
)
def test_times_on_other_pictures_tell_whether_results_are_kept(
    warmup: float, programs: float, seconds: tuple[float, ...], others: list[float], kept: bool
) -> None:
    """Only what stands out is asked about, and only what stands out each time is refused."""
    assert may_be_kept((warmup,), programs, seconds) == bool(others)
    told = [reuse_problem(others[: count + 1], 4, bool(programs), seconds) for count in range(len(others))]
    assert bool(told and told[-1]) == kept

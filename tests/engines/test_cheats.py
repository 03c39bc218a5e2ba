"""Codecs that cheat, one by one, and what becomes of each: it finds nothing, is refused, or is believed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench
from bench.engines.messages import Decode, Repeat
from bench.engines.process import Limits
from bench.engines.worker_handle import WorkerHandle
from bench.engines.zygote import Zygote
from bench.runs.store import read_journal
from bench.trials.codec_ref import CodecRef
from bench.trials.output_checks import clock_problem
from tests.conftest import photo, sealed_only
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
    "LazyArray",
    "ForgesTheAnswer",
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
    monkeypatch.setenv("CHEAT_PICTURES", str(pictures))
    monkeypatch.setenv("CHEAT_RUN_FOLDER", str(tmp_path / "open"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert exact(pictures, tmp_path / "open", sealed=False) == set(PAST_THE_BITSTREAM)
    assert exact(pictures, tmp_path / "sealed", sealed=True) == set()
    assert not [it for it in os.listdir("/dev/shm") if "rdbench-cheat" in it]


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
        assert "ok" not in {it.status for it in found[name][1:]}, name
        assert all(re.search(told, str(it.failure)) for it in found[name][1:]), found[name][-1].failure
    for name in ("PatchesMetrics", "PatchesTheLibrary"):
        for honest, it in zip(found["Slow"], found[name], strict=True):
            assert (it.status, it.metrics) == ("ok", honest.metrics)
            assert min(it.decode_s) >= 0.9 * time_cheats.WORK
    assert {it.status for it in found["LazyBytes"]} == {"mismatch"}


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

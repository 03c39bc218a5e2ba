"""What a sealed codec can reach: cheats that get the picture past the bitstream find nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import bench
from bench.sealing.seal import can_seal

CHEATS = Path(__file__).with_name("cheats.py")
ALL = (
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

pytestmark = pytest.mark.skipif(not can_seal(), reason="codecs can't be sealed here: no Landlock")


def exact(pictures: Path, out: Path, cheats: list[str], *, sealed: bool) -> set[str]:
    """The cheats that gave back the very picture."""
    summary = bench.run(
        datasets=[str(pictures)],
        codecs=[f"{CHEATS}:{it}" for it in cheats],
        metrics=["psnr_rgb"],
        out=out,
        options=bench.Options(jobs=1, sealed=sealed),
    )
    assert summary.statuses["ok"] == 3 * len(cheats)
    table = bench.load(out)
    assert set(table["isolation"]) == {"sealed" if sealed else "process"}
    return set(table[table["exact"]]["label"])


def test_cheats_find_nothing(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each works where codecs are not sealed, and gives grey where they are."""
    monkeypatch.setenv("CHEAT_PICTURES", str(pictures))
    monkeypatch.setenv("CHEAT_RUN_FOLDER", str(tmp_path / "open"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert exact(pictures, tmp_path / "open", [*ALL], sealed=False) == set(ALL)
    assert exact(pictures, tmp_path / "sealed", [*ALL], sealed=True) == set()
    assert not [it for it in os.listdir("/dev/shm") if "rdbench-cheat" in it]

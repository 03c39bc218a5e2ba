"""Runs on hosts with addresses and disks of their own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pandas as pd
import pytest

import bench
from tests.conftest import until
from tests.engines.cluster.runs import measured, table, twice
from tests.engines.cluster.sites.dask import DaskCluster
from tests.engines.cluster.sites.hosts import Host, hosts
from tests.engines.cluster.sites.programs import Programs

SILENCE = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s"}
"""After which Dask takes a host for lost, the least that it allows; 30 seconds by default."""

CODEC = '''
from pathlib import Path

from helper import Shifted


class Mine(Shifted):
    """Has a table in a file, and what it does in another module."""

    trusted_options = ("table",)

    def __init__(self, *, table: str, pause: float = 0.0):
        self.key = Path(table).read_bytes()
        self.pause = pause
'''

HELPER = """
import time
import zlib

import numpy as np


class Shifted:
    name, version, lossless, qualities, quality_range = "Mine", "1", False, (2.0, 4.0), (1.0, 8.0)

    def encode(self, image, quality):
        time.sleep(self.pause)
        kept = (image >> (8 - int(quality))) ^ self.key[0]
        size = image.shape[1].to_bytes(2, "big") + image.shape[0].to_bytes(2, "big")
        return size + bytes([int(quality)]) + zlib.compress(kept.tobytes())

    def decode(self, bitstream):
        width, height = int.from_bytes(bitstream[:2], "big"), int.from_bytes(bitstream[2:4], "big")
        kept = np.frombuffer(zlib.decompress(bitstream[5:]), np.uint8).reshape(height, width, 3)
        return (kept ^ self.key[0]) << (8 - bitstream[4])
"""


@dataclass(frozen=True)
class Site:
    """Two hosts that work, and one that has the scheduler and the client."""

    head: Host
    workers: list[Host]
    cluster: DaskCluster
    desk: Path
    """The client's folder, empty on the others: pictures and a codec."""

    def run(self, out: Path, codecs: Sequence[str]) -> Popen[bytes]:
        """Start a run as a user of the head does."""
        given = [part for codec in codecs for part in ("-c", codec)]
        line = [
            sys.executable,
            "-m",
            "bench.cli",
            "run",
            "-d",
            self.desk / "pictures",
            *given,
            "-m",
            "psnr_rgb",
        ]
        options = ("--out", out, "--scheduler", self.cluster.address, "--no-report")
        return self.cluster.programs.start("client", *self.head.line, *line, *options)

    def mine(self, pause: float, points: Iterable[int]) -> str:
        """The codec of the desk, which takes some seconds for each picture."""
        options = f"table={self.desk}/table.bin,pause={pause}"
        return f"{self.desk}/codecs/mine.py:Mine:{options}@{','.join(map(str, points))}"

    def gave_up(self, address: str) -> bool:
        """Whether the scheduler has given up the worker there; how it says so differs between versions."""
        lines = self.cluster.programs.log("scheduler").read_text().splitlines()
        return any("Remove worker" in line and f"tcp://{address}:" in line for line in lines)


@pytest.fixture
def site(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The hosts, with a Dask cluster on them."""
    pytest.importorskip("distributed", reason='needs pip install "rdbench[cluster]"')
    for name, value in SILENCE.items():
        monkeypatch.setenv(name, value)
    desk = tmp_path / "desk"
    (desk / "codecs").mkdir(parents=True)
    shutil.move(pictures, desk / "pictures")
    (desk / "codecs" / "mine.py").write_text(CODEC)
    (desk / "codecs" / "helper.py").write_text(HELPER)
    (desk / "table.bin").write_bytes(b"\x05")
    with (
        hosts("head", "a", "b", folder=tmp_path, hidden=[desk]) as (head, *workers),
        Programs(tmp_path / "logs") as it,
    ):
        cluster = DaskCluster(it, tmp_path / "scheduler.json")
        cluster.start_scheduler(on=head.line, host=head.address)
        for host in workers:
            cluster.start_worker(host.name, on=host.line, host=host.address)
        until(lambda: cluster.programs.log("scheduler").read_text().count("Register worker") == len(workers))
        yield Site(head, workers, cluster, desk)


def local(site: Site, out: Path, codecs: list[str]) -> pd.DataFrame:
    """The table of this machine alone."""
    bench.run(codecs=codecs, datasets=[str(site.desk / "pictures")], metrics=["psnr_rgb"], out=out)
    return table(out)


@pytest.mark.slow
def test_pictures_code_and_weights_travel(site: Site, tmp_path: Path) -> None:
    """Hosts that see nothing of the client's folder measure its pictures, by its codec with its file."""
    codecs = [site.mine(pause=0, points=(2, 4, 6)), "jpeg@20,60", "png"]
    run = site.run(tmp_path / "run", codecs)
    assert run.wait(60) == 0
    pd.testing.assert_frame_equal(table(tmp_path / "run"), local(site, tmp_path / "local", codecs))


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["mended in time", "taken for lost"])
def test_a_link_is_cut_and_mended(site: Site, tmp_path: Path, lost: bool) -> None:
    """The same table as without, and no trial twice, whether or not the host was given up meanwhile."""
    codecs = [site.mine(pause=0.2, points=range(1, 9))]
    run = site.run(tmp_path / "run", codecs)
    until(lambda: measured(tmp_path / "run") > 4)
    site.workers[1].cut()
    if lost:
        until(lambda: site.gave_up(site.workers[1].address))
    else:
        before = measured(tmp_path / "run")
        until(lambda: measured(tmp_path / "run") > before + 4)
    site.workers[1].mend()
    assert run.wait(60) == 0
    assert not twice(tmp_path / "run")
    pd.testing.assert_frame_equal(table(tmp_path / "run"), local(site, tmp_path / "local", codecs))

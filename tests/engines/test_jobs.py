"""How many jobs there are by default: as many as processors that this process may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.engines.local import default_jobs
from bench.host import processor
from bench.host.quota import cpu_quota

V2 = "0::/docker/one\n"
V1 = "4:cpu,cpuacct:/docker/one\n1:name=systemd:/docker/one\n"


def group(root: Path, files: dict[str, str]) -> Path:
    """A tree of control groups."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("own", "files", "quota"),
    [
        (V2, {"cpu.max": "150000 100000\n"}, 1.5),
        (V2, {"docker/one/cpu.max": "max 100000\n", "docker/cpu.max": "300000 100000\n"}, 3.0),
        (V2, {"docker/one/cpu.max": "200000 100000\n", "docker/cpu.max": "100000 100000\n"}, 1.0),
        (V2, {"docker/one/cpu.max": "max 100000\n"}, None),
        (V2, {"docker/one/cpu.max": "gibberish\n"}, None),
        (V1, {"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        (
            V1,
            {
                "cpu,cpuacct/docker/one/cpu.cfs_quota_us": "400000\n",
                "cpu,cpuacct/docker/one/cpu.cfs_period_us": "100000\n",
            },
            4.0,
        ),
        (V1, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("nonsense\n", {}, None),
        (None, {}, None),
    ],
)
def test_the_tightest_quota_is_found(
    tmp_path: Path, own: str | None, files: dict[str, str], quota: float | None
) -> None:
    """Of version 1 and 2, of the own group or one above; no quota and unreadable files are none."""
    if own is not None:
        (tmp_path / "own").write_text(own)
    assert cpu_quota(group(tmp_path / "root", files), tmp_path / "own") == quota


@pytest.mark.parametrize(("quota", "jobs"), [(None, 8), (2.0, 2), (1.5, 2), (0.25, 1), (64.0, 8)])
def test_jobs_heed_the_quota(monkeypatch: pytest.MonkeyPatch, quota: float | None, jobs: int) -> None:
    """A started processor counts; there is always one job."""
    monkeypatch.setattr(processor.os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(processor, "cpu_quota", lambda: quota)
    assert default_jobs(on_gpu=False) == jobs
    assert default_jobs(on_gpu=True) == min(4, jobs)

"""How much of the processors the control groups of this process leave it, as containers set it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def cpu_quota(root: Path = _ROOT, own: Path = _OWN) -> float | None:
    """Processors that may be busy at a time on average; None for no quota, or where there are no groups.

    The tightest quota counts, of the group itself and of those above it.

    Parameters
    ----------
    root : where control groups are mounted
    own : the file that names the groups of this process, a line ``number:controllers:path`` each
    """
    quotas = []
    with suppress(OSError):
        for line in own.read_text().splitlines():
            number, _, rest = line.partition(":")
            controllers, _, path = rest.partition(":")
            if number == "0":
                quotas += [_v2(it) for it in _upwards(root, path)]
            elif "cpu" in controllers.split(","):
                for name in ("cpu", controllers):
                    quotas += [_v1(it) for it in _upwards(root / name, path)]
    return min((it for it in quotas if it is not None), default=None)


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """The folder of a group, and of all above it. A container may see its own group as the root alone."""
    group = PurePosixPath(path.lstrip("/"))
    for folder in (group, *group.parents):
        yield mount / folder


def _v2(folder: Path) -> float | None:
    with suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period) if quota != "max" else None
    return None


def _v1(folder: Path) -> float | None:
    with suppress(OSError, ValueError):
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        return quota / int((folder / "cpu.cfs_period_us").read_text()) if quota > 0 else None
    return None

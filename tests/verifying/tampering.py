"""A run of several codecs, and what somebody may do to its folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

import bench
from bench.runs.store import BITSTREAM_FOLDER, JOURNAL_FILE


def measured(pictures: Path, out: Path, codecs: list[str], **options: Any) -> Path:
    """A run folder with its bitstreams."""
    bench.run(
        datasets=[str(pictures)],
        codecs=codecs,
        quality=[30, 70],
        metrics=["psnr_rgb", "ssim_rgb"],
        out=out,
        options=bench.Options(jobs=2, keep_bitstreams=True, **options),
    )
    return out


def copied(run: Path, out: Path) -> Path:
    """A copy that may be spoilt."""
    shutil.copytree(run, out)
    return out


def lines(run: Path) -> list[dict[str, Any]]:
    """The lines of a journal."""
    return [msgspec.json.decode(it) for it in (run / JOURNAL_FILE).read_bytes().splitlines()]


def write(run: Path, changed: list[dict[str, Any]]) -> None:
    """Replace a journal."""
    (run / JOURNAL_FILE).write_bytes(b"".join(msgspec.json.encode(it) + b"\n" for it in changed))


def edit(run: Path, where: Mapping[str, Any], change: Callable[[dict[str, Any]], object]) -> None:
    """Edit the one line that has these values."""
    journal = lines(run)
    (line,) = (it for it in journal if all(it.get(key) == value for key, value in where.items()))
    change(line)
    write(run, journal)


def swap(run: Path, one: str, other: str) -> None:
    """Put two bitstreams into each other's places."""
    first, second = (run / BITSTREAM_FOLDER / it for it in (one, other))
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)

"""What the file system refuses: a full disk, no locks. Nothing that was measured is lost."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import pytest

import bench
from bench.api import resolve_suite
from bench.engines import open_engine
from bench.errors import StoreError
from bench.runs.options import Options
from bench.runs.runner import run
from bench.runs.store import JOURNAL_FILE, RunWriter, read_journal, write_atomically

SUITE = {"codecs": ["png", "qoi", "jpeg@10,30,50,70,90"], "metrics": ["psnr_rgb"]}


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Files of this process, and of those that it starts, can grow no longer than ``limit`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_journal_that_can_grow_no_more(pictures: Path, tmp_path: Path) -> None:
    """The error names the file, the journal ends with a whole line, and the same command goes on from it."""
    suite = resolve_suite(**SUITE, datasets=[str(pictures)])
    folder = tmp_path / "run"
    # started before, so that workers are not limited
    with open_engine(options=Options().of_engine) as engine:
        with file_size_limit(6000), pytest.raises(StoreError) as caught:
            run(suite, folder, Options(), engine=engine)
        assert f"{JOURNAL_FILE}: cannot be written (" in str(caught.value)
        assert (folder / JOURNAL_FILE).read_bytes().endswith(b"\n")
        kept = len(list(read_journal(folder)))
        assert 0 < kept < 21
        summary = run(suite, folder, Options(), engine=engine)
    assert (summary.reused, summary.measured, summary.failed) == (kept, 21 - kept, 0)


def test_a_line_is_written_in_full_or_not_at_all(pictures: Path, tmp_path: Path) -> None:
    """A write that the disk takes a part of leaves nothing of the line, and a later one fits."""
    bench.run(codecs=["png"], metrics=["psnr_rgb"], datasets=[str(pictures)], out=tmp_path / "run")
    lines = list(read_journal(tmp_path / "run"))
    before = (tmp_path / "run" / JOURNAL_FILE).stat().st_size
    with RunWriter(tmp_path / "run") as writer:
        with file_size_limit(before + 20), pytest.raises(StoreError):
            writer.append(lines[0])
        assert (tmp_path / "run" / JOURNAL_FILE).stat().st_size == before
        writer.append(lines[1])
    assert list(read_journal(tmp_path / "run")) == [*lines, lines[1]]


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EROFS, errno.EACCES])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A folder that cannot be locked is refused with the reason and the remedy."""

    def refuse(self: object, **_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(StoreError, match=f"cannot be locked .{os.strerror(code)}.*--out"):
        RunWriter(tmp_path / "run").__enter__()


def test_a_file_is_replaced_in_full_or_not_at_all(tmp_path: Path) -> None:
    """Where a new file does not fit, the old one stays, and no scratch file does."""
    path = tmp_path / "run.json"
    write_atomically(path, b"old")
    with file_size_limit(100), pytest.raises(StoreError, match=r"run\.json: cannot be written"):
        write_atomically(path, bytes(1000))
    assert [it.name for it in tmp_path.iterdir()] == ["run.json"]
    assert path.read_bytes() == b"old"

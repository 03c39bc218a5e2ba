"""Limits of what one codec may take from all others, and what becomes of a process that can't be started."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from bench.engines.messages import Describe, Failed
from bench.engines.process import Limits
from bench.engines.worker_handle import WorkerHandle
from bench.engines.zygote import Zygote
from bench.sealing.view import view_of
from bench.trials.codec_ref import CodecRef, Description
from tests.conftest import ADAPTERS, sealed_only

HOSTILE = Path(__file__).with_name("hostile.py")
HONEST = Describe(CodecRef(f"{ADAPTERS}:Honest", trusted=True))


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    """What workers are forked from."""
    with Zygote() as found:
        yield found


def sealed_worker(zygote: Zygote) -> WorkerHandle:
    """A worker whose codecs see what they need."""
    return WorkerHandle(zygote, Limits(60, view=lambda codec, needs: view_of(codec.target, (), needs)))


@sealed_only
@pytest.mark.parametrize("left", [0, 3])
def test_a_process_that_can_not_be_started_is_one_failure(zygote: Zygote, left: int) -> None:
    """Where no descriptors are left to start it, or to make its namespaces; the next one starts again."""
    first, second = sealed_worker(zygote), sealed_worker(zygote)
    assert isinstance(first.ask(HONEST), Description)
    pid = zygote._process.pid
    taken = {int(it) for it in os.listdir(f"/proc/{pid}/fd")}
    few = next(it for it in count() if it - len([one for one in taken if one < it]) == left)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, before[1]))
    for _ in range(2):
        failed = second.ask(HONEST)
        assert isinstance(failed, Failed)
        assert failed.status == "crash"
        assert failed.message == "no process can be started (Too many open files)"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert isinstance(second.ask(HONEST), Description)
    for worker in (first, second):
        worker.close()


@sealed_only
def test_files_and_processes_of_a_codec_are_limited(zygote: Zygote) -> None:
    """Those of the system, and of the user, are for all."""
    worker = sealed_worker(zygote)
    found = worker.ask(Describe(CodecRef(f"{HOSTILE}:TellsLimits", trusted=True)))
    worker.close()
    assert isinstance(found, Failed)
    files, processes = map(int, found.message.split())
    assert 0 < files <= 4096
    assert 0 < processes <= 1024

"""The connection between the parent and a worker."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.engines.channel import Channel, Oversized, Unasked
from bench.engines.zygote import Zygote
from bench.sealing.seal import can_seal


def test_a_long_message_arrives_whole_with_its_file() -> None:
    """What takes many writes and reads is the same at an end that blocks and at one that waits."""
    ours, theirs = socket.socketpair()
    message = os.urandom(5 << 20)
    waiting = Channel(ours, lambda events: select.select([ours], [ours], []) and None)
    blocking = Channel(theirs)
    try:
        with ThreadPoolExecutor() as pool:
            for sender, receiver in ((waiting, blocking), (blocking, waiting)):
                sent = pool.submit(sender.send, message, (ours.fileno(),))
                found, files = receiver.receive(1 << 30)
                sent.result()
                assert found == message
                assert len(files) == 1
                os.close(files[0])
    finally:
        waiting.close()
        blocking.close()


@pytest.mark.parametrize(("length", "fault"), [(1, Unasked), (1 << 20, Oversized)])
def test_a_message_is_as_long_as_it_says(length: int, fault: type[Exception]) -> None:
    """One that has more bytes than it tells, or tells more than are expected, is refused."""
    ours, theirs = socket.socketpair()
    with theirs:
        channel = Channel(ours)
        theirs.sendall(length.to_bytes(8, "little") + b"\0two")
        with pytest.raises(fault):
            channel.receive(1000)
        channel.close()


def test_the_zygote_knows_whether_workers_can_be_sealed() -> None:
    """It finds what a process of its own finds."""
    with Zygote() as zygote:
        assert zygote.can_seal() == can_seal()


def test_workers_load_while_the_rest_is_imported() -> None:
    """The engine begins before numpy and pydantic are here, which take as long as its own start."""
    code = "import sys, bench.engines.local; print(sorted({'numpy', 'pydantic'} & {*sys.modules}))"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout == "[]\n"

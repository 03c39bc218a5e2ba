"""Damaged bitstreams, and a process of their own to decode them in.

A decoder may crash, hang or ask for all memory there is; that costs the child process only, which
says before each case which one comes next.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

SECONDS_A_CASE = 20
HEADROOM_BYTES = 4 << 30
"""Address space that a decoder may take on for a damaged bitstream of a few kilobytes."""

_HEADER_BYTES = 48


@dataclass(frozen=True)
class Outcome:
    """What the child process saw.

    ``digests`` has the SHA-256 of the pixels of every case that decoded; ``finding`` says what went
    wrong in ``last_case``, and is None where nothing did.
    """

    digests: dict[str, str]
    last_case: str
    finding: str | None


def variants(bitstream: bytes) -> Iterator[tuple[str, bytes]]:
    """Truncated, mutated and extended copies with a description each, the same every time."""
    size = len(bitstream)
    for length in sorted({0, 1, 2, 3, 4, 8, 16, 32, size // 4, size // 2, size - 4, size - 1}):
        if 0 <= length < size:
            yield f"truncated to {length} of {size} bytes", bitstream[:length]
    random = np.random.default_rng(size)
    places = [*range(min(size, _HEADER_BYTES)), *random.integers(0, size, 24).tolist()]
    for place in places:
        value = bitstream[place] ^ int(random.integers(1, 256))
        mutated = bitstream[:place] + bytes((value,)) + bitstream[place + 1 :]
        yield f"byte {place} of {size} changed to {value}", mutated
    for start in random.integers(0, size, 4).tolist():
        length = min(16, size - start)
        yield (
            f"bytes {start} to {start + length - 1} of {size} set to 255",
            bitstream[:start] + b"\xff" * length + bitstream[start + length :],
        )
    yield "random bytes", random.bytes(size)
    yield "16 bytes appended", bitstream + bytes(16)


def decode_elsewhere(factory: Callable[[], Any], cases: list[tuple[str, bytes]]) -> Outcome:
    """Decode the cases, in order, with one codec in a fresh interpreter.

    An exception other than ``MemoryError`` is a decoder's proper answer to a damaged bitstream.

    Raises
    ------
    TypeError
        The factory cannot be named to another process.
    """
    try:
        job = pickle.dumps(sys.path) + pickle.dumps((factory, cases))
    except Exception as error:
        raise TypeError(f"{factory!r} must be importable, at the top of a module: {error}") from error
    with tempfile.TemporaryDirectory(prefix="rdbench-") as scratch:  # a process that dies leaves its files
        child = subprocess.run(
            [sys.executable, "-m", "bench.testing.damage"],
            input=job,
            capture_output=True,
            check=False,
            env=os.environ | {"TMPDIR": scratch},
        )
    digests: dict[str, str] = {}
    last_case = ""
    finding: str | None = None
    finished = False
    for line in child.stdout.splitlines():
        event = json.loads(line)
        last_case = event.get("case", last_case)
        finished = event.get("finished", False)
        if "digest" in event:
            digests[last_case] = event["digest"]
        if "finding" in event:
            finding = event["finding"]
    if finding is None and not finished:
        finding = _crash_report(child.returncode, child.stderr)
    return Outcome(digests, last_case, finding)


def _crash_report(returncode: int, stderr: bytes) -> str:
    if returncode == -signal.SIGALRM:
        return f"the decoder hangs: nothing after {SECONDS_A_CASE} s"
    last = " | ".join(stderr.decode(errors="replace").strip().splitlines()[-3:])
    if returncode < 0:
        return f"the decoder crashed with {signal.Signals(-returncode).name}: {last}"
    return f"the decoding process ended with exit status {returncode}: {last}"


def _serve(jobs: BinaryIO, events: BinaryIO) -> None:
    def say(**event: object) -> None:
        events.write(json.dumps(event).encode() + b"\n")
        events.flush()

    sys.path[:] = pickle.load(jobs)
    factory, cases = pickle.load(jobs)
    codec = factory()
    for number, (label, bitstream) in enumerate(cases):
        say(case=label)
        signal.alarm(SECONDS_A_CASE)
        try:
            decoded = codec.decode(bitstream)
        except MemoryError:
            say(finding=f"MemoryError: it asks for more than {HEADROOM_BYTES >> 30} GiB")
            return
        except Exception:
            continue
        finally:
            signal.alarm(0)
        if not isinstance(decoded, np.ndarray):
            say(finding=f"decode returned {type(decoded).__name__}, not an array")
            return
        say(digest=hashlib.sha256(np.ascontiguousarray(decoded).tobytes()).hexdigest())
        if number == 0:
            # now that libraries and models are loaded
            _limit_memory()
    say(finished=True)


def _limit_memory() -> None:
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    limit = pages * resource.getpagesize() + HEADROOM_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def main() -> None:
    """Serve one job from standard input; events go to what was standard output.

    Libraries that print would otherwise write among the events.
    """
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, events)


if __name__ == "__main__":
    main()

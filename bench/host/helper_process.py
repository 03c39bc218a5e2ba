"""A second Python process that does some of the work.

Unlike :mod:`multiprocessing`, it is a fresh interpreter that knows nothing of the caller's ``__main__``: a
report may be written by a script without a guard, from standard input or in a notebook.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, BinaryIO, Self, TypeVar

from bench.host.garbage import seldom_collected

Result = TypeVar("Result")


class HelperLost(Exception):
    """The process could not be started, or ended before its work was done; the caller can do it as well."""


def can_help() -> bool:
    """Whether there is a second core."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return count > 1


class Helper:
    """Runs functions that can be pickled, one after the other; ends with the ``with`` block, busy or not."""

    def __enter__(self) -> Self:
        self._threads = ThreadPoolExecutor(1, "helper")
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):  # every task is then lost
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.host.helper_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Ctrl-C belongs to the parent, which then ends this process.
                start_new_session=True,
            )
            self._threads.submit(self._send, sys.path)
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if process is not None:
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.close()
            with suppress(OSError):  # it would still send what waits to be sent
                process.stdin.close()
            process.wait()

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Have ``function``, of an importable module, called.

        The result raises what the function raised, with the helper's traceback as a note, or
        :class:`HelperLost`.
        """
        return self._threads.submit(self._call, function, arguments)

    def _call(self, function: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
        try:
            self._send((function, arguments))
            assert self._process is not None
            assert self._process.stdout is not None
            error, value = pickle.load(self._process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as problem:
            raise HelperLost(f"the helper process ended early ({problem})") from problem
        if error is not None:
            raise error
        result: Result = value
        return result

    def _send(self, value: object) -> None:
        if self._process is None or self._process.stdin is None:
            raise BrokenPipeError("it could not be started")
        pickle.dump(value, self._process.stdin, pickle.HIGHEST_PROTOCOL)
        self._process.stdin.flush()


def _serve(tasks: BinaryIO, results: BinaryIO) -> None:
    sys.path[:] = pickle.load(tasks)
    while True:
        try:
            function, arguments = pickle.load(tasks)
        except EOFError:
            return
        answer: tuple[Exception | None, Any]
        try:
            answer = None, function(*arguments)
        except Exception as error:
            answer = _portable(error), None
        pickle.dump(answer, results, pickle.HIGHEST_PROTOCOL)
        results.flush()


def _portable(error: Exception) -> Exception:
    """The error as it can be pickled, its traceback a note."""
    text = "".join(traceback.format_exception(error))
    try:
        error = pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(text)
    return error


def main() -> None:
    """Serve tasks from standard input; results go to what was standard output.

    Libraries that print would otherwise write among the results.
    """
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with seldom_collected():
        _serve(sys.stdin.buffer, results)


if __name__ == "__main__":
    main()

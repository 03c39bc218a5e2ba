"""One sampler process of one installation, asked with a deadline."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Self

from bench.check.timing.installation import Installation
from bench.codec import Image
from bench.errors import BenchError
from bench.host.processes import THREADS, kill_group

_SOURCE = Path(__file__).with_name("sampler.py")
_STDERR_TAIL = 500


class SamplerError(BenchError):
    """An installation that cannot time a codec: it raised, died, or did not answer in time."""


@dataclass(frozen=True)
class TimedPoint:
    """A codec by its label, on an image by its name, at a quality."""

    label: str
    image: str
    quality: float | None


class Session:
    """A process that leads a group of its own and times codecs on one processor until closed."""

    def __init__(self, installation: Installation, *, cpu: int, timeout: float) -> None:
        self._installation = installation
        self._timeout = timeout
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._scratch = tempfile.TemporaryDirectory(prefix="rdbench-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [*installation.command, "-P", "-c", _SOURCE.read_text(encoding="utf-8"), str(cpu)],
            env=installation.environment | THREADS | {"TMPDIR": self._scratch.name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        kill_group(self._process.pid)
        self._process.wait()
        self._scratch.cleanup()  # a process that is killed leaves its files
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                # What could not be written any more is of no interest.
                try:
                    stream.close()
                except BrokenPipeError:
                    continue

    def codec(self, label: str, name: str, target: str, config: dict[str, Any]) -> tuple[str, ...]:
        """Construct a codec; the options that this installation does not know.

        Parameters
        ----------
        label : what it is called in :meth:`time`
        name : its installed name, to be looked up in this installation
        target : where it is in the other installation, for one that is not installed under its name

        Raises
        ------
        SamplerError
            It can't be constructed.
        """
        if self._installation.codec_file is not None:
            target = f"{self._installation.codec_file}:{target.partition(':')[2]}"
        answer = self._ask({"do": "codec", "label": label, "name": name, "target": target, "config": config})
        return tuple(answer["unknown"])

    def image(self, name: str, pixels: Image) -> None:
        """Hand over an image, uint8, (height, width, 3)."""
        height, width = pixels.shape[:2]
        self._ask({"do": "image", "name": name, "height": height, "width": width}, pixels.tobytes())

    def time(self, operation: str, point: TimedPoint, loops: int) -> float:
        """Seconds of one operation, the median of ``loops``.

        Parameters
        ----------
        operation : ``encode``, or ``decode`` of what this process encoded last at this point

        Raises
        ------
        SamplerError
            The codec raises, dies, or does not answer in time.
        """
        request = {"do": operation, **asdict(point), "loops": loops}
        return float(self._ask(request)["seconds"])

    def _ask(self, request: dict[str, Any], payload: bytes = b"") -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n" + payload)
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._line())
        except (BrokenPipeError, json.JSONDecodeError):
            raise SamplerError(f"{self._installation.name}: its Python ended: {self._last_words()}") from None
        if "error" in answer:
            raise SamplerError(f"{self._installation.name}: {answer['error']}")
        return answer

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        deadline = monotonic() + self._timeout
        data = b""
        while not data.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0, deadline - monotonic()))
            if not ready:
                raise SamplerError(f"{self._installation.name}: no answer within {self._timeout:g} s")
            chunk = os.read(descriptor, 1 << 16)
            if not chunk:
                break
            data += chunk
        return data

    def _last_words(self) -> str:
        self._stderr.seek(0)
        text = self._stderr.read().decode(errors="replace").strip()
        return text[-_STDERR_TAIL:] or "without a word"

"""What a task finds where its work took one worker after the other with it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NoReturn, Self

from bench.engines.engine import Answer, Spent
from bench.engines.messages import Decode, Decoded, Failed, Request
from bench.inputs.pixels import RGB8, Accepted


class LostWorker:
    """Answers every request with the failure."""

    spent = Spent()

    def __init__(self, lost: int) -> None:
        self._message = f"{lost} workers of the cluster were lost while they were at it"

    def ask(self, request: Request[Answer], pixels: Any = None) -> Answer | Failed:
        """The failure."""
        return Failed("crash", request.phase, "", self._message)

    @property
    def decoded(self) -> NoReturn:
        """Nothing was."""
        raise AssertionError("nothing was decoded")

    def samples(self, shape: tuple[int, ...], dtype: str = "uint8") -> NoReturn:
        """Nothing was decoded."""
        raise AssertionError("nothing was decoded")

    def recheck(self, request: Decode, answer: Decoded, image: int) -> None:
        """Nothing was decoded."""

    def stderr(self) -> str:
        """Nothing is left of it."""
        return ""


class LostSlot:
    """Gives a task, in place of a fourth worker, the result that a crash has; a context manager.

    Parameters
    ----------
    environment : of the machine that was lost last
    lost : how many workers were lost
    """

    def __init__(self, environment: str, lost: int) -> None:
        self.environment, self.sealed = environment, False
        self._folder = tempfile.TemporaryDirectory(prefix="rdbench-")
        self.scorer = self.encoder = self.decoder = LostWorker(lost)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    @property
    def scratch(self) -> Path:
        """A folder at the client."""
        return Path(self._folder.name)

    def file(self, path: Path, sha256: str) -> Path:
        """The client's."""
        return path.absolute()

    def original(self, image: Path, sha256: str | None, accepted: Accepted = RGB8) -> Failed:
        """The failure."""
        from bench.engines.messages import Load

        failed = self.scorer.ask(Load(image, sha256, accepted))
        assert isinstance(failed, Failed)
        return failed

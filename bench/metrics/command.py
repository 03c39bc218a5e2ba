"""A metric that any program computes."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.codec import Image
from bench.errors import CodecUnavailable, ConfigError
from bench.inputs.image import png_of
from bench.metrics.base import Pair
from bench.program import fingerprint

_LAST_LINES = 5
_PART_OF_DIGEST = 12


class CommandMetric:
    """What a program says of two PNG files. It runs without a shell, each time in a folder of its own.

    A suite names it, ``{name: mine, command: "tool {original} {decoded}", pattern: "score: ([0-9.]+)",
    higher_is_better: true}``. It is given pictures of 8 bits, RGB.

    Parameters
    ----------
    name : of its values
    command : the command line, with ``{original}`` and ``{decoded}`` where the paths are to stand
    pattern : a regular expression with one group, which is the value; searched for in all that the program
        prints, from the beginning
    unit, title, role : see :class:`bench.metrics.base.Metric`

    Raises
    ------
    bench.errors.ConfigError
        The command line lacks a placeholder, or the pattern is none.
    bench.errors.CodecUnavailable
        There is no such program.
    """

    def __init__(
        self,
        *,
        name: str,
        command: str,
        pattern: str,
        higher_is_better: bool,
        unit: str = "",
        title: str = "",
        role: str = "diagnostic",
    ) -> None:
        self.name = name
        self.unit = unit
        self.title = title
        self.role = role
        self.higher_is_better = higher_is_better
        self._words = _words(command)
        self._pattern = _compiled(pattern)
        definition = hashlib.sha256(repr((self._words, pattern, higher_is_better)).encode()).hexdigest()
        self.version = f"1+{definition[:_PART_OF_DIGEST]} {fingerprint(self._words)}"

    def __call__(self, pair: Pair) -> float:
        """The value for one pair.

        Raises
        ------
        RuntimeError
            The program failed or printed no value; the message has its last lines.
        """
        printed = self._run(pair.reference.image, pair.decoded)
        found = self._pattern.search(printed)
        if found is None:
            raise RuntimeError(f"{self.name}: {self._pattern.pattern!r} is not in what {self._told(printed)}")
        try:
            return float(found[1])
        except (TypeError, ValueError):
            raise RuntimeError(
                f"{self.name}: {found[1]!r} is no number in what {self._told(printed)}"
            ) from None

    def _run(self, original: Image, decoded: Image) -> str:
        with tempfile.TemporaryDirectory(prefix="rdbench-") as folder:
            paths = {}
            for name, image in (("original", original), ("decoded", decoded)):
                path = Path(folder, f"{name}.png")
                path.write_bytes(png_of(image))
                paths[f"{{{name}}}"] = str(path)
            words = [re.sub(r"\{(original|decoded)\}", lambda it: paths[it[0]], word) for word in self._words]
            done = subprocess.run(
                words,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        printed = done.stdout.decode(errors="replace")
        if done.returncode:
            raise RuntimeError(f"{self.name}: exit status {done.returncode}, {self._told(printed)}")
        return printed

    def _told(self, printed: str) -> str:
        lines = " | ".join(printed.strip().splitlines()[-_LAST_LINES:])
        return f"{self._words[0]} printed: {lines or 'nothing'}"


def _words(command: str) -> tuple[str, ...]:
    """The words of a command line, checked for its placeholders and its program."""
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise ConfigError(f"command: {error}: {command!r}") from error
    missing = [it for it in ("{original}", "{decoded}") if it not in command]
    if missing or not words:
        raise ConfigError(f"command: {command!r} has no {' and no '.join(missing) or 'program'}")
    if shutil.which(words[0]) is None:
        raise CodecUnavailable(f"command: no program {words[0]!r} on PATH: install it, or give its path")
    return words


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"pattern: {pattern!r} is no regular expression: {error}") from error
    if compiled.groups != 1:
        raise ConfigError(
            f"pattern: {pattern!r} has {compiled.groups} groups and not one, the value: 'score: ([0-9.]+)'"
        )
    return compiled

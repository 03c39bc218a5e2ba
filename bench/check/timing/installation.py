"""The installations of a comparison: this one, another, or the former version of a codec file."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.errors import ConfigError

_FORMS = "a virtual environment, a wheel, a codec file, or a command that starts a Python"


@dataclass(frozen=True)
class Installation:
    """How to start the Python of an installation."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    codec_file: str | None = None
    """What is loaded instead of the codec file that a suite names."""


def this_installation() -> Installation:
    """The installation that runs this process."""
    return Installation("this installation", (sys.executable,))


@contextlib.contextmanager
def open_installation(text: str) -> Iterator[Installation]:
    """The installation that a user names.

    A ``.py`` file is a codec file's former version, in this installation. A folder is a virtual environment.
    A wheel is unpacked into a temporary folder that comes before all that is installed here, so that its
    dependencies are the same in both. Anything else is a command line that starts a Python.

    Raises
    ------
    ConfigError
        It is none of these.
    """
    path = Path(text)
    if path.is_dir():
        yield Installation(text, (_python_of(path),), _without_path())
    elif path.suffix == ".py":
        if not path.is_file():
            raise ConfigError(f"--against {path}: no such file")
        yield replace(this_installation(), name=text, codec_file=str(path))
    elif path.suffix == ".whl":
        with tempfile.TemporaryDirectory(prefix="rdbench-wheel-") as folder:
            _unpack(path, Path(folder))
            inherited = os.environ.get("PYTHONPATH")
            before = os.pathsep.join(filter(None, (folder, inherited)))
            yield Installation(text, (sys.executable,), os.environ | {"PYTHONPATH": before})
    else:
        words = tuple(shlex.split(text))
        if not words or shutil.which(words[0]) is None:
            raise ConfigError(f"--against {text!r}: no such file or command; name {_FORMS}")
        yield Installation(text, words, _without_path() if len(words) == 1 else dict(os.environ))


def _python_of(folder: Path) -> str:
    python = folder / "bin" / "python"
    if not python.exists():
        raise ConfigError(f"--against {folder}: no virtual environment ({python} is absent)")
    return str(python.absolute())


def _without_path() -> dict[str, str]:
    """Where this installation finds its modules must not decide where another one does."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def _unpack(wheel: Path, folder: Path) -> None:
    if not wheel.is_file():
        raise ConfigError(f"--against {wheel}: no such file")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", "--target", str(folder), str(wheel)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigError(f"--against {wheel}: pip cannot install it: {done.stderr.strip()}")

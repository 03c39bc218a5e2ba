"""One file of weights for each operating point, which is how most learned codecs are trained.

An option that names such files is called ``checkpoint`` and has one of three forms::

    runs/elic-{quality}.pth                 the quality of each file stands in its name, or in a folder's
    0.0018=low.pth 0.0483=high.pth          each quality is told; quoted as in a shell
    elic.pth                                a single file

:func:`checkpoints_of` finds the files. A codec that tells the hash of each, by quality, has it in the keys of
the trials at that quality alone::

    def __init__(self, *, checkpoint: str = "runs/elic-{quality}.pth") -> None:
        self.files = checkpoints_of(checkpoint)
        self.qualities = tuple(self.files)
        self.weights_sha256 = {quality: sha256_of(file) for quality, file in self.files.items()}

Its one configuration then is one curve, and a checkpoint that is added or trained anew leaves the results of
the others. In a suite, ``checkpoints: {0.0018: low.pth, 0.0483: high.pth}`` beside ``codec`` is the second
form.
"""

from __future__ import annotations

import glob
import hashlib
import math
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.errors import CodecUnavailable

OPTION = "checkpoint"
"""What the option of a codec is called."""
QUALITY = "{quality}"
_DEEPEST = 100
"""Folders in each other that a path has at most."""
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


def checkpoints_of(text: str) -> dict[float, Path]:
    """The file of each quality, the lowest quality first.

    Parameters
    ----------
    text : the option's value, in one of the forms above. A single file is that of quality 1

    Raises
    ------
    bench.errors.CodecUnavailable
        There is no such file, one of those that are named is absent, or two are for one quality.
    """
    if (named := told_checkpoints(text)) is not None:
        found = {quality: file.expanduser() for quality, file in named.items()}
    elif QUALITY in text:
        found = _matching(str(Path(text).expanduser()))
    else:
        found = {1.0: Path(text).expanduser()}
    absent = [str(it) for it in found.values() if not it.is_file()]
    if absent or not found:
        raise CodecUnavailable(
            f"no checkpoint at {absent[0] if absent else text}: pass checkpoint=FILE, with {QUALITY} in its"
            " name where there is one for each quality"
        )
    return dict(sorted(found.items()))


def has_several(text: str) -> bool:
    """Whether the value of an option names a file for each quality."""
    return QUALITY in text or told_checkpoints(text) is not None


def told_checkpoints(text: str) -> dict[float, Path] | None:
    """The files of the second form; None for a text of another form."""
    try:
        words = shlex.split(text)
    except ValueError:  # an open quote
        return None
    pairs = [re.fullmatch(rf"({_NUMBER})=(.+)", word, re.DOTALL) for word in words]
    if not pairs or None in pairs:
        return None
    return {float(it[1]): Path(it[2]) for it in pairs if it is not None}


def text_of(files: Mapping[float, str | Path]) -> str:
    """The second form.

    Raises
    ------
    ValueError
        A quality is not finite.
    """
    if not all(map(math.isfinite, files)):
        raise ValueError("a quality is a finite number")
    return " ".join(f"{quality!r}={shlex.quote(str(file))}" for quality, file in sorted(files.items()))


def with_paths(text: str, changed: Callable[[str], str]) -> str:
    """A text with each path in it changed."""
    named = told_checkpoints(text)
    if named is None:
        return changed(text)
    return text_of({quality: changed(str(file)) for quality, file in named.items()})


def pattern_files(text: str) -> list[Path]:
    """All files that fit a text with ``{quality}``, or another word in braces, whatever stands there."""
    if len(Path(text).parts) > _DEEPEST:
        return []
    parts = map(glob.escape, re.split(r"\{\w*\}", text))
    return sorted(map(Path, glob.glob("*".join(parts))))


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _matching(text: str) -> dict[float, Path]:
    """The files whose name, or a folder's, has a number where the text has ``{quality}``."""
    first, *others = map(re.escape, text.split(QUALITY))
    # the same number wherever it stands several times
    pattern = re.compile(f"{first}({_NUMBER})" + "\\1".join(others), re.DOTALL)
    found: dict[float, Path] = {}
    for file in pattern_files(text):
        match = pattern.fullmatch(str(file))
        if match is None or not file.is_file():
            continue
        quality = float(match[1])
        if quality in found:
            raise CodecUnavailable(f"{found[quality]} and {file} are both for quality {quality:g}")
        found[quality] = file
    return found

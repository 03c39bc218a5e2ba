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

import hashlib
import math
import os
import re
import shlex
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bench.errors import CodecUnavailable

OPTION = "checkpoint"
"""What the option of a codec is called."""
QUALITY = "{quality}"
_MOST = 1000
"""Files that a path with ``{quality}`` may fit."""
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
    if (pairs := told_checkpoints(text)) is not None:
        pairs = [(quality, file.expanduser()) for quality, file in pairs]
    elif QUALITY in text:
        pairs = matching_files(str(Path(text).expanduser()))
    else:
        pairs = [(1.0, Path(text).expanduser())]
    if twice := named_twice(pairs):
        raise CodecUnavailable(twice)
    found = dict(pairs)
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


def named_twice(pairs: Iterable[tuple[float, str | Path]]) -> str:
    """The first two files that are for one quality, in words; empty where there are none."""
    found: dict[float, str | Path] = {}
    for quality, file in pairs:
        if quality in found:
            return f"{found[quality]} and {file} are both for quality {quality:g}"
        found[quality] = file
    return ""


def told_checkpoints(text: str) -> list[tuple[float, Path]] | None:
    """Quality and file of each pair of the second form; None for a text of another form."""
    try:
        words = shlex.split(text)
    except ValueError:  # an open quote
        return None
    pairs = [re.fullmatch(rf"({_NUMBER})=(.+)", word, re.DOTALL) for word in words]
    if not pairs or None in pairs:
        return None
    return [(float(it[1]), Path(it[2])) for it in pairs if it is not None]


def text_of(pairs: Iterable[tuple[float, str | Path]]) -> str:
    """The second form, from qualities and their files.

    Raises
    ------
    ValueError
        A quality is not finite.
    """
    named = sorted((quality, str(file)) for quality, file in pairs)
    if not all(math.isfinite(quality) for quality, _ in named):
        raise ValueError("a quality is a finite number")
    return " ".join(f"{quality!r}={shlex.quote(file)}" for quality, file in named)


def with_paths(text: str, changed: Callable[[str], str]) -> str:
    """A text with each path in it changed."""
    pairs = told_checkpoints(text)
    if pairs is None:
        return changed(text)
    return text_of((quality, changed(str(file))) for quality, file in pairs)


def matching_files(text: str) -> list[tuple[float, Path]]:
    """The files whose name, or a folder's, has a number where a path has ``{quality}``.

    One folder is listed for it, however often the number stands in the path.

    Raises
    ------
    bench.errors.CodecUnavailable
        There are more than anybody trains.
    """
    parts = Path(text).parts
    place = next((at for at, part in enumerate(parts) if QUALITY in part), len(parts))
    folder = Path(*parts[:place])
    if place == len(parts) or _is_of_kernel(folder):
        return []
    first, *others = map(re.escape, parts[place].split(QUALITY))
    # the same number wherever it stands several times
    pattern = re.compile(f"{first}({_NUMBER})" + "\\1".join(others), re.DOTALL)
    found: list[tuple[float, Path]] = []
    with suppress(OSError, ValueError), os.scandir(folder) as entries:
        for name in sorted(it.name for it in entries):
            match = pattern.fullmatch(name)
            file = match and Path(text.replace(QUALITY, match[1]))
            if match and file and os.path.isfile(file) and not _is_of_kernel(file):
                found.append((float(match[1]), file))
    if len(found) > _MOST:
        raise CodecUnavailable(f"{len(found)} files fit {text}, {_MOST} are the most")
    return found


def _is_of_kernel(path: Path) -> bool:
    """Whether a path leads to where files are what processes have open."""
    return Path(os.path.realpath(path)).is_relative_to("/proc")


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

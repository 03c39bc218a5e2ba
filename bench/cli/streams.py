"""Standard streams as a caller may leave them: closed, or with an encoding that lacks characters."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from _codecs import register_error  # `codecs` may be found to be the checkout's folder of that name

_SPELT = {
    "−": "-",
    "–": "-",
    "—": "-",
    "─": "-",
    "━": "-",
    "×": "x",
    "÷": "/",
    "·": ".",
    "…": "...",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
    "’": "'",
    "✅": "[ok]",
    "⚠": "[!]",
    "❌": "[x]",
}
_HANDLER = "rdbench"


def prepare() -> None:
    """Make sure that everything can be printed, so that no measurement is lost to a failing print.

    A closed stream is replaced by the null device under its own descriptor; otherwise the next file or pipe
    to be opened would get that number and be printed into. Characters that an encoding lacks are spelt in
    ASCII.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDONLY if descriptor == 0 else os.O_WRONLY)
            os.set_inheritable(opened, True)  # it is the lowest free number, which is this one
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - lives as long as we
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    register_error(_HANDLER, _spelt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors != "surrogateescape":
            stream.reconfigure(errors=_HANDLER)


def flush() -> None:
    """Write what is buffered now, while a full disk can still be reported."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def abandon() -> None:
    """Redirect a standard output that can no longer be written; otherwise Python would try again on exit."""
    with open(os.devnull, "wb") as null:
        os.dup2(null.fileno(), 1)


def complain(text: str) -> None:
    """Print a last line to standard error, if that is still possible."""
    with contextlib.suppress(OSError):
        print(f"rdbench: {text}", file=sys.stderr, flush=True)


def _spelt(error: UnicodeError) -> tuple[str, int]:
    """Spell characters that an encoding lacks in ASCII that is also valid within a JSON string."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_SPELT.get(it) or _escaped(it) for it in text), error.end


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[k]:02x}{units[k + 1]:02x}" for k in range(0, len(units), 2))

"""All errors that rdbench raises on purpose.

This module imports nothing of rdbench, so that any module and any adapter can use it. A message names what is
at fault (a file, a codec, a key) and says what to do about it.
"""

from collections.abc import Iterable

_LISTED = 30
"""Most names that a message lists."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: a similar name, or a list of names.

    Parameters
    ----------
    name : what the user wrote
    known : the valid names

    Returns
    -------
    For example ``"; did you mean 'datasets'?"`` or ``"; known: jpeg, webp"``.
    """
    from difflib import get_close_matches

    names = list(known)
    near = [it for it in names if name and it.startswith(name)] or get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    more = len(names) - _LISTED
    return f"; known: {', '.join(names[:_LISTED]) or 'none'}{f' and {more} more' if more > 0 else ''}"


class BenchError(Exception):
    """Base of all errors that rdbench raises on purpose."""


class ConfigError(BenchError):
    """Wrong usage or configuration: an unknown codec, an invalid option, an invalid suite file."""


class DatasetError(BenchError):
    """A data set is absent, incomplete, or differs from its hashes."""


class BadImage(BenchError):
    """An image file is corrupt, truncated, or not an image at all."""


class UnsupportedImage(BenchError):
    """An image file is sound, but there is no defined conversion of its contents (16-bit, CMYK, ...)."""


class CodecUnavailable(BenchError):
    """The library, program or weights of a codec or metric are missing.

    The message has the exact line that installs what is missing.
    """


class UntrustedCodec(CodecUnavailable):
    """A run folder names a codec or metric that it cannot be trusted with: in a file, or running programs."""


class Unsupported(BenchError):
    """A codec cannot represent this image or this operating point."""


class BadBitstream(BenchError):
    """A bitstream is truncated, damaged, or was made by another codec or model."""


class MetricUndefined(BenchError):
    """A metric has no value for this pair of images; the message says why."""


class StoreError(BenchError):
    """A run folder cannot be used (locked, damaged, of an unknown schema), or a file could not be written."""


class WorkersLost(BenchError):
    """The process that starts workers has ended or does not answer, so that nothing more can be measured."""

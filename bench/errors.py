"""Every error that rdbench raises on purpose.

One small tree, importing nothing of rdbench, so that any module and any adapter can use it.
A message names the thing at fault (file, codec, key) and says what to do about it.
"""

from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'datasets'?"``, or what is known where nothing is near: the end of a message."""
    from difflib import get_close_matches

    names = list(known)
    near = [it for it in names if name and it.startswith(name)] or get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(names) or 'none'}"


class BenchError(Exception):
    """Base of all errors that rdbench raises on purpose."""


class ConfigError(BenchError):
    """Bad usage or configuration: an unknown codec, a bad option, an invalid suite file."""


class DatasetError(BenchError):
    """A data set that is absent, incomplete, or not the one its hashes describe."""


class BadImage(BenchError):
    """An image file that is corrupt, truncated or not an image at all."""


class UnsupportedImage(BenchError):
    """A sound image file whose contents have no declared treatment (16-bit, CMYK, ...)."""


class CodecUnavailable(BenchError):
    """A codec or metric whose library, binary or weights are missing.

    The message holds the exact line that installs what is missing.
    """


class UntrustedCodec(CodecUnavailable):
    """A codec that a run folder names and that is not run for it: a file, or a codec that runs programs."""


class Unsupported(BenchError):
    """A codec that cannot represent this image or this operating point, and says so."""


class BadBitstream(BenchError):
    """A bitstream that is truncated, damaged, or made by another codec or model."""


class MetricUndefined(BenchError):
    """A metric that has no value for this pair of images, with the reason."""


class StoreError(BenchError):
    """A run folder that cannot be used (locked, of an unknown schema, damaged), or a file not written."""


class WorkersLost(BenchError):
    """The process that starts workers has ended, or does not answer: nothing more can be measured."""

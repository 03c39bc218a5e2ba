"""The Netpbm formats PBM, PGM and PPM, plain and raw."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.errors import BadImage, UnsupportedImage
from bench.inputs.containers.contents import Contents, require_size, scaled_note

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PLAIN, _CHANNELS = b"123", {b"1": 1, b"2": 1, b"3": 3, b"4": 1, b"5": 1, b"6": 3}
_NUMBER = rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])+([0-9]{1,10})"
_BLANK = b" \t\r\n\v\f\0"
_MOST = 65535


def accepts(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a Netpbm file."""
    return re.match(rb"P[1-6][\s#]", head) is not None


def examine(data: bytes) -> Contents:
    """Check the maximum, and that nothing follows the image."""
    kind = data[1:2]
    bitmap = kind in b"14"
    header = re.compile(b"P." + _NUMBER * (2 if bitmap else 3), re.DOTALL).match(data)
    if header is None:
        raise BadImage("its header is damaged or truncated")
    width, height, *rest = map(int, header.groups())
    maximum = rest[0] if rest else 1
    deep = maximum > 255
    if not bitmap and (maximum < 255 or maximum > _MOST or maximum & (maximum + 1)):
        raise UnsupportedImage(f"sample maximum {maximum}; convert it to 255 or 65535 first")
    if deep:
        require_size(width, height)
    samples = width * height * _CHANNELS[kind]
    if kind in _PLAIN:
        body = re.sub(rb"#[^\r\n]*", b"", data[header.end() :])
        further = _beyond(body, samples, bitmap)
    else:
        size = (width + 7) // 8 * height if bitmap else samples * (1 + deep)
        further = data[header.end() + 1 + size :]
    if further.strip(_BLANK):
        if accepts(further.lstrip(_BLANK)):
            raise UnsupportedImage("several pictures; extract one first")
        raise BadImage(f"{len(further)} bytes follow the picture")
    found = Contents("PPM", data, notes=scaled_note([1] if bitmap else []), grey=_CHANNELS[kind] == 1)
    found.depth = max(8, maximum.bit_length())
    return found


def deep_samples(data: bytes) -> NDArray[np.uint16]:
    """The samples of a file of more than 8 bits, that :func:`examine` has seen.

    Returns
    -------
    uint16, shape (height, width, channels)

    Raises
    ------
    BadImage
        There are fewer of them than the header says, or one above its maximum.
    """
    import numpy as np

    kind = data[1:2]
    header = re.compile(b"P." + _NUMBER * 3, re.DOTALL).match(data)
    assert header is not None
    width, height, maximum = map(int, header.groups())
    shape = (height, width, _CHANNELS[kind])
    if kind in _PLAIN:
        words = re.sub(rb"#[^\r\n]*", b"", data[header.end() :]).split()
        levels = np.array(words, np.uint64) if words else np.empty(0, np.uint64)
    else:
        levels = np.frombuffer(data[header.end() + 1 :][: 2 * width * height * shape[2]], ">u2")
    if levels.size != width * height * shape[2]:
        raise BadImage("truncated")
    if levels.size and levels.max() > maximum:
        raise BadImage(f"damaged: a sample is above the maximum of {maximum}")
    return levels.astype(np.uint16).reshape(shape)


def _beyond(body: bytes, samples: int, bitmap: bool) -> bytes:
    """What follows the samples of a plain file."""
    if bitmap:
        digits = b"".join(body.split())
        return digits[samples:]
    return b" ".join(body.split(maxsplit=samples)[samples:]) if samples < len(body) else b""

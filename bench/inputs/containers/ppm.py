"""The Netpbm formats PBM, PGM and PPM, plain and raw."""

from __future__ import annotations

import re

from bench.errors import BadImage, UnsupportedImage
from bench.inputs.containers.contents import Contents, require_depth, scaled_note

_PLAIN, _CHANNELS = b"123", {b"1": 1, b"2": 1, b"3": 3, b"4": 1, b"5": 1, b"6": 3}
_NUMBER = rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])+([0-9]{1,10})"
_BLANK = b" \t\r\n\v\f\0"


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
    if maximum > 255:
        require_depth(maximum.bit_length())
    if maximum != 255 and not bitmap:
        raise UnsupportedImage(f"sample maximum {maximum}; convert it to 255 first")
    samples = width * height * _CHANNELS[kind]
    if kind in _PLAIN:
        body = re.sub(rb"#[^\r\n]*", b"", data[header.end() :])
        further = _beyond(body, samples, bitmap)
    else:
        size = (width + 7) // 8 * height if bitmap else samples
        further = data[header.end() + 1 + size :]
    if further.strip(_BLANK):
        if accepts(further.lstrip(_BLANK)):
            raise UnsupportedImage("several pictures; extract one first")
        raise BadImage(f"{len(further)} bytes follow the picture")
    return Contents("PPM", data, notes=scaled_note([1] if bitmap else []))


def _beyond(body: bytes, samples: int, bitmap: bool) -> bytes:
    """What follows the samples of a plain file."""
    if bitmap:
        digits = b"".join(body.split())
        return digits[samples:]
    return b" ".join(body.split(maxsplit=samples)[samples:]) if samples < len(body) else b""

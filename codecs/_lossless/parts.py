"""Pictures of other forms than 8-bit RGB, as several that have it: the kernels code three planes of bytes.

The parts of a sample of 16 bits are its upper and its lower byte, as in PNG, whose filters see no more
either. Planes that belong together share a part; grey, and alpha, are alone in one whose other planes are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bench.codec import Channels, Image, Samples
from bench.errors import BadBitstream
from bench_codecs._common.varint import read_varint, write_varint

FORMAT = 2
"""The version of the bitstream formats that hold parts."""

_KINDS: tuple[Channels, ...] = ("grey", "rgb", "rgba")
_GROUPS: dict[Channels, tuple[slice, ...]] = {
    "grey": (slice(0, 1),),
    "rgb": (slice(0, 3),),
    "rgba": (slice(0, 3), slice(3, 4)),
}


def is_plain(image: Samples) -> bool:
    """Whether an image is 8-bit RGB, and has the first version of a format."""
    return image.dtype == np.uint8 and image.shape[2:] == (3,)


def pack_parts(image: Samples, code: Callable[[Image], bytes]) -> bytes:
    """The payload of an image: its form, then each part with its length.

    Parameters
    ----------
    image : uint8 or uint16; (height, width), (height, width, 3) or (height, width, 4)
    code : makes the payload of an 8-bit RGB image
    """
    channels = np.atleast_3d(image)
    kind = _KINDS[(1, 3, 4).index(channels.shape[2])]
    deep = image.dtype == np.uint16
    levels = [channels >> 8, channels & 255] if deep else [channels]
    streams = [code(_part(level[..., group])) for level in levels for group in _GROUPS[kind]]
    form = bytes([_KINDS.index(kind) | deep << 2])
    return form + b"".join(write_varint(len(it)) + it for it in streams)


def unpack_parts(payload: bytes, decode: Callable[[bytes], Image]) -> Samples:
    """The image of a payload that :func:`pack_parts` made; ``decode`` undoes its ``code``.

    Raises
    ------
    BadBitstream
        There is no such form, or the parts do not fill the payload.
    """
    if not payload or payload[0] & 3 >= len(_KINDS) or payload[0] >> 3:
        raise BadBitstream("no picture of a known form")
    kind, deep = _KINDS[payload[0] & 3], bool(payload[0] >> 2)
    groups = _GROUPS[kind] * (1 + deep)
    parts, position = [], 1
    for group in groups:
        size, position = read_varint(payload, position)
        if position + size > len(payload):
            raise BadBitstream("a part of the picture is cut off")
        planes = decode(payload[position : position + size])
        parts.append(planes if group.stop - group.start == 3 else planes[..., :1])
        position += size
    if position != len(payload):
        raise BadBitstream("the parts do not end where the picture does")
    return _joined(parts, deep=deep)


def _joined(parts: Sequence[Image], *, deep: bool) -> Samples:
    half = len(parts) // 2 if deep else len(parts)
    image: Samples = np.concatenate(parts[:half], axis=2)
    if deep:
        image = image.astype(np.uint16) << 8 | np.concatenate(parts[half:], axis=2)
    return np.ascontiguousarray(image[..., 0] if image.shape[2] == 1 else image)


def _part(planes: Samples) -> Image:
    """One or three planes as an 8-bit RGB image."""
    if planes.shape[2] == 1:
        planes = np.pad(planes, ((0, 0), (0, 0), (0, 2)))
    return np.ascontiguousarray(planes.astype(np.uint8))

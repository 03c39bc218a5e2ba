"""TIFF (revision 6.0) and BigTIFF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from bench.errors import BadImage, UnsupportedImage
from bench.inputs.containers.contents import (
    Contents,
    icc_notes,
    require_one,
    require_size,
    scaled_note,
)
from bench.inputs.containers.directory import Layout, Tags, read_directory, read_header, value_bytes

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_NEW_SUBFILE, _SUBFILE = 254, 255
_WIDTH, _HEIGHT = 256, 257
_BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _SAMPLES = 258, 259, 262, 274, 277
_EXTRA_SAMPLES, _SAMPLE_FORMAT, _ICC = 338, 339, 34675
_PLANES, _SEPARATE = 284, 2

_MAKE_PIXELS = frozenset(
    (
        *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _EXTRA_SAMPLES, _SAMPLE_FORMAT),
        *(266, 273, 278, 279, 284, 292, 293, 317, 320),  # fill order, strips, planes, fax, predictor, palette
        *(*range(322, 326), 347, *range(512, 516), *range(517, 522), *range(529, 533)),  # tiles, JPEG
    )
)
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 6: 3}
"""Channels by photometric interpretation: white is zero, black is zero, RGB, palette, YCbCr."""
_UNREADABLE = {4: "a transparency mask", 5: "CMYK", 8: "CIELab", 9: "ICCLab", 10: "ITULab"}
_FORMATS = {2: "signed", 3: "floating-point"}
_READABLE = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000, 50001))
"""Compressions that Pillow's libtiff decodes to the samples' own depth."""
_LOSSY = {6: "JPEG", 7: "JPEG", 50001: "WebP"}
_NOT_APPLIED = {
    301: "TransferFunction",
    318: "WhitePoint",
    319: "PrimaryChromaticities",
    291: "GrayResponseCurve",
}
_ALPHA = ((1,), (2,))
_MOST_PAGES = 1000


def examine(data: bytes) -> Contents:
    """Check format and channels, and leave the first page with no tags but those that make its pixels."""
    layout, start = read_header(data)
    entries, tags, following = read_directory(data, start, layout)
    bits = tags.get(_BITS) or (1,)
    _require_unsigned(tags)
    _require_known_channels(tags, len(bits))
    compression = _one(tags, _COMPRESSION, 1)
    if compression not in _READABLE:
        raise UnsupportedImage(f"compression {compression}; convert it to PNG first")
    found = Contents("TIFF", b"", lossy=_LOSSY.get(compression, ""))
    photometric = _one(tags, _PHOTOMETRIC, 0)
    found.grey = photometric in (0, 1)
    found.alpha = _EXTRA_SAMPLES in tags
    found.premultiplied = tags.get(_EXTRA_SAMPLES) == _ALPHA[0]
    if max(bits) > 8:
        found.depth = _deep(bits, photometric)
        require_size(_one(tags, _WIDTH, 0), _one(tags, _HEIGHT, 0))
    found.notes += _pages_note(list(_pages(data, tags, following, layout)))
    if _ICC in tags:
        found.notes += icc_notes(value_bytes(data, entries, _ICC, layout))
    found.notes += [f"{name} not applied" for tag, name in _NOT_APPLIED.items() if tag in tags]
    if found.grey:
        found.notes += scaled_note(bits)
    orientation = _one(tags, _ORIENTATION, 1)
    found.orientation = orientation if orientation in range(1, 9) else 1
    found.data = _bare(data, start, entries, layout)
    return found


def _one(tags: Tags, tag: int, default: int) -> int:
    return (tags.get(tag) or (default,))[0]


def _deep(bits: tuple[int, ...], photometric: int) -> int:
    """The depth of a file of more than 8 bits a sample, where its samples are read."""
    if set(bits) != {16} or photometric not in (0, 1, 2):
        raise UnsupportedImage(
            f"{' and '.join(map(str, sorted({*bits})))} bits a sample in a TIFF that is not 16-bit grey or"
            " RGB; convert it to PNG first"
        )
    return 16


def deep_samples(data: bytes) -> Any:
    """The samples of a file of 16 bits a sample, as :func:`examine` leaves it, by libtiff.

    Returns
    -------
    uint16, shape (height, width, channels)
    """
    import imagecodecs
    import numpy as np

    layout, start = read_header(data)
    _, tags, _ = read_directory(data, start, layout)
    samples = np.atleast_3d(imagecodecs.tiff_decode(data))
    if _one(tags, _PLANES, 1) == _SEPARATE and _one(tags, _SAMPLES, 1) > 1:
        samples = samples.transpose(1, 2, 0)
    if _one(tags, _PHOTOMETRIC, 0) == 0:
        samples = np.concatenate([65535 - samples[..., :1], samples[..., 1:]], axis=2)
    return samples


def _require_unsigned(tags: Tags) -> None:
    for kind in tags.get(_SAMPLE_FORMAT, ()):
        if kind != 1:
            raise UnsupportedImage(
                f"{_FORMATS.get(kind, 'untyped')} samples; convert it to 8-bit unsigned first"
            )


def _require_known_channels(tags: Tags, bits: int) -> None:
    photometric = _one(tags, _PHOTOMETRIC, 0)
    if photometric not in _COLOURS:
        name = _UNREADABLE.get(photometric, f"photometric interpretation {photometric}")
        raise UnsupportedImage(f"colour mode {name}; convert it to RGB first")
    extra = _one(tags, _SAMPLES, bits) - _COLOURS[photometric]
    if extra < 0:
        raise BadImage("damaged: fewer channels than its colours need")
    if extra and not (extra == 1 and tags.get(_EXTRA_SAMPLES) in _ALPHA):
        noun = "channel" if extra == 1 else "channels"
        raise UnsupportedImage(f"{extra} extra {noun} that is no alpha; remove it first")


def _pages(data: bytes, tags: Tags, following: int, layout: Layout) -> Iterator[Tags]:
    yield tags
    seen: set[int] = set()
    while following and following not in seen and len(seen) < _MOST_PAGES:
        seen.add(following)
        _, tags, following = read_directory(data, following, layout)
        yield tags


def _pages_note(pages: list[Tags]) -> list[str]:
    """The note for a first page with reduced copies; other pages are images of their own."""
    first, *others = pages
    if not others:
        return []
    reduced = all(
        _one(it, _NEW_SUBFILE, 0) & 1
        or _one(it, _SUBFILE, 0) == 2
        or (_one(it, _WIDTH, 0) < _one(first, _WIDTH, 0) and _one(it, _HEIGHT, 0) < _one(first, _HEIGHT, 0))
        for it in others
    )
    if not reduced or _one(first, _NEW_SUBFILE, 0) & 1:
        require_one(len(pages), "pages")
    return [f"first of {len(pages)} pages read"]


def _bare(data: bytes, start: int, entries: list[bytes], layout: Layout) -> bytes:
    """The file with a directory, in the place of the first one, of what makes the pixels."""
    kept = [it for it in entries if struct.unpack_from(layout.order + "H", it)[0] in _MAKE_PIXELS]
    directory = struct.pack(layout.order + layout.count, len(kept)) + b"".join(kept)
    directory += struct.pack(layout.order + layout.offset, 0)
    return data[:start] + directory + data[start + len(directory) :]

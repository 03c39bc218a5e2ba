"""JPEG (ITU-T T.81, JFIF), and camera files of several JPEGs (CIPA DC-007)."""

from __future__ import annotations

import struct

from bench.errors import BadImage, UnsupportedImage
from bench.inputs.containers.contents import Contents, exif_orientation, icc_notes, part, require_depth
from bench.inputs.containers.directory import first_directory

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_OTHER_PROCESSES = dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical JPEG") | {
    0xF7: "JPEG-LS"
}
_LOSSLESS = frozenset((0xC3, 0xCB))
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_APP1, _APP2, _COMMENT = 0xE1, 0xE2, 0xFE
_DECIDE_COLOURS = (0xE0, 0xEE)
"""JFIF's and Adobe's markers tell RGB, YCbCr, CMYK and YCCK apart."""
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_NUMBER_OF_IMAGES = 0xB001


def examine(data: bytes) -> Contents:
    """Check the depth, note what the application segments say, and leave those out."""
    found = Contents("JPEG", b"", lossy="JPEG")
    kept = [data[:2]]
    profile = b""
    at = 2
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise BadImage("truncated before its picture data")
        marker = part(data, at + 1, 1)[0]
        if marker in (0x00, 0xFF) or marker in _STANDALONE:
            at += 1
            continue
        if marker == _END_OF_IMAGE:
            raise BadImage("damaged: no picture data")
        (length,) = struct.unpack(">H", part(data, at + 2, 2))
        segment = part(data, at + 4, max(length - 2, 0))
        if marker == _START_OF_SCAN:
            kept.append(data[at:])
            break
        if marker in _OTHER_PROCESSES:
            raise UnsupportedImage(f"{_OTHER_PROCESSES[marker]}; convert it to PNG first")
        if marker in _START_OF_FRAME:
            require_depth(segment[0] if segment else 0, "a JPEG")
            found.grey = segment[5:6] == b"\1"
            found.lossy = "" if marker in _LOSSLESS else "JPEG"
        if marker == _APP1 and segment.startswith(b"Exif\0\0") and found.orientation == 1:
            found.orientation = exif_orientation(segment)
        if marker == _APP2 and segment.startswith(b"ICC_PROFILE\0"):
            profile += segment[14:]
        if marker == _APP2 and segment.startswith(b"MPF\0"):
            count = _image_count(segment[4:])
            if count > 1:
                found.notes.append(f"first of {count} pictures read")
        if marker in _DECIDE_COLOURS or not (0xE0 <= marker <= 0xEF or marker == _COMMENT):
            kept.append(data[at : at + 2 + length])
        at += 2 + length
    if profile:
        found.notes += icc_notes(profile)
    found.data = b"".join(kept)
    return found


def _image_count(directory: bytes) -> int:
    try:
        _, tags, _ = first_directory(directory)
    except BadImage:
        return 1
    return next(iter(tags.get(_NUMBER_OF_IMAGES, ())), 1)

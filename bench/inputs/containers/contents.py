"""What was found in an image file, and the checks that all formats share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.errors import BadImage, UnsupportedImage
from bench.inputs.containers.directory import first_directory

_ORIENTATION = 0x0112
_MOST_PIXELS = 178_956_970
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
_SDR_PRIMARIES = (1, 2)
_SDR_TRANSFERS = (2, 13)


@dataclass
class Contents:
    """What was found in an image file."""

    format: str
    """Pillow's name of the format."""
    data: bytes
    """What to pass to the decoder: the file, or the part of it that makes up the pixels of one image."""
    orientation: int = 1
    """EXIF's orientation of the stored samples, 1 to 8."""
    notes: list[str] = field(default_factory=list)
    """What the file contains that is ignored, and how samples of fewer than 8 bits are converted."""
    lossy: str = ""
    """The lossy compression of the samples; empty if there was none."""
    palette: int = 0
    """Number of colours in the palette; 0 leaves the check to the decoder."""
    colour_key: tuple[int, ...] | None = None
    """The one grey level or colour that PNG declares transparent, at 8 bits where samples have fewer."""
    depth: int = 8
    """Bits a sample, where there are more than 8; fewer are scaled."""
    significant: int = 0
    """How many of these PNG declares to be significant, the same for all channels; 0 if it does not."""
    grey: bool = False
    """Whether the format itself says that there is no colour."""
    alpha: bool = False
    """Whether there is an alpha channel, or a transparent colour, where the decoder need not tell."""
    premultiplied: bool = False


def part(data: bytes, start: int, size: int) -> bytes:
    """``size`` bytes from ``start``.

    Raises
    ------
    BadImage
        The file ends before.
    """
    if start < 0 or start + size > len(data):
        raise BadImage("truncated, or its structure is damaged")
    return data[start : start + size]


def require_depth(bits: int, form: str) -> None:
    """Refuse samples of more than 8 bits in a format of which they are not read."""
    if bits > 8:
        raise UnsupportedImage(f"{bits} bits a sample in {form}; convert it to PNG first")


def require_size(width: int, height: int) -> None:
    """Refuse what Pillow refuses as a decompression bomb, for other decoders."""
    if width * height > _MOST_PIXELS:
        raise UnsupportedImage(f"{width}x{height} pixels could be a decompression bomb")


def require_one(count: int, what: str = "frames") -> None:
    """Refuse animations and stacks of images."""
    if count > 1:
        raise UnsupportedImage(f"{count} {what}; extract one first")


def scaled_note(bits: Sequence[int]) -> list[str]:
    """The note for grey or colour samples of fewer than 8 bits."""
    few = sorted({it for it in bits if it < 8})
    return [f"{' and '.join(map(str, few))}-bit samples scaled to 8"] if few else []


def exif_orientation(exif: bytes) -> int:
    """The orientation in an EXIF block, 1 to 8, whatever else is wrong with the block; 1 if there is none."""
    try:
        _, tags, _ = first_directory(exif.removeprefix(b"Exif\0\0"))
    except BadImage:
        return 1
    value = (tags.get(_ORIENTATION) or (1,))[0]
    return value if value in range(1, 9) else 1


def cicp_notes(points: Sequence[int], full_range: bool, name: str) -> list[str]:
    """The note about coding-independent code points (ITU-T H.273) other than those of sRGB or unspecified.

    Parameters
    ----------
    points : colour primaries, transfer characteristics and matrix coefficients, each by its code
    full_range : whether samples use the full range of levels
    name : the part of the file that states them

    Raises
    ------
    UnsupportedImage
        The transfer function is PQ or HLG (BT.2100), so that this is not an 8-bit SDR image.
    """
    primaries, transfer, matrix = points
    if transfer in _HDR_TRANSFERS:
        raise UnsupportedImage(
            f"{name}: {_HDR_TRANSFERS[transfer]} transfer function (BT.2100); rdbench measures SDR pictures,"
            " map it to sRGB first"
        )
    if primaries in _SDR_PRIMARIES and transfer in _SDR_TRANSFERS and full_range:
        return []
    narrow = "" if full_range else ", limited range"
    return [f"{name} {primaries}/{transfer}/{matrix}{narrow} not applied"]


def icc_notes(profile: bytes) -> list[str]:
    """The note about an ICC profile, even if that is damaged.

    Raises
    ------
    UnsupportedImage
        Its ``cicp`` tag (ICC.1:2022, 9.2.17) states PQ or HLG.
    """
    for entry in range(min(int.from_bytes(profile[128:132], "big"), 100)):
        at = 132 + 12 * entry
        if profile[at : at + 4] == b"cicp":
            offset = int.from_bytes(profile[at + 4 : at + 8], "big")
            points = profile[offset + 8 : offset + 12]
            if len(points) == 4 and points[1] in _HDR_TRANSFERS:
                cicp_notes(points[:3], full_range=True, name="ICC profile")
    return ["ICC profile not applied"]

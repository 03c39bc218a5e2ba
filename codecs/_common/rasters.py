"""Image files for external programs: PPM and PGM, PNG, TIFF, and raw planar YCbCr."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bench.codec import DEPTHS, Channels, Samples
from bench.errors import BadBitstream, BadImage, Unsupported, UnsupportedImage
from bench.image import RGB8, Accepted, Picture, read_image
from bench_codecs._common.ycbcr import KB as _KB
from bench_codecs._common.ycbcr import KR as _KR
from bench_codecs._common.ycbcr import Subsampling, from_planes, from_raw, to_planes, to_raw

RasterFormat = Literal["ppm", "png", "tiff", "yuv444", "yuv444p10", "yuv420p10"]
RASTER_FORMATS: tuple[str, ...] = get_args(RasterFormat)
_EVERY: tuple[Channels, ...] = ("rgb", "grey", "rgba")
HOLDS: dict[str, tuple[tuple[Channels, ...], tuple[int, ...]]] = {
    "ppm": (("rgb", "grey"), tuple(DEPTHS)),
    "png": (_EVERY, tuple(DEPTHS)),
    "tiff": (_EVERY, (8, 16)),
    "yuv444": (("rgb",), (8,)),
    "yuv444p10": (("rgb",), (8,)),
    "yuv420p10": (("rgb",), (8,)),
}
"""The channels and depths that a picture may have in each format."""
RAW = ("yuv444", "yuv444p10", "yuv420p10")
"""Those without a header, and so without a size."""
_DEEP: dict[str, Subsampling] = {"yuv444p10": "444", "yuv420p10": "420"}

_TO_YCC = np.array(
    [
        [_KR, 1 - _KR - _KB, _KB],
        [-_KR / (2 - 2 * _KB), -(1 - _KR - _KB) / (2 - 2 * _KB), 0.5],
        [0.5, -(1 - _KR - _KB) / (2 - 2 * _KR), -_KB / (2 - 2 * _KR)],
    ],
    np.float32,
)
_CHROMA_OFFSET = np.array([0, 128, 128], np.float32)


def write_raster(path: Path, image: Samples, form: str, depth: int = 8) -> None:
    """Write an image to a file.

    Parameters
    ----------
    path : the file
    image : in channels and depth that :data:`HOLDS` has of the format
    form : ``ppm`` is a PGM for grey, with the maximum 2^depth − 1; ``yuv444`` is planar, 8 bits, full range,
        BT.709 (ITU-R BT.709-6, 3.2 to 3.4); ``yuv444p10`` and ``yuv420p10`` are the planes of
        :mod:`bench_codecs._common.ycbcr` with 10 bits in two bytes, the lower one first
    depth : bits a sample; a PNG holds 9 to 15 in 16, and says so in sBIT
    """
    if depth > 8:
        path.write_bytes(_deep_file(image, form, depth))
        return
    if form == "yuv444":
        ycc = image.astype(np.float32) @ _TO_YCC.T + _CHROMA_OFFSET
        path.write_bytes(_to_bytes(ycc).transpose(2, 0, 1).tobytes())
        return
    if form in _DEEP:
        path.write_bytes(to_raw(to_planes(image, 8, 10, _DEEP[form]), 10))
        return
    import PIL.Image

    PIL.Image.fromarray(image).save(path, format=form)


def _deep_file(image: Samples, form: str, depth: int) -> bytes:
    """The file of an image of more than 8 bits, which Pillow can't write."""
    if form == "ppm":
        height, width = image.shape[:2]
        head = f"P{5 if image.ndim == 2 else 6}\n{width} {height}\n{(1 << depth) - 1}\n"
        return head.encode() + image.astype(">u2").tobytes()
    if form == "png":
        from bench_codecs.png import Png

        return Png(level=1).encode(image, depth=depth)
    import imagecodecs

    return bytes(imagecodecs.tiff_encode(image, photometric="minisblack" if image.ndim == 2 else "rgb"))


def read_raster(path: Path, form: str, size: tuple[int, int], accepted: Accepted = RGB8) -> Picture:
    """Read an image like an original: depth is never reduced silently, and conversions are recorded.

    Parameters
    ----------
    path : the file
    form : one of :data:`RAW`, or anything else for an image file, whose format is recognised by its bytes
    size : (width, height) of a picture without a header
    accepted : the forms that it may have

    Raises
    ------
    BadBitstream
        The file is truncated, damaged, not an image, or not of ``size``.
    Unsupported
        The image is valid, but of a form that is not accepted: it has more bits a sample, or transparent
        pixels.
    """
    if form == "yuv444":
        width, height = size
        samples = np.fromfile(path, np.uint8)
        if samples.size != 3 * width * height:
            raise BadBitstream(
                f"{path.name}: {samples.size} bytes are no 8-bit 4:4:4 picture of {width}x{height}"
            )
        ycc = samples.reshape(3, height, width).transpose(1, 2, 0) - _CHROMA_OFFSET
        return Picture(np.ascontiguousarray(_to_bytes(ycc @ np.linalg.inv(_TO_YCC).T)), "")
    if form in _DEEP:
        planes = from_raw(path.read_bytes(), size, 10, _DEEP[form])
        if planes is None:
            raise BadBitstream(
                f"{path.name}: {path.stat().st_size} bytes are no picture of {size[0]}x{size[1]}"
            )
        return Picture(from_planes(planes, 10, 8), "")
    try:
        return read_image(path, accepted=accepted)
    except (BadImage, UnsupportedImage) as error:
        kind = BadBitstream if isinstance(error, BadImage) else Unsupported
        # The name of the temporary folder differs from trial to trial.
        raise kind(str(error).replace(str(path), f"the decoder's {path.name}")) from error


def _to_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)

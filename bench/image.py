"""Reading image files, for adapters and scripts; what is read and refused: :mod:`bench.inputs.image`."""

from bench.inputs.image import decode_image, is_lossy, read_image, sha256_of
from bench.inputs.pixels import RGB8, Accepted, Conversions, Picture

__all__ = [
    "RGB8",
    "Accepted",
    "Conversions",
    "Picture",
    "decode_image",
    "is_lossy",
    "read_image",
    "sha256_of",
]

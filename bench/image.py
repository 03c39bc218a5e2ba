"""Reading image files, for adapters and scripts; what is read and refused: :mod:`bench.inputs.image`."""

from bench.inputs.image import Picture, decode_image, is_lossy, read_image, sha256_of

__all__ = ["Picture", "decode_image", "is_lossy", "read_image", "sha256_of"]

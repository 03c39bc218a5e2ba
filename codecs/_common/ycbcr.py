"""RGB to the planes of a video codec and back: YCbCr of BT.709 at full range, with chroma as it is or halved.

The equations are those of ITU-R BT.709-6 (3.2, 3.3) and of ITU-T H.273 for full range (8.3). Everything is
double precision, one operation after the other, and every sample is rounded once, so that all machines give
the same planes.

What the path alone costs is a cap on what a codec can reach. With two bits more than the picture has, 4:4:4
returns every picture as it was; with as many as it has, it ends at 53 dB for 8 bits, at 65 dB for 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.codec import Samples

Subsampling = Literal["420", "444"]
Plane = NDArray[np.uint16]
"""Samples of one component, (height, width)."""
_Values = NDArray[np.float64]

KR, KB = 0.2126, 0.0722
"""Weights of red and blue in luma."""
_KG = 1 - KR - KB
_CUBIC = (111 / 128, 29 / 128, -9 / 128, -3 / 128)
"""Weights of samples at distances of 1/4, 3/4, 5/4 and 7/4."""


def to_planes(image: Samples, depth: int, bits: int, subsampling: Subsampling) -> list[Plane]:
    """The planes Y, Cb and Cr of a picture, or Y alone of a grey one.

    Parameters
    ----------
    image : (height, width, 3) RGB, or (height, width) grey, from 0 to 2^depth − 1
    depth : bits a sample of ``image``
    bits : bits a sample of the planes; chroma is centred on 2^(bits − 1)
    subsampling : ``420`` halves width and height of chroma, rounded up: each sample is the mean of 2×2 before
        it is rounded, and so lies amid them
    """
    # Scaled first: white is then the highest luma exactly.
    scale = _top(bits) / _top(depth)
    if image.ndim == 2:
        return [_rounded(image * scale, bits)]
    red, green, blue = (image[..., it] * scale for it in range(3))
    luma = KR * red + _KG * green + KB * blue
    chroma = [(blue - luma) / (2 - 2 * KB), (red - luma) / (2 - 2 * KR)]
    if subsampling == "420":
        chroma = [_halved(it) for it in chroma]
    return [_rounded(luma, bits), *(_rounded(it + (1 << (bits - 1)), bits) for it in chroma)]


def from_planes(planes: Sequence[Samples], bits: int, depth: int) -> Samples:
    """The picture that planes hold; grey where there is only one.

    Chroma of half the size is interpolated by cubic convolution (Keys 1981, a = −1/2), each sample being amid
    the 2×2 that it stands for, without rounding in between.

    Parameters
    ----------
    planes : Y, Cb and Cr, or Y alone, from 0 to 2^bits − 1
    bits : bits a sample of the planes
    depth : bits a sample of the picture, which is ``uint16`` above 8
    """
    luma = planes[0].astype(np.float64)
    if len(planes) == 1:
        return _samples(luma, bits, depth)
    height, width = luma.shape
    blue_less_luma, red_less_luma = (
        _fitted(it.astype(np.float64) - (1 << (bits - 1)), height, width) * (2 - 2 * weight)
        for it, weight in zip(planes[1:], (KB, KR), strict=True)
    )
    green = luma - (KR / _KG) * red_less_luma - (KB / _KG) * blue_less_luma
    colours = (luma + red_less_luma, green, luma + blue_less_luma)
    return np.stack([_samples(it, bits, depth) for it in colours], axis=-1)


def to_raw(planes: Sequence[Samples], bits: int) -> bytes:
    """The planes one after the other, as raw video has them; above 8 bits two bytes, the lower one first."""
    return b"".join(it.astype("u1" if bits == 8 else "<u2").tobytes() for it in planes)


def from_raw(
    raw: bytes, size: tuple[int, int], bits: int, subsampling: Subsampling | None
) -> list[Samples] | None:
    """The planes that :func:`to_raw` wrote; None where they are of another size.

    Parameters
    ----------
    size : width and height of luma
    subsampling : None where there is no chroma
    """
    width, height = size
    chroma = (-(-height // 2), -(-width // 2)) if subsampling == "420" else (height, width)
    shapes = [(height, width)] if subsampling is None else [(height, width), chroma, chroma]
    ends = np.cumsum([high * wide for high, wide in shapes])
    kind = np.dtype("u1" if bits == 8 else "<u2")
    if len(raw) != ends[-1] * kind.itemsize:
        return None
    parts = np.split(np.frombuffer(raw, kind), ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _top(bits: int) -> int:
    return (1 << bits) - 1


def _rounded(values: _Values, bits: int) -> Plane:
    return np.clip(np.rint(values), 0, _top(bits)).astype(np.uint16)


def _samples(values: _Values, bits: int, depth: int) -> Samples:
    return _rounded(values * (_top(depth) / _top(bits)), depth).astype(np.uint8 if depth == 8 else np.uint16)


def _halved(values: _Values) -> _Values:
    """The means of 2×2 samples; the last row and column stand twice where their number is odd."""
    height, width = values.shape
    even = np.pad(values, ((0, height % 2), (0, width % 2)), mode="edge")
    halved: _Values = (even[::2, ::2] + even[::2, 1::2] + even[1::2, ::2] + even[1::2, 1::2]) / 4
    return halved


def _fitted(values: _Values, height: int, width: int) -> _Values:
    """Chroma at the size of luma."""
    for axis, side in enumerate((height, width)):
        if values.shape[axis] != side:
            values = np.moveaxis(_doubled(np.moveaxis(values, axis, 0)), 0, axis)
    return values[:height, :width]


def _doubled(values: _Values) -> _Values:
    """Twice as many rows, of which a former one lies between each two: a quarter from the nearest of four."""
    count = len(values)
    around = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    far_before, before, here, after, far_after = (around[it : it + count] for it in range(5))
    near, next_to, beyond, farthest = _CUBIC
    doubled = np.empty((2 * count, values.shape[1]))
    doubled[::2] = near * here + next_to * before + beyond * after + farthest * far_before
    doubled[1::2] = near * here + next_to * after + beyond * before + farthest * far_after
    return doubled

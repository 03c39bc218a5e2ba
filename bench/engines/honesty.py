"""Checks of what a codec returns: is it the picture that it promised?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.codec import Image

_FEWEST_PIXELS = 256
_VISIBLE = 3 * 16.0
"""Sum of the channels' mean squared errors below which swapped channels can't be told from noise."""


class Mismatch(Exception):
    """What a codec returned is not what it promised."""


def materialised(pixels: Any) -> Image:
    """A decoder's result as plain samples in memory: a lazy array can't move work out of the clock."""
    if type(pixels) is not np.ndarray or pixels.dtype != np.uint8:
        kind = f"an array of {pixels.dtype}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise Mismatch(f"decode returned {kind}, not a numpy array of uint8")
    return np.ascontiguousarray(pixels)


def check_pixels(original: Image, decoded: Image, *, lossless: bool) -> bool:
    """Whether the decoded picture equals the original.

    Raises
    ------
    Mismatch
        Another shape, channels in another order, or a claim to be lossless that does not hold.
    """
    if decoded.shape != original.shape:
        raise Mismatch(f"decoded shape {decoded.shape}, the original is {original.shape}")
    exact = bool(np.array_equal(decoded, original))
    if lossless and not exact:
        different = int(np.count_nonzero((decoded != original).any(axis=2)))
        total = original.shape[0] * original.shape[1]
        raise Mismatch(f"claims to be lossless, but {different} pixels of {total} differ")
    if not exact and (order := permuted_channels(original, decoded)):
        raise Mismatch(f"decoded channels are in the order {order}, not RGB")
    return exact


def permuted_channels(original: Image, decoded: Image) -> str | None:
    """The channel order (``"BGR"``) that fits far better than the one returned; None when RGB fits.

    An honest reconstruction is nearest to the original as it is; one whose channels were swapped is
    several times nearer after swapping them back. Pictures that are nearly grey look the same either way
    and are never flagged; neither are those with too few pixels to tell.
    """
    if original.shape[0] * original.shape[1] < _FEWEST_PIXELS:
        return None
    # A subsampled grid keeps this far below the cost of a metric.
    step = max(1, int(math.sqrt(original.shape[0] * original.shape[1] / 16384)))
    first = original[::step, ::step].reshape(-1, 3).astype(np.float64)
    second = decoded[::step, ::step].reshape(-1, 3).astype(np.float64)
    # errors[i, j]: mean squared difference of the original's channel i and the decoded channel j
    squares = np.square(first).sum(axis=0)[:, None] + np.square(second).sum(axis=0)[None, :]
    errors = (squares - 2 * first.T @ second) / len(first)
    orders = ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    honest = errors.trace()
    best = min(orders, key=lambda order: sum(errors[i, j] for i, j in enumerate(order)))
    # Decoded channel best[i] holds the original's channel i.
    if honest > 4 * sum(errors[i, j] for i, j in enumerate(best)) and honest > _VISIBLE:
        return "".join("RGB"[best.index(j)] for j in range(3))
    return None

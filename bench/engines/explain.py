"""One picture through one codec -> an explanation; runs inside a worker process."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np

from bench.codec import Codec, Image, encoded
from bench.engines.bit_estimate import estimate
from bench.engines.messages import Explained
from bench.errors import Unsupported
from bench.explanation import Explanation, Method


def explained(codec: Codec, image: Image, quality: float | None) -> Explained:
    """Encode, and say where the bits went: the codec itself, or else an estimate from outside.

    Parameters
    ----------
    image : uint8, (height, width, 3)
    quality : the operating point; None for a codec without one

    Raises
    ------
    Unsupported
        Neither is possible; the message has both reasons.
    ValueError
        The codec's explanation contradicts itself.
    """
    bitstream = encoded(codec, image, quality)
    reason = "the adapter does not follow the bits of this format"
    explain = getattr(codec, "explain", None)
    if explain is not None:
        try:
            return Explained(_checked(explain(image, quality, bitstream), image.shape[:2]), len(bitstream))
        except Unsupported as error:
            reason = str(error)
    try:
        return Explained(estimate(codec, image, quality, len(bitstream)), len(bitstream), reason)
    except Unsupported as error:
        raise Unsupported(f"{reason}; and no estimate: {error}") from error


def _checked(explanation: Explanation, size: tuple[int, ...]) -> Explanation:
    """An explanation that can be summed, drawn and written; ``size`` is the picture's height and width."""
    if not isinstance(explanation, Explanation) or explanation.method not in get_args(Method):
        raise ValueError("explain: returns an Explanation by one of " + ", ".join(get_args(Method)))
    if not explanation.grids:
        raise ValueError("explain: no grid says where the bits went")
    for grid in explanation.grids:
        _require(
            _numbers(grid.bits, 2) and grid.bits.size > 0, grid.name, "bits are numbers in rows and columns"
        )
        _require(bool((grid.bits >= 0).all()), grid.name, "bits are not negative")
        reach = zip(grid.origin, grid.cell, grid.bits.shape, size, strict=True)
        _require(
            all(cell > 0 and start < side and start + count * cell > 0 for start, cell, count, side in reach),
            grid.name,
            "the cells lie on the picture",
        )
    for name, bits in explanation.overhead.items():
        _require(math.isfinite(bits) and bits >= 0, str(name), "overhead is a number of bits")
    for channel in explanation.channels:
        each, energy = channel.bits, channel.energy
        sound = _numbers(each, 1) and _numbers(energy, 1) and each.shape == energy.shape
        named = len(channel.labels) in (0, len(each))
        _require(sound and named, channel.name, "a number of bits and an energy each")
    for impulse in explanation.impulses:
        shaped = _numbers(impulse.response, 3) and impulse.response.shape[2] == 3
        _require(shaped and impulse.response.size > 0, impulse.name, "a response is (height, width, 3)")
    counts = {len(it.factors) for it in explanation.traversals}
    for traversal in explanation.traversals:
        shaped = _numbers(traversal.pictures, 4) and traversal.pictures.dtype == np.uint8
        sound = shaped and traversal.pictures.shape[::3] == (len(traversal.factors), 3)
        _require(
            sound and counts == {len(traversal.factors)} != {0}, traversal.name, "a picture for each factor"
        )
    return explanation


def _numbers(values: object, dimensions: int) -> bool:
    """Whether it is an array of finite numbers of so many dimensions."""
    return (
        isinstance(values, np.ndarray)
        and values.dtype.kind in "fiu"
        and values.ndim == dimensions
        and bool(np.isfinite(values).all())
    )


def _require(sound: bool, name: str, what: str) -> None:
    if not sound:
        raise ValueError(f"explain: {name}: {what}, and these are not")

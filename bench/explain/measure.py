"""One picture through one codec -> an explanation; runs inside a worker process."""

from __future__ import annotations

import numpy as np

from bench.codec import Codec, Image
from bench.engines.messages import Message
from bench.errors import Unsupported
from bench.explain.estimate import estimate
from bench.explanation import Explainer, Explanation


class Explained(Message, frozen=True):
    """An explanation, and what it is held against."""

    explanation: Explanation
    bytes: int
    """Of the bitstream."""
    not_exact: str = ""
    """Why the codec itself does not explain this bitstream, where that is so."""


def explained(codec: Codec, image: Image, quality: float | None) -> Explained:
    """Encode, and say where the bits went: the codec itself, or else an estimate from outside.

    Raises
    ------
    Unsupported
        Neither is possible; the message has both reasons.
    ValueError
        The codec's explanation contradicts itself.
    """
    bitstream = codec.encode(image, quality)
    reason = "the adapter does not follow the bits of this format"
    if isinstance(codec, Explainer):
        try:
            return Explained(_checked(codec.explain(image, quality, bitstream)), len(bitstream))
        except Unsupported as error:
            reason = str(error)
    try:
        return Explained(estimate(codec, image, quality, len(bitstream)), len(bitstream), reason)
    except Unsupported as error:
        raise Unsupported(f"{reason}; and no estimate: {error}") from error


def _checked(explanation: Explanation) -> Explanation:
    for grid in explanation.grids:
        if grid.bits.ndim != 2 or not np.isfinite(grid.bits).all() or (grid.bits < 0).any():
            raise ValueError(f"explain: {grid.name}: bits are finite, not negative, and in rows and columns")
    for channels in explanation.channels:
        if channels.bits.shape != channels.energy.shape or channels.bits.ndim != 1:
            raise ValueError(f"explain: {channels.name}: as many energies as there are bits, in one row")
    return explanation

"""Which bitstreams are decoded again in a process of their own: a decoder is to need nothing else.

Decoder processes serve one trial after the other, since loading a codec may take seconds; so a decoder could
keep a picture that it was sent at one operating point, and be sent a mere hash of it at the others.
"""

from __future__ import annotations

import random

import numpy as np

from bench.codec import Samples
from bench.trials.codec_ref import CodecRef
from bench.trials.output_checks import identical

_FIRST, _LATER = 8, 192
"""Trials within which the first one is drawn, and the next one after that."""
_ALIKE = 1.0
"""Mean squared difference, in levels of 8 bits, up to which pictures differ by rounding alone, as on a GPU
that chooses another algorithm."""


class Rechecks:
    """Draws trials so that no codec can know which; takes all of one that was found out."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()
        self._left: dict[CodecRef, int] = {}
        """Trials to go until the next one, by codec."""

    def due(self, codec: CodecRef) -> bool:
        """Whether the trial at hand is one."""
        left = self._left.get(codec)
        if left is None:
            left = self._random.randrange(_FIRST)
        self._left[codec] = left - 1 if left else self._random.randrange(_LATER)
        return left <= 0

    def distrust(self, codec: CodecRef) -> None:
        """Take every trial of a codec from now on."""
        self._left[codec] = -1


def unlike(one: Samples, other: Samples) -> bool:
    """Whether two decoded pictures differ by more than rounding.

    Parameters
    ----------
    one, other : uint8, or uint16, of which the same share of the largest sample counts
    """
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return True
    if identical(one, other):
        return False
    scale = 1.0 if one.dtype == np.uint8 else 255 / int(one.max(initial=1))
    difference = (one.astype(np.float32) - other.astype(np.float32)) * scale
    return float(np.mean(np.square(difference))) > _ALIKE

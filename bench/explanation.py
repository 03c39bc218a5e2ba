"""The contract of a codec that can say where the bits of a bitstream went, and what its latents draw.

Optional: an adapter that can do it has one more method beside those of :class:`bench.codec.Codec`::

    def explain(self, image, quality, bitstream) -> Explanation: ...

``bitstream`` is what the adapter's own ``encode`` returned for ``image`` at ``quality``: rdbench made it,
so that an explanation is held against bytes that the adapter did not choose. An adapter that cannot
explain this bitstream raises :class:`bench.errors.Unsupported` with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image

Method = Literal["exact", "likelihood", "estimate"]
"""``exact``: every bit of the payload was followed to the symbol it codes; ``likelihood``: −log₂ p of the
model that drives the entropy coder; ``estimate``: neither, and no claim that the total is the payload's."""


@dataclass(frozen=True)
class BitGrid:
    """Bits of the symbols at each position of a grid over the image."""

    name: str
    bits: NDArray[np.float64]
    """(rows, columns), summed over channels."""
    cell: tuple[int, int]
    """Height and width of a cell in pixels. Cells may reach over the image's edges, or lie in the padding
    beyond them."""
    origin: tuple[int, int] = (0, 0)
    """Row and column of the pixel where the first cell begins; negative in the padding."""


@dataclass(frozen=True)
class Channels:
    """Bits and energy of each channel (latents), coefficient (block transforms) or plane."""

    name: str
    bits: NDArray[np.float64]
    """(channels,), summed over positions."""
    energy: NDArray[np.float64]
    """(channels,), mean square over positions, in the unit that ``unit`` names."""
    unit: str
    labels: tuple[str, ...] = ()
    """Of each channel; empty where they are numbered."""


@dataclass(frozen=True)
class Impulse:
    """What one latent draws: the decoded image with it one step larger, less the one without."""

    name: str
    channel: int
    response: NDArray[np.float32]
    """(height, width, 3), in 8-bit levels, neither rounded nor clipped."""


@dataclass(frozen=True)
class Traversal:
    """A part of the image, drawn with all latents of one channel multiplied by each factor.

    The decoder's synthesis draws it from a cut-out of the latents. At factor 1 that is the decoded image,
    save where a synthesis adds noise: it is another for the cut-out, though the same for all factors.
    """

    name: str
    channel: int
    factors: tuple[float, ...]
    pictures: NDArray[np.uint8]
    """(factors, height, width, 3)"""


@dataclass(frozen=True)
class Explanation:
    """Where the bits of one bitstream went."""

    method: Method
    grids: tuple[BitGrid, ...]
    overhead: dict[str, float] = field(default_factory=dict)
    """Bits outside the map by what they are: headers, tables, check sums, padding. What is left of the
    bitstream is the payload, which the grids account for."""
    channels: tuple[Channels, ...] = ()
    impulses: tuple[Impulse, ...] = ()
    traversals: tuple[Traversal, ...] = ()
    notes: tuple[str, ...] = ()
    """How to read it, in whole sentences."""

    @property
    def map_bits(self) -> float:
        """The total of all grids."""
        return float(sum(it.bits.sum() for it in self.grids))


@runtime_checkable
class Explainer(Protocol):
    """The additional method of a codec that explains its bitstreams."""

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """Say where the bits of ``bitstream`` went.

        Raises
        ------
        bench.errors.Unsupported
            The bitstream's format does not allow it; the message says why.
        """
        ...

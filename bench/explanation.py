"""The contract of a codec that can explain where the bits of a bitstream went, and what its latents draw.

This is optional. An adapter that supports it has one method in addition to those of
:class:`bench.codec.Codec`::

    def explain(self, image, quality, bitstream) -> Explanation: ...

``bitstream`` is what the adapter's own ``encode`` returned for ``image`` at ``quality``. rdbench makes it, so
that an explanation is checked against bytes that the adapter did not choose. An adapter that cannot explain
this bitstream raises :class:`bench.errors.Unsupported` with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image

Method = Literal["exact", "likelihood", "estimate"]
"""``exact``: every bit of the payload was traced to the symbol that it codes. ``likelihood``: −log₂ p under
the model that drives the entropy coder. ``estimate``: neither, and the total need not be that of the
payload."""


@dataclass(frozen=True)
class BitGrid:
    """The bits of the symbols at each position of a grid over the image."""

    name: str
    bits: NDArray[np.float64]
    """Of shape (rows, columns), summed over channels."""
    cell: tuple[int, int]
    """Height and width of a cell in pixels. Cells may extend over the edges of the image into its padding."""
    origin: tuple[int, int] = (0, 0)
    """Row and column of the pixel at which the first cell begins; negative in the padding."""


@dataclass(frozen=True)
class Channels:
    """Bits and energy of each channel of latents, coefficient of a block transform, or plane."""

    name: str
    bits: NDArray[np.float64]
    """Of shape (channels,), summed over positions."""
    energy: NDArray[np.float64]
    """Of shape (channels,): the mean square over positions, in ``unit``."""
    unit: str
    labels: tuple[str, ...] = ()
    """A label for each channel; empty if they are numbered."""


@dataclass(frozen=True)
class Impulse:
    """The effect of one latent: what changes in the decoded image if it is one step larger."""

    name: str
    channel: int
    response: NDArray[np.float32]
    """Of shape (height, width, 3), in 8-bit levels, neither rounded nor clipped."""


@dataclass(frozen=True)
class Traversal:
    """A part of the image, decoded with all latents of one channel multiplied by each factor.

    The decoder's synthesis draws it from a crop of the latents. At factor 1 this is the decoded image, except
    that a synthesis with noise draws other noise for the crop than for the image, the same for all factors.
    """

    name: str
    channel: int
    factors: tuple[float, ...]
    pictures: NDArray[np.uint8]
    """Of shape (factors, height, width, 3)."""


@dataclass(frozen=True)
class Explanation:
    """Where the bits of one bitstream went."""

    method: Method
    grids: tuple[BitGrid, ...]
    overhead: dict[str, float] = field(default_factory=dict)
    """Bits outside the grids by their purpose: headers, tables, checksums, padding. The remainder of the
    bitstream is the payload, which the grids account for."""
    channels: tuple[Channels, ...] = ()
    impulses: tuple[Impulse, ...] = ()
    traversals: tuple[Traversal, ...] = ()
    notes: tuple[str, ...] = ()
    """How to read the explanation, in whole sentences."""

    @property
    def map_bits(self) -> float:
        """The total bits of all grids."""
        return float(sum(it.bits.sum() for it in self.grids))


@runtime_checkable
class Explainer(Protocol):
    """The additional method of a codec that explains its bitstreams."""

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """Explain where the bits of ``bitstream`` went.

        Parameters
        ----------
        image : uint8, shape (height, width, 3): the original
        quality : the setting that it was encoded with
        bitstream : what ``encode`` returned for both

        Raises
        ------
        bench.errors.Unsupported
            The bitstream's format does not allow it; the message says why.
        """
        ...

"""The contract: what a codec is.

An adapter is a plain class, found through the entry-point group ``bench.codecs`` or given as
``path/to/file.py:Class``. It needs no base class and nothing of rdbench but this module and
:mod:`bench.errors`::

    class Mine:
        name = "mine"
        lossless = False
        qualities = (10.0, 50.0, 90.0)
        quality_range = (1.0, 100.0)

        def __init__(self, *, effort: int = 4) -> None:
            import mylib                      # heavy imports belong here
            self.version = f"1+mylib {mylib.__version__}"

        def encode(self, image, quality): ...
        def decode(self, bitstream): ...
"""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""An 8-bit picture: ``uint8``, shape (height, width, 3), channel order R, G, B, values 0 to 255."""


@runtime_checkable
class Codec(Protocol):
    """An image codec at a fixed configuration.

    Every setting other than quality is a keyword of the constructor with a default and a type of
    ``bool``, ``int``, ``float``, ``str`` or ``Literal[...]``; rdbench stores all of them as the
    trial's ``config``, so that a result can be made again.

    rdbench runs the encoder and the decoder in processes of their own, which serve this configuration alone.
    Both are to be deterministic: with ``--timing`` they run several times on the same input, and have to
    return the same each time.

    Optional, for learned codecs: the attribute ``weights_sha256`` (64 hexadecimal digits), and a method
    ``complexity()`` that returns
    ``{"parameters", "weight_bytes", "encoder_kmac_per_pixel", "decoder_kmac_per_pixel"}`` (numbers; kMAC are
    thousands of multiply–accumulates) and, where they are known, ``"training_hours"``; any of them may be
    left out.

    Optional, for codecs with options that name a program or a file: the class attribute ``trusted_options``,
    a tuple of their names. A run folder that somebody passes on cannot set them; the user can.

    Optional, for adapters that read pictures which another program wrote: the attribute ``treatment``, the
    conversions (``"opaque alpha dropped"``) of the picture that :meth:`decode` returned last. It is recorded.

    Optional, for codecs whose networks run batched: ``encode_batch(images, quality) -> list[bytes]`` for
    pictures of one size, and ``decode_batch(bitstreams) -> list[Image]``. Each bitstream is to be the one
    that :meth:`encode` writes, and decodable on its own. They are for scripts: rdbench measures one picture
    at a time, in isolation, and does not call them.
    """

    name: str
    """Registry name, for example ``"jpeg"``."""

    version: str
    """Version of the adapter and of the library behind it, e.g. ``"1+libjpeg-turbo 3.1.3"``.

    Part of every trial's key: a changed version is measured again.
    """

    lossless: bool
    """Whether decoding returns the very same pixels; checked on every trial."""

    qualities: tuple[float, ...]
    """Default operating points, higher is better quality; ``()`` when lossless."""

    quality_range: tuple[float, float] | None
    """Smallest and largest quality that :meth:`encode` accepts; ``None`` when lossless."""

    def encode(self, image: Image, quality: float | None) -> bytes:
        """Compress ``image`` to a complete bitstream.

        Parameters
        ----------
        image : uint8, shape (height, width, 3)
        quality : a value inside ``quality_range``, or ``None`` when lossless

        Returns
        -------
        bytes
            Everything that :meth:`decode` needs. Size, level and model identity travel inside it.

        Raises
        ------
        bench.errors.Unsupported
            The image or quality has no representation in this format.
        """
        ...

    def decode(self, bitstream: bytes) -> Image:
        """Reconstruct the picture from a bitstream and nothing else.

        Raises
        ------
        bench.errors.BadBitstream
            The bitstream is truncated or damaged, or belongs to another codec or model.
        """
        ...

"""The contract: what a codec is.

``encode`` and ``decode`` are all that a codec must have. It is a plain class, found through the entry-point
group ``bench.codecs`` or given as ``path/to/file.py:Class``; it needs no base class and nothing of rdbench::

    class Mine:
        def encode(self, image, quality):
            return mylib.compress(image, quality)

        def decode(self, bitstream):
            return mylib.decompress(bitstream)

Two functions of these names in a file, given as ``path/to/file.py``, do as well, and so do any two functions
through :func:`from_functions`.

:class:`Codec` lists everything that a codec may say of itself. What it leaves out has a default, and each
default has its price:

``name``
    The name of the class, or of the file. No price.
``version``
    Of a file the hash of its sources, of an installed class the version of its package: when its code changes
    and that version does not, results of before are kept as if they were of the new code.
``lossless``
    ``False``: nobody checks that every pixel comes back, and the codec is not in the lossless tables.
``qualities``
    One operating point, quality ``None``: no sweep, and so no RD curve, unless the command names operating
    points (``mine.py:Mine@10,50,90``).
``quality_range``
    ``None``: the codec itself has to refuse a quality that it can't code.
``depths``
    ``(8,)``: a picture of more bits a sample ends as ``unsupported``, or is converted if the suite says so.
``channels``
    ``("rgb",)``: grey is replicated to RGB, and a picture with transparent pixels is treated like more bits.

A codec whose ``encode`` takes the image alone has no quality at all, and one operating point.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""An 8-bit picture: ``uint8``, shape (height, width, 3), channel order R, G, B, values 0 to 255."""

Samples: TypeAlias = NDArray[Any]
"""A picture of any form that a codec may declare, see :class:`Codec`; ``uint16`` above 8 bits."""

Channels: TypeAlias = Literal["grey", "rgb", "rgba"]
DEPTHS = range(8, 17)
"""Bits a sample that a codec may declare."""


@runtime_checkable
class Codec(Protocol):
    """An image codec at a fixed configuration, with everything that it may say of itself.

    Every setting other than quality is a keyword of the constructor with a default and a type of
    ``bool``, ``int``, ``float``, ``str`` or ``Literal[...]``; rdbench stores all of them as the
    trial's ``config``, so that a result can be made again. Heavy imports belong into the constructor::

        class Mine:
            name = "mine"
            lossless = False
            qualities = (10.0, 50.0, 90.0)
            quality_range = (1.0, 100.0)

            def __init__(self, *, effort: int = 4) -> None:
                import mylib

                self.version = f"1+mylib {mylib.__version__}"

    rdbench runs the encoder and the decoder in processes of their own, which serve this configuration alone.
    Both are to be deterministic: with ``--timing`` they run several times on the same input, and have to
    return the same each time.

    Optional, for codecs that take more than 8-bit RGB: ``depths``, bits a sample from 8 to 16, and
    ``channels``, some of ``"grey"``, ``"rgb"`` and ``"rgba"``::

        depths = (8, 10, 12, 16)
        channels = ("rgb", "grey", "rgba")

    Grey is an array (height, width), alpha the fourth channel of (height, width, 4), straight and not
    premultiplied. Above 8 bits samples are ``uint16``, from 0 to 2^depth - 1; where that leaves the depth
    open, since there are others than 8 and 16, ``encode`` is told by a keyword: ``encode(image, quality,
    *, depth)``. The decoder returns the same shape and type. A picture of a form that is not
    declared never arrives.

    Optional, for learned codecs: the attribute ``weights_sha256`` (64 hexadecimal digits, or a mapping from
    quality to them where each has weights of its own, see :mod:`bench.checkpoints`), and a method
    ``complexity()`` that returns
    ``{"parameters", "weight_bytes", "encoder_kmac_per_pixel", "decoder_kmac_per_pixel"}`` (numbers; kMAC are
    thousands of multiply–accumulates, which :mod:`bench.complexity` counts) and, where they are known,
    ``"training_hours"``; any of them may be left out.

    Optional, for codecs with a model of their rate: ``estimated_bits(image, quality) -> float``, the bits
    that it estimates for what :meth:`encode` returns, as papers that run no entropy coder report them.
    rdbench asks after each trial, outside of what is timed, and shows it beside the rate of the bitstream.

    Optional, for codecs with options that name a program or a file: the class attribute ``trusted_options``,
    a tuple of their names. A run folder that somebody passes on cannot set them; the user can.

    Optional, for codecs that need more than their own files and the system's libraries: the class attribute
    ``needs``, a tuple of ``"gpu"``, ``"network"``, paths that they read and write (``"~/.cache/x"``), and
    environment variables (``"$LICENCE_SERVER"``; the usual ones of libraries they have anyway).
    Where codecs are sealed, nothing else is within their reach; what they need is recorded.

    Optional, for codecs that can use several threads: an option ``threads`` of type ``int``, 1 by default.
    ``--timing --threads 1,4`` measures them with each number, on as many processors. The environment
    (``OMP_NUM_THREADS`` and the like) has that number before the codec is imported.

    Optional, for options that came later than first results: the class attribute ``added_options``, a tuple
    of their names. At its default such an option is not recorded, so that those results still count.

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

    Part of every trial's key: a changed version is measured again. Of a codec that is a file, the hash of its
    sources is always added.
    """

    lossless: bool
    """Whether decoding returns the very same pixels; checked on every trial."""

    @property
    def qualities(self) -> tuple[float | None, ...]:
        """Default operating points, a plain attribute; higher is better quality, ``()`` when lossless."""
        ...

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


@dataclass(frozen=True)
class FunctionCodec:
    """A codec made of two functions. Calling it gives itself, so that it serves where a class is expected."""

    encode: Callable[..., bytes]
    decode: Callable[[bytes], Image]
    name: str
    version: str = ""
    lossless: bool = False
    qualities: tuple[float | None, ...] = (None,)
    quality_range: tuple[float, float] | None = None
    depths: tuple[int, ...] = (8,)
    channels: tuple[Channels, ...] = ("rgb",)
    needs: tuple[str, ...] = ()

    def __call__(self) -> FunctionCodec:
        """Return the codec."""
        return self


def from_functions(
    encode: Callable[..., bytes],
    decode: Callable[[bytes], Image],
    *,
    qualities: tuple[float, ...] = (),
    quality_range: tuple[float, float] | None = None,
    lossless: bool = False,
    name: str = "",
    version: str = "",
    depths: tuple[int, ...] = (8,),
    channels: tuple[Channels, ...] = ("rgb",),
    needs: tuple[str, ...] = (),
) -> FunctionCodec:
    """A codec of two functions, for ``file.py:NAME``, an entry point or :func:`bench.testing.check_codec`.

    ``Mine = from_functions(encode, decode, qualities=(10, 50, 90))``

    Parameters
    ----------
    encode : takes an image and a quality, or the image alone, and returns the bitstream
    decode : takes the bitstream and returns the image
    qualities : the default operating points of a lossy codec; without any it has one, quality ``None``
    quality_range, lossless, version, depths, channels, needs : as for :class:`Codec`
    name : by default that of the module that ``encode`` is from
    """
    return FunctionCodec(
        encode,
        decode,
        name or encode.__module__.rpartition(".")[2],
        version,
        lossless,
        qualities or (() if lossless else (None,)),
        quality_range,
        depths,
        channels,
        needs,
    )


def completed(made: Any, name: str = "") -> Codec:
    """A codec with a default for everything that it leaves out; the object itself where that is nothing.

    Parameters
    ----------
    made : an object, or a module, with ``encode`` and ``decode``
    name : what it is called where it has no name; by default its class

    Raises
    ------
    TypeError
        It has no ``encode`` or no ``decode``.
    """
    absent = [it for it in ("encode", "decode") if not callable(getattr(made, it, None))]
    kind = name or getattr(made, "__name__", type(made).__name__)
    if absent:
        raise TypeError(f"{kind} has no {' and no '.join(absent)}: a codec has both")
    if isinstance(made, Codec) and _takes_quality(made.encode):
        return made
    return _Completed(made, kind)


def needs_of(maker: Any) -> tuple[str, ...]:
    """What a codec declares to need of the machine; see :class:`Codec`.

    Parameters
    ----------
    maker : its class, or what else makes it

    Raises
    ------
    TypeError
        It is no tuple of strings.
    """
    needs = getattr(maker, "needs", ())
    if not isinstance(needs, tuple | list) or not all(isinstance(it, str) for it in needs):
        raise TypeError(f"needs is a tuple of strings, not {needs!r}")
    return tuple(needs)


def takes_quality(codec: Codec) -> bool:
    """Whether a codec that :func:`completed` gave hands the quality on to its ``encode``."""
    return not isinstance(codec, _Completed) or codec.hands_quality_on


def encoder(codec: Codec) -> Callable[[Samples, float | None, int], bytes]:
    """A codec's ``encode``, called with image, quality and depth, of which it is told what it wants to know.

    Parameters
    ----------
    codec : as :func:`completed` gave it
    """
    encode: Callable[..., bytes] = codec.encode
    if takes_depth(codec):
        return lambda image, quality, depth: encode(image, quality, depth=depth)
    return lambda image, quality, depth: encode(image, quality)


def encoded(codec: Codec, image: Samples, quality: float | None, depth: int = 8) -> bytes:
    """What a codec's ``encode`` returns, told the depth if it wants to know.

    Parameters
    ----------
    codec : as :func:`completed` gave it
    image : in a form that the codec declares
    depth : bits a sample of ``image``
    """
    return encoder(codec)(image, quality, depth)


def takes_depth(codec: Any) -> bool:
    """Whether the ``encode`` of a codec has the keyword ``depth``."""
    made = codec._made if isinstance(codec, _Completed) else codec
    try:
        return "depth" in inspect.signature(made.encode).parameters
    except (TypeError, ValueError):  # a function of a library that does not say
        return False


class _Completed:
    """A codec that says less of itself than it may; everything else of it is reached as before."""

    def __init__(self, made: Any, name: str) -> None:
        self._made = made
        self.hands_quality_on = _takes_quality(made.encode)
        self.name: str = getattr(made, "name", name)
        self.version: str = getattr(made, "version", "")
        self.lossless: bool = getattr(made, "lossless", False)
        unnamed: tuple[float | None, ...] = () if self.lossless else (None,)
        self.qualities: tuple[float | None, ...] = getattr(made, "qualities", unnamed)
        self.quality_range: tuple[float, float] | None = getattr(made, "quality_range", None)
        self.decode: Callable[[bytes], Image] = made.decode

    def encode(self, image: Image, quality: float | None, **depth: int) -> bytes:
        encode: Callable[..., bytes] = self._made.encode
        return encode(image, quality, **depth) if self.hands_quality_on else encode(image, **depth)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._made, attribute)


def _takes_quality(encode: Callable[..., bytes]) -> bool:
    try:
        parameters = inspect.signature(encode).parameters.values()
    except (TypeError, ValueError):  # a function of a library that does not say
        return True
    places = [
        it
        for it in parameters
        if it.kind in (it.POSITIONAL_ONLY, it.POSITIONAL_OR_KEYWORD) and it.name != "depth"
    ]
    return len(places) > 1 or any(it.kind is it.VAR_POSITIONAL for it in parameters)

"""A picture as its file stores it, and the form in which a codec is given it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import msgspec
import numpy as np

from bench.codec import DEPTHS, Channels, Samples
from bench.errors import UnsupportedImage

Depth: TypeAlias = Annotated[int, msgspec.Meta(ge=DEPTHS[0], le=DEPTHS[-1])]
Background = Literal["over white", "over black"]

REPLICATED = "grey replicated to RGB"
_CHANNELS: dict[int, Channels] = {3: "rgb", 4: "rgba"}
_ALPHA_REMEDY = "flatten it onto a background first, or set `convert: {alpha: over white}` in a suite"


class Conversions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a suite lets be converted for a codec that can't take a picture as it is."""

    alpha: Background | None = None
    """What transparent pixels are laid over."""
    depth: Depth | None = None
    """Bits a sample of what the codec gets instead."""


class Accepted(msgspec.Struct, frozen=True, omit_defaults=True):
    """The pictures that a codec takes, by its own declaration."""

    depths: tuple[Depth, ...] = (8,)
    channels: tuple[Channels, ...] = ("rgb",)
    convert: Conversions = Conversions()

    def shared_with(self, decoder: Accepted) -> Accepted:
        """What a codec takes with the decoder of another one: what both do."""
        depths = tuple(it for it in self.depths if it in decoder.depths)
        channels = tuple(it for it in self.channels if it in decoder.channels)
        return Accepted(depths or (8,), channels or ("rgb",), self.convert)


RGB8 = Accepted()
"""What a codec takes that declares nothing."""
ON_SCREEN = Accepted(convert=Conversions(alpha="over white", depth=8))
"""Any picture as it is shown: 8-bit RGB, alpha over white."""


@dataclass(frozen=True)
class StoredForm:
    """What the header of an image file says of its samples."""

    grey: bool = False
    alpha: bool = False
    """Whether there may be transparent pixels."""
    depth: int = 8


@dataclass(frozen=True)
class StoredPicture:
    """A decoded image file before anything is converted for a codec."""

    samples: Samples
    """uint8 at 8 bits, else uint16; shape (height, width, channels): 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    Alpha is straight, and somewhere less than opaque."""
    depth: int
    notes: tuple[str, ...]
    """The conversions so far, and what the file holds that is ignored."""


@dataclass(frozen=True)
class Picture:
    """A picture as a codec is given it."""

    pixels: Samples
    """C-contiguous: (height, width, 3), or (height, width) grey, or (height, width, 4) with straight alpha;
    uint8 at 8 bits, else uint16 with values up to 2^depth - 1."""
    treatment: str
    """The conversions that were applied and what was ignored, joined by ``"; "``; empty for 8-bit RGB as
    stored."""
    depth: int = 8


def channels_of(shape: tuple[int, ...]) -> Channels:
    """What the channels of an array of pixels are, by its shape."""
    return "grey" if len(shape) == 2 else _CHANNELS[shape[2]]


def fitted(stored: StoredPicture, accepted: Accepted = RGB8) -> Picture:
    """A picture in a form that is accepted; the samples themselves where that is the stored one.

    Grey is replicated for a codec that takes only RGB, and grey with alpha becomes RGBA: nothing is lost.
    Alpha and depth are converted only if the suite says so.

    Raises
    ------
    UnsupportedImage
        The codec takes no such picture, and the suite has no conversion for it.
    """
    samples, depth, notes = stored.samples, stored.depth, list(stored.notes)
    if samples.shape[2] in (2, 4) and "rgba" not in accepted.channels:
        if accepted.convert.alpha is None:
            raise UnsupportedImage(f"has transparent pixels; {_ALPHA_REMEDY}")
        samples = _flattened(samples, depth, accepted.convert.alpha)
        notes.append(f"alpha flattened {accepted.convert.alpha}")
    if depth not in accepted.depths:
        target = accepted.convert.depth
        if target not in accepted.depths:
            taken = ", ".join(map(str, accepted.depths))
            raise UnsupportedImage(
                f"{depth} bits a sample, where {taken} can be taken; convert it first, or set"
                f" `convert: {{depth: {max(accepted.depths)}}}` in a suite"
            )
        samples = rescaled(samples, depth, target)
        notes.append(f"{depth}-bit samples scaled to {target}")
        depth = target
    pixels = samples[..., 0] if samples.shape[2] == 1 else samples
    if samples.shape[2] < 3 and not (samples.shape[2] == 1 and "grey" in accepted.channels):
        pixels = coloured(samples)
        notes.append(REPLICATED)
    if channels_of(pixels.shape) not in accepted.channels:
        raise UnsupportedImage(f"in colour, where {' and '.join(accepted.channels)} can be taken")
    return Picture(np.ascontiguousarray(pixels), "; ".join(notes), depth)


def displayed(pixels: Samples, depth: int) -> Samples:
    """Pixels of any form as 8-bit RGB, (height, width, 3), to be looked at; alpha lies over white."""
    return fitted(StoredPicture(np.atleast_3d(pixels), depth, ()), ON_SCREEN).pixels


def display_note(channels: str, depth: int) -> str:
    """What :func:`displayed` changes; empty where that is nothing that anybody could miss."""
    said = [f"Samples of {depth} bits are shown at 8."] if depth > 8 else []
    return " ".join([*said, *(["Transparent pixels are shown over white."] if channels == "rgba" else [])])


def coloured(grey: Samples) -> Samples:
    """Grey as RGB, or grey and alpha as RGBA: (height, width, 1 or 2) becomes (height, width, 3 or 4)."""
    return np.dstack([grey[..., :1]] * 3 + [grey[..., 1:]])


def key_suffix(accepted: Accepted, form: StoredForm) -> str:
    """What the key of a trial says of the form of its picture; empty where every version gave the same.

    Pictures that used to be refused need none: a failure is measured again. Grey ones used to be replicated.
    """
    convert = accepted.convert
    said = "|grey" if form.grey and "grey" in accepted.channels else ""
    if form.alpha and convert.alpha is not None and "rgba" not in accepted.channels:
        said += f"|alpha {convert.alpha}"
    if form.depth not in accepted.depths and convert.depth is not None:
        said += f"|depth {convert.depth}"
    return said


def rescaled(samples: Samples, depth: int, target: int) -> Samples:
    """Samples of ``depth`` bits at ``target`` bits: the nearest level of value ÷ (2^depth − 1)."""
    most, wanted = (1 << depth) - 1, (1 << target) - 1
    scaled = (samples.astype(np.uint64) * (2 * wanted) + most) // (2 * most)
    return scaled.astype(np.uint8 if target == 8 else np.uint16)


def _flattened(samples: Samples, depth: int, background: Background) -> Samples:
    """Colour × alpha + background × (1 − alpha), to the nearest level, in the space of the samples."""
    most = (1 << depth) - 1
    level = most if background == "over white" else 0
    colour, alpha = samples[..., :-1].astype(np.uint64), samples[..., -1:].astype(np.uint64)
    mixed = (2 * (colour * alpha + level * (most - alpha)) + most) // (2 * most)
    return mixed.astype(samples.dtype)

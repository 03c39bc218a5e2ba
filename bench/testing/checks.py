"""The conformance kit, which tests that a codec keeps the contract of :mod:`bench.codec`.

For anyone's codec, from anyone's test suite. Each check shows as a test of its own with ::

    import functools
    import pytest
    from bench.testing import CHECKS, run_check
    from mypackage import Mine

    @pytest.mark.parametrize("check", CHECKS)
    def test_conformance(check):
        run_check(functools.partial(Mine, effort=3), check)

and ``check_codec(Mine)`` runs them all. What is passed is a factory, a class or a
``functools.partial`` of one that other processes can import, because a decoder has to work in an
instance, and in a process, that never saw the original. A failure is a :class:`ConformanceError`
that names the codec, the check and the picture.
"""

from __future__ import annotations

import hashlib
import inspect
import itertools
import math
import re
import typing
from collections.abc import Callable, Iterator

import numpy as np

from bench.codec import (
    DEPTHS,
    Channels,
    Codec,
    FunctionCodec,
    Image,
    Samples,
    completed,
    encoded,
    takes_depth,
    takes_quality,
)
from bench.errors import Unsupported
from bench.testing import damage

Factory: typing.TypeAlias = Callable[[], typing.Any]
"""Makes a codec: an object with ``encode`` and ``decode``."""


class ConformanceError(AssertionError):
    """A codec that does not keep the contract."""


def check_codec(factory: Factory, *, skip: tuple[str, ...] = ()) -> None:
    """Run every check of ``CHECKS`` on the codec that ``factory`` makes, but those in ``skip``.

    Raises
    ------
    ConformanceError
        The first check that fails.
    """
    unknown = set(skip) - set(CHECKS)
    if unknown:
        raise ValueError(f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
    for check in CHECKS:
        if check not in skip:
            run_check(factory, check)


def run_check(factory: Factory, check: str) -> None:
    """Run one check of ``CHECKS``.

    Raises
    ------
    ConformanceError
        The codec fails it.
    TypeError
        ``factory`` is not a factory.
    """
    if check not in _CHECKS:
        raise ValueError(f"no such check: {check}; there are {', '.join(CHECKS)}")
    if not callable(factory):
        raise TypeError(f"pass a class or a factory, not an instance: {factory!r}")
    _CHECKS[check](_Subject(factory, check))


def pictures() -> dict[str, Image]:
    """The pictures of the kit by name: small, generated, the same each time."""
    noise = np.random.default_rng(20240501)
    photo = _photo(96, 64)
    grey = np.repeat(photo[:40, :48, :1], 3, axis=2)
    return {
        "photo 96x64": photo,
        "odd photo 37x51": np.ascontiguousarray(photo[:51, 5:42]),
        "pixel 1x1": np.array([[[200, 30, 90]]], np.uint8),
        "row 17x1": np.ascontiguousarray(photo[20:21, 10:27]),
        "column 1x17": np.ascontiguousarray(photo[10:27, 20:21]),
        "grey 48x40": grey,
        "constant 33x20": np.full((20, 33, 3), (12, 200, 77), np.uint8),
        "black 16x16": np.zeros((16, 16, 3), np.uint8),
        "noise 45x29": noise.integers(0, 256, (29, 45, 3), dtype=np.uint8),
    }


def _photo(width: int, height: int) -> Image:
    """Smooth shading, edges and a little grain: what photographs are to a codec."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    picture = np.stack(
        [
            120 + 80 * np.sin(x / 17) + 30 * np.cos(y / 9),
            110 + 70 * np.sin((x + y) / 23) + 0.4 * y,
            90 + 60 * np.cos(x / 31 - y / 13),
        ],
        axis=-1,
    )
    picture[(x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2] += (60, -40, 20)
    picture += np.random.default_rng(7).normal(0, 3, picture.shape)
    photo: Image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return photo


class _Subject:
    """The codec under a check, and how to complain about it."""

    def __init__(self, factory: Factory, check: str) -> None:
        self.factory = factory
        self.codec = self.fresh()
        self._check = check

    def fresh(self) -> Codec:
        """A new instance, with the defaults of what it leaves out."""
        return completed(self.factory())

    def fail(self, what: str, picture: str = "") -> typing.NoReturn:
        where = f", picture {picture!r}" if picture else ""
        raise ConformanceError(f"codec {self.codec.name!r}, check {self._check!r}{where}: {what}")

    def expect(self, condition: bool, what: str, picture: str = "") -> None:
        if not condition:
            self.fail(what, picture)

    def quality(self, best: bool = True) -> float | None:
        """The best or the worst operating point of the default sweep; None when lossless."""
        if self.codec.lossless:
            return None
        if not self.codec.qualities:
            self.fail("lossy, and without default qualities")
        points = [it for it in self.codec.qualities if it is not None]
        return None if not points else max(points) if best else min(points)

    def encode(self, name: str, image: Samples, quality: float | None, depth: int = 8) -> bytes | None:
        """The bitstream, or None where the codec calls this picture unsupported."""
        try:
            bitstream = encoded(self.codec, image.copy(), quality, depth)
        except Unsupported as refusal:
            self.expect(not name.startswith("photo"), f"an ordinary picture is refused: {refusal}", name)
            return None
        except Exception as error:
            raise ConformanceError(self._describe("encode", error, name)) from error
        self.expect(
            isinstance(bitstream, bytes), f"encode returned {type(bitstream).__name__}, not bytes", name
        )
        self.expect(len(bitstream) > 0, "encode returned an empty bitstream", name)
        return bitstream

    def decode(
        self, name: str, bitstream: bytes, codec: Codec | None = None, dtype: type = np.uint8
    ) -> Samples:
        """What a fresh instance decodes: a bitstream is all that it gets."""
        try:
            decoded: typing.Any = (codec or self.fresh()).decode(bitstream)
        except Exception as error:
            raise ConformanceError(self._describe("decode", error, name)) from error
        kind = getattr(decoded, "dtype", type(decoded).__name__)
        self.expect(
            isinstance(decoded, np.ndarray) and decoded.dtype == dtype, f"decode returned {kind}", name
        )
        return np.ascontiguousarray(decoded)

    def round_trip(self, name: str, image: Image, best: bool = True) -> Image | None:
        bitstream = self.encode(name, image, self.quality(best))
        if bitstream is None:
            return None
        decoded = self.decode(name, bitstream)
        self.expect(decoded.shape == image.shape, f"decoded to {decoded.shape}, not {image.shape}", name)
        return decoded

    def _describe(self, phase: str, error: Exception, name: str) -> str:
        return (
            f"codec {self.codec.name!r}, check {self._check!r}, picture {name!r}: "
            f"{phase} raised {type(error).__name__}: {error}"
        )


def _attributes(subject: _Subject) -> None:
    """Name, version, qualities and constructor keywords are what the contract says."""
    codec, expect = subject.codec, subject.expect
    expect(
        bool(re.fullmatch(r"[A-Za-z0-9][\w.-]*", str(codec.name))), f"name {codec.name!r} is no plain word"
    )
    expect(isinstance(codec.version, str), f"version {codec.version!r} is no text")
    expect(subject.fresh().version == codec.version, "two instances have different versions")
    expect(isinstance(codec.lossless, bool), f"lossless {codec.lossless!r} is no bool")
    expect(isinstance(codec.qualities, tuple), f"qualities {codec.qualities!r} are no tuple")
    if codec.lossless:
        expect(codec.qualities == () and codec.quality_range is None, "lossless, and yet it has qualities")
    elif codec.qualities != (None,):
        points = [math.nan if it is None else it for it in codec.qualities]
        expect(len(points) > 0, "lossy, and without default qualities")
        expect(takes_quality(codec), "it has qualities, and encode takes the image alone")
        expect(all(map(math.isfinite, points)), f"qualities {codec.qualities} are not finite")
        expect(sorted(set(points)) == points, f"qualities {codec.qualities} do not rise")
        low, high = codec.quality_range or (-math.inf, math.inf)
        expect(low <= points[0] and points[-1] <= high, "qualities outside quality_range")
    for option, problem in _bad_options(type(subject.factory())):
        subject.fail(f"constructor option {option} {problem}")


def _bad_options(kind: type) -> Iterator[tuple[str, str]]:
    constructor = kind.__dict__.get("__init__")
    if constructor is None or kind is FunctionCodec:
        return
    hints = typing.get_type_hints(constructor)
    for option in list(inspect.signature(constructor).parameters.values())[1:]:
        hint = hints.get(option.name)
        if option.kind is not inspect.Parameter.KEYWORD_ONLY:
            yield option.name, "is not keyword-only"
        elif option.default is inspect.Parameter.empty:
            yield option.name, "has no default"
        elif hint not in (bool, int, float, str) and typing.get_origin(hint) is not typing.Literal:
            yield option.name, f"has type {hint}, none of bool, int, float, str and Literal"


def _shapes(subject: _Subject) -> None:
    """Every picture comes back in its shape, from a fresh instance, at the best and worst quality."""
    for name, image in pictures().items():
        subject.round_trip(name, image)
        if not subject.codec.lossless:
            subject.round_trip(name, image, best=False)


def _fidelity(subject: _Subject) -> None:
    """Lossless means every pixel; lossy means a likeness that grows with quality."""
    for name, image in pictures().items():
        decoded = subject.round_trip(name, image)
        if decoded is not None and subject.codec.lossless:
            wrong = int((decoded != image).any(axis=2).sum())
            subject.expect(wrong == 0, f"called lossless, and {wrong} pixels differ", name)
    if subject.codec.lossless:
        return
    name, image = next(iter(pictures().items()))
    best, worst = (subject.round_trip(name, image, best) for best in (True, False))
    if best is None or worst is None:
        subject.fail("an ordinary picture is refused", name)
    error, worst_error = _mse(image, best), _mse(image, worst)
    subject.expect(error < 2000, f"no likeness at its best quality: mean squared error {error:.0f}", name)
    subject.expect(
        error <= worst_error,
        f"mean squared error {error:.2f} at quality {subject.quality()} and only "
        f"{worst_error:.2f} at {subject.quality(best=False)}: higher must be better",
        name,
    )
    _ends_of_the_range(subject)


def _ends_of_the_range(subject: _Subject) -> None:
    """What coding takes beyond black or white is brought back, and does not come out at the other end."""
    noise = np.random.default_rng(3).normal(0, 12, (40, 48, 3))
    for name, level in (("nearly white 48x40", 255), ("nearly black 48x40", 0)):
        image = np.clip(np.rint(level + noise), 0, 255).astype(np.uint8)
        for best in (True, False):
            decoded = subject.round_trip(name, image, best)
            if decoded is not None:
                far = int((np.abs(decoded.astype(int) - image) > 128).sum())
                subject.expect(far == 0, f"{far} samples come out at the other end of the range", name)


def _forms(subject: _Subject) -> None:
    """Every depth and every kind of channels that it declares comes back, and true to the original."""
    depths, channels = (getattr(subject.codec, *it) for it in (("depths", (8,)), ("channels", ("rgb",))))
    subject.expect(len(depths) > 0 and {*depths} <= {*DEPTHS}, f"depths {depths} are not of 8 to 16")
    known = {*typing.get_args(Channels)}
    subject.expect(len(channels) > 0 and {*channels} <= known, f"channels {channels}, of {sorted(known)}")
    told = {*depths} <= {8, 16} or takes_depth(subject.codec)
    subject.expect(told, f"with depths {depths}, encode needs the keyword depth")
    for depth, kind in itertools.product(depths, channels):
        if (depth, kind) == (8, "rgb"):
            continue
        name, image = f"photo 96x64 {kind} {depth} bits", _photo_of(kind, depth)
        bitstream = subject.encode(name, image, subject.quality(), depth)
        if bitstream is None:
            continue
        decoded = subject.decode(name, bitstream, dtype=image.dtype.type)
        subject.expect(decoded.shape == image.shape, f"decoded to {decoded.shape}, not {image.shape}", name)
        top = int(decoded.max())
        subject.expect(top < 1 << depth, f"decoded a sample of {top}, which has more than {depth} bits", name)
        if subject.codec.lossless:
            subject.expect(np.array_equal(decoded, image), "called lossless, and samples differ", name)
        error = _mse(image, decoded) / 4 ** (depth - 8)
        subject.expect(error < 2000, f"no likeness: mean squared error {error:.0f} in levels of 8 bits", name)


def _photo_of(kind: Channels, depth: int) -> Samples:
    """The photograph of the kit in another form; its alpha falls from opaque to a half."""
    photo = _photo(96, 64).astype(np.uint64)
    if kind == "grey":
        photo = photo[..., 1]
    if kind == "rgba":
        alpha = np.broadcast_to(np.linspace(255, 128, 96).round().astype(np.uint64)[:, None], (64, 96, 1))
        photo = np.concatenate([photo, alpha], axis=2)
    # the lower bits are a pattern, so that a codec that drops them is found out
    fine = (photo << (depth - 8)) | (photo * 5 & ((1 << (depth - 8)) - 1))
    return fine.astype(np.uint8 if depth == 8 else np.uint16)


def _mse(one: Samples, other: Samples) -> float:
    return float(np.mean((one.astype(np.float64) - other) ** 2))


def _channels(subject: _Subject) -> None:
    """Red, green and blue stay red, green and blue, and each stays in its place."""
    image = np.full((64, 96, 3), 40, np.uint8)
    for channel in range(3):
        image[:, 32 * channel : 32 * (channel + 1), channel] = 200
    image[:16] = image[:16] // 4
    name = "photo of red, green and blue bars 96x64"
    decoded = subject.round_trip(name, image)
    if decoded is None:
        return
    for channel, color in enumerate(("red", "green", "blue")):
        bar = decoded[24:, 32 * channel + 8 : 32 * channel + 24].reshape(-1, 3).mean(axis=0)
        found = ("red", "green", "blue")[int(bar.argmax())]
        subject.expect(found == color, f"the {color} bar decodes to {found}: channel order?", name)
    upright = decoded[:12].mean() < decoded[-12:].mean()
    subject.expect(bool(upright), "the dark edge has left the top: flipped or rotated?", name)


def _determinism(subject: _Subject) -> None:
    """The same picture gives the same bitstream, and the same bitstream the same pixels."""
    for name, image in list(pictures().items())[:2]:
        first = subject.encode(name, image, subject.quality())
        subject.encode("another picture", image[::-1], subject.quality())
        again = subject.encode(name, image, subject.quality())
        if first is None or again is None:
            continue
        subject.expect(first == again, "a second encode gives another bitstream", name)
        fresh = encoded(subject.fresh(), image, subject.quality())
        subject.expect(first == fresh, "a fresh instance gives another bitstream", name)
        decoded = subject.decode(name, first)
        reused = subject.fresh()
        for _ in range(2):
            same = np.array_equal(decoded, subject.decode(name, first, reused))
            subject.expect(same, "decoding again gives other pixels", name)


def _input(subject: _Subject) -> None:
    """The picture that is handed in stays as it is, and may be read-only."""
    name, image = next(iter(pictures().items()))
    given = image.copy()
    given.flags.writeable = False
    try:
        first = encoded(subject.codec, given, subject.quality())
    except Exception as error:
        subject.fail(f"a read-only picture: encode raised {type(error).__name__}: {error}", name)
    given = image.copy()
    bitstream = encoded(subject.codec, given, subject.quality())
    subject.expect(bitstream == first, "a read-only picture gives another bitstream", name)
    subject.expect(np.array_equal(given, image), "encode changed the picture that it was given", name)


def _quality_range(subject: _Subject) -> None:
    """A quality outside ``quality_range`` is refused, never clipped in silence."""
    if subject.codec.quality_range is None:
        return
    name, image = next(iter(pictures().items()))
    low, high = subject.codec.quality_range
    for quality in (low - 1, high + 1, math.nan):
        if math.isinf(quality):
            continue
        try:
            encoded(subject.codec, image, quality)
        except (ValueError, Unsupported):
            continue
        except Exception as error:
            subject.fail(f"quality {quality} raised {type(error).__name__}, not ValueError: {error}", name)
        subject.fail(f"quality {quality} is accepted, outside {low} to {high}", name)


def _damage_check(subject: _Subject) -> None:
    """In another process, sound bitstreams decode alike and damaged ones raise or decode.

    A crash, a hang or a ``MemoryError`` there is a finding.
    """
    cases: list[tuple[str, bytes]] = []
    expected: dict[str, str] = {}
    for name, image in pictures().items():
        bitstream = subject.encode(name, image, subject.quality())
        if bitstream is None:
            continue
        label = f"{name}, intact"
        expected[label] = hashlib.sha256(subject.decode(name, bitstream).tobytes()).hexdigest()
        cases.append((label, bitstream))
        if name.startswith(("odd", "noise", "constant")):
            cases += [(f"{name}, {how}", damaged) for how, damaged in damage.variants(bitstream)]
    cases.sort(key=lambda case: case[0] not in expected)
    outcome = damage.decode_elsewhere(subject.factory, cases)
    for label, digest in expected.items():
        found = outcome.digests.get(label, outcome.finding or "no result")
        subject.expect(found == digest, f"decodes differently in another process ({found})", label)
    subject.expect(outcome.finding is None, str(outcome.finding), outcome.last_case)


_CHECKS: dict[str, Callable[[_Subject], None]] = {
    "attributes": _attributes,
    "shapes": _shapes,
    "fidelity": _fidelity,
    "channels": _channels,
    "forms": _forms,
    "determinism": _determinism,
    "input": _input,
    "quality_range": _quality_range,
    "damage": _damage_check,
}

CHECKS: tuple[str, ...] = tuple(_CHECKS)
"""Names of the checks, in the order in which they run."""

__all__ = ["CHECKS", "ConformanceError", "check_codec", "pictures", "run_check"]

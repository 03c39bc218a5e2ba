"""Checks that what a codec returns is an image, and the one that it promised."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.codec import Samples

_FEWEST_PIXELS = 256
_BEGIN = 4096
"""Bytes in which pictures that are not the same most often differ."""
_GRID = 16384
"""Pixels, or up to four times as many, by which the order of channels is told."""
_VISIBLE = 3 * 16.0
"""Sum of the channels' mean squared errors below which swapped channels can't be told from noise."""


class Mismatch(Exception):
    """What a codec returned is not what it promised."""


class Repetitions:
    """What a codec returned, and took, each time that it was run on the same input."""

    def __init__(self, what: str, bytes_of: Callable[[Any], memoryview]) -> None:
        """``bytes_of`` gives the bytes of a result, or raises :class:`Mismatch`."""
        self._what = what
        self._bytes_of = bytes_of
        self._first: bytes | None = None
        self.calls: list[float] = []
        """Seconds of each."""

    def take(self, result: Any, seconds: float) -> None:
        """See a result, outside the clock.

        Parameters
        ----------
        seconds : that it took

        Raises
        ------
        Mismatch
            It is another one than the first: what was timed is not what is measured.
        """
        self.calls.append(seconds)
        found = bytes(self._bytes_of(result))  # a codec may use its memory again
        if self._first is None:
            self._first = found
        elif self._first != found:
            raise Mismatch(
                f"{self._what} returned something else when it was repeated: times are of the same work"
            )


_AROUND = 0.005
"""Seconds of work around the calls that any request may take: sending, checking."""
_HANDLING = 2e-9
"""And seconds for each byte of a result and each call, for copying and comparing it."""
_SHARE = 0.1
"""And of the whole, for the collection of garbage and the like."""
_STALL = 0.5
"""Seconds, and share of the whole, in which the process may have had no processor."""
_REUSE = 2.0
"""How much more than the fastest repetition a call takes at most, where both work and all is loaded."""
_PROGRAMS = 0.05
"""Seconds around the calls in which programs are watched: a shell, and copies of their files."""


def clock_problem(claimed: float, cpu: float | None, wall: float, handled: int) -> str | None:
    """Why the times that a worker tells cannot be: its process worked for longer than they sum up to.

    The worker shares its process with the adapter, which can reach the clock; this compares what it tells
    with what the parent saw of the same request. An honest worker also copies and compares: allowed are 5 ms,
    2 ns for each byte handled and a tenth of all. Work that was left to other processes shows in the wall
    time alone, where half a second and half of all may have gone by without a processor.

    Parameters
    ----------
    claimed : seconds inside the codec, all calls together
    cpu, wall : seconds of processor time of the process, and of the request, seen by the parent
    handled : bytes of the picture and of the results, all calls together
    """
    around = _AROUND + _HANDLING * handled
    for seen, allowed in ((cpu, _SHARE), (wall - _STALL, _STALL)):
        if seen is not None and seen - claimed > around + allowed * seen:
            return (
                f"the codec's times don't add up: {claimed:.3f} s are told, and the process took {wall:.3f} s"
            )
    return None


def may_be_kept(warmup: tuple[float, ...], programs: float, seconds: tuple[float, ...]) -> bool:
    """Whether the times of repetitions could be those of something else than the work.

    That is so where what came before them took longer: it may have loaded or compiled something, or what it
    computed is kept for them, or time that was theirs is counted there.

    Parameters
    ----------
    warmup : seconds of the calls before
    programs : seconds of the calls after, in which programs were watched; 0 for none
    seconds : of the repetitions
    """
    before = sum(warmup) > allowed_time(len(warmup), seconds)
    return before or programs > _PROGRAMS + allowed_time(1 + len(seconds), seconds)


def allowed_time(calls: int, seconds: tuple[float, ...]) -> float:
    """Seconds that so many calls may take of a codec with such repetitions, which has all that it needs."""
    return _AROUND + _REUSE * calls * min(seconds)


def reuse_problem(
    others: Sequence[float], calls: int, programs: bool, seconds: tuple[float, ...]
) -> str | None:
    """Why repetitions are no measure of the work: on pictures that are new to the codec it takes longer.

    Such a picture is the same one, moved: as much work, and no result to fall back on. Twice as much is taken
    for proof, where each of several has taken it.

    Parameters
    ----------
    others : seconds that all calls on each new picture took
    calls : how many these were
    programs : whether programs were watched besides
    seconds : of the repetitions on the picture at hand
    """
    count = calls + (1 + len(seconds) if programs else 0)
    if min(others) <= allowed_time(count, seconds) + (_PROGRAMS if programs else 0.0):
        return None
    return (
        f"repeating takes {1000 * min(seconds):.3g} ms, and {1000 * min(others) / count:.3g} ms on other"
        " pictures: results are kept between calls, and times are of the work"
    )


def materialised(pixels: Any, *, deep: bool = False) -> Samples:
    """A decoder's result as plain samples in memory: a lazy array can't move work out of the clock.

    Parameters
    ----------
    deep : whether the codec declares more than 8 bits, so that it may be uint16 too

    Raises
    ------
    Mismatch
        It is no numpy array of uint8.
    """
    types = (np.uint8, np.uint16) if deep else (np.uint8,)
    if type(pixels) is not np.ndarray or pixels.dtype not in types:
        kind = f"an array of {pixels.dtype}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise Mismatch(
            f"decode returned {kind}, not a numpy array of {' or '.join(it.__name__ for it in types)}"
        )
    return np.ascontiguousarray(pixels)


def identical(one: Samples, other: Samples) -> bool:
    """Whether two pictures have one shape, one type and the same samples.

    Most that differ do so at once; the rest is compared eight bytes at a time.
    """
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return False
    halves = [np.ascontiguousarray(it).reshape(-1).view(np.uint8) for it in (one, other)]
    whole = len(halves[0]) & -8
    begun, words, left = zip(
        *((it[:_BEGIN], it[_BEGIN:whole].view(np.uint64), it[whole:]) for it in halves), strict=True
    )
    return np.array_equal(*begun) and np.array_equal(*words) and np.array_equal(*left)


def check_pixels(original: Samples, decoded: Samples, *, lossless: bool, depth: int = 8) -> bool:
    """Whether the decoded picture equals the original.

    Parameters
    ----------
    original : as the codec was given it
    decoded : uint8 or uint16 of any shape
    lossless : whether the codec claims to be
    depth : bits of the original's samples

    Raises
    ------
    Mismatch
        Another shape or type, values beyond the depth, channels in another order, or a claim to be lossless
        that does not hold.
    """
    if decoded.shape != original.shape:
        raise Mismatch(f"decoded shape {decoded.shape}, the original is {original.shape}")
    if decoded.dtype != original.dtype:
        raise Mismatch(f"decoded {decoded.dtype}, the original is {original.dtype}")
    if 8 < depth < 16 and int(decoded.max()) >> depth:
        raise Mismatch(f"decoded a sample of {decoded.max()}, which has more than {depth} bits")
    exact = identical(decoded, original)
    if lossless and not exact:
        different = int(np.count_nonzero((np.atleast_3d(decoded) != np.atleast_3d(original)).any(axis=2)))
        total = original.shape[0] * original.shape[1]
        raise Mismatch(f"claims to be lossless, but {different} pixels of {total} differ")
    if (
        not exact
        and original.ndim == 3
        and (order := permuted_channels(original[..., :3], decoded[..., :3], depth))
    ):
        raise Mismatch(f"decoded channels are in the order {order}, not RGB")
    return exact


def permuted_channels(original: Samples, decoded: Samples, depth: int = 8) -> str | None:
    """The channel order (``"BGR"``) that fits far better than the one returned; None when RGB fits.

    An honest reconstruction is nearest to the original as it is; one whose channels were swapped is
    several times nearer after swapping them back. Pictures that are nearly grey look the same either way
    and are never flagged; neither are those with too few pixels to tell.
    """
    if original.shape[0] * original.shape[1] < _FEWEST_PIXELS:
        return None
    # A subsampled grid keeps this far below the cost of a metric.
    step = max(1, int(math.sqrt(original.shape[0] * original.shape[1] / _GRID)))
    grids = original[::step, ::step], decoded[::step, ::step]
    samples = np.concatenate(grids, axis=2, dtype=np.float64).reshape(-1, 6)
    products = samples.T @ samples
    squares = products.diagonal()
    # errors[i, j]: mean squared difference of the original's channel i and the decoded channel j
    errors = (squares[:3, None] + squares[None, 3:] - 2 * products[:3, 3:]) / len(samples)
    orders = ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    honest = errors.trace()
    best = min(orders, key=lambda order: sum(errors[i, j] for i, j in enumerate(order)))
    # Decoded channel best[i] holds the original's channel i.
    if honest > 4 * sum(errors[i, j] for i, j in enumerate(best)) and honest > _VISIBLE * 4 ** (depth - 8):
        return "".join("RGB"[best.index(j)] for j in range(3))
    return None

"""The checks of options and operating points that all adapters share."""

from __future__ import annotations

from bench.errors import ConfigError, Unsupported

_MOST_THREADS = 1024


def check_choice(codec: str, option: str, value: object, choices: tuple[object, ...]) -> None:
    """Refuse a ``value`` that is not among ``choices``.

    Raises
    ------
    ConfigError
        The message names the codec, the option and the choices.
    """
    if value not in choices:
        listed = ", ".join(str(choice) for choice in choices)
        raise ConfigError(f"{codec}: {option}={value!r} is not one of {listed}")


def check_integer(codec: str, option: str, value: int, lowest: int, highest: int) -> None:
    """Refuse an integer option outside ``lowest`` to ``highest``, both included.

    Raises
    ------
    ConfigError
        The message names the codec, the option and the range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise ConfigError(f"{codec}: {option}={value!r} is not a whole number from {lowest} to {highest}")


def check_threads(codec: str, threads: int) -> int:
    """Return ``threads`` if it is a number of threads.

    Raises
    ------
    ConfigError
        As for :func:`check_integer`.
    """
    check_integer(codec, "threads", threads, 1, _MOST_THREADS)
    return threads


def check_quality(codec: str, quality: float | None, allowed: tuple[float, float]) -> float:
    """Return ``quality`` if it is within ``allowed``, both ends included.

    Raises
    ------
    ValueError
        The quality is missing, not finite or out of range; the message names the range.
    """
    low, high = allowed
    if quality is None or not low <= quality <= high:
        raise ValueError(f"{codec}: quality {quality} is outside {low:g} to {high:g}")
    return float(quality)


def check_whole_quality(codec: str, quality: float | None, allowed: tuple[float, float]) -> int:
    """Like :func:`check_quality`, for a format that accepts only whole numbers.

    They are not rounded silently, because two operating points would then be the same setting.

    Raises
    ------
    ValueError
        As for :func:`check_quality`, or the quality is not a whole number.
    """
    value = check_quality(codec, quality, allowed)
    if not value.is_integer():
        raise ValueError(
            f"{codec}: quality {quality} is not a whole number from {allowed[0]:g} to {allowed[1]:g}"
        )
    return int(value)


def check_side(codec: str, shape: tuple[int, ...], longest: int) -> None:
    """Refuse an image with a side longer than the format allows.

    Raises
    ------
    Unsupported
        Height or width is over ``longest`` pixels.
    """
    if max(shape[:2]) > longest:
        raise Unsupported(f"{codec}: {shape[1]}x{shape[0]} pixels; the format ends at {longest} a side")

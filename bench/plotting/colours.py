"""Colours that can be seen on their ground: contrast as of WCAG 2.2."""

from __future__ import annotations

WHITE = "#ffffff"
_BLACK_ON_DARK = "#ededed"
_DARK = 0.18
"""Relative luminance below which black lines are harder to see on a ground than white ones."""


def readable(colour: str, contrast: float = 4.5) -> str:
    """``colour`` darkened until it can be read on white.

    Parameters
    ----------
    colour : ``#rrggbb``
    contrast : the ratio to reach, 1 to 21 (1.4.3)
    """
    channels = _channels(colour)
    while 1.05 / (_luminance(channels) + 0.05) < contrast:
        channels = [int(it * 0.95) for it in channels]
    return _hex(channels)


def lightened(colour: str, ground: str, contrast: float) -> str:
    """``colour`` mixed with white until it can be seen on a dark ground; black becomes near white.

    Parameters
    ----------
    colour, ground : ``#rrggbb``
    contrast : the ratio to reach, 1 to 21
    """
    channels: list[float] = [*_channels(colour)]
    if not any(channels):
        return _BLACK_ON_DARK
    under = _luminance(_channels(ground))
    while (_luminance(channels) + 0.05) / (under + 0.05) < contrast and min(channels) < 254:
        channels = [it + 0.05 * (255 - it) for it in channels]
    return _hex(channels)


def is_dark(ground: str) -> bool:
    """Whether white is easier to see on it than black."""
    return _luminance(_channels(ground)) < _DARK


def grey_on(ground: str, grey: str) -> str:
    """A grey that is meant for white; on a dark ground its counterpart, which is as far from the ground.

    Parameters
    ----------
    ground, grey : ``#rrggbb``
    """
    return _hex([255 - it for it in _channels(grey)]) if is_dark(ground) else grey


def _channels(colour: str) -> list[int]:
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


def _hex(channels: list[int] | list[float]) -> str:
    return "#" + "".join(f"{round(it):02x}" for it in channels)


def _luminance(channels: list[int] | list[float]) -> float:
    """Relative luminance of sRGB."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (it / 255 for it in channels)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

"""The figures' colours, adapted to the page's two grounds."""

from __future__ import annotations

from bench.plotting.series_style import readable

_CONTRAST = 3.0  # of graphical objects, WCAG 2.2, 1.4.11
_DARK_GROUND = "#14171b"  # --ground of page.css
_BLACK_ON_DARK = "#ededed"


def on_light(colour: str) -> str:
    """``colour`` (``#rrggbb``) darkened as far as lines on white need it."""
    return readable(colour, _CONTRAST)


def on_dark(colour: str) -> str:
    """``colour`` mixed with white as far as lines on the dark ground need it; black becomes near white."""
    channels = _channels(colour)
    if not any(channels):
        return _BLACK_ON_DARK
    while (_luminance(channels) + 0.05) / (_luminance(_channels(_DARK_GROUND)) + 0.05) < _CONTRAST:
        channels = [it + 0.05 * (255 - it) for it in channels]
    return "#" + "".join(f"{round(it):02x}" for it in channels)


def _channels(colour: str) -> list[float]:
    return [float(int(colour[k : k + 2], 16)) for k in (1, 3, 5)]


def _luminance(channels: list[float]) -> float:
    """Relative luminance of sRGB, WCAG 2.2."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (it / 255 for it in channels)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

"""The figures' colours, adapted to the page's two grounds."""

from __future__ import annotations

from bench.plotting.colours import lightened, readable

_CONTRAST = 3.0  # of graphical objects, WCAG 2.2, 1.4.11
_DARK_GROUND = "#14171b"  # --ground of page.css


def on_light(colour: str) -> str:
    """``colour`` (``#rrggbb``) darkened as far as lines on white need it."""
    return readable(colour, _CONTRAST)


def on_dark(colour: str) -> str:
    """``colour`` mixed with white as far as lines on the dark ground need it; black becomes near white."""
    return lightened(colour, _DARK_GROUND, _CONTRAST)

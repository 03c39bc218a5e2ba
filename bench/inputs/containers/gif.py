"""GIF."""

from __future__ import annotations

from bench.inputs.containers.contents import Contents


def examine(data: bytes) -> Contents:
    """Frames are counted by the decoder; GIF has no depth, profile or orientation that could be missed."""
    return Contents("GIF", data)

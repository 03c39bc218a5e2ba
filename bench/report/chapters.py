"""The chapters of a report, in their order. A figure or table names the one that it belongs to."""

from __future__ import annotations

from enum import Enum


class Chapter(Enum):
    """A heading of ``report.md``."""

    RANKING = "Ranking"
    DECODER_PAIRS = "Two decoders of the same bytes"
    PERCEPTION = "Distortion against perception"
    SPEED = "Speed and complexity"
    LOSSLESS = "Lossless coding"
    COMPARISONS = "Pairs of codecs, and codecs at matched rate and quality"
    OPERATING_POINTS = "Operating points"
    VERIFICATION = "Verification"
    MORE = "More"

    @property
    def place(self) -> int:
        """Counted from the first chapter, which is 0."""
        return list(Chapter).index(self)

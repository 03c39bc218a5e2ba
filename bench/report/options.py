"""What a user may choose about a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.exchange import Published
from bench.plotting.canvas import RateAxis, Width
from bench.plotting.style import FORMATS, Format
from bench.rd import Average
from bench.report.selection import EVERYTHING, Selection
from bench.trials.trust import NOBODY, Trust


@dataclass(frozen=True)
class FigureOptions:
    """How figures look."""

    width: Width | None = None
    """All figures at the width of one column (3.5 in) or of two (7.2 in); by default each as suits it."""
    rate: RateAxis = "log"
    style: Path | None = None
    """A matplotlib style file instead of the one of this package."""
    formats: tuple[Format, ...] = FORMATS
    """File endings."""


AS_IT_SUITS = FigureOptions()


@dataclass(frozen=True)
class ReportOptions:
    """What a report is about, and how it looks."""

    anchor: str | None = None
    """Label, or codec name, that the others are compared with; by default JPEG."""
    published: tuple[Published, ...] = ()
    """Curves that somebody else measured, drawn and listed as such."""
    figures: FigureOptions = AS_IT_SUITS
    selection: Selection = EVERYTHING
    """What of the runs the report is about."""
    average: Average = "images"
    """What counts the same in mean curves and tables: every image, or every pixel."""
    conditions: str | None = None
    """Test conditions that the runs are held against, by name or file; by default those that they were made
    under."""
    mean_of: tuple[str, ...] = ()
    """Metrics whose BD-rates are averaged; by default those of the conditions, or JPEG AI's where all are
    there."""
    startup: bool = True
    """Whether times have in them what starting a codec's programs takes, with their files."""
    trust: Trust = NOBODY
    """Which codecs of the runs may decode for the viewer besides the installed ones."""


STANDARD = ReportOptions()

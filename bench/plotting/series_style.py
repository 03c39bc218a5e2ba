"""Colour, marker and line of every curve: the same for one codec in all figures and on the page.

The colours are those of Okabe and Ito (Color Universal Design, 2008) and, for what comes on top of the
built-in codecs, of Tol (Colour Schemes, SRON/EPS/TN/09-002): both stay apart for colour-blind readers.
No figure relies on colour alone: markers and dashes differ too, and curves are labelled where they end.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bench.plotting.colours import WHITE, is_dark, lightened, readable
from bench.rd import Provenance

Dash = tuple[float, ...]

_FAMILIES = {
    "jpeg": ("#000000", "o"),
    "jpeg2000": ("#0072b2", "s"),
    "webp": ("#009e73", "^"),
    "avif": ("#d55e00", "D"),
    "jpegxl": ("#cc79a7", "v"),
    "png": ("#e69f00", "P"),
    "jpegls": ("#56b4e9", "X"),
    "huffman": ("#882255", "<"),
    "lz": ("#999933", ">"),
    "qoi": ("#44aa99", "p"),
    "vae": ("#117733", "d"),
    "vae-gan": ("#cc6677", "*"),
}
_OTHERS = (
    ("#332288", "h"),
    ("#5c7f00", "d"),
    ("#7a28cb", "*"),
    ("#6699cc", "8"),
    ("#661100", "H"),
    ("#aa4499", "P"),
    ("#b8a038", "X"),
    ("#3bb0c9", "p"),
)
_APART = 80.0
"""The distance of two colours in 8-bit RGB below which they are taken for one another in thin lines."""
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "d")
_DASHES: tuple[Dash, ...] = ((), (6, 1.5), (5, 1.2, 1, 1.2), (1.2, 1.2))
_GREYS = ("#6e6e6e", "#8c8c8c")
_FOREIGN_MARKERS = ("o", "s", "^", "D", "v", "<", ">", "p", "h", "d")
_FOREIGN_DASHES: Mapping[Provenance, Dash] = {"measured": (), "published": (3.5, 2), "estimated": (1, 1.6)}
_EACH_ITS_OWN = frozenset({"command"})
"""Codecs of which every configuration is another program: their labels are the families."""


@dataclass(frozen=True)
class SeriesStyle:
    """How one configuration is drawn; ``dash`` alternates points on and off, empty for a solid line."""

    colour: str
    marker: str
    dash: Dash = ()
    width: float = 1.2
    hollow: bool = False
    name: str = ""
    """What stands in figures: its label, or what the user calls it."""
    ground: str = WHITE
    """``#rrggbb`` behind it, which shows inside hollow markers and around the others."""

    @property
    def text(self) -> str:
        """The colour for words: far enough from the ground to be read."""
        if is_dark(self.ground):
            return lightened(self.colour, self.ground, 4.5)
        return readable(self.colour)

    def on(self, ground: str) -> SeriesStyle:
        """The same on another ground: lighter on a dark one."""
        colour = lightened(self.colour, ground, 3.0) if is_dark(ground) else self.colour
        return replace(self, colour=colour, ground=ground)


@dataclass(frozen=True)
class Series:
    """A codec configuration that is drawn."""

    label: str
    codec: str
    lossless: bool = False

    @property
    def family(self) -> str:
        """What shares a colour."""
        return self.label if self.codec in _EACH_ITS_OWN else self.codec


def series_styles(
    series: Iterable[Series], published: Mapping[str, Provenance] | None = None
) -> dict[str, SeriesStyle]:
    """How everything in the figures of a data set is drawn, by label.

    A built-in codec always has the same colour, another one a colour by the hash of its name, moved on
    only if a codec among ``series`` has it, or one that is hard to tell from it. Configurations of one
    codec share the colour and differ in marker and dash. Curves that were not measured here are thin,
    grey, dashed and hollow.

    Parameters
    ----------
    series : the measured configurations, in the order of the figures
    published : how the curves of others came about, by label
    """
    series = tuple(series)
    families = _families(it.family for it in series)
    result: dict[str, SeriesStyle] = {}
    for lossless in (False, True):
        seen: dict[str, int] = {}
        for one in series:
            if one.lossless == lossless:
                seen[one.family] = seen.get(one.family, -1) + 1
                result[one.label] = _variant(families[one.family], seen[one.family])
    foreign = published or {}
    result |= {label: _foreign(foreign[label], k) for k, label in enumerate(sorted(foreign))}
    return {label: replace(style, name=label) for label, style in result.items()}


def _families(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    present = dict.fromkeys(names)
    chosen = {name: _FAMILIES[name] for name in present if name in _FAMILIES}
    free = {it for it in range(len(_OTHERS)) if _OTHERS[it] not in chosen.values()}
    for name in sorted(present.keys() - chosen.keys()):
        free = free or set(range(len(_OTHERS)))
        apart = {
            it
            for it in free
            if all(_distance(_OTHERS[it][0], colour) >= _APART for colour, _ in chosen.values())
        }
        start = zlib.crc32(name.encode())
        slot = next(it for k in itertools.count(start) if (it := k % len(_OTHERS)) in (apart or free))
        free.discard(slot)
        chosen[name] = _OTHERS[slot]
    return chosen


def _distance(one: str, other: str) -> float:
    return math.dist(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]))


def _variant(family: tuple[str, str], index: int) -> SeriesStyle:
    colour, marker = family
    markers = (marker, *(it for it in _MARKERS if it != marker))
    return SeriesStyle(colour, markers[index % len(markers)], _DASHES[index % len(_DASHES)])


def _foreign(provenance: Provenance, index: int) -> SeriesStyle:
    return SeriesStyle(
        _GREYS[index % len(_GREYS)],
        _FOREIGN_MARKERS[index % len(_FOREIGN_MARKERS)],
        _FOREIGN_DASHES[provenance],
        width=0.7,
        hollow=True,
    )

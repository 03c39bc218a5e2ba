r"""What a figure shows and how it looks, as plain values: by a report, in Python, or in a file.

A file says the same in YAML, and from which runs::

    runs: [results/kodak]
    kind: rd
    metric: psnr_rgb
    codecs:
      - {label: jpeg, name: JPEG}
      - {label: vae, name: '$\beta$-VAE', color: '#d55e00', marker: s}
    xlim: [0, 1.5]
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from bench.errors import ConfigError
from bench.files.typed_yaml import Document, Key, load_yaml, located, validate
from bench.plotting.canvas import WIDTHS, RateAxis, Width
from bench.plotting.series_style import Dash
from bench.rd import Average
from bench.text.escape import is_math
from bench.text.plain import is_one_line

Kind = Literal["rd", "bd_bars", "pareto", "relative_rate", "per_image", "perception", "grid"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LegendPlace = Literal["direct", "inside", "outside", "off"]
Side = Literal["encode", "decode"]

_ROWS = frozenset({"bd_bars", "per_image"})
_KINDS_OF: dict[str, frozenset[str]] = {
    "xscale": frozenset({"rd", "grid", "pareto"}),
    "decibels": frozenset({"rd", "grid", "relative_rate"}),
    "speed": frozenset({"pareto"}),
    "rates": frozenset({"perception"}),
    "inset": frozenset(KINDS) - _ROWS,
    "legend": frozenset(KINDS) - _ROWS,
}
"""The kinds of figures to which a field means something; fields that are not here mean the same to all."""
_DASHES: dict[str, Dash] = {
    "solid": (),
    "dashed": (3.7, 1.6),
    "dashdot": (6.4, 1.6, 1.0, 1.6),
    "dotted": (1.0, 1.65),
}
CORNERS = {
    "upper left": (0.1, 0.58),
    "upper right": (0.61, 0.58),
    "lower left": (0.1, 0.1),
    "lower right": (0.61, 0.1),
}
INSET_SIZE = (0.36, 0.38)
"""Of insets in a corner: places of lower left corners, width and height, in shares of the panel."""
_WIDEST = 40


class FieldProblem(ConfigError):
    """Something that a figure's description says and the runs don't have.

    Parameters
    ----------
    key : the field, and inside it the place
    problem : what is wrong with it
    """

    def __init__(self, key: Key, problem: str) -> None:
        super().__init__(f"{'.'.join(map(str, key))}: {problem}")
        self.key = key
        self.problem = problem


def _pair(value: Any) -> tuple[float, float]:
    try:
        low, high = map(float, value)
    except (TypeError, ValueError):
        low = high = math.nan
    if isinstance(value, str) or not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"write [lowest, highest], or {{METRIC: [lowest, highest]}}, not {value!r}")
    if low >= high:
        raise ValueError(f"the first limit is below the second, not [{low:g}, {high:g}]")
    return low, high


def _limits(value: Any) -> Any:
    if isinstance(value, dict):
        return {metric: _pair(its) for metric, its in value.items()}
    return None if value is None else _pair(value)


def _width(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value not in (None, *WIDTHS) and not (number and 1 <= value <= _WIDEST):
        raise ValueError(f"{', '.join(WIDTHS)}, or inches from 1 to {_WIDEST}, not {value!r}")
    return value


def _place(value: Any) -> Any:
    numbers = isinstance(value, list | tuple) and len(value) == 4
    if not numbers and value not in ("auto", *CORNERS):
        raise ValueError(f"auto, {', '.join(CORNERS)}, or [left, bottom, width, height], not {value!r}")
    if numbers and not _is_inside(*value):
        raise ValueError(
            f"left, bottom, width and height are shares of the panel, inside of it, not {value!r}"
        )
    return value


def _is_inside(*box: Any) -> bool:
    try:
        left, bottom, width, height = map(float, box)
    except (TypeError, ValueError):
        return False
    wide = left >= 0 and 0 < width <= 1 - left
    return wide and bottom >= 0 and 0 < height <= 1 - bottom


def _off(value: Any) -> Any:
    """YAML reads ``off`` as false."""
    return "off" if value is False else value


def _one_or_many(value: Any) -> Any:
    return value if value is None or isinstance(value, list | tuple) else (value,)


def _once_each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Names, or looks of codecs, none of them twice."""
    names = [it.label if isinstance(it, CodecLook) else it for it in values]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} stands here twice; name it once")
    return values


_Finite = Annotated[float, Field(allow_inf_nan=False)]
Pair: TypeAlias = tuple[float, float]
"""From the lowest to the highest."""
Limits = Annotated[Pair | dict[str, Pair], BeforeValidator(_limits)]
"""Of each metric its own where there are panels of several."""
Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), AfterValidator(_once_each)]


def limits_of(limits: Limits | None, metric: str) -> Pair | None:
    """Those for a panel of ``metric``; None to have them follow from the data."""
    return limits.get(metric) if isinstance(limits, dict) else limits


def _lowest(limits: Limits) -> float:
    pairs = limits.values() if isinstance(limits, dict) else [limits]
    return min((low for low, _ in pairs), default=1.0)


def _scale(xscale: RateAxis | None, xlim: Limits | None) -> RateAxis:
    return xscale or ("linear" if xlim is not None and _lowest(xlim) <= 0 else "log")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CodecLook(_Model):
    """A codec of a figure, and what of its looks the user chooses."""

    label: Annotated[str, Field(min_length=1)]
    """As in tables; the name of a codec stands for all its configurations."""
    name: str | None = Field(default=None, min_length=1, max_length=200)
    """What it is called in the figure; mathematics stands between dollars."""
    color: str | None = None
    marker: str | None = None
    linestyle: str | Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(max_length=12)] | None = None
    """solid, dashed, dashdot, dotted, or points on and off by turns."""

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not is_one_line(name):
            raise ValueError(
                "a name is one line without control characters; in double quotes \\b and \\t are such:"
                " put a name with a backslash in single quotes"
            )
        if name is not None and name.count("$") > 1 and not is_math(name):
            raise ValueError(
                f"{name} is not mathematics that can be typeset here: symbols, letters, accents and scripts"
            )
        return name

    @field_validator("color")
    @classmethod
    def _is_a_color(cls, color: str | None) -> str | None:
        from matplotlib.colors import is_color_like, to_hex

        if color is None:
            return None
        if not is_color_like(color) or color == "none":
            raise ValueError(f"{color!r} is no color: write '#rrggbb', or a name of Matplotlib")
        return str(to_hex(color))

    @field_validator("marker")
    @classmethod
    def _is_a_marker(cls, marker: str | None) -> str | None:
        from matplotlib.lines import Line2D

        if marker is not None and marker not in Line2D.markers:
            raise ValueError(f"{marker!r} is no marker of Matplotlib, such as o s ^ D v P X * d")
        return marker

    @field_validator("linestyle")
    @classmethod
    def _is_a_linestyle(cls, linestyle: Any) -> Any:
        if isinstance(linestyle, str):
            if linestyle not in _DASHES:
                raise ValueError(f"{linestyle!r} is none of {', '.join(_DASHES)}, and no list of points")
        elif linestyle is not None and len(linestyle) % 2:
            raise ValueError("points on and points off by turns: give an even number of them")
        return linestyle

    @property
    def dash(self) -> Dash | None:
        """The line as points on and off; None for the codec's own."""
        return _DASHES[self.linestyle] if isinstance(self.linestyle, str) else self.linestyle

    @property
    def is_plain(self) -> bool:
        """Whether it chooses nothing, so that it may stand for several configurations."""
        return not self.model_fields_set - {"label"}


class Inset(_Model):
    """A part of a panel, enlarged inside of it."""

    xlim: Limits
    ylim: Limits
    at: Annotated[str | tuple[_Finite, _Finite, _Finite, _Finite], BeforeValidator(_place)] = "auto"
    """A corner, ``auto`` for the emptiest one, or left, bottom, width and height in shares of the panel."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, bottom, width and height in shares of the panel, unless that follows from what is drawn."""
        return (*CORNERS[self.at], *INSET_SIZE) if isinstance(self.at, str) else self.at


def _label_or_look(value: Any) -> Any:
    return {"label": value} if isinstance(value, str) else value


class FigureDescription(_Model):
    """What a figure shows of some report data, and how it looks. Everything has a default."""

    kind: Kind = "rd"
    metric: Names = ()
    """A panel each; none for the metrics of the ranking."""
    decibels: bool = True
    """Whether similarities such as MS-SSIM are shown as −10·log10(1 − value)."""
    datasets: Names = ()
    """A panel each; none for all of the runs."""
    codecs: Annotated[
        tuple[Annotated[CodecLook, BeforeValidator(_label_or_look)], ...],
        BeforeValidator(_one_or_many),
        AfterValidator(_once_each),
    ] = ()
    """What is drawn, in this order; none for everything."""
    speed: Annotated[tuple[Side, ...], BeforeValidator(_one_or_many), Field(min_length=1)] = get_args(Side)
    """Of ``pareto``: a panel each."""
    rates: Annotated[tuple[Annotated[float, Field(gt=0)], ...], BeforeValidator(_one_or_many)] = ()
    """Of ``perception``: bits per pixel, a panel each; none for those of reports."""
    xlim: Limits | None = None
    ylim: Limits | None = None
    xscale: RateAxis | None = None
    """None for a logarithmic one, but where ``xlim`` begins at 0."""
    inset: Inset | None = None
    title: bool | str = True
    """What stands above the panel; True for what it shows, which of several panels each says in any case."""
    legend: Annotated[LegendPlace | None, BeforeValidator(_off)] = None
    """Where names stand: at what is drawn, in a box inside or below; None for what suits the kind."""
    note: bool = True
    """Whether a note below the panels says how to read them."""
    width: Annotated[Width | float | None, BeforeValidator(_width)] = None
    """``column`` (3.5 in), ``double`` (7.2 in) or inches; None for ``double`` where panels share a row."""

    @field_validator(*_KINDS_OF)
    @classmethod
    def _means_something(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("kind")
        fitting = _KINDS_OF[info.field_name or ""]
        if kind is not None and kind not in fitting:
            raise ValueError(f"means nothing to kind {kind}; it is for {', '.join(sorted(fitting))}")
        return value

    @field_validator("xscale")
    @classmethod
    def _fits_the_limits(cls, xscale: RateAxis | None, info: ValidationInfo) -> RateAxis | None:
        if xscale == "log" and (limits := info.data.get("xlim")) is not None and _lowest(limits) <= 0:
            raise ValueError("a logarithmic axis begins above 0: change xlim, or say linear")
        return xscale

    @field_validator("inset")
    @classmethod
    def _fits_the_scale(cls, inset: Inset | None, info: ValidationInfo) -> Inset | None:
        said = info.data
        if (
            inset is None
            or said.get("kind") not in _KINDS_OF["xscale"]
            or not {"xlim", "xscale"} <= said.keys()
        ):
            return inset
        if _scale(said["xscale"], said["xlim"]) == "log" and _lowest(inset.xlim) <= 0:
            raise ValueError(
                "its part of a logarithmic axis begins above 0: change its xlim, or say xscale: linear"
            )
        return inset

    @property
    def scale(self) -> RateAxis:
        """Of the horizontal axis, where that is a choice."""
        return _scale(self.xscale, self.xlim)

    def x_limits(self, metric: str) -> Pair | None:
        """Those of the horizontal axis in a panel of ``metric``."""
        return limits_of(self.xlim, metric)

    def y_limits(self, metric: str) -> Pair | None:
        """Those of the vertical axis in a panel of ``metric``."""
        return limits_of(self.ylim, metric)


class FigureFile(FigureDescription):
    """A figure's description with the runs that it is drawn from."""

    runs: Annotated[tuple[Path, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
    references: Names = ()
    """Published curves: files, or names of ``rdbench list references``."""
    anchor: str | None = None
    """What the others are compared with; None for JPEG."""
    average: Average = "images"
    """What counts the same in mean curves: every image, or every pixel."""
    style: Path | None = None
    """A Matplotlib style file instead of rdbench's."""


def load_figure_file(path: Path) -> tuple[FigureFile, Document]:
    """Read a figure's description. Paths in it are relative to the file; in the result they are not.

    Returns
    -------
    The description, and the document for what later turns out to be wrong, see
    :func:`bench.files.typed_yaml.located`.

    Raises
    ------
    ConfigError
        The file is invalid; the message has one line for each mistake, with file name, line and key.
    """
    document = load_yaml(path)
    for key in _nothings(document.data):
        raise located(
            document, key, "nothing is given; leave it out, or quote what holds a #, as in '#cc0000'"
        )
    read = validate(FigureFile, document.content, document)
    for place, folder in enumerate(read.runs):
        if not (path.parent / folder).is_dir():
            raise located(document, ("runs", place), f"{folder}: no such folder beside this file")
    style = read.style and path.parent / read.style
    if style and not style.is_file():
        raise located(document, ("style",), f"{read.style}: no such file beside this one")
    references = tuple(
        str(path.parent / it) if (path.parent / it).is_file() else it for it in read.references
    )
    runs = tuple(path.parent / it for it in read.runs)
    return read.model_copy(update={"runs": runs, "references": references, "style": style}), document


def _nothings(value: Any, key: Key = ()) -> Iterator[Key]:
    """Where a key has no value, which a comment may have taken."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, its in inner:
        if its is None:
            yield (*key, name)
        yield from _nothings(its, (*key, name))

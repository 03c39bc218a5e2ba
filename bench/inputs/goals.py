"""Rates and qualities that each image is to reach, where a suite may name operating points too.

``jpeg@bpp=0.25,0.5,1``, ``avif@bytes=20000,tolerance=2%``, or in a suite
``quality: {psnr_y: [34, 38], tolerance: 0.05}``. What ``rdbench budget`` writes names a quality for each
image instead: ``quality: {budget: [{bpp: 0.15, images: {kodim01.png: 21}}]}``.
"""

from __future__ import annotations

import math
import re
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from bench.errors import ConfigError

RATES = ("bpp", "bytes")
BUDGET = "budget"
"""Stands where a rate or metric does for qualities that are given, image by image."""
DEFAULT_TOLERANCE = "1%"
_TOLERANCE = "tolerance"
_EXAMPLE = "bpp=0.25,0.5,1 or psnr_y=34,38"


class GivenQualities(BaseModel):
    """An operating point with a quality for each image."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    bpp: float = Field(gt=0, allow_inf_nan=False)
    """Of the data set, for which they were chosen."""
    images: dict[str, float] = Field(min_length=1)


class Goals(BaseModel):
    """What a codec is to reach on each image, by the setting of its own that comes nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    of: str = Field(pattern=r"^\w[\w.-]*$", max_length=100)
    """``bpp``, ``bytes``, the name of a metric, or ``budget``."""
    values: tuple[float, ...] = Field(min_length=1)
    tolerance: float = Field(default=0.01, ge=0)
    relative: bool = True
    """Whether the tolerance is a share of the value, and not in its unit."""
    given: tuple[GivenQualities, ...] = ()
    """Those of a budget."""

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, value: Any) -> Any:
        """``{bpp: [0.12, 0.25], tolerance: 1%}``."""
        if not isinstance(value, dict) or "of" in value:
            return value
        if list(value) == [BUDGET]:
            given = TypeAdapter(tuple[GivenQualities, ...]).validate_python(value[BUDGET])
            return {"of": BUDGET, "values": [it.bpp for it in given], "tolerance": 0, "given": given}
        names = [it for it in value if it != _TOLERANCE]
        if len(names) != 1:
            raise ValueError("name one rate or metric, as in {bpp: [0.25, 0.5]}; another one is a codec more")
        tolerance, relative = _tolerance(value.get(_TOLERANCE, DEFAULT_TOLERANCE))
        values = value[names[0]]
        values = values if isinstance(values, list | tuple) else [values]
        return {"of": names[0], "values": values, "tolerance": tolerance, "relative": relative}

    @field_validator("values")
    @classmethod
    def _rising(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(map(math.isfinite, values)):
            raise ValueError("give at least one number, all of them finite")
        return tuple(sorted(set(values)))

    @model_validator(mode="after")
    def _possible(self) -> Goals:
        if self.of in RATES and self.values[0] <= 0:
            raise ValueError(f"{self.of} is above 0")
        if (self.of == BUDGET) != bool(self.given):
            raise ValueError("a budget names a quality for each image: rdbench budget writes such a suite")
        return self

    @property
    def metric(self) -> str | None:
        """The metric that is to be taken for them; None for a rate."""
        return None if self.of in (*RATES, BUDGET) else self.of


def _tolerance(text: Any) -> tuple[float, bool]:
    """A share, ``"1%"``, or a difference in the unit of what is to be reached."""
    relative = isinstance(text, str) and text.strip().endswith("%")
    try:
        number = float(text.strip().removesuffix("%")) if isinstance(text, str) else float(text)
    except (TypeError, ValueError):
        raise ValueError(f"tolerance {text!r} is neither a share such as 1% nor a number") from None
    return (number / 100, True) if relative else (number, False)


def are_goals(points: str) -> bool:
    """Whether what follows the @ of a SPEC names goals."""
    return re.match(r"\s*[A-Za-z_]", points) is not None


def parse_goals(points: str, what: str) -> Goals:
    """Parse ``bpp=0.25,0.5,1`` or ``psnr_y=34,38,tolerance=0.05``.

    Parameters
    ----------
    what : begins the message of the error

    Raises
    ------
    ConfigError
        The text is not of that form.
    """
    written: dict[str, Any] = {}
    name = ""
    for item in filter(None, (it.strip() for it in points.split(","))):
        key, equals, value = item.partition("=")
        if not equals:
            key, value = name, item
        elif key in written:
            raise ConfigError(f"{what}: {key!r} is named twice")
        if key == _TOLERANCE:
            written[key] = value
            continue
        name = key
        written.setdefault(key, []).append(value)
    try:
        return Goals.model_validate(written)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{what}: {points!r} is no target such as {_EXAMPLE} ({reason})") from None

"""What to measure, as the user says it: codec specs, suite files.

A codec SPEC is ``NAME[:option=value,...][@quality,...]``, where NAME is an installed codec or
``path/to/file.py:Class``. A suite file says the same in YAML, with labels::

    datasets: [kodak]
    metrics: [psnr_rgb, ms_ssim_rgb]
    codecs:
      - webp@20,50,80
      - codec: jpeg
        label: JPEG 4:4:4
        config: {subsampling: 444, optimize: true}
        quality: [10, 30, 50, 70, 90]
"""

from __future__ import annotations

import math
import re
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from bench.check.limits import Gate
from bench.errors import ConfigError
from bench.yamlfile import load_yaml, validate

DEFAULT_METRICS = ("psnr_rgb", "psnr_y", "psnr_yuv", "ssim_rgb", "ms_ssim_rgb")

Device = Literal["auto", "cpu", "cuda"]

Option = bool | int | float | str


def _points(quality: tuple[float, ...]) -> tuple[float, ...]:
    if not quality or not all(map(math.isfinite, quality)):
        raise ValueError("give at least one number, all of them finite")
    return tuple(dict.fromkeys(quality))


OperatingPoints = Annotated[tuple[float, ...], AfterValidator(_points)]


class CodecEntry(BaseModel):
    """One codec at one configuration, and the operating points to measure it at."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    codec: str
    """Installed name, or ``path/to/file.py:Class``."""
    label: str | None = Field(default=None, min_length=1, max_length=80)
    config: dict[str, Option] = {}
    quality: OperatingPoints | None = None
    """Operating points; None stands for the codec's own sweep."""
    optional: bool = False
    """Left out with a remark where it is unavailable, instead of failing trial by trial."""
    gate: Gate | None = None
    """Limits of the regression gate that differ from the suite's for this codec."""


def _spec_or_entry(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_codec(value)
        except ConfigError as error:
            raise ValueError(str(error)) from None
    return value


class Suite(BaseModel):
    """Codecs × operating points × images, and the metrics to take."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    datasets: tuple[str, ...] = Field(default=("sample",), min_length=1)
    codecs: tuple[Annotated[CodecEntry, BeforeValidator(_spec_or_entry)], ...] = ()
    """Empty stands for the codecs of the default suite."""
    quality: OperatingPoints | None = None
    """Operating points of the lossy codecs that are named without any."""
    metrics: tuple[str, ...] = Field(default=DEFAULT_METRICS, min_length=1)
    limit: int | None = Field(default=None, ge=1)
    """Take only the first images of each data set."""
    recursive: bool = False
    """Take the images in the sub-folders of a folder as well."""
    device: Device = "auto"
    """Where codecs that can choose run; ``auto`` leaves it to each codec."""
    gate: Gate = Gate()
    """What ``rdbench check`` lets pass."""

    @field_validator("codecs", mode="before")
    @classmethod
    def _whole_specs(cls, value: Any) -> Any:
        if isinstance(value, list):
            for place, it in enumerate(value):
                if place and isinstance(it, int | float):
                    points = takewhile(lambda it: isinstance(it, int | float), value[place:])
                    spec = ",".join(map(str, (value[place - 1], *points)))
                    raise ValueError(f"YAML splits a list at its commas; quote the codec: '{spec}'")
        return value

    @field_validator("datasets", "codecs", "metrics", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("datasets", "metrics")
    @classmethod
    def _once_each(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))


def load_suite(path: Path) -> Suite:
    """Read a suite file. Folders and codec files in it are relative to the file.

    Raises
    ------
    ConfigError
        One line for each mistake, with the file's name, line and key.
    """
    document = load_yaml(path)
    suite = validate(Suite, {} if document.data is None else document.data, document)
    base = path.parent

    def located(name: str) -> str:
        return str(base / name) if (base / name).exists() and not Path(name).is_absolute() else name

    codecs = tuple(it.model_copy(update={"codec": _located_codec(it.codec, base)}) for it in suite.codecs)
    return suite.model_copy(update={"datasets": tuple(map(located, suite.datasets)), "codecs": codecs})


def _located_codec(codec: str, base: Path) -> str:
    file, separator, rest = codec.partition(":")
    return f"{base / file}{separator}{rest}" if file.endswith(".py") else codec


def parse_codec(spec: str) -> CodecEntry:
    """Parse a codec SPEC.

    Raises
    ------
    ConfigError
        The text is not a SPEC; the message shows the form.
    """
    head, at, points = spec.partition("@")
    match = re.fullmatch(r"(?P<codec>[^:]+\.py:\w+|(?!.*\.py(:|$))[\w.-]+)(?::(?P<options>.*))?", head)
    if not match:
        raise ConfigError(
            f"codec {spec!r}: write NAME, NAME:option=value,option=value or path/to/file.py:Class,"
            " each optionally with @quality,quality"
        )
    config: dict[str, Option] = {}
    for item in filter(None, (match["options"] or "").split(",")):
        key, equals, value = item.partition("=")
        if not equals or not key.isidentifier():
            raise ConfigError(f"codec {spec!r}: option {item!r} is not of the form name=value")
        config[key] = value
    quality = parse_numbers(points, f"codec {spec!r}") if at else None
    return CodecEntry(codec=match["codec"], config=config, quality=quality)


def parse_numbers(text: str, what: str) -> tuple[float, ...]:
    """``"10,20.5"`` as numbers; a ConfigError that begins with ``what`` where it is not that."""
    try:
        numbers = tuple(float(it) for it in text.split(",") if it.strip())
    except ValueError:
        numbers = ()
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ConfigError(f"{what}: {text!r} is not a list of numbers such as 10,30,50")
    return tuple(dict.fromkeys(numbers))

"""What test conditions are, and where they are found.

A definition is a YAML file ``NAME@VERSION.yaml``; those in this folder have names, others are given as paths.
One that changes is a new file with the next version: runs name the version that they were made under.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bench.errors import ConfigError, suggestion
from bench.files.typed_yaml import load_yaml, validate
from bench.inputs.suite import Option, Points, parse_codec
from bench.inputs.texts import Address, Line
from bench.rd import Average, Method

_FOLDER = Path(__file__).parent
_DIGEST = re.compile(r"[0-9a-f]{12}")
_SHIPPED = re.compile(r"(?P<name>[\w.-]+)@(?P<version>\d+)\Z")

Text = Annotated[str, Field(max_length=1000)]
Sha256Text = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RequiredImages(_Part):
    """The images that results are of."""

    name: Line
    """Of a data set that rdbench knows, hashes and all; else of a folder that the user names."""
    count: int | None = Field(default=None, ge=1)
    sha256: dict[str, Sha256Text] = {}
    """By file, of images that are in no catalogue."""
    obtain: Text = ""
    """Where they come from, if no address with a hash is known."""
    budgets: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Bytes that all bitstreams of the set may have."""


class RequiredAnchor(_Part):
    """What others are compared with."""

    codec: str
    """SPEC, without operating points."""
    binary: Text = ""
    """The software, with its version."""
    options: Text = ""

    @field_validator("codec")
    @classmethod
    def _is_spec(cls, spec: str) -> str:
        try:
            entry = parse_codec(spec)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if entry.quality is not None:
            raise ValueError("the anchor has the operating points of all; leave out @…")
        return spec


class Averaging(_Part):
    """How values of images become one of the data set."""

    metrics: Literal["images", "set"] = "images"
    """The mean of the images' values, or the value of the set's mean squared error."""
    rate: Average = "images"
    """The mean of bits a pixel, or total bits over total pixels."""


class MatchedPairs(_Part):
    """Points of two codecs on one image that are compared because they are equal in something."""

    distortion: float = Field(default=0.01, gt=0, lt=1)
    """The relative difference in a metric up to which two points match."""
    two_metrics: float = Field(default=0.05, gt=0, lt=1)
    """The same where two metrics are to match."""
    metrics: dict[str, Line] = {}
    """By codec, the metric that it is matched by."""


class Conditions(_Part):
    """The conditions of a comparison."""

    name: Annotated[str, Field(pattern=r"^[\w.-]{1,60}$")]
    version: int = Field(ge=1)
    title: Line
    source: tuple[Address, ...] = ()
    about: Text = ""
    datasets: tuple[RequiredImages, ...] = ()
    """One of them is enough."""
    quality: Points | None = None
    """Operating points of all codecs but those with a sweep of their own."""
    sweeps: dict[str, Points] = {}
    """By codec."""
    anchor: RequiredAnchor | None = None
    colour: Text = ""
    options: dict[str, dict[str, Option]] = {}
    """By codec, options that it must have."""
    metrics: dict[Line, str | None] = Field(min_length=1)
    """By name, the version of the definition; None for any. The first one leads."""
    averaging: Averaging = Averaging()
    interpolation: Method = "pchip"
    bd_range: Literal["shared"] | tuple[float, float] = "shared"
    mean_bd: tuple[Line, ...] = ()
    """Metrics whose BD-rates are averaged."""
    header_bytes: Literal["all", "payload"] = "all"
    """Whether headers count."""
    threads: int | None = Field(default=1, ge=1)
    """That every codec uses; None for any number."""
    timing: Literal["alone"] | None = None
    own_mb: float | None = Field(default=None, gt=0)
    """Most megabytes that a codec may bring along: code, weights, programs."""
    budgets_bpp: tuple[float, ...] = ()
    """Budgets as total bits over total pixels, on other images than those with budgets in bytes."""
    pairs: MatchedPairs | None = None
    remarks: tuple[Text, ...] = ()
    """What a reader has to know, and no tool can check."""


@dataclass(frozen=True)
class NamedConditions:
    """A definition, and what tells its text from another one."""

    definition: Conditions
    digest: str
    """Twelve hexadecimal digits of the SHA-256 of its file."""

    @property
    def name(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.definition.name}@{self.definition.version}"

    @property
    def recorded(self) -> str:
        """As a run records it."""
        return f"{self.name} {self.digest}"


def without_digest(text: str) -> str:
    """The name in what a run records; what a user writes, a path with blanks perhaps, as it is."""
    name, _, digest = text.rpartition(" ")
    return name if _DIGEST.fullmatch(digest) else text


def find_conditions(name: str) -> NamedConditions:
    """Conditions by ``NAME``, which is the newest version, ``NAME@VERSION``, or the path of a file.

    Raises
    ------
    ConfigError
        There are none, or the file is invalid.
    """
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return _read(Path(name))
    known = shipped_conditions()
    wanted, _, version = name.partition("@")
    fitting = [it for it in known if wanted == it.definition.name]
    fitting = [it for it in fitting if version in ("", str(it.definition.version))]
    if not fitting:
        names = [it.name for it in known]
        raise ConfigError(f"no conditions {name!r}{suggestion(name, names)}; a file is named by its path")
    return max(fitting, key=lambda it: it.definition.version)


@cache
def shipped_conditions() -> tuple[NamedConditions, ...]:
    """All that rdbench brings, by name and version."""
    files = [it for it in _FOLDER.glob("*.yaml") if _SHIPPED.match(it.stem)]
    return tuple(sorted(map(_read, files), key=lambda it: (it.definition.name, it.definition.version)))


def _read(path: Path) -> NamedConditions:
    document = load_yaml(path)
    definition = validate(Conditions, document.content, document)
    named = NamedConditions(definition, hashlib.sha256(path.read_bytes()).hexdigest()[:12])
    if path.parent == _FOLDER and path.stem != named.name:
        raise ConfigError(f"{path}: holds {named.name}; the file has that name")
    return named

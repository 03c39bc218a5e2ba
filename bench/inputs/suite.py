"""What to measure, as the user writes it: codec SPECs and suite files.

A codec SPEC is ``NAME[:option=value,...][@quality,...]``, where NAME is an installed codec or
``path/to/file.py:Class``; in the place of qualities may stand what each image is to reach, ``@bpp=0.25,0.5``.
A suite file says the same in YAML, with labels::

    datasets: [kodak]
    metrics: [psnr_rgb, ms_ssim_rgb]
    codecs:
      - webp@20,50,80
      - codec: jpeg
        label: JPEG 4:4:4
        config: {subsampling: 444, optimize: true}
        quality: [10, 30, 50, 70, 90]
      - codec: my_encoder.py:MyJpeg
        decoder: jpeg
      - codec: avif
        quality: {bpp: [0.25, 0.5], tolerance: 1%}
      - codec: compressai
        config: {model: elic2022-official}
        checkpoints: {0.0035: low.pth, 0.0483: high.pth}
"""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from bench import checkpoints
from bench.codec import DEPTHS
from bench.errors import ConfigError
from bench.files.typed_yaml import load_yaml, place_of, validate
from bench.inputs.datasets import is_known
from bench.inputs.gate import Gate
from bench.inputs.goals import Goals, are_goals, parse_goals
from bench.inputs.pixels import Background, Conversions
from bench.inputs.texts import Address, Line
from bench.text.plain import is_one_line

DEFAULT_METRICS = ("psnr_rgb", "psnr_y", "psnr_yuv", "ssim_rgb", "ms_ssim_rgb")

Device = Literal["auto", "cpu", "cuda"]

Option = bool | int | float | str

_FILE_OPTIONS = frozenset({"weights", "generator"})
"""Options of codecs that are paths, whether or not the file exists."""
_COMMAND_OPTIONS = frozenset({"encode", "decode", "version_command"})
"""Options of codecs that are command lines."""


def _points(quality: tuple[float, ...]) -> tuple[float, ...]:
    if not quality or not all(map(math.isfinite, quality)):
        raise ValueError("give at least one number, all of them finite")
    return tuple(dict.fromkeys(quality))


def _one_line(label: str) -> str:
    if not is_one_line(label):
        raise ValueError("a label is one line without control characters")
    return label


OperatingPoints = Annotated[tuple[float, ...], AfterValidator(_points)]


def _goals_or_points(value: Any) -> Any:
    return Goals.model_validate(value) if isinstance(value, dict) else value


Points = Annotated[OperatingPoints | Goals, BeforeValidator(_goals_or_points)]
"""Qualities of the codec's own, or what each image is to reach."""


class CodecChoice(BaseModel):
    """One codec in one configuration: what every entry begins with, and all that a ``decoder`` needs.

    ``checkpoints: {0.0035: low.pth, 0.0483: high.pth}``, a file of weights for each quality, is another way
    to write its option ``checkpoint``; see :mod:`bench.checkpoints`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codec: str
    """Installed name, ``path/to/file.py:Class`` or ``path/to/file.py``."""
    config: dict[str, Option] = {}
    needs: tuple[str, ...] = ()
    """What it needs of the machine where codecs are sealed, beside what it declares itself: ``gpu``,
    ``network``, paths, and environment variables as ``$NAME``."""

    @model_validator(mode="before")
    @classmethod
    def _with_checkpoints(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "checkpoints" not in value:
            return value
        files, config = value["checkpoints"], value.get("config") or {}
        try:
            pairs = [(float(quality), str(file)) for quality, file in files.items()]
            text = checkpoints.text_of(pairs)
        except (AttributeError, TypeError, ValueError):
            text = ""
        if not text:
            raise ValueError("checkpoints: write a file for each quality, as in {0.0035: low.pth}")
        if twice := checkpoints.named_twice(pairs):
            raise ValueError(f"checkpoints: {twice}")
        if not isinstance(config, dict) or checkpoints.OPTION in config:
            raise ValueError(f"checkpoints: the codec's config has a {checkpoints.OPTION} too; write one")
        rest = {key: it for key, it in value.items() if key != "checkpoints"}
        return rest | {"config": config | {checkpoints.OPTION: text}}


Choice = TypeVar("Choice", bound=CodecChoice)


def _spec_or_choice(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        entry = parse_codec(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    if entry.quality is not None:
        raise ValueError("a decoder has no operating points; leave out @…")
    return {"codec": entry.codec, "config": entry.config}


@dataclass(frozen=True)
class Place:
    """Where something stands in a file, ``file:line: key``. It tells no two things apart."""

    text: str = field(default="", compare=False)


class CodecEntry(CodecChoice):
    """One codec in one configuration, and the operating points to measure it at."""

    label: Annotated[str, AfterValidator(_one_line)] | None = Field(default=None, min_length=1, max_length=80)
    decoder: Annotated[CodecChoice, BeforeValidator(_spec_or_choice)] | None = None
    """Another codec, whose decoder is to decode the bitstreams; a SPEC, or ``codec`` and ``config``."""
    quality: Points | None = None
    """Operating points; None for the codec's own sweep."""
    optional: bool = False
    """If the codec is unavailable, leave it out with a remark instead of failing each of its trials."""
    gate: Gate | None = None
    """Limits of the regression gate for this codec that differ from those of the suite."""
    paper: Address | None = None
    code: Address | None = None
    note: Line | None = None
    """What a report links and says of it; no result depends on it."""
    _place: Place = PrivateAttr(Place())

    @property
    def settings(self) -> tuple[float, ...] | None:
        """Its operating points, for what does not search.

        Raises
        ------
        ConfigError
            It names what is to be reached.
        """
        return settings_of(self.quality, f"codec {self.codec!r}")

    @contextmanager
    def located_errors(self) -> Iterator[None]:
        """Have a :class:`ConfigError` about this codec begin with the place in the suite file."""
        try:
            yield
        except ConfigError as error:
            if not self._place.text:
                raise
            raise ConfigError(f"{self._place.text}: {error}") from error


def _spec_or_entry(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_codec(value)
        except ConfigError as error:
            raise ValueError(str(error)) from None
    return value


def _merged(value: Any) -> Any:
    """One mapping of a list of mappings, as YAML reads ``[alpha: over white, depth: 8]``."""
    if isinstance(value, list) and all(isinstance(it, dict) for it in value):
        return {key: each for part in value for key, each in part.items()}
    return value


class CommandEntry(BaseModel):
    """A metric that a program computes, see :class:`bench.metrics.command.CommandMetric`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=100)]
    command: str
    """With ``{original}`` and ``{decoded}``, the paths of two PNG files."""
    pattern: str
    """A regular expression with one group: the value, in what the program prints."""
    higher_is_better: bool
    unit: Line = ""
    title: Line = ""
    role: Literal["distortion", "perception", "diagnostic"] = "diagnostic"


class Convert(BaseModel):
    """What to convert for codecs that can't take a picture as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    alpha: Background | None = None
    """What transparent pixels are laid over."""
    depth: int | None = Field(default=None, ge=DEPTHS[0], le=DEPTHS[-1])
    """Bits a sample of what a codec gets that can't take more."""

    @property
    def conversions(self) -> Conversions:
        """The same as a plan records it."""
        return Conversions(self.alpha, self.depth)


class Suite(BaseModel):
    """Codecs × operating points × images, and the metrics to take."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    datasets: tuple[str, ...] = Field(default=("sample",), min_length=1)
    codecs: tuple[Annotated[CodecEntry, BeforeValidator(_spec_or_entry)], ...] = ()
    """Empty for the codecs of the default suite."""
    quality: Points | None = None
    """Operating points of the lossy codecs that have none of their own."""
    metrics: tuple[str | CommandEntry, ...] = Field(default=DEFAULT_METRICS, min_length=1)
    """Installed names, ``path/to/file.py:Class``, or programs: ``{name: …, command: …, pattern: …,
    higher_is_better: …}``."""
    limit: int | None = Field(default=None, ge=1)
    """Use only the first images of each data set, this many."""
    recursive: bool = False
    """Include the images in the sub-folders of a folder."""
    device: Device = "auto"
    """Where codecs run that have a choice; ``auto`` leaves it to each codec."""
    convert: Annotated[Convert, BeforeValidator(_merged)] = Convert()
    """What to convert for codecs that can't take a picture as it is: ``{alpha: over white, depth: 8}``."""
    gate: Gate = Gate()
    """The limits of ``rdbench check``."""
    title: Line | None = None
    """What its report is called."""
    conditions: Line | None = None
    """Test conditions, by name or file: they give what the suite leaves open, and the run is held against
    them."""

    @field_validator("codecs", mode="before")
    @classmethod
    def _whole_specs(cls, value: Any) -> Any:
        if isinstance(value, list):
            for index, entry in enumerate(value):
                if index and isinstance(entry, int | float):
                    points = takewhile(lambda it: isinstance(it, int | float), value[index:])
                    spec = ",".join(map(str, (value[index - 1], *points)))
                    raise ValueError(f"YAML splits a list at its commas; quote the codec: '{spec}'")
        return value

    @field_validator("datasets", "codecs", "metrics", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("datasets", "metrics")
    @classmethod
    def _once_each(cls, value: tuple[str | CommandEntry, ...]) -> tuple[str | CommandEntry, ...]:
        return tuple(dict.fromkeys(value))


def load_suite(path: Path) -> Suite:
    """Read a suite file. Paths in it are relative to the file; in the result they are absolute.

    Raises
    ------
    ConfigError
        The file is invalid; the message has one line for each mistake, with file name, line and key.
    """
    document = load_yaml(path)
    suite = validate(Suite, document.content, document)
    for index, entry in enumerate(suite.codecs):
        entry._place = Place(place_of(document, ("codecs", index)))
    return located(suite, path.parent)


def located(suite: Suite, base: Path) -> Suite:
    """Make all paths in a suite absolute.

    Parameters
    ----------
    suite : a name of the catalogue among its data sets is not a path; a folder of that name is ``./NAME``
    base : the folder that paths are relative to
    """
    base = base.absolute()
    datasets = tuple(it if is_known(it) else _located_folder(it, base) for it in suite.datasets)
    codecs = tuple(located_codec(it, base) for it in suite.codecs)
    metrics = tuple(_located_metric(it, base) for it in suite.metrics)
    conditions = suite.conditions
    if conditions is not None and conditions.endswith((".yaml", ".yml")):
        conditions = _absolute(conditions, base)
    found = {"datasets": datasets, "codecs": codecs, "metrics": metrics, "conditions": conditions}
    # what stays as it is remains unnamed where the user has not named it
    return suite.model_copy(update={key: it for key, it in found.items() if it != getattr(suite, key)})


def _located_metric(metric: str | CommandEntry, base: Path) -> str | CommandEntry:
    if isinstance(metric, CommandEntry):
        return metric.model_copy(update={"command": _located_command(metric.command, base)})
    return _located_class(metric, base)


def located_codec(entry: CodecEntry, base: Path) -> CodecEntry:
    """Make all paths in an entry absolute: of a codec file, in options, and in command lines."""
    decoder = None if entry.decoder is None else _located_choice(entry.decoder, base)
    return _located_choice(entry, base).model_copy(update={"decoder": decoder})


def _located_choice(chosen: Choice, base: Path) -> Choice:
    codec = _located_class(chosen.codec, base)
    config = {key: _located_option(key, value, base) for key, value in chosen.config.items()}
    return chosen.model_copy(update={"codec": codec, "config": config})


def _located_class(target: str, base: Path) -> str:
    """An installed name as it is, a class of a file with the file's absolute path."""
    file, separator, class_name = target.partition(":")
    return f"{_absolute(file, base)}{separator}{class_name}" if file.endswith(".py") else target


def _located_folder(name: str, base: Path) -> str:
    # A name that is neither known nor a path is left unchanged, because the error message will quote it.
    path = _absolute(name, base)
    return path if "/" in name or os.path.exists(path) else name


def _located_option(name: str, value: Option, base: Path) -> Option:
    if not isinstance(value, str) or not value:
        return value
    if name in _FILE_OPTIONS and "." in value:
        return _absolute(value, base)
    if name == checkpoints.OPTION and checkpoints.has_several(value):
        return checkpoints.with_paths(value, lambda path: _absolute(path, base))
    if name in _COMMAND_OPTIONS:
        return _located_command(value, base)
    return _located_file(value, base) if "/" in value or "." in value else value


def _located_command(line: str, base: Path) -> str:
    """A command line with absolute paths of files; a program without a slash is searched on the PATH."""
    try:
        program, *words = shlex.split(line)
    except ValueError:  # empty, or an open quote: the codec will refuse it
        return line
    located = [_absolute(program, base) if "/" in program else program]
    for word in words:
        option, equals, value = word.rpartition("=")
        located.append(f"{option}{equals}{_located_file(value, base)}")
    return " ".join(map(_quoted, located)) if located != [program, *words] else line


def _quoted(word: str) -> str:
    """Quote a word for :func:`shlex.split`, which does not need that for ``{input}``."""
    return word if re.fullmatch(r"[\w@%+=:,./{}-]+", word) else shlex.quote(word)


def _located_file(text: str, base: Path) -> str:
    """The absolute path, if ``text`` names a file relative to ``base``; else ``text``."""
    path = _absolute(text, base)
    return path if os.path.isfile(path) else text  # pathlib raises for names that are too long


def _absolute(path: str, base: Path) -> str:
    return os.path.normpath(base / Path(path).expanduser())


def parse_codec(spec: str) -> CodecEntry:
    """Parse a codec SPEC.

    Parameters
    ----------
    spec : ``NAME[:option=value,...][@quality,...]``; NAME may be ``path/to/file.py`` or
        ``path/to/file.py:Class``

    Raises
    ------
    ConfigError
        The text is not a SPEC; the message shows the syntax.
    """
    head, at, points = spec.partition("@")
    match = re.fullmatch(
        r"(?P<codec>[^:]+\.py(?::\w+(?![\w=]))?|(?!.*\.py(:|$))[\w.-]+)(?::(?P<options>.*))?", head
    )
    if not match:
        raise ConfigError(
            f"codec {spec!r}: write NAME, NAME:option=value,option=value, path/to/file.py or"
            " path/to/file.py:Class, each optionally with @quality,quality"
        )
    config: dict[str, Option] = {}
    for item in filter(None, (match["options"] or "").split(",")):
        key, equals, value = item.partition("=")
        if not equals or not key.isidentifier():
            raise ConfigError(f"codec {spec!r}: option {item!r} is not of the form name=value")
        config[key] = value
    quality = parse_points(points, f"codec {spec!r}") if at else None
    return CodecEntry(codec=match["codec"], config=config, quality=quality)


def parse_points(text: str, what: str) -> tuple[float, ...] | Goals:
    """Parse what stands behind the @ of a SPEC; as :func:`parse_numbers` or :func:`parse_goals`."""
    return parse_goals(text, what) if are_goals(text) else parse_numbers(text, what)


def settings_of(points: tuple[float, ...] | Goals | None, what: str) -> tuple[float, ...] | None:
    """Operating points, for what does not search.

    Raises
    ------
    ConfigError
        They are goals; ``what`` begins the message.
    """
    if isinstance(points, Goals):
        raise ConfigError(f"{what}: only rdbench run searches for {points.of}; give qualities here")
    return points


def parse_numbers(text: str, what: str) -> tuple[float, ...]:
    """Parse a list such as ``"10,20.5"``; repeated numbers are dropped.

    Parameters
    ----------
    text : finite numbers separated by commas
    what : begins the message of the error

    Raises
    ------
    ConfigError
        The text is not such a list.
    """
    try:
        numbers = tuple(float(it) for it in text.split(",") if it.strip())
    except ValueError:
        numbers = ()
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ConfigError(f"{what}: {text!r} is not a list of numbers such as 10,30,50")
    return tuple(dict.fromkeys(numbers))

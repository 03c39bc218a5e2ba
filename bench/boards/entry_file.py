"""``entry.yaml``: what somebody says of the results that they send, beside the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from datetime import date as Day
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from bench.errors import ConfigError
from bench.files.problems import SHA256
from bench.files.typed_yaml import Document, load_yaml, validate
from bench.inputs.texts import Address, Line
from bench.trials.plan import CodecPlan

ENTRY_FILE = "entry.yaml"
CODE_FOLDER = "codec"
"""Where an entry has the files of its codecs."""


def _is_text(value: Any) -> Any:
    """YAML reads 1.0 as a number, which would lose a version's last digit."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"YAML reads {value} as a number; quote it")
    return value


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _is_day(value: Any) -> Any:
    """Numbers and times would be read as some day or other."""
    if isinstance(value, Day) and not isinstance(value, datetime):
        return value
    with suppress(ValueError):
        if isinstance(value, str):
            return Day.fromisoformat(value)
    raise ValueError(f"write a day such as 2026-11-29, not {str(value)[:60]!r}")


Version = Annotated[Line, BeforeValidator(_is_text)]
Lines = Annotated[tuple[Line, ...], BeforeValidator(_one_or_many)]
Hash = Annotated[str, Field(pattern=SHA256)]
Date = Annotated[Day, BeforeValidator(_is_day)]


class CodecWeights(BaseModel):
    """The trained weights of a codec."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sha256: Hash
    bytes: StrictInt | None = Field(default=None, ge=0)
    """As the codec declares; None where it does not."""


class SubmittedCodec(BaseModel):
    """One configuration of an entry, and where its code is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    label: Line
    codec: Line
    version: Annotated[str, Field(max_length=1000), BeforeValidator(_is_text)]
    package: Line | None = None
    """The installed package that it came from; None for a codec that is a file."""
    files: dict[str, Hash] = {}
    """Its sources in the entry by their SHA-256, the one that is the codec first."""
    weights: CodecWeights | None = None


class Statement(BaseModel):
    """What a submitter says; everything may still be missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Line | None = None
    version: Version | None = None
    """Of the entry: several of one name are its history."""
    authors: Lines = ()
    date: Date | None = None
    licence: Line | None = None
    """Of the codec's code."""
    paper: Address | None = None
    code: Address | None = None
    note: Line | None = None
    hardware: Line | None = None
    training_data: Line | None = None
    """Of learned codecs."""
    open_weights: StrictBool | None = None
    """Whether everybody can have the weights."""
    weights_url: Address | None = None
    conditions: Lines = ()
    """The conditions of the board that the entry claims to meet."""
    bitstreams: Address | None = None
    """Where the bitstreams are, each under its SHA-256, unless they are in the entry."""
    codecs: tuple[SubmittedCodec, ...] = ()


class Submission(Statement):
    """A whole ``entry.yaml``."""

    name: Line
    version: Version
    authors: Lines = Field(min_length=1)
    date: Date
    licence: Line
    hardware: Line
    codecs: tuple[SubmittedCodec, ...] = Field(min_length=1)


NEEDED = ("name", "version", "authors", "date", "licence")
NEEDED_IF_LEARNED = ("training_data", "open_weights")


def read_statement(path: Path) -> Statement:
    """A draft, which need not be complete.

    Raises
    ------
    ConfigError
        The file is invalid; one line for each mistake, with file name, line and key.
    """
    document = load_yaml(path)
    return validate(Statement, document.content, document)


def read_submission(path: Path) -> tuple[Submission, Document]:
    """A complete file, and where its keys stand.

    Raises
    ------
    ConfigError
        As of :func:`read_statement`, or something is missing.
    """
    document = load_yaml(path)
    return validate(Submission, document.content, document), document


def still_to_come(day: Day) -> str:
    """What is wrong with the date of results that nobody can have yet: they would stay the newest of a name.

    Parameters
    ----------
    day : of the results

    Returns
    -------
    Nothing for a day up to tomorrow, which in some time zone is today.
    """
    today = datetime.now(UTC).date()
    return f"{day} is still to come; today is {today}" if day > today + timedelta(days=1) else ""


def weight_bytes(plan: CodecPlan) -> int | None:
    """How large the weights of a codec are, None where it does not say.

    Parameters
    ----------
    plan : of the codec
    """
    size = plan.complexity.get("weight_bytes")
    return None if size is None else round(size)


def completed(statement: Statement, found: Mapping[str, Any]) -> Submission:
    """A submission of what the submitter says, and of what was found in the run.

    Parameters
    ----------
    found : the codecs; and what stands where the statement says nothing

    Raises
    ------
    ConfigError
        Something that nobody but the submitter can know is missing; all of it is named.
    """
    said = {key: value for key, value in statement.model_dump().items() if value not in (None, (), [])}
    values = {**found, **said, "codecs": found["codecs"]}
    learned = any(it.weights is not None for it in found["codecs"])
    needed = (*NEEDED, *(NEEDED_IF_LEARNED if learned else ()))
    missing = [it for it in needed if it not in values]
    if missing:
        options = ", ".join(f"--{it.replace('_', '-')}" for it in missing)
        raise ConfigError(
            f"an entry also says its {', '.join(it.replace('_', ' ') for it in missing)}: give {options},"
            f" or a file with these keys as --entry FILE.yaml"
        )
    return Submission.model_validate(values)


def as_yaml(submission: Submission) -> str:
    """The text of ``entry.yaml``: keys in one order, and nothing that has its default."""
    values = submission.model_dump(mode="json", exclude_defaults=True)
    ordered = {key: values[key] for key in Submission.model_fields if key in values}
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=1000)

"""What became of verifying a run: ``verification.json``, its schema and its reader.

Version history of the schema:

1. First version.

A reader refuses a version that it does not know, and every field that its version does not have.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec

from bench.errors import StoreError
from bench.files.access import MAX_DOCUMENT, open_regular, read_regular, write_atomically
from bench.files.typed_json import MalformedJson, Sha256, decode_json
from bench.host.environment import Environment
from bench.runs.store import JOURNAL_FILE, RUN_FILE
from bench.text.plain import is_one_line

VERIFICATION_FILE = "verification.json"
VERIFICATION_SCHEMA = 1
FORMAT: Literal["rdbench verification"] = "rdbench verification"
_BLOCK = 1 << 20
_LONG = 40
_MOST_TEXT = 1000
"""Characters of a text, which may tell what a stranger's codec said."""

RowVerdict = Literal[
    "verified",
    "decodes, numbers differ",  # the record says something else than what was found; both are told
    "decodes elsewhere differently",  # the recorded bitstream gives other pixels on this machine
    "does not decode",
    "not checked",
]
VERDICTS: tuple[RowVerdict, ...] = get_args(RowVerdict)
"""From the best to the one that says nothing."""
NOT_KEPT = "no bitstream is kept"
"""Why a row is not checked."""
WORD = (
    "not verified, since nobody else has that machine and moment: times, memory, shares of the processor,"
    " isolation, timing mode and device; they are the word of who measured"
)
"""What no verification can say anything about."""
CONTRADICTED: frozenset[RowVerdict] = frozenset(VERDICTS[1:4])
"""The verdicts against a record."""

Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=_MOST_TEXT)]
Recorded: TypeAlias = bool | int | float | Text | None
Level: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of the file."""


class Difference(_Part, frozen=True, kw_only=True):
    """A number or a hash of the record that is another one."""

    name: Text
    """A field of the journal (``bytes``), a metric (``psnr_rgb``), or either of them with ``, encoded again``
    behind."""
    recorded: Recorded = None
    found: Recorded = None
    why: Text = ""
    """What the recorded value contradicts, where it is not a value that was found."""

    def __str__(self) -> str:
        if self.why:
            return f"{self.name} {_shown(self.recorded)}: {self.why}"
        return f"{self.name} {_shown(self.recorded)} recorded, {_shown(self.found)} found"


class VerifiedRow(_Part, frozen=True, kw_only=True):
    """What became of one row: a planned trial of the run, by the line of the journal that decides."""

    dataset: Text
    image: Text
    key: Text
    """Of the trial, as it is recorded; empty where it was never measured."""
    label: Text
    """Of the codec's configuration."""
    quality: float | None = None
    verdict: RowVerdict
    claimed: bool = True
    """Whether the record claims a result; of a failure, or what was never measured, nothing is checked."""
    detail: Text = ""
    """Why; empty for what is verified."""
    levels: Level | None = None
    """The largest difference between a recorded sample and the one that was found, 255 for black and white in
    8 bits; None where the recorded pixels are not at hand, or none were compared."""
    differences: tuple[Difference, ...] = ()
    encoded_again: bool = False
    """Whether it is one of the sample that was encoded again too."""

    @property
    def where(self) -> str:
        """The row in words: ``jpeg at 50 on kodak/kodim01.png``."""
        point = "" if self.quality is None else f" at {self.quality:g}"
        return f"{self.label}{point} on {self.dataset}/{self.image}"


class CodecFlag(_Part, frozen=True, kw_only=True):
    """What was noticed of a codec rather than of a row."""

    label: Text
    flag: Text
    """In a few words, with a question mark where it is a suspicion: ``memorised?``, ``other version``."""
    detail: Text = ""


class Verification(_Part, frozen=True, kw_only=True, omit_defaults=False):
    """What one verification of a run found."""

    format: Literal["rdbench verification"] = FORMAT
    schema: int = VERIFICATION_SCHEMA
    created: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")]
    """UTC."""
    rdbench: Text
    """Version that verified."""
    environment: Environment
    """Of the machine that verified."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    """Of the order of decoding, and of what was encoded again."""
    sample: Share
    """Share of the rows that was encoded again; 0 with ``decode_only``."""
    decode_only: bool
    sealed: bool
    """Whether the codecs saw nothing of the machine but what they need."""
    journal_sha256: Sha256
    """Of the journal that was judged, see :func:`journal_sha256`."""
    plan_sha256: Sha256
    """Of the plan in ``run.json``, see :func:`plan_sha256`."""
    tolerances: dict[Text, float] = {}
    """How far each metric's recorded value may be from the one that was found."""
    rows: tuple[VerifiedRow, ...]
    """In the order of the plan: codec by codec, quality by quality, image by image."""
    flags: tuple[CodecFlag, ...] = ()
    notes: tuple[Text, ...] = ()
    """What was found of the folder as a whole."""

    def counts(self) -> dict[str, Counter[RowVerdict]]:
        """How many rows of each configuration, by label, have each verdict."""
        counts: dict[str, Counter[RowVerdict]] = {}
        for row in self.rows:
            counts.setdefault(row.label, Counter())[row.verdict] += 1
        return counts

    @property
    def contradicted(self) -> tuple[VerifiedRow, ...]:
        """The rows of which the record does not hold."""
        return tuple(it for it in self.rows if it.verdict in CONTRADICTED)

    @property
    def suspicions(self) -> tuple[CodecFlag, ...]:
        """The flags that say that something may be wrong."""
        return tuple(it for it in self.flags if it.flag.endswith("?"))

    @property
    def whole(self) -> bool:
        """Whether every result that the record claims is verified."""
        claimed = [it.verdict for it in self.rows if it.claimed]
        return bool(claimed) and all(it == "verified" for it in claimed)


def journal_sha256(run: Path) -> str:
    """SHA-256 of a run's journal as it is now.

    Parameters
    ----------
    run : a run folder

    Raises
    ------
    StoreError
        It can't be read.
    """
    try:
        with open_regular(run / JOURNAL_FILE, links=True) as file:
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise StoreError(f"{run / JOURNAL_FILE}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()


def plan_sha256(run: Path) -> str:
    """SHA-256 of what ``run.json`` plans (images, codecs, metrics), whatever else it says and its spacing.

    Parameters
    ----------
    run : a run folder

    Raises
    ------
    StoreError
        It can't be read.
    """
    path = run / RUN_FILE
    try:
        found = decode_json(read_regular(path, links=True), _PlanOfRun)
    except (OSError, MalformedJson) as error:
        raise StoreError(f"{path}: cannot be read ({error})") from error
    plan = [found.images, found.codecs, found.metrics]
    return hashlib.sha256(json.dumps(plan, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def belongs(found: Verification, run: Path) -> bool:
    """Whether it judged the run as it is now: this journal and this plan.

    Parameters
    ----------
    found : what :func:`read_verification` gave
    run : a run folder

    Raises
    ------
    StoreError
        The run can't be read.
    """
    return (found.journal_sha256, found.plan_sha256) == (journal_sha256(run), plan_sha256(run))


def read_verification(path: Path) -> Verification:
    """Read a ``verification.json``, which may be a stranger's.

    Parameters
    ----------
    path : the file

    Raises
    ------
    StoreError
        It can't be read, is larger than 256 MiB, is none or a damaged one, or is of an unknown schema.
    """
    try:
        data = read_regular(path, MAX_DOCUMENT)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        head = decode_json(data, _FileHead)
        if head.format != FORMAT:
            raise MalformedJson(f"its format is {head.format[:80]!r}, not {FORMAT!r}")
        if head.schema != VERIFICATION_SCHEMA:
            raise StoreError(
                f"{path}: verification schema version {head.schema}, this rdbench reads"
                f" {VERIFICATION_SCHEMA}; "
                + ("update rdbench" if head.schema > VERIFICATION_SCHEMA else "verify the run again")
            )
        found = decode_json(data, Verification)
        _require_plain(found)
    except MalformedJson as error:
        raise StoreError(f"{path}: no verification of rdbench, or a damaged one ({error})") from error
    return found


def write_verification(path: Path, verification: Verification) -> None:
    """Write the file in one step: a reader, or who is killed meanwhile, leaves the old or the new one.

    Parameters
    ----------
    path : a link there is replaced, not followed
    verification : what it is to hold

    Raises
    ------
    StoreError
        It can't be written.
    """
    write_atomically(path, as_json(verification).encode())


def as_json(verification: Verification) -> str:
    """The file's text: what is listed has a line each."""
    return "{\n" + ",\n".join(_fields(msgspec.to_builtins(verification))) + "\n}\n"


def _shown(value: Recorded) -> str:
    """A recorded value in a sentence: hashes are long, and the first digits tell them apart."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= _LONG else f"{text[:12]}…"


def _fields(plain: dict[str, Any]) -> Iterator[str]:
    for key, value in plain.items():
        if isinstance(value, tuple | list) and value:
            lines = ",\n".join("  " + _line(it) for it in value)
            yield f' "{key}": [\n{lines}\n ]'
        else:
            yield f' "{key}": {_line(value)}'


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _require_plain(found: Verification) -> None:
    """Refuse text that could break a line or control a terminal."""
    for text in _texts(found):
        if not is_one_line(text):
            raise MalformedJson(f"control characters in {text[:80]!r}")


def _texts(found: Verification) -> Iterator[str]:
    yield from (found.rdbench, *found.notes, *found.tolerances)
    for of_machine in (found.environment.machine, found.environment.software):
        yield from (*of_machine, *of_machine.values())
    for flag in found.flags:
        yield from (flag.label, flag.flag, flag.detail)
    for row in found.rows:
        yield from (row.dataset, row.image, row.key, row.label, row.detail)
        for it in row.differences:
            yield from (text for text in (it.name, it.recorded, it.found) if isinstance(text, str))


class _FileHead(msgspec.Struct):
    """What is read first, to know whether the rest can be."""

    schema: int
    format: str = ""


class _PlanOfRun(msgspec.Struct):
    """What of ``run.json`` the verdicts are about."""

    images: list[Any]
    codecs: list[Any]
    metrics: list[Any]

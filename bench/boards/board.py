"""A board: ``board.yaml``, and the entries below its folder, the newest of each name and those before it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bench.boards.entry_file import ENTRY_FILE, Lines, Submission, read_submission
from bench.errors import ConfigError, StoreError
from bench.files.typed_yaml import load_yaml, validate
from bench.inputs.texts import Line
from bench.runs.store import RunInfo, read_info
from bench.verifying.record import VERIFICATION_FILE, Verification, belongs, read_verification

BOARD_FILE = "board.yaml"
DEFAULT_METRICS = ("psnr_rgb", "ms_ssim_rgb")
MAX_ENTRIES = 10_000


class Condition(BaseModel):
    """What an entry has to keep within to meet a condition of the board; only what is given counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    about: Annotated[str, Field(max_length=500)] = ""
    datasets: Lines = ()
    """It must have results on all of these; default: on all of the board."""
    conditions: Line | None = None
    """Test conditions that its run must keep to."""
    timing: Literal["alone"] | None = None
    sealed: bool = False
    verified: bool = False
    open_weights: bool = False
    points: int | None = Field(default=None, ge=1)
    """Operating points, at least."""
    weights_mb: float | None = Field(default=None, ge=0)
    """At most, as all of the following but for the speeds."""
    decoder_kmac: float | None = Field(default=None, ge=0)
    memory_mb: float | None = Field(default=None, ge=0)
    """Of the decoder."""
    encode_mps: float | None = Field(default=None, ge=0)
    """Megapixels a second, at least."""
    decode_mps: float | None = Field(default=None, ge=0)


class BoardFile(BaseModel):
    """``board.yaml``; a folder without one is a board too."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: Line = "Image codec leaderboard"
    about: Annotated[str, Field(max_length=2000)] = ""
    anchor: Line | None = None
    """The label, name of an entry or codec that the others are compared with; default: JPEG."""
    datasets: Lines = ()
    """Those that count, in the order of the tabs; default: all that an entry has."""
    metrics: Annotated[Lines, BeforeValidator(lambda value: value or DEFAULT_METRICS)] = DEFAULT_METRICS
    """The columns; the first one ranks."""
    conditions: dict[Line, Condition] = {}


@dataclass(frozen=True, eq=False)
class BoardEntry:
    """One folder of a board."""

    folder: Path
    slug: str
    """Its place below the board's folder."""
    submission: Submission
    info: RunInfo
    verification: Verification | None
    """Of this state of the entry."""
    outdated: bool
    """Whether there is a verification of another state."""
    current: bool
    """Whether it is the newest of its name."""


@dataclass(frozen=True, eq=False)
class Board:
    """All of it."""

    folder: Path
    file: BoardFile
    entries: tuple[BoardEntry, ...]
    """By name, the newest first."""


def read_board(folder: Path) -> Board:
    """Read a board and all of its entries.

    Raises
    ------
    ConfigError
        There is no entry, or a file is invalid.
    StoreError
        The run of an entry can't be read.
    """
    path = folder / BOARD_FILE
    file = read_board_file(path) if path.is_file() else BoardFile()
    folders = sorted(_entry_folders(folder))
    if not folders:
        raise ConfigError(f"{folder}: has no entry, a folder with {ENTRY_FILE}; rdbench submit makes one")
    if len(folders) > MAX_ENTRIES:
        raise ConfigError(f"{folder}: {len(folders)} entries, {MAX_ENTRIES} are the most")
    submissions = {it: read_submission(it / ENTRY_FILE)[0] for it in folders}
    oldest_first = sorted(folders, key=lambda it: (submissions[it].date, _natural(submissions[it].version)))
    newest = {submissions[it].name: it for it in oldest_first}
    newest_first = oldest_first[::-1]
    order = sorted(newest_first, key=lambda it: submissions[it].name.lower())
    entries = (_entry(it, folder, submissions[it], it == newest[submissions[it].name]) for it in order)
    return Board(folder, file, tuple(entries))


def read_board_file(path: Path) -> BoardFile:
    """Read a ``board.yaml``.

    Raises
    ------
    ConfigError
        The file is invalid; one line for each mistake, with file name, line and key.
    """
    document = load_yaml(path)
    return validate(BoardFile, document.content, document)


def _entry_folders(board: Path) -> list[Path]:
    """The folders with an entry, wherever they are below; links are not followed."""
    found = []
    for root, folders, files in os.walk(board, followlinks=False):
        if ENTRY_FILE in files:
            found.append(Path(root))
            folders.clear()
        folders[:] = sorted(it for it in folders if not it.startswith("."))
    return found


def _natural(version: str) -> list[tuple[int, str]]:
    """A key by which 1.10 comes after 1.9."""
    parts = "".join(it if it.isdigit() else " " if it in ".-_+ " else f" {it} " for it in version).split()
    return [(int(it), "") if it.isdecimal() and it.isascii() else (-1, it) for it in parts]


def _entry(folder: Path, board: Path, submission: Submission, current: bool) -> BoardEntry:
    info = read_info(folder)
    labels = {it.label for it in info.codecs}
    if labels != {it.label for it in submission.codecs}:
        raise ConfigError(
            f"{folder}: {ENTRY_FILE} and run.json name different codecs; rdbench submit --check"
        )
    found = _verification(folder)
    valid = found is not None and belongs(found, folder)
    slug = folder.relative_to(board).as_posix()
    return BoardEntry(
        *(folder, slug, submission, info, found if valid else None),
        outdated=found is not None and not valid,
        current=current,
    )


def _verification(folder: Path) -> Verification | None:
    path = folder / VERIFICATION_FILE
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return read_verification(path)
    except StoreError as error:
        raise StoreError(f"{error}; verify the entry again") from error

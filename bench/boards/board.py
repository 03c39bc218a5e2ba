"""A board: ``board.yaml``, and the entries below its folder, the newest of each name and those before it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bench.boards.entry_check import REMEDY
from bench.boards.entry_file import ENTRY_FILE, Lines, Submission, read_submission, still_to_come
from bench.boards.names import require_own_names
from bench.errors import BenchError, ConfigError, StoreError
from bench.files.typed_yaml import Document, load_yaml, located, validate
from bench.inputs.texts import Line
from bench.runs.frame import load
from bench.runs.store import RunInfo, read_info
from bench.text.plain import harmless
from bench.verifying.record import VERIFICATION_FILE, Verification, belongs, read_verification

if TYPE_CHECKING:
    import pandas as pd

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
    """What the others are compared with: an entry by folder or name, a label or a codec; default: JPEG."""
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
    frame: pd.DataFrame
    """Its trials."""


@dataclass(frozen=True, eq=False)
class Board:
    """All of it."""

    folder: Path
    file: BoardFile
    entries: tuple[BoardEntry, ...]
    """By name, the newest first."""
    document: Document | None = None
    """Of ``file``, to tell where something stands in it."""
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """A folder with an ``entry.yaml`` that is no entry: a file is damaged, or its date still to come."""

    folder: Path
    problem: str
    """A line for each, with the file's path."""

    def shown(self, board: Path) -> str:
        """One line for a page, without the keeper's folders.

        Parameters
        ----------
        board : its folder
        """
        first, *more = [harmless(it) for it in self.problem.splitlines()]
        return f"{first.replace(f'{board}/', '')}{f' (and {len(more)} more)' if more else ''}"


def read_board(folder: Path, guest: Path | None = None) -> Board:
    """Read a board and its entries; those that can't be read are left out, and told.

    Parameters
    ----------
    folder : of the board
    guest : the folder of an entry that is not below it, as if it were

    Raises
    ------
    ConfigError
        No entry can be read, ``board.yaml`` is invalid, or two folders claim one name or version.
    """
    path = folder / BOARD_FILE
    document = load_yaml(path) if path.is_file() else None
    file = BoardFile() if document is None else validate(BoardFile, document.content, document)
    folders = sorted(_entry_folders(folder))
    if guest is not None and guest.resolve() not in {it.resolve() for it in folders}:
        folders.append(guest)
    if not folders:
        raise ConfigError(f"{folder}: has no entry, a folder with {ENTRY_FILE}; rdbench submit makes one")
    if len(folders) > MAX_ENTRIES:
        raise ConfigError(f"{folder}: {len(folders)} entries, {MAX_ENTRIES} are the most")
    read: list[BoardEntry] = []
    left_out = []
    for it in folders:
        try:
            read.append(_read_entry(it, folder))
        except BenchError as error:
            left_out.append(LeftOut(it, str(error)))
    if not read:
        raise ConfigError("\n".join(it.problem for it in left_out))
    require_own_names({it.folder: it.submission for it in read})
    return Board(folder, file, _in_order(read), document, tuple(left_out))


def _read_entry(folder: Path, board: Path) -> BoardEntry:
    submission, document = read_submission(folder / ENTRY_FILE)
    if problem := still_to_come(submission.date):
        raise located(document, ("date",), problem)
    info = read_info(folder, REMEDY)
    if {it.label for it in info.codecs} != {it.label for it in submission.codecs}:
        raise ConfigError(
            f"{folder}: {ENTRY_FILE} and run.json name different codecs; rdbench submit --check"
        )
    found = _verification(folder)
    valid = found is not None and belongs(found, folder)
    return BoardEntry(
        folder=folder,
        slug=folder.relative_to(board).as_posix() if folder.is_relative_to(board) else folder.name,
        submission=submission,
        info=info,
        verification=found if valid else None,
        outdated=found is not None and not valid,
        current=False,  # which the others decide
        frame=load(folder),
    )


def _in_order(read: Sequence[BoardEntry]) -> tuple[BoardEntry, ...]:
    """By name, the newest first, which is the current one."""
    oldest_first = sorted(read, key=lambda it: (it.submission.date, _natural(it.submission.version)))
    newest = {it.submission.name: it for it in oldest_first}
    newest_first = oldest_first[::-1]
    by_name = sorted(newest_first, key=lambda it: it.submission.name.lower())
    return tuple(replace(it, current=it is newest[it.submission.name]) for it in by_name)


def board_above(folder: Path) -> Path | None:
    """The nearest folder around an entry that has a ``board.yaml``.

    Parameters
    ----------
    folder : of the entry
    """
    return next((it for it in folder.absolute().parents if (it / BOARD_FILE).is_file()), None)


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


def _verification(folder: Path) -> Verification | None:
    path = folder / VERIFICATION_FILE
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return read_verification(path)
    except StoreError as error:
        raise StoreError(f"{error}; verify the entry again") from error

"""Which configuration of a board the others are compared with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import PurePosixPath

from bench.boards.board import Board, BoardEntry
from bench.boards.names import folded
from bench.boards.rows import BoardRow
from bench.errors import ConfigError, suggestion
from bench.files.typed_yaml import place_of
from bench.trials.plan import CodecPlan


def named_anchors(board: Board, rows: Iterable[BoardRow]) -> list[str]:
    """The keys of the lossy rows that ``anchor`` of ``board.yaml`` means; on a data set its first counts.

    It is the folder of an entry, or else the newest version of one of this name, with a configuration that is
    called so, or of this codec, in this order.

    Parameters
    ----------
    board : one whose file names an anchor
    rows : all of its configurations

    Raises
    ------
    ConfigError
        No entry fits, or several do; the message has file and line.
    """
    wanted = board.file.anchor or ""
    folder = PurePosixPath(wanted).as_posix()
    lossy = [(it, board.entries[it.entry]) for it in rows if not it.plan.lossless]
    kinds: tuple[Callable[[BoardEntry, CodecPlan], bool], ...] = (
        lambda entry, plan: entry.slug == folder,
        lambda entry, plan: entry.current and folded(entry.submission.name) == folded(wanted),
        lambda entry, plan: entry.current and plan.label == wanted,
        lambda entry, plan: entry.current and plan.codec == wanted,
    )
    for fits in kinds:
        found = [(row, entry) for row, entry in lossy if fits(entry, row.plan)]
        if found:
            _require_one(board, wanted, {entry.slug for _, entry in found})
            return [row.key for row, _ in found]
    known = [it.slug for it in board.entries] + [it.submission.name for it in board.entries if it.current]
    problem = f"{wanted!r} is in no entry{suggestion(wanted, known)}"
    raise ConfigError("\n".join([_about_it(board, problem), *(it.problem for it in board.left_out)]))


def _require_one(board: Board, wanted: str, slugs: Collection[str]) -> None:
    if len(slugs) > 1:
        named = ", ".join(sorted(slugs))
        raise ConfigError(
            _about_it(board, f"{wanted!r} is in several entries ({named}): name the folder of one")
        )


def _about_it(board: Board, problem: str) -> str:
    if board.document is None:
        return f"{board.folder}: the anchor {problem}"
    return f"{place_of(board.document, ('anchor',))}: {problem}"

"""The rows of a board's tables: the configurations of its entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.boards.board import BoardEntry
from bench.trials.plan import CodecPlan


@dataclass(frozen=True)
class BoardRow:
    """A configuration of an entry: what a table of the board has a row of."""

    key: str
    """As the frames of the board call it."""
    entry: int
    """Its place among the board's entries."""
    label: str
    """As its entry calls it."""
    title: str
    """As the board calls it: by its entry."""
    plan: CodecPlan


def rows_of(entries: Sequence[BoardEntry]) -> tuple[BoardRow, ...]:
    """A row for each configuration of each entry.

    Parameters
    ----------
    entries : of a board
    """
    rows = []
    for index, entry in enumerate(entries):
        plans = entry.info.codecs
        for plan in plans:
            name = entry.submission.name
            title = name if len(plans) == 1 else f"{name}: {plan.label}"
            if not entry.current:
                title += f" ({entry.submission.version})"
            rows.append(BoardRow(f"{index}:{plan.label}", index, plan.label, title, plan))
    return tuple(rows)

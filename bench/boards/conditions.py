"""Which rows of a board meet its conditions, and what keeps the others from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.boards.board import Board, BoardEntry, Condition
from bench.boards.results import BoardResults
from bench.boards.rows import BoardRow
from bench.boards.verified import is_verified, state_of
from bench.conditions.definition import find_conditions
from bench.conditions.deviations import judge
from bench.report.entries import Entry
from bench.sealing.seal import ways_out
from bench.text.plain import printable, some_of

if TYPE_CHECKING:
    import pandas as pd


def unmet(row: BoardRow, board: Board, results: BoardResults) -> dict[str, list[str]]:
    """By condition what keeps a row from it; an empty list for one that it meets."""
    entry = board.entries[row.entry]
    return {
        name: list(_obstacles(_located(condition, board.folder), row, entry, results))
        for name, condition in board.file.conditions.items()
    }


def _obstacles(
    condition: Condition, row: BoardRow, entry: BoardEntry, results: BoardResults
) -> Iterator[str]:
    sets = {it.dataset: it for it in results.sets}
    for name in condition.datasets or tuple(sets):
        facts = sets[name].entries.get(row.key) if name in sets else None
        if facts is None:
            yield f"no results on {name}"
            continue
        if facts.n_ok < facts.n_planned:
            yield f"{facts.n_planned - facts.n_ok} trials without a result on {name}"
        yield from (f"{it} on {name}" for it in _out_of_bounds(condition, facts))
        if condition.conditions is not None:
            yield from _departures(condition.conditions, row, entry, sets[name].frame, name)
        if condition.sealed and not _is_sealed(sets[name].frame, row.key):
            yield f"not sealed on {name}"
    if condition.sealed and (ways := ways_out(row.plan.given)):
        yield printable(f"encoder and decoder share {some_of(ways, 3)}")
    if condition.points is not None and len(row.plan.qualities) < condition.points:
        yield f"{len(row.plan.qualities)} operating points"
    yield from _too_large(condition, row.plan.complexity)
    if condition.verified and not is_verified(entry, row.label):
        yield state_of(entry, row.label)
    if condition.open_weights and row.plan.weights_sha256 is not None and not entry.submission.open_weights:
        yield "its weights are not open"


def _located(condition: Condition, folder: Path) -> Condition:
    """With a file of test conditions where it lies, relative to the board."""
    named = condition.conditions
    if named is None or not named.endswith((".yaml", ".yml")):
        return condition
    return condition.model_copy(update={"conditions": str(folder / named)})


def _departures(
    conditions: str, row: BoardRow, entry: BoardEntry, frame: pd.DataFrame, dataset: str
) -> Iterator[str]:
    """Where a configuration departs from test conditions; the anchor is the board's matter."""
    rows = frame[frame["label"] == row.key].assign(label=row.label)
    its = find_conditions(conditions)
    its = replace(its, definition=its.definition.model_copy(update={"anchor": None}))
    verdict = judge(its, entry.info, rows, labels=[row.label])
    yield from (f"{it} on {dataset} ({its.name})" for it in verdict.deviations)


def _out_of_bounds(condition: Condition, facts: Entry) -> Iterator[str]:
    """Speed, memory and the way of timing on one data set."""
    if condition.timing is not None and facts.timing != condition.timing:
        yield "not timed alone"
    for least, speed, side in (
        (condition.encode_mps, facts.encode_mps, "encodes"),
        (condition.decode_mps, facts.decode_mps, "decodes"),
    ):
        if least is not None and (speed is None or speed < least):
            yield f"{side} unknown megapixels a second" if speed is None else f"{side} {speed:.3g} MP/s"
    most = condition.memory_mb
    if most is not None and (facts.decode_peak_mb is None or facts.decode_peak_mb > most):
        known = facts.decode_peak_mb
        yield "its memory was not measured" if known is None else f"takes {known:.0f} MB"


def _too_large(condition: Condition, complexity: dict[str, float]) -> Iterator[str]:
    weights = complexity.get("weight_bytes", 0.0) / 1e6
    if condition.weights_mb is not None and weights > condition.weights_mb:
        yield f"{weights:.1f} MB of weights"
    cost = complexity.get("decoder_kmac_per_pixel", 0.0)
    if condition.decoder_kmac is not None and cost > condition.decoder_kmac:
        yield f"{cost:.0f} kMAC a pixel"


def _is_sealed(frame: pd.DataFrame, key: str) -> bool:
    rows = frame[(frame["label"] == key) & (frame["status"] == "ok")]
    return bool(len(rows)) and bool((rows["isolation"] == "sealed").all())

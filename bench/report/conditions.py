"""Test conditions in a report: where its runs depart from them, and what is matched by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bench.conditions.definition import MatchedPairs, NamedConditions, find_conditions, without_digest
from bench.conditions.deviations import Adherence, Evaluation, judge
from bench.errors import ConfigError
from bench.rd.fairness import Finding
from bench.rd.matching import PairRatios, geometric_mean, matched
from bench.report.entries import Entry
from bench.report.load import LoadedRuns
from bench.report.options import ReportOptions

if TYPE_CHECKING:
    import pandas as pd

    from bench.runs.store import RunInfo


@dataclass(frozen=True)
class MatchedRow:
    """Two configurations at matched points."""

    first: str
    second: str
    metrics: tuple[str, ...]
    tolerance: float
    ratios: PairRatios


def conditions_of(runs: Mapping[str, RunInfo], named: str | None) -> NamedConditions | None:
    """Those that are named, else those that all runs were made under; None where there are none at hand.

    Raises
    ------
    ConfigError
        There are none of the name.
    """
    if named is not None:
        return find_conditions(named)
    recorded = {it.conditions for it in runs.values()}
    if len(recorded) != 1 or not (name := recorded.pop()):
        return None
    try:
        return find_conditions(without_digest(name))
    except ConfigError:
        return None


def condition_findings(
    loaded: LoadedRuns, options: ReportOptions, anchor: str | None
) -> tuple[NamedConditions | None, list[Finding]]:
    """The conditions in force, and one finding for each run that is held against them."""
    conditions = conditions_of(loaded.runs, options.conditions)
    found = []
    for name, info in loaded.runs.items():
        recorded, _, digest = info.conditions.partition(" ")
        if conditions is None:
            if recorded:
                text = f"conditions: {recorded}, which are not at hand; name their file with --conditions"
                found.append(Finding("conditions", "warning", text, ()))
            continue
        frame = loaded.frame[loaded.frame["run"] == name]
        if frame.empty:
            continue
        its_anchor = anchor if anchor in {it.label for it in info.codecs} else None
        verdict = judge(conditions, info, frame, Evaluation(options.average, anchor=its_anchor))
        if recorded == conditions.name and digest != conditions.digest:
            text = f"the run was made under another text of {recorded}: a changed definition is a new version"
            verdict = Adherence(verdict.conditions, (*verdict.deviations, text))
        several = f"run {name}: " if len(loaded.runs) > 1 else ""
        departs = bool(verdict.deviations)
        found.append(Finding("conditions", "warning" if departs else "note", several + str(verdict), ()))
    return conditions, found


def matched_rows(
    conditions: NamedConditions | None, frame: pd.DataFrame, entries: Sequence[Entry]
) -> tuple[MatchedRow, ...]:
    """All pairs of lossy configurations at points that match as the conditions say."""
    pairs = None if conditions is None else conditions.definition.pairs
    if pairs is None:
        return ()
    lossy = [it for it in entries if not it.lossless]
    rows = (_matched(pairs, frame, one, other) for one, other in combinations(lossy, 2))
    return tuple(it for it in rows if it is not None)


def _matched(pairs: MatchedPairs, frame: pd.DataFrame, one: Entry, other: Entry) -> MatchedRow | None:
    wanted = (pairs.metrics.get(it.codec) for it in (one, other))
    metrics = tuple(it for it in dict.fromkeys(wanted) if it is not None and it in frame.columns)
    metrics = metrics or tuple(it for it in pairs.metrics.values() if it in frame.columns)[:1]
    if not metrics:
        return None
    tolerance = pairs.distortion if len(metrics) == 1 else pairs.two_metrics
    ok = frame[frame["status"] == "ok"].sort_values("quality")
    sides = [dict(list(ok[ok["label"] == it.label].groupby("image", observed=True))) for it in (one, other)]
    ratios: dict[str, list[float]] = {"bytes": [], "encode_s": [], "decode_s": []}
    for image in sides[0].keys() & sides[1].keys():
        first, second = (it[image] for it in sides)
        left, right = (it[list(metrics)].to_numpy(float) for it in (first, second))
        for a, b in matched(left, right, [tolerance] * len(metrics)):
            for name, found in ratios.items():
                found.append(float(second[name].iloc[b]) / (float(first[name].iloc[a]) or np.nan))
    size, encode, decode = map(geometric_mean, ratios.values())
    return MatchedRow(
        *(one.label, other.label, metrics, tolerance),
        PairRatios(len(ratios["bytes"]), size, encode, decode),
    )

"""A state against a baseline -> a verdict. Nothing is read or printed here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

import msgspec

from bench.check.attribution import code_change, differences, outside_cause
from bench.check.baseline import CodecState, State, TrialState
from bench.check.contradictions import require_consistent
from bench.check.curves import curve_findings
from bench.check.trial import Difference, Rules, trial_differences
from bench.check.verdict import Change, Finding, Kind, Verdict, worst_first
from bench.errors import ConfigError
from bench.inputs.gate import Gate

Limits: TypeAlias = Callable[[CodecState], Gate]


def compare(baseline: State, run: State, limits: Limits) -> Verdict:
    """Compare a run with a baseline.

    Raises
    ------
    ConfigError
        The two have no trial in common, or contradict each other.
    """
    now = {it.label: it for it in run.codecs}
    before = {it.label: it for it in baseline.codecs}
    if _trials(baseline).isdisjoint(_trials(run)):
        raise ConfigError(
            f"the run ({', '.join(now) or 'no codec'}) and the baseline ({', '.join(before)}) have no trial"
            " in common: other codecs, qualities or images"
        )
    require_consistent(baseline, run)
    findings: list[Finding] = []
    counts = _Counts()
    for codec in baseline.codecs:
        other = now.get(codec.label)
        if other is None:
            changes = tuple(Change(it, None, None, 0) for it in dict.fromkeys(t.image for t in codec.trials))
            findings.append(
                Finding("missing", True, codec.label, None, "codec", changes=changes, detail="not in the run")
            )
            continue
        findings += _codec_findings(codec, other, (baseline, run), limits(other), counts)
    for codec in run.codecs:
        known = before.get(codec.label)
        findings += _new_trials(codec, {it.key for it in known.trials} if known else set())
    findings += _lost_metrics(baseline, run)
    if any(it.kind != "new" for it in findings) or counts.identical < counts.compared:
        findings += _renewed_metrics(baseline, run)
    return Verdict(
        worst_first(findings),
        counts.compared,
        counts.identical,
        differences(baseline.environment, run.environment),
    )


def _trials(state: State) -> set[tuple[str, str, float | None]]:
    return {(codec.label, *trial.key) for codec in state.codecs for trial in codec.trials}


@dataclass
class _Counts:
    compared: int = 0
    identical: int = 0


def _codec_findings(
    before: CodecState, after: CodecState, states: tuple[State, State], gate: Gate, counts: _Counts
) -> Iterator[Finding]:
    now = {it.key: it for it in after.trials}
    pairs = [(trial, now.get(trial.key)) for trial in before.trials]
    ended = [
        (one, other)
        for one, other in pairs
        if other is not None and one.status == other.status == "ok" and not _replaced(one, states)
    ]
    counts.compared += len(ended)
    rules = Rules(gate, *states)
    found: list[tuple[TrialState, Difference]] = []
    for one, other in ended:
        if _identical(one, other):
            counts.identical += 1
        found += [(one, it) for it in trial_differences(one, other, rules)]
    yield from _ending_findings(before.label, pairs, states)
    cause = outside_cause(before, after, states, gate)
    explained = code_change(before, after)
    order = sorted(found, key=lambda it: (it[0].quality is not None, it[0].quality or 0, *it[1].group))
    for _, group in groupby(order, key=lambda it: (it[0].quality, *it[1].group)):
        members = list(group)
        yield _finding(before.label, members, gate, (cause, explained))
    if any(not _identical(one, other) for one, other in ended):
        # an image that was replaced says nothing of the codec
        same = [msgspec.structs.replace(it, trials=_of_same(it, states)) for it in (before, after)]
        for it in curve_findings(same[0], same[1], rules):
            yield _settled(it, gate, (cause, explained))


def _identical(one: TrialState, other: TrialState) -> bool:
    return one.bitstream_sha256 == other.bitstream_sha256 and one.pixels_sha256 == other.pixels_sha256


def _of_same(codec: CodecState, states: tuple[State, State]) -> tuple[TrialState, ...]:
    known = states[0].images.keys() & states[1].images.keys()
    return tuple(it for it in codec.trials if it.image in known and not _replaced(it, states))


def _replaced(trial: TrialState, states: tuple[State, State]) -> bool:
    """Whether the image of this name is another one now."""
    return states[0].images[trial.image].sha256 != states[1].images[trial.image].sha256


def _ending_findings(
    label: str, pairs: list[tuple[TrialState, TrialState | None]], states: tuple[State, State]
) -> Iterator[Finding]:
    """Trials that ended otherwise than in the baseline, by quality and cause."""
    cases: dict[tuple[Kind, float | None, str], list[str]] = {}
    for one, other in pairs:
        case = _ending(one, other)
        if case is None and other is not None and _replaced(one, states):
            case = "missing", "the picture of this name is another file"
        if case is not None:
            cases.setdefault((case[0], one.quality, case[1]), []).append(one.image)
    for (kind, quality, detail), images in cases.items():
        changes = tuple(Change(it, None, None, 0) for it in images)
        fails = kind in ("failed", "missing")
        yield Finding(kind, fails, label, quality, "status", changes=changes, detail=detail)


def _ending(one: TrialState, other: TrialState | None) -> tuple[Kind, str] | None:
    if other is None or other.status == "cancelled":
        return ("missing", "not in the run") if one.status != "cancelled" else None
    if one.status == "ok" and other.status != "ok":
        return "failed", f"{other.status}, {other.error}"
    if one.status != "ok" and other.status == "ok":
        return "improved", f"was {one.status}, and works now"
    if one.status != other.status:
        return "changed", f"was {one.status}, is {other.status} now: {other.error}"
    return None


def _finding(
    label: str, members: list[tuple[TrialState, Difference]], gate: Gate, why: tuple[str, str]
) -> Finding:
    _, first = members[0]
    changes = [Change(trial.image, it.before, it.after, it.amount) for trial, it in members]
    changes.sort(key=lambda it: -abs(it.amount))
    finding = Finding(
        first.kind,
        first.kind == "regression",
        label,
        members[0][0].quality,
        first.measure,
        first.unit,
        first.limit,
        tuple(changes),
    )
    return _settled(finding, gate, why)


def _settled(finding: Finding, gate: Gate, why: tuple[str, str]) -> Finding:
    """The finding with its cause named, and moved from the code to the environment where that changed."""
    cause, explained = why
    detail = "; ".join(filter(None, (finding.detail, cause, explained)))
    if finding.kind == "regression" and cause:
        return replace(finding, kind="environment changed", fails=gate.environment == "fail", detail=detail)
    return replace(finding, detail=detail)


def _new_trials(codec: CodecState, known: set[tuple[str, float | None]]) -> Iterator[Finding]:
    cases: dict[tuple[bool, float | None, str], list[str]] = {}
    for trial in codec.trials:
        if trial.key not in known and trial.status != "cancelled":
            detail = "not in the baseline" + (f"; {trial.status}, {trial.error}" if trial.error else "")
            cases.setdefault((trial.status != "ok", trial.quality, detail), []).append(trial.image)
    for (fails, quality, detail), images in cases.items():
        changes = tuple(Change(it, None, None, 0) for it in images)
        kind: Kind = "failed" if fails else "new"
        yield Finding(kind, fails, codec.label, quality, "status", changes=changes, detail=detail)


def _renewed_metrics(baseline: State, run: State) -> Iterator[Finding]:
    """Values of two definitions are not compared: which of them changed, nobody could tell."""
    for name, before in baseline.metrics.items():
        now = run.metrics.get(name)
        if now is not None and not before.is_same(now):
            detail = f"its definition changed ({before.version} -> {now.version}): make the baseline again"
            yield Finding("missing", True, "all codecs", None, name, detail=detail)


def _lost_metrics(baseline: State, run: State) -> Iterator[Finding]:
    for name in baseline.metrics.keys() - run.metrics.keys():
        yield Finding("missing", True, "all codecs", None, name, detail="the run did not take this metric")

"""Compare a run with a baseline: two snapshots -> a verdict. Nothing is read or printed here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TypeAlias

import msgspec

from bench.check.attribution import code_change, outside_cause
from bench.check.baseline import CodecResults, Snapshot, TrialResult
from bench.check.contradictions import require_consistent
from bench.check.curves import curve_findings
from bench.check.rules import Rules, differences
from bench.check.trial import TrialDifference, trial_differences
from bench.check.verdict import Change, CheckFinding, Kind, Verdict, worst_first
from bench.errors import ConfigError
from bench.inputs.gate import Gate

Limits: TypeAlias = Callable[[CodecResults], Gate]


def compare(baseline: Snapshot, run: Snapshot, limits: Limits) -> Verdict:
    """Compare a run with a baseline.

    Parameters
    ----------
    baseline, run : what was measured before and now
    limits : what passes for a codec of the run

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
    findings: list[CheckFinding] = []
    compared = identical = 0
    for codec in baseline.codecs:
        if codec.label not in now:
            findings.append(_absent(codec))
            continue
        after = now[codec.label]
        pair = _CodecPair(codec, after, Rules(limits(after), baseline, run))
        findings += pair.findings()
        compared += len(pair.finished)
        identical += sum(_identical(*it) for it in pair.finished)
    for codec in run.codecs:
        earlier = before[codec.label].trials if codec.label in before else ()
        findings += _new_trials(codec, {it.key for it in earlier})
    findings += _lost_metrics(baseline, run)
    if any(it.kind != "new" for it in findings) or identical < compared:
        findings += _redefined_metrics(baseline, run)
    environment = differences(baseline, run)
    return Verdict(worst_first(findings), compared, identical, environment)


def _trials(snapshot: Snapshot) -> set[tuple[str, str, float | None]]:
    return {(codec.label, *trial.key) for codec in snapshot.codecs for trial in codec.trials}


def _absent(codec: CodecResults) -> CheckFinding:
    changes = tuple(map(_unmeasured, dict.fromkeys(it.image for it in codec.trials)))
    return CheckFinding("missing", True, codec.label, None, "codec", changes=changes, detail="not in the run")


@dataclass(frozen=True)
class _CodecPair:
    """A codec in the baseline and in the run."""

    before: CodecResults
    after: CodecResults
    rules: Rules

    @cached_property
    def trials(self) -> list[tuple[TrialResult, TrialResult | None]]:
        """Each trial of the baseline, with the one of the run if there is one."""
        now = {it.key: it for it in self.after.trials}
        return [(it, now.get(it.key)) for it in self.before.trials]

    @cached_property
    def finished(self) -> list[tuple[TrialResult, TrialResult]]:
        """The trials on the same image that succeeded both times."""
        return [
            (one, other)
            for one, other in self.trials
            if other is not None and one.status == other.status == "ok" and not self.rules.replaced(one.image)
        ]

    def findings(self) -> Iterator[CheckFinding]:
        """Everything that differs: how trials ended, then measures of single trials, then curves."""
        yield from self._status_findings()
        found = [
            (one, it) for one, other in self.finished for it in trial_differences(one, other, self.rules)
        ]
        found.sort(key=lambda it: (it[0].quality is not None, it[0].quality or 0, *it[1].group))
        for _, group in groupby(found, key=lambda it: (it[0].quality, *it[1].group)):
            yield self._attributed(_measure_finding(self.before.label, list(group)))
        if not all(_identical(*it) for it in self.finished):
            for finding in curve_findings(
                self._on_same_images(self.before), self._on_same_images(self.after), self.rules
            ):
                yield self._attributed(finding)

    def _status_findings(self) -> Iterator[CheckFinding]:
        """Trials that ended otherwise than in the baseline, grouped by quality and reason."""
        cases: dict[tuple[Kind, float | None, str], list[str]] = {}
        for one, other in self.trials:
            case = _ending(one, other)
            if case is None and other is not None and self.rules.replaced(one.image):
                case = "missing", "the picture of this name is another file"
            if case is not None:
                cases.setdefault((case[0], one.quality, case[1]), []).append(one.image)
        for (kind, quality, detail), images in cases.items():
            yield _status_finding(self.before.label, kind, quality, images, detail)

    def _on_same_images(self, codec: CodecResults) -> CodecResults:
        """Without trials on images that were replaced, which say nothing about the codec."""
        shared = self.rules.baseline.images.keys() & self.rules.run.images.keys()
        trials = [it for it in codec.trials if it.image in shared and not self.rules.replaced(it.image)]
        return msgspec.structs.replace(codec, trials=tuple(trials))

    def _attributed(self, finding: CheckFinding) -> CheckFinding:
        """The finding with its likely cause, which may be the environment instead of the code."""
        outside = outside_cause(self.before, self.after, self.rules)
        code = code_change(self.before, self.after)
        detail = "; ".join(filter(None, (finding.detail, outside, code)))
        if finding.kind == "regression" and outside:
            fails = self.rules.gate.environment == "fail"
            return replace(finding, kind="environment changed", fails=fails, detail=detail)
        return replace(finding, detail=detail)


def _identical(one: TrialResult, other: TrialResult) -> bool:
    return one.bitstream_sha256 == other.bitstream_sha256 and one.pixels_sha256 == other.pixels_sha256


def _ending(one: TrialResult, other: TrialResult | None) -> tuple[Kind, str] | None:
    """What to say of a trial that ended otherwise than before; None where it did not."""
    if other is None or other.status == "cancelled":
        return ("missing", "not in the run") if one.status != "cancelled" else None
    if one.status == "ok" and other.status != "ok":
        return "failed", f"{other.status}, {other.error}"
    if one.status != "ok" and other.status == "ok":
        return "improved", f"was {one.status}, and works now"
    if one.status != other.status:
        return "changed", f"was {one.status}, is {other.status} now: {other.error}"
    return None


def _status_finding(
    label: str, kind: Kind, quality: float | None, images: list[str], detail: str
) -> CheckFinding:
    changes = tuple(map(_unmeasured, images))
    fails = kind in ("failed", "missing")
    return CheckFinding(kind, fails, label, quality, "status", changes=changes, detail=detail)


def _unmeasured(image: str) -> Change:
    """An image that is part of a finding without a number."""
    return Change(image, None, None, 0)


def _measure_finding(label: str, members: list[tuple[TrialResult, TrialDifference]]) -> CheckFinding:
    """One finding for the trials of one quality that differ in the same measure in the same way."""
    trial, first = members[0]
    changes = [Change(it.image, that.before, that.after, that.amount) for it, that in members]
    changes.sort(key=lambda it: -abs(it.amount))
    return CheckFinding(
        first.kind,
        first.kind == "regression",
        label,
        trial.quality,
        first.measure,
        first.unit,
        first.limit,
        tuple(changes),
    )


def _new_trials(codec: CodecResults, earlier: set[tuple[str, float | None]]) -> Iterator[CheckFinding]:
    """Trials of the run whose key is not among the ``earlier`` ones of the baseline."""
    cases: dict[tuple[Kind, float | None, str], list[str]] = {}
    for trial in codec.trials:
        if trial.key not in earlier and trial.status != "cancelled":
            kind: Kind = "new" if trial.status == "ok" else "failed"
            detail = "not in the baseline" + (f"; {trial.status}, {trial.error}" if trial.error else "")
            cases.setdefault((kind, trial.quality, detail), []).append(trial.image)
    for (kind, quality, detail), images in cases.items():
        yield _status_finding(codec.label, kind, quality, images, detail)


def _redefined_metrics(baseline: Snapshot, run: Snapshot) -> Iterator[CheckFinding]:
    """Metrics whose definition changed: their values cannot be compared."""
    for name, before in baseline.metrics.items():
        now = run.metrics.get(name)
        if now is not None and not before.is_same(now):
            detail = f"its definition changed ({before.version} -> {now.version}): make the baseline again"
            yield CheckFinding("missing", True, "all codecs", None, name, detail=detail)


def _lost_metrics(baseline: Snapshot, run: Snapshot) -> Iterator[CheckFinding]:
    for name in baseline.metrics.keys() - run.metrics.keys():
        yield CheckFinding(
            "missing", True, "all codecs", None, name, detail="the run did not take this metric"
        )

"""The images behind a verdict: what they were and are, and crops of where they got worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.check.baseline import Snapshot, TrialResult
from bench.check.verdict import CheckFinding, Verdict
from bench.losses.pictures import (
    Made,
    PictureOptions,
    original_files,
    reconstructions,
    shown_original,
    windows,
)
from bench.runs.frame import load
from bench.studies.session import finished_trials
from bench.studies.study import FinishedTrial
from bench.trials.trust import Trust

MOST = 8
"""Images of a page."""
_NOT_NAMED = "a baseline holds no pictures: name the run that it was made of with --before"
_OTHER = "the run of --before holds another result than the baseline"
_LACKING = "the run of --before lacks the trial"

_Key = tuple[str, str, float | None]
"""Label, data set and file, quality."""


@dataclass(frozen=True)
class Exhibit:
    """One image at one operating point of a codec, and where it got worse."""

    finding: CheckFinding
    """The worst one about it."""
    before: TrialResult
    after: TrialResult
    place: tuple[int, int] = (0, 0)
    """Left and top of the crops."""
    original: Made = ""
    old: Made = ""
    new: Made = ""

    @property
    def key(self) -> _Key:
        """What it shows."""
        return self.finding.label, self.after.image, self.after.quality

    @property
    def has_both(self) -> bool:
        """Whether there are pictures of before and now."""
        return not isinstance(self.old, str) and not isinstance(self.new, str)

    @property
    def has_any(self) -> bool:
        """Whether there is a picture of before or now."""
        return not isinstance(self.old, str) or not isinstance(self.new, str)


@dataclass(frozen=True)
class ExhibitRuns:
    """Where the pictures come from."""

    run: Path
    before: Path | None
    """The run that the baseline was made of."""
    trust: Trust


def exhibits(verdict: Verdict, baseline: Snapshot, results: Snapshot, runs: ExhibitRuns) -> list[Exhibit]:
    """The worst images whose pixels changed, with crops as far as pictures can be made.

    Parameters
    ----------
    baseline, results : the two that were compared
    """
    chosen = _chosen(verdict, baseline, results)[:MOST]
    if not chosen:
        return []
    options = PictureOptions()
    now = _trials(runs.run, chosen, runs.trust)
    held = {} if runs.before is None else _trials(runs.before, chosen, runs.trust)
    # another run under the same name would show what the baseline is not
    then = {it.key: held[it.key] for it in chosen if it.key in held and _is_same(held[it.key], it.before)}
    chosen = [it for it in chosen if it.key in now]
    sources = [it for it in (runs.run, runs.before) if it is not None]
    files = original_files([now[it.key] for it in chosen], sources, options)
    originals = dict(zip((it.key for it in chosen), files, strict=True))
    new = _pictures(runs.run, now, originals, options)
    old = {} if runs.before is None else _pictures(runs.before, then, originals, options)
    lacking = _NOT_NAMED if runs.before is None else _LACKING
    missing = {it.key: _OTHER if it.key in held else lacking for it in chosen}
    return [
        _shown(
            it,
            shown_original(originals[it.key], now[it.key]),
            old.get(it.key, missing[it.key]),
            new[it.key],
        )
        for it in chosen
    ]


def _chosen(verdict: Verdict, baseline: Snapshot, results: Snapshot) -> list[Exhibit]:
    """The images of findings that have numbers, worst first, each once."""
    before, after = _by_key(baseline), _by_key(results)
    found: dict[_Key, Exhibit] = {}
    for finding in verdict.findings:
        if finding.kind not in ("regression", "environment changed", "changed"):
            continue
        for change in finding.changes:
            key = finding.label, change.image, finding.quality
            one, other = before.get(key), after.get(key)
            if one is None or other is None or one.pixels_sha256 == other.pixels_sha256:
                continue
            found.setdefault(key, Exhibit(finding, one, other))
    return list(found.values())


def _by_key(snapshot: Snapshot) -> dict[_Key, TrialResult]:
    return {
        (codec.label, trial.image, trial.quality): trial
        for codec in snapshot.codecs
        for trial in codec.trials
        if trial.status == "ok"
    }


def _trials(run: Path, chosen: Sequence[Exhibit], trust: Trust) -> dict[_Key, FinishedTrial]:
    """The trials of a run that are to be shown, as far as it has them."""
    frame = load(run)
    rows = frame[frame["label"].isin({it.key[0] for it in chosen})]
    wanted = {it.key for it in chosen}
    keyed = {_key_of(it): it for it in finished_trials(run, trust, [rows]).questions}
    return {key: it for key, it in keyed.items() if key in wanted}


def _key_of(trial: FinishedTrial) -> _Key:
    return trial.codec.label, f"{trial.image.dataset}/{trial.image.name}", trial.quality


def _is_same(trial: FinishedTrial, result: TrialResult) -> bool:
    return trial.pixels_sha256 == result.pixels_sha256 and trial.bitstream_sha256 == result.bitstream_sha256


def _pictures(
    run: Path,
    trials: Mapping[_Key, FinishedTrial],
    originals: Mapping[_Key, Path | str],
    options: PictureOptions,
) -> dict[_Key, Made]:
    keys = [it for it in trials if it in originals]
    made = reconstructions(run, [trials[it] for it in keys], [originals[it] for it in keys], options)
    return dict(zip(keys, made, strict=True))


def _shown(exhibit: Exhibit, original: Made, old: Made, new: Made) -> Exhibit:
    place, original, old, new = windows(original, old, new, PictureOptions().map)
    return replace(exhibit, place=place, original=original, old=old, new=new)


def measures(exhibit: Exhibit, results: Snapshot) -> Iterator[tuple[str, float | None, float | None]]:
    """Bytes and metrics of an exhibit, before and now."""
    yield "bytes", exhibit.before.bytes, exhibit.after.bytes
    for name in results.metrics:
        yield name, exhibit.before.value(name), exhibit.after.value(name)

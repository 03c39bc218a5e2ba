"""Codecs × pictures -> explanations, in an engine's workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.engines import LOCAL, open_engine
from bench.engines.describing import describe_suite
from bench.engines.encoding import explained
from bench.engines.engine import Engine, EngineOptions, Slot, Task
from bench.engines.messages import Explained
from bench.errors import ConfigError
from bench.inputs.datasets import ImageFile, Progress, open_dataset
from bench.inputs.suite import Suite, settings_of
from bench.studies.explain.pages import Page, page_of, page_stems
from bench.studies.explain.record import ExplainedPicture, row_of
from bench.trials.codec_ref import Described
from bench.trials.plan import CodecPlan, ImagePlan, Plan, Trial, make_plan, trials

_MEANS = EngineOptions(jobs=1, timeout=600.0)


@dataclass(frozen=True)
class ExplainEvents:
    """What a caller may want to know meanwhile."""

    note: Callable[[str], None] = lambda text: None
    started: Callable[[int], None] = lambda planned: None
    fetching: Progress = lambda name, done, total: None


def explain_all(
    suite: Suite,
    means: EngineOptions = _MEANS,
    events: ExplainEvents = ExplainEvents(),
    engine: str = LOCAL,
) -> Iterator[ExplainedPicture]:
    """Explain every codec of a suite on every picture, at the points named or else the middle of its sweep.

    Whatever a codec does ends in its row; nothing is raised for it.

    Parameters
    ----------
    suite : its metrics play no part
    means : how many pictures at a time, and how long each may take
    events : what to tell meanwhile
    engine : where codecs run: ``local``, isolated in worker processes, ``inprocess``, for debugging one, or
        another one that is installed

    Raises
    ------
    ConfigError, DatasetError
        The suite cannot be planned, or no engine has this name.
    """
    with open_engine(engine, means) as opened:
        if not opened.isolated:
            events.note(f"{engine} does not isolate codecs: one that crashes or hangs takes all along")
        todo = _planned(suite, opened, events)
        events.started(len(todo))
        yield from opened.run(_ExplainTrial(page_stems(todo)), todo)


def _planned(suite: Suite, engine: Engine, events: ExplainEvents) -> list[Trial]:
    datasets = tuple(
        open_dataset(it, progress=events.fetching, recursive=suite.recursive) for it in suite.datasets
    )
    for dataset in datasets:
        if dataset.left_out:
            events.note(dataset.left_out)
    codecs: list[CodecPlan] = []
    files: dict[ImagePlan, ImageFile] = {}
    for entry, found in zip(suite.codecs, describe_suite(engine, suite).codecs, strict=True):
        one = suite.model_copy(update={"codecs": (entry,)})
        resolved = make_plan(one, datasets, Described((found,)))
        for text in resolved.left_out:
            events.note(text)
        files = resolved.files
        named = entry.settings or settings_of(suite.quality, "the suite")
        codecs += resolved.plan.codecs if named else map(_at_the_middle, resolved.plan.codecs)
    labels = [it.label for it in codecs]
    for label in labels:
        if labels.count(label) > 1:
            raise ConfigError(f"two codecs have the label {label!r}; name it once, with all its points")
    if not codecs:
        raise ConfigError("no codec to explain: each of them is unavailable")
    return list(trials(Plan(tuple(files), tuple(codecs), ()), files))


def _at_the_middle(codec: CodecPlan) -> CodecPlan:
    middle = codec.qualities[len(codec.qualities) // 2]
    return msgspec.structs.replace(codec, qualities=(middle,))


@dataclass(frozen=True)
class _ExplainTrial(Task[Trial, ExplainedPicture]):
    stems: Mapping[Page, Path]

    def __call__(self, work: Trial, slot: Slot) -> ExplainedPicture:
        stem = self.stems[page_of(work)]
        if work.codec.unavailable:
            return ExplainedPicture(row_of(work, work.codec.unavailable), work.path, stem, None)
        answer = explained(slot, work.path, work.codec.ref, work.quality, work.image.sha256)
        explanation = answer.explanation if isinstance(answer, Explained) else None
        return ExplainedPicture(row_of(work, answer), work.path, stem, explanation)

"""Codecs × pictures -> explanations, in the engine's workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.engines import open_engine
from bench.engines.describing import describe_suite
from bench.engines.engine import Engine, EngineOptions, Slot, Task
from bench.engines.messages import Explain, Explained
from bench.errors import ConfigError
from bench.explanation import Explanation
from bench.inputs.datasets import ImageFile, Progress, open_dataset
from bench.inputs.suite import Suite
from bench.studies.explain.names import Page, page_of, page_stems
from bench.studies.explain.record import Row, row_of
from bench.trials.codec_ref import Described
from bench.trials.plan import CodecPlan, ImagePlan, Plan, Trial, make_plan, trials


@dataclass(frozen=True)
class Options:
    """With what means."""

    jobs: int | None = 1
    """None for as many as suit the machine."""
    timeout: float = 600.0
    """Seconds that one picture may take."""


@dataclass(frozen=True)
class Events:
    """What a caller may want to know meanwhile."""

    note: Callable[[str], None] = lambda text: None
    started: Callable[[int], None] = lambda planned: None
    fetching: Progress = lambda name, done, total: None


@dataclass(frozen=True)
class Outcome:
    """One row, and the explanation where there is one."""

    row: Row
    path: Path
    """Of the picture."""
    stem: Path
    """Of its files, in the folder of all."""
    explanation: Explanation | None


def explain_all(
    suite: Suite, options: Options | None = None, events: Events | None = None
) -> Iterator[Outcome]:
    """Explain every codec of a suite on every picture, at the points named or else the middle of its sweep.

    Whatever a codec does ends in its row; nothing is raised for it. The suite's metrics play no part.

    Raises
    ------
    ConfigError, DatasetError
        The suite cannot be planned.
    """
    options, events = options or Options(), events or Events()
    with open_engine(options=EngineOptions(options.jobs, options.timeout)) as engine:
        todo = _planned(suite, engine, events)
        events.started(len(todo))
        yield from engine.run(_Explain(page_stems(todo)), todo)


def _planned(suite: Suite, engine: Engine, events: Events) -> list[Trial]:
    datasets = tuple(
        open_dataset(it, progress=events.fetching, recursive=suite.recursive) for it in suite.datasets
    )
    for it in datasets:
        if it.left_out:
            events.note(it.left_out)
    codecs: list[CodecPlan] = []
    files: dict[ImagePlan, ImageFile] = {}
    for entry, found in zip(suite.codecs, describe_suite(engine, suite).codecs, strict=True):
        one = suite.model_copy(update={"codecs": (entry,)})
        resolved = make_plan(one, datasets, Described((found,)))
        for text in resolved.left_out:
            events.note(text)
        files = resolved.files
        named = entry.quality or suite.quality
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
class _Explain(Task[Trial, Outcome]):
    stems: Mapping[Page, Path]

    def __call__(self, work: Trial, slot: Slot) -> Outcome:
        stem = self.stems[page_of(work)]
        if work.codec.unavailable:
            return Outcome(row_of(work, work.codec.unavailable), work.path, stem, None)
        answer = slot.encoder.ask(
            Explain(work.path.absolute(), work.codec.ref, work.quality, work.image.sha256)
        )
        explanation = answer.explanation if isinstance(answer, Explained) else None
        return Outcome(row_of(work, answer), work.path, stem, explanation)

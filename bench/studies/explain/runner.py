"""Codecs × pictures -> explanations, in the engine's workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from bench.engines.devices import device_of
from bench.engines.explain import Explained
from bench.engines.local import default_jobs, run_trials
from bench.engines.messages import Describe, Explain, Failed
from bench.engines.worker_handle import Limits, Slot, Worker, share_of_memory
from bench.engines.zygote import Zygote
from bench.errors import ConfigError
from bench.explanation import Explanation
from bench.inputs.datasets import ImageFile, Progress, open_dataset
from bench.inputs.suite import Suite
from bench.studies.explain.names import Page, page_of, page_stems
from bench.studies.explain.record import Row, row_of
from bench.trials.codec_ref import CodecRef, Description
from bench.trials.plan import CodecPlan, Host, ImagePlan, Plan, Trial, make_plan, trials


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
    with Zygote() as zygote:
        limits = Limits(timeout=options.timeout, memory=share_of_memory())
        todo = _planned(suite, zygote, limits, events)
        events.started(len(todo))
        gpu = any(it.codec.on_gpu for it in todo)
        jobs = max(1, min(options.jobs or default_jobs(gpu=gpu), len(todo)))
        limits = Limits(timeout=options.timeout, memory=share_of_memory(jobs))
        yield from run_trials(todo, zygote, limits, jobs, partial(_explain, page_stems(todo)))


def _planned(suite: Suite, zygote: Zygote, limits: Limits, events: Events) -> list[Trial]:
    datasets = tuple(
        open_dataset(it, progress=events.fetching, recursive=suite.recursive) for it in suite.datasets
    )
    for it in datasets:
        if it.left_out:
            events.note(it.left_out)
    codecs: list[CodecPlan] = []
    files: dict[ImagePlan, ImageFile] = {}
    worker = Worker(zygote, limits)
    try:
        host = Host(partial(_describe, worker), partial(device_of, worker), events.note)
        for entry in suite.codecs:
            one = suite.model_copy(update={"codecs": (entry,)})
            plan, files = make_plan(one, datasets, (), host)
            named = entry.quality or suite.quality
            codecs += plan.codecs if named else map(_at_the_middle, plan.codecs)
    finally:
        worker.close()
    labels = [it.label for it in codecs]
    for label in labels:
        if labels.count(label) > 1:
            raise ConfigError(f"two codecs have the label {label!r}; name it once, with all its points")
    if not codecs:
        raise ConfigError("no codec to explain: each of them is unavailable")
    return list(trials(Plan(tuple(files), tuple(codecs), ()), files))


def _describe(worker: Worker, ref: CodecRef) -> Description | str:
    """A codec's description, or why it is unavailable."""
    answer = worker.ask(Describe(ref))
    if isinstance(answer, Description):
        return answer
    if answer.status == "unsupported":
        return str(answer.message)
    cause = f"{answer.exception}: " if isinstance(answer, Failed) and answer.exception else ""
    raise ConfigError(f"codec {ref.target}: {cause}{answer.message}")


def _at_the_middle(codec: CodecPlan) -> CodecPlan:
    middle = codec.qualities[len(codec.qualities) // 2]
    return msgspec.structs.replace(codec, qualities=(middle,))


def _explain(stems: Mapping[Page, Path], trial: Trial, slot: Slot) -> Outcome:
    stem = stems[page_of(trial)]
    if trial.codec.unavailable:
        return Outcome(row_of(trial, trial.codec.unavailable), trial.path, stem, None)
    answer = slot.encoder.ask(
        Explain(trial.path.absolute(), trial.codec.ref, trial.quality, trial.image.sha256)
    )
    explanation = answer.explanation if isinstance(answer, Explained) else None
    return Outcome(row_of(trial, answer), trial.path, stem, explanation)

"""Putting a study to a run: its questions less those that were answered before, in an engine's workers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from bench.engines import LOCAL, open_engine
from bench.engines.describing import require_unchanged
from bench.engines.encoding import encoded
from bench.engines.engine import EngineOptions, Slot
from bench.engines.kept import Undecodable, read_kept
from bench.engines.messages import Failed
from bench.errors import ConfigError
from bench.files.journal import Journal
from bench.inputs.originals import Originals
from bench.runs.frame import load
from bench.runs.store import BITSTREAM_FOLDER, RunWriter, read_info
from bench.studies.study import Answers, AnswerT, Asked, FinishedTrial, QuestionT, Study, StudyPlan
from bench.trials.plan import CodecPlan, ImagePlan
from bench.trials.trust import NOBODY, Trust

if TYPE_CHECKING:
    import pandas as pd

_MOST_ENCODED = 16
"""Bitstreams that were encoded again and are held in memory."""
_ONE_AT_A_TIME = EngineOptions(jobs=1, timeout=60.0)
MORE_TIME = "give it more with --timeout"


@dataclass(frozen=True)
class StudyOptions:
    """With what means a study is made; none of it changes the answers."""

    datasets: tuple[str, ...] = ()
    """Where the originals are, for data sets that are folders; those of the catalogue are found."""
    trust: Trust = NOBODY
    """Which codecs of the run may run besides the installed ones."""
    of_engine: EngineOptions = _ONE_AT_A_TIME
    engine: str = LOCAL
    """Where codecs run: ``local``, isolated in worker processes, ``inprocess``, for debugging a study, or
    another one that is installed."""


@dataclass(frozen=True)
class StudyEvents(Generic[AnswerT]):
    """What a caller may want to know meanwhile."""

    note: Callable[[str], None] = lambda text: None
    """Something that the user should read: the answers are not kept."""
    started: Callable[[int, int], None] = lambda pending, planned: None
    kept: Callable[[bool], None] = lambda kept: None
    """Called before the first answer: whether answers are kept, as those of an engine that isolates are."""
    answered: Callable[[AnswerT], None] = lambda answer: None


def put(
    study: Study[QuestionT, AnswerT],
    run: Path,
    options: StudyOptions | None = None,
    events: StudyEvents[AnswerT] | None = None,
) -> Answers[QuestionT, AnswerT]:
    """Put a study to a finished run; what was answered before is not asked again.

    Answers are in the journal as soon as they come: after an interruption the same call goes on from there.
    Those of an engine that does not isolate codecs are not kept: an answer could not say so, and what one
    codec left behind in the process may have changed that of another.

    Parameters
    ----------
    study : what to ask
    run : a run folder; it is locked meanwhile
    options : with what means
    events : what to tell meanwhile

    Raises
    ------
    ConfigError
        The originals are not at hand, there is nothing to ask, a codec or the GPU that it ran on is absent
        here, or a bitstream can't be made again.
    StoreError
        The folder is no run, its journal is damaged, or another process writes into it.
    ValueError
        The study's task gives an answer the key of something that it was not asked.
    """
    options, events = options or StudyOptions(), events or StudyEvents()
    read_info(run)
    with RunWriter(run), journal_of(study, run) as journal:
        plan = study.plan(run, options.trust)
        if not plan.questions:
            raise ConfigError(f"{run}: no finished trials to probe{_first_failure(run)}")
        answers = {it.key: it for it in journal}
        asked = {study.key(it): it for it in plan.questions}
        originals = Originals(options.datasets)
        todo = [
            Asked(it, originals.find(it.trial.image.dataset, it.trial.image.name, it.trial.image.sha256), key)
            for key, it in asked.items()
            if key not in answers or not study.is_final(answers[key])
        ]
        events.started(len(todo), len(asked))
        with open_engine(options.engine, options.of_engine) as engine:
            # One that is absent would refuse damaged bitstreams, as if it had detected the damage.
            require_unchanged(engine, (it.codec for it in todo))
            events.kept(engine.isolated)
            if todo and not engine.isolated:
                events.note(f"{options.engine} does not isolate codecs: the answers are not kept")
            for answer in engine.run(study.task(run), todo):
                if answer.key not in asked:
                    raise ValueError(
                        f"{study.name}: an answer has the key {answer.key}, not that of what was asked"
                    )
                if engine.isolated:
                    journal.append(answer)
                answers[answer.key] = answer
                events.answered(answer)
    return Answers(plan, {it.key: answers[key] for key, it in asked.items()})


def _first_failure(run: Path) -> str:
    """The end of a message about a run without finished trials: how the first one failed."""
    frame = load(run)
    for row in frame[frame["status"] != "ok"].itertuples():
        return f"; {row.label} on {row.image}: {row.status}, {row.error}"
    return ""


def journal_of(study: Study[QuestionT, AnswerT], run: Path) -> Journal[AnswerT]:
    """The journal of a study's answers, beside the run's own."""
    return Journal(run / f"{study.name}.jsonl", study.record, "the same command goes on from there")


def finished_trials(
    run: Path, trust: Trust = NOBODY, rows: Iterable[pd.DataFrame] | None = None
) -> StudyPlan[FinishedTrial]:
    """The trials of a run that have a bitstream and a picture, and how many have none.

    Parameters
    ----------
    run : a run folder
    trust : whose codecs are marked as trusted
    rows : parts of what :func:`bench.load` gives, for some of the trials; default: all

    Raises
    ------
    StoreError
        The folder is no run.
    """
    info = read_info(run)
    codecs = {it.label: it for it in trust.codecs(info.codecs)}
    metrics = [it.name for it in info.metrics]
    finished, unfinished = [], 0
    for part in [load(run)] if rows is None else rows:
        for values in part.itertuples(index=False, name=None):
            row = dict(zip(part.columns, values, strict=True))
            if row["status"] == "ok" and _is_whole(row):
                finished.append(_finished(row, codecs[row["label"]], metrics))
            else:
                unfinished += 1
    return StudyPlan(tuple(finished), unfinished)


def rows_nearest(frame: pd.DataFrame, bpp: float) -> Iterator[pd.DataFrame]:
    """Of each data set and codec the rows of the operating point nearest to a rate, on a log scale.

    Parameters
    ----------
    frame : what :func:`bench.load` gives
    bpp : the rate in bits per pixel
    """
    for _, of_codec in frame.groupby(["dataset", "label"], observed=True, sort=False):
        best, least = None, math.inf
        for _, rows in of_codec.groupby("quality", dropna=False):
            mean = rows.loc[rows["status"] == "ok", "bpp"].mean()
            distance = abs(math.log(mean / bpp)) if mean > 0 else math.inf
            if best is None or distance < least:
                best, least = rows, distance
        if best is not None:
            yield best


def _is_whole(row: Mapping[str, Any]) -> bool:
    """Whether a finished trial has what a question is about; somebody else's journal may lack it."""
    hashes = row["bitstream_sha256"], row["pixels_sha256"]
    return bool(row["bpp"] > 0) and all(isinstance(it, str) for it in hashes)


def _finished(row: Mapping[str, Any], codec: CodecPlan, metrics: Iterable[str]) -> FinishedTrial:
    return FinishedTrial(
        image=ImagePlan(row["dataset"], row["image"], row["image_sha256"]),
        codec=codec,
        quality=None if math.isnan(row["quality"]) else float(row["quality"]),
        found=None if math.isnan(row["setting"]) else float(row["setting"]),
        bytes=int(row["bytes"]),
        depth=int(row["depth"]),
        bpp=float(row["bpp"]),
        bitstream_sha256=row["bitstream_sha256"],
        pixels_sha256=row["pixels_sha256"],
        metrics={name: float(row[name]) for name in metrics if math.isfinite(row[name])},
    )


@dataclass(frozen=True)
class Bitstreams:
    """The bitstreams of a run: as it kept them, or encoded again and the same.

    Parameters
    ----------
    folder : where kept bitstreams are
    """

    folder: Path
    _encoded: dict[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, run: Path) -> Bitstreams:
        """Those of a run folder."""
        return cls(run / BITSTREAM_FOLDER)

    def whole(self, asked: Asked[Any], slot: Slot) -> bytes:
        """The bitstream of a finished trial.

        Parameters
        ----------
        asked : a question about it
        slot : whose encoder makes the bitstream again where it was not kept

        Raises
        ------
        ConfigError
            It was not kept, and can't be made again: the encoder fails, or gives another one.
        """
        trial: FinishedTrial = asked.question.trial
        with suppress(Undecodable):
            return read_kept(slot.file(self.folder / trial.bitstream_sha256, trial.bitstream_sha256))
        if (known := self._encoded.get(trial.bitstream_sha256)) is not None:
            return known
        answer = encoded(slot, asked.path, trial.codec, trial.setting, trial.image.sha256)
        if isinstance(answer, Failed):
            remedy = f"; {MORE_TIME}" if answer.status == "timeout" else ""
            raise ConfigError(f"{asked}: {answer.failure}{remedy}")
        if hashlib.sha256(answer.bitstream).hexdigest() != trial.bitstream_sha256:
            raise ConfigError(
                f"{asked}: encode: encoding again gives another bitstream; run again with --keep-bitstreams"
            )
        if len(self._encoded) >= _MOST_ENCODED:
            self._encoded.clear()
        self._encoded[trial.bitstream_sha256] = answer.bitstream
        return answer.bitstream

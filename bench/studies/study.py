"""What a study is: a question put to trials of a finished run.

A study is one folder: a class derived from :class:`Study` declares its options, and imports what it alone
knows inside the methods that need it, since the command line reads the declaration for ``--help``. What all
studies share is here, in :mod:`bench.studies.session` (engine and journal) and :mod:`bench.studies.results`
(files).
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from bench.engines.engine import Task
    from bench.plotting.canvas import Canvas
    from bench.plotting.series_style import SeriesStyle
    from bench.tables.table import Table
    from bench.trials.plan import CodecPlan, ImagePlan
    from bench.trials.trust import Trust


def key_of(identity: Iterable[Any]) -> str:
    """The key of an answer: 32 hexadecimal digits of a hash.

    Parameters
    ----------
    identity : whatever the answer depends on, as plain data that JSON can hold
    """
    import msgspec

    data = msgspec.json.encode(list(identity), order="sorted")
    return hashlib.sha256(data).hexdigest()[:32]


@dataclass(frozen=True)
class FinishedTrial:
    """A trial of the run, and what it gave. It is a question itself, where a study asks one of each trial."""

    image: ImagePlan
    codec: CodecPlan
    quality: float | None
    bytes: int
    bpp: float
    bitstream_sha256: str
    pixels_sha256: str
    """Of the decoded picture."""
    metrics: Mapping[str, float]
    """Those with a finite value: ``psnr_rgb`` is absent where the pixels are identical."""
    depth: int = 8
    """Bits a sample of the picture as it was coded."""
    found: float | None = None
    """The quality that a search gave the codec, where ``quality`` is what the image was to reach."""

    @property
    def setting(self) -> float | None:
        """The quality that the codec was given."""
        return self.quality if self.codec.goal is None else self.found

    @property
    def identity(self) -> list[Any]:
        """Whatever an answer about the trial may depend on, for a key."""
        codec = self.codec
        return [
            *(self.image.sha256, codec.codec, codec.version, codec.config, codec.weights_of(self.setting)),
            *(self.quality, self.bitstream_sha256),
            *(() if codec.recorded_decoder is None else (codec.recorded_decoder,)),
        ]

    @property
    def key(self) -> str:
        """Identity of the one answer about it."""
        return key_of(self.identity)

    @property
    def trial(self) -> FinishedTrial:
        """The trial itself."""
        return self


class Question(Protocol):
    """What is asked about one finished trial."""

    @property
    def key(self) -> str:
        """Identity of the question: of whatever changes the answer, less the study's options."""

    @property
    def trial(self) -> FinishedTrial:
        """The trial that the question is about."""


class Keyed(Protocol):
    """An answer: a struct that msgspec writes as one line of the journal."""

    @property
    def key(self) -> str:
        """That of :class:`Asked`, where the task found it."""


QuestionT = TypeVar("QuestionT", bound=Question)
AnswerT = TypeVar("AnswerT", bound=Keyed)


@dataclass(frozen=True)
class StudyPlan(Generic[QuestionT]):
    """What a study asks of a run."""

    questions: tuple[QuestionT, ...]
    unfinished: int = 0
    """Trials that would be asked about, and have no result in the run."""


@dataclass(frozen=True)
class Asked(Generic[QuestionT]):
    """A question, with the picture's place on this machine: what an engine's task is given."""

    question: QuestionT
    path: Path
    key: str
    """Of the answer: it follows from the question, and from the study's options that change answers."""

    @property
    def codec(self) -> CodecPlan:
        """The codec that the question is about."""
        return self.question.trial.codec

    @property
    def image(self) -> ImagePlan:
        """The picture that it is about."""
        return self.question.trial.image

    def __str__(self) -> str:
        return f"{self.codec.label} on {self.image.name}"


@dataclass(frozen=True)
class Answers(Generic[QuestionT, AnswerT]):
    """What was asked of a run, and the answer to each question by key."""

    plan: StudyPlan[QuestionT]
    by_key: dict[str, AnswerT]
    """By the key of the question."""

    def __iter__(self) -> Iterator[tuple[QuestionT, AnswerT]]:
        """Questions with their answers, in the order of the plan."""
        return ((it, self.by_key[it.key]) for it in self.plan.questions)

    def of_dataset(self, dataset: str) -> Answers[QuestionT, AnswerT]:
        """The part that is about one data set."""
        questions = tuple(it for it in self.plan.questions if it.trial.image.dataset == dataset)
        return Answers(StudyPlan(questions, self.plan.unfinished), self.by_key)


@dataclass(frozen=True)
class Study(ABC, Generic[QuestionT, AnswerT]):
    """A question put to trials of a finished run; derive a frozen dataclass whose fields are its options.

    Its docstring is the help of ``rdbench NAME RUN``, whose options are fields annotated ``typer.Option``.
    Options are part of the key of every answer, so that what was answered with other ones is asked again.
    """

    name: ClassVar[str]
    """Of the command, of the journal ``NAME.jsonl`` in the run, and of the folder for tables and figures."""
    unit: ClassVar[str] = "answers"
    """What progress counts, in the plural."""
    selecting: ClassVar[tuple[str, ...]] = ()
    """Options that only select what is asked, and change no answer: they are no part of its key."""

    @property
    @abstractmethod
    def record(self) -> Any:
        """The type of an answer, as msgspec reads it from the journal."""

    def key(self, question: QuestionT) -> str:
        """Identity of the answer to a question: its own, and every option but those that are ``selecting``.

        Raises
        ------
        TypeError
            An option is no plain data that JSON can hold; a study that has such an option overrides this.
        """
        options = {it.name: getattr(self, it.name) for it in fields(self) if it.name not in self.selecting}
        return key_of([question.key, options]) if options else question.key

    @abstractmethod
    def plan(self, run: Path, trust: Trust) -> StudyPlan[QuestionT]:
        """What to ask.

        Parameters
        ----------
        run : a run folder
        trust : whose codecs may run; :func:`bench.studies.session.finished_trials` takes it

        Raises
        ------
        ConfigError
            The run lacks what the study needs.
        """

    @abstractmethod
    def task(self, run: Path) -> Task[Asked[QuestionT], AnswerT]:
        """What answers one question, where the codec's workers are.

        Parameters
        ----------
        run : the run folder; where the task runs it may not be, so files of it are asked for by
            :meth:`bench.engines.engine.Slot.file`
        """

    def is_final(self, answer: AnswerT) -> bool:
        """Whether asking again would give the same; what is not final is asked again at the next call."""
        return True

    def remark(self, answers: Sequence[AnswerT]) -> str:
        """What progress says beside the number of answers so far; empty for nothing."""
        return ""

    @abstractmethod
    def tables(self, answers: Answers[QuestionT, AnswerT]) -> Sequence[Table]:
        """The tables, each with a file name of its own."""

    def figures(
        self, answers: Answers[QuestionT, AnswerT], canvas: Canvas, styles: Mapping[str, SeriesStyle]
    ) -> Mapping[str, Figure | None]:
        """Figures of one data set by file name, which begins with the study's; None where nothing is to draw.

        Parameters
        ----------
        answers : those of the data set
        canvas : what to draw on
        styles : colour, marker and line of each codec, by label
        """
        return {}

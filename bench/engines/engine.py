"""The door to engines: what an engine does, and what a task finds where it runs.

An engine runs one task on many pieces of work, most often trials. Tasks and work are plain data that can be
pickled, and results come back to the one caller: an engine may be this process, worker processes on this
machine, or other machines. How many pieces run at a time, limits and pinning are the engine's own matter.

An engine is a class whose constructor takes :class:`EngineOptions`, named under the entry points
``bench.engines``; :func:`bench.engines.open_engine` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

if TYPE_CHECKING:  # an engine begins to load its workers as soon as this is imported
    from pathlib import Path

    from bench.codec import Samples
    from bench.engines.messages import Decode, Decoded, Failed, Request
    from bench.engines.shared_pixels import Original as Original
    from bench.engines.shared_pixels import SampleType, SharedPixels
    from bench.host.environment import Environment
    from bench.inputs.pixels import Accepted
    from bench.trials.plan import CodecPlan

Answer = TypeVar("Answer")
Result_co = TypeVar("Result_co", covariant=True)
Result = TypeVar("Result")


@dataclass(frozen=True)
class ClusterAddress:
    """A cluster's scheduler, and what proves who one is."""

    scheduler: str
    """An address, the path of a scheduler's file, or ``local`` for one that is made on this machine."""
    tls_ca: Path | None = None
    """Certificate of the authority; with it all connections are encrypted."""
    tls_cert: Path | None = None
    tls_key: Path | None = None


@dataclass(frozen=True)
class EngineOptions:
    """What a user may ask of an engine; none of it changes what a codec produces."""

    jobs: int | None = None
    """Pieces of work at a time; None for as many as suit the engine."""
    timeout: float = 300.0
    """Seconds that one encode, decode or scoring may take."""
    alone: bool = False
    """For times: one piece at a time, on one processor, with nothing beside it."""
    sealed: bool | None = None
    """Whether processes with codecs see nothing of the machine but what those need; None for wherever the
    system can do that."""
    cluster: ClusterAddress | None = None
    """Where an engine of many machines finds them."""
    note: Callable[[str], None] = lambda text: None
    """Called with what the user should read: who joins, who is left out."""
    hidden: tuple[Path, ...] = ()
    """Files and folders that sealed codecs are not to see, beside data sets."""
    foreign: bool = False
    """For somebody else's results: sealed codecs see nothing for its lying in the working directory, and what
    they say that they need, a GPU apart, is granted to installed ones alone."""


@dataclass(frozen=True)
class Machine:
    """A machine that works for an engine, for what is recorded and for progress."""

    environment: Environment
    jobs: int
    """Pieces of work at a time."""
    name: str = ""
    """Of the host, to be shown and never recorded; empty for the one that the user sits at."""
    finished: int = 0
    """Pieces whose results came from it."""
    processors: int | None = None
    """That work may use there; None where nobody knows."""


@dataclass(frozen=True)
class Spent:
    """What a request took, as seen from outside the codec."""

    wall: float = 0.0
    """Seconds."""
    cpu: float | None = None
    """Seconds of processor time of the process, and of what it started where times are to be precise; None
    where the system does not tell."""
    peak_bytes: int | None = None
    """Most memory of the process, beyond what it had before it loaded its codec; None where the system does
    not tell. Since when is for the process to say."""


class Work(Protocol):
    """What an engine has to know of a piece of work; a :class:`bench.trials.plan.Trial` is one."""

    @property
    def codec(self) -> CodecPlan:
        """The configuration that it runs; those on a GPU are run one after the other."""

    @property
    def image(self) -> Hashable:
        """Neighbours in the sequence that share it are kept together where possible."""

    @property
    def path(self) -> Path:
        """The file that it is about: no codec may see its folder."""


Piece = TypeVar("Piece", bound=Work)
Piece_contra = TypeVar("Piece_contra", bound=Work, contravariant=True)


class Task(Protocol[Piece_contra, Result_co]):
    """What is done with one piece of work where it runs. Whatever a codec does ends in the result."""

    def __call__(self, work: Piece_contra, slot: Slot) -> Result_co:
        """The result of a piece; an exception ends the whole run, at the caller."""

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU is used whatever the codec, as by a metric; no, unless a task says so."""
        return False


class Slot(Protocol):
    """The workers that a piece of work visits: nothing but the bitstream passes from encoder to decoder."""

    @property
    def encoder(self) -> Worker:
        """Is given the samples of a picture."""

    @property
    def decoder(self) -> Worker:
        """Is given the bitstream, and nothing else."""

    @property
    def scorer(self) -> Worker:
        """Reads originals and takes metrics; no adapter is ever loaded there."""

    @property
    def environment(self) -> str:
        """The machine that it is on: ``id`` of its :class:`bench.host.environment.Environment`."""

    @property
    def sealed(self) -> bool:
        """Whether encoder and decoder see nothing of the machine but what their codecs need."""

    @property
    def scratch(self) -> Path:
        """A folder on that machine for files that the work makes; it ends with the slot."""

    def file(self, path: Path, sha256: str) -> Path:
        """Where a file of the caller's machine is here.

        Parameters
        ----------
        path : as the caller knows it; where it has no such file, what is given back does not exist
        sha256 : of its bytes, by which it is found
        """

    def original(self, image: Path, sha256: str | None, accepted: Accepted = ...) -> Original | Failed:
        """A picture as the scorer read it; it is kept until another one is asked for.

        Parameters
        ----------
        sha256 : of the file's bytes; another file is refused. None for whatever is there
        accepted : the forms in which the codec takes it; 8-bit RGB by default
        """


class Worker(Protocol):
    """Answers the requests of :mod:`bench.engines.messages`, for each codec apart from all others."""

    @property
    def decoded(self) -> SharedPixels:
        """What was decoded last, to be attached to another worker's request."""

    @property
    def spent(self) -> Spent:
        """What the last request took."""

    def ask(self, request: Request[Answer], pixels: SharedPixels | None = None) -> Answer | Failed:
        """Answer a request.

        Parameters
        ----------
        pixels : samples that go with it: of the original for ``Encode``, decoded ones for ``Score``

        Raises
        ------
        WorkersLost
            The engine can work no more.
        ConfigError
            An option of the codec is no bool, number or string.
        """

    def samples(self, shape: tuple[int, ...], dtype: SampleType = "uint8") -> Samples:
        """The picture that was decoded last, of the shape and the type that the answer told."""

    def recheck(self, request: Decode, answer: Decoded, image: int) -> str | None:
        """Now and then, why a process that has decoded nothing else gives another picture than the last one.

        Parameters
        ----------
        request, answer : what was decoded last, with the hash of the samples that were scored
        image : the number of its original, see :class:`bench.engines.shared_pixels.Original`
        """

    def stderr(self) -> str:
        """The last lines that the codec printed during the last request."""


class Engine(Protocol):
    """Runs tasks; a context manager that closes itself."""

    @property
    def isolated(self) -> bool:
        """Whether a codec that crashes, hangs or takes all memory harms its own result alone."""

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Those that work, as far as is known; more may join while work is done."""

    def describe(self, request: Request[Answer]) -> Answer | Failed:
        """Answer ``Describe``, ``DescribeMetric`` or ``CheckCuda``: what is here, before anything runs."""

    def run(self, task: Task[Piece, Result], work: Sequence[Piece]) -> Iterator[Result]:
        """The results, as they come in; closing the iterator ends all work at once.

        Parameters
        ----------
        task : called for each piece, wherever that is and in any order
        work : results say themselves which piece they are of

        Raises
        ------
        WorkersLost
            The engine can work no more; from the iterator.
        """

    def close(self) -> None:
        """End everything that belongs to the engine."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

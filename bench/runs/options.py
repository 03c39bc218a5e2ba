"""What a caller may ask of a run, and be told while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.engines import LOCAL
from bench.engines.engine import ClusterAddress, EngineOptions, Machine
from bench.inputs.datasets import Progress
from bench.inputs.shard import Shard
from bench.trials.measurement import Measurement


@dataclass(frozen=True)
class Options:
    """How to run a suite; none of it changes what a codec produces."""

    jobs: int | None = None
    """Trials at a time, on each machine; None for as many as suit the engine: one on each processor, or fewer
    on a GPU."""
    timeout: float = 300.0
    """Seconds that one encode, decode or scoring may take."""
    timing: bool = False
    """Take precise times: one trial at a time, pinned, warmed up, repeated."""
    repeats: int = 5
    threads: tuple[int, ...] = ()
    """Precise times with each of these numbers of threads, of codecs that can be told one."""
    fresh: bool = False
    """Measure everything again; the former journal is archived."""
    keep_bitstreams: bool = False
    shard: Shard | None = None
    """Take only a part of the images."""
    prune: bool = False
    """Remove what the suite does not ask for from the run; the former journal is archived."""
    engine: str = LOCAL
    """How trials are run: ``local``, isolated in worker processes, ``inprocess``, for debugging a codec,
    ``cluster``, or another one that is installed."""
    sealed: bool | None = None
    """Whether codecs see nothing of the machine but their own files; None for wherever that can be done."""
    cluster: ClusterAddress | None = None
    """Where the engine ``cluster`` finds its machines."""

    @property
    def of_engine(self) -> EngineOptions:
        """What of it concerns the engine."""
        return EngineOptions(self.jobs, self.timeout, self.timing, sealed=self.sealed, cluster=self.cluster)


@dataclass(frozen=True)
class Events:
    """What a caller may want to know while a run goes on."""

    note: Callable[[str], None] = lambda text: None
    """Something that the user should read: the environment changed, a codec is unavailable."""
    started: Callable[[int, int], None] = lambda pending, planned: None
    measured: Callable[[str, Measurement], None] = lambda label, measurement: None
    """Called with the label of the configuration too: several may be of one codec."""
    fetching: Progress = lambda name, done, total: None
    machines: Callable[[Sequence[Machine]], None] = lambda machines: None
    """Called with those of the engine before the first result, then each second as results come in."""

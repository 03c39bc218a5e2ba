"""The probes of a run: those that are planned less those that are done, in the engine's workers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.engines.devices import require_available
from bench.engines.local import default_jobs, run_trials
from bench.engines.worker_handle import Limits, share_of_memory
from bench.engines.zygote import Zygote
from bench.errors import ConfigError
from bench.inputs.originals import Originals
from bench.runs.store import RunWriter, read_info
from bench.studies.robustness.measure import Prober, ReproductionError
from bench.studies.robustness.plan import ProbePlan, plan_probes
from bench.studies.robustness.record import Probe, is_passing, journal
from bench.trials.trust import NOBODY, Trust


@dataclass(frozen=True)
class Options:
    """What to probe, and with what means."""

    bpp: float = 0.5
    """Each lossy codec is probed at its operating point nearest to this rate, in bits per pixel."""
    draws: int = 4
    """Random damages of each kind to every bitstream."""
    datasets: tuple[str, ...] = ()
    """Where the originals are, for data sets that are folders."""
    jobs: int | None = 1
    """Probes at a time; None for one on each processor, or fewer on a GPU."""
    timeout: float = 60.0
    """Seconds that one encode or decode may take."""
    trust: Trust = NOBODY
    """Which codecs of the run may run besides the installed ones."""


@dataclass(frozen=True)
class Events:
    """What a caller may want to know while probes are taken."""

    started: Callable[[int, int], None] = lambda pending, planned: None
    measured: Callable[[Probe], None] = lambda probe: None


@dataclass(frozen=True)
class Result:
    """The plan, and the record of each of its probes by key."""

    plan: ProbePlan
    records: dict[str, Probe]


def probe_run(run: Path, options: Options | None = None, events: Events | None = None) -> Result:
    """Probe the robustness of every codec of a finished run; what was probed before is not again.

    Clean encoders and decoders that failed, and damage that took too much time or memory, are tried again:
    that may be the machine's doing.

    Raises
    ------
    ConfigError
        The originals are not at hand, the run has no finished trials, a codec or the GPU that it ran on is
        absent here, or a bitstream can't be made again.
    StoreError
        The folder is no run, or another process writes into it.
    """
    options, events = options or Options(), events or Events()
    read_info(run)
    with RunWriter(run):
        plan = plan_probes(run, options.bpp, options.draws, options.trust)
        if not plan.probes:
            raise ConfigError(f"{run}: no finished trials to probe")
        records = {it.key: it for it in journal(run)}
        planned = {it.key: it for it in plan.probes}
        originals = Originals(options.datasets)
        done = {key for key, it in records.items() if not is_passing(it)}
        todo = [it.trial(originals) for key, it in planned.items() if key not in done]
        events.started(len(todo), len(planned))
        gpu = any(it.codec.on_gpu for it in todo)
        jobs = max(1, min(options.jobs or default_jobs(gpu=gpu), len(todo)))
        limits = Limits(timeout=options.timeout, memory=share_of_memory(jobs))
        zygote = Zygote()
        try:
            # A codec that is absent would refuse damaged bitstreams too, as if it had detected the damage.
            require_available(zygote, (it.codec for it in todo), limits)
            with journal(run) as writer, tempfile.TemporaryDirectory(prefix="rdbench-") as scratch:
                prober = Prober(run, Path(scratch))
                for record in run_trials(
                    todo, zygote, limits, jobs, lambda it, slot: prober.measure(planned[it.key], it, slot)
                ):
                    writer.append(record)
                    records[record.key] = record
                    events.measured(record)
        except ReproductionError as error:
            raise ConfigError(str(error)) from error
        finally:
            zygote.close()
    return Result(plan, {key: records[key] for key in planned})

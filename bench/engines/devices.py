"""What this machine can run, asked of a worker process: the codecs of a former run, and a GPU."""

from __future__ import annotations

from collections.abc import Iterable

from bench.engines.messages import CheckCuda, CudaState, Describe
from bench.engines.worker_handle import Limits, Worker
from bench.engines.zygote import Zygote
from bench.errors import ConfigError
from bench.host.device import DeviceName, resolve
from bench.trials.codec_ref import Description
from bench.trials.plan import CodecPlan


def device_of(worker: Worker, wanted: str) -> DeviceName:
    """The device behind ``auto``, ``cpu`` or ``cuda``; the worker imports torch where that has to be known.

    Raises
    ------
    ConfigError
        CUDA was asked for and is absent.
    """

    def problem() -> str | None:
        answer = worker.ask(CheckCuda())
        return answer.problem if isinstance(answer, CudaState) else str(answer.message)

    return resolve(wanted, problem)


def require_available(zygote: Zygote, codecs: Iterable[CodecPlan], limits: Limits) -> None:
    """Construct each codec once, in a worker, and see that it is the one of the run.

    Raises
    ------
    ConfigError
        One can't be: a library, its weights, or the GPU that it is to run on are not here; or its version or
        weights are others now, so that it need not understand what it encoded then.
    """
    worker = Worker(zygote, limits)
    try:
        for codec in {it.ref: it for it in codecs}.values():
            answer = worker.ask(Describe(codec.ref))
            if not isinstance(answer, Description):
                remedy = "; give it more with --timeout" if answer.status == "timeout" else ""
                raise ConfigError(f"{codec.label} cannot run on this machine: {answer.message}{remedy}")
            if (answer.version, answer.weights_sha256) != (codec.version, codec.weights_sha256):
                now, then = _identity(answer), _identity(codec)
                raise ConfigError(f"{codec.label} is {now} here, the run has {then}: run it again first")
    finally:
        worker.close()


def _identity(codec: Description | CodecPlan) -> str:
    weights = f", weights {codec.weights_sha256[:12]}…" if codec.weights_sha256 else ""
    return f"version {codec.version}{weights}"

"""What is installed, and whether it works: each plug-in is tried in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench import registry
from bench.engines.messages import Describe, DescribeMetric, Failed
from bench.engines.worker_handle import Died, Limits, Worker, share_of_memory
from bench.engines.zygote import Zygote
from bench.metrics.dataset import DATASET_METRICS
from bench.trials.codec_ref import CodecRef, Description, MetricDescription

_TIMEOUT = 120.0


State = Literal["ok", "needs options", "unavailable", "broken"]


@dataclass(frozen=True)
class Finding:
    """One installed codec, metric or data-set metric."""

    name: str
    state: State
    version: str = ""
    problem: str = ""
    """Why it does not work as it is, with the remedy; empty when it does."""
    codec: Description | None = None
    metric: MetricDescription | None = None


def inspect_codecs() -> list[Finding]:
    """Every installed codec at its default configuration."""
    targets = registry.targets(registry.CODECS)
    return _inspect({name: Describe(CodecRef(target)) for name, target in targets.items()})


def inspect_metrics() -> list[Finding]:
    """Every installed metric."""
    targets = registry.targets(registry.METRICS)
    return _inspect({name: DescribeMetric(target) for name, target in targets.items()})


def inspect_dataset_metrics() -> list[Finding]:
    """Every installed metric of sets of pictures."""
    targets = registry.targets(DATASET_METRICS)
    return _inspect({name: DescribeMetric(target) for name, target in targets.items()})


def _inspect(requests: Mapping[str, Describe | DescribeMetric]) -> list[Finding]:
    with Zygote() as zygote:
        worker = Worker(zygote, Limits(timeout=_TIMEOUT, memory=share_of_memory()))
        try:
            return [_finding(name, worker.ask(request)) for name, request in requests.items()]
        finally:
            worker.close()


def _finding(name: str, answer: Description | MetricDescription | Failed | Died) -> Finding:
    if isinstance(answer, Description):
        return Finding(name, "ok", answer.version, codec=answer)
    if isinstance(answer, MetricDescription):
        return Finding(name, "ok", answer.version, metric=answer)
    if answer.status == "unsupported":
        return Finding(name, "unavailable", problem=answer.message)
    if isinstance(answer, Failed) and not answer.exception:
        # An error that rdbench raises on purpose: the options, for a codec that has no default ones.
        return Finding(name, "needs options", problem=answer.message)
    cause = f"{answer.exception}: " if isinstance(answer, Failed) else ""
    return Finding(name, "broken", problem=f"{cause}{answer.message}")

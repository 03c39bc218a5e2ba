"""What is installed, and whether it works: each plug-in is tried in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass

from bench import registry
from bench.engines.pool import Limits, Worker
from bench.engines.worker import CodecRef, Describe, DescribeMetric, Description, MetricDescription
from bench.engines.zygote import Zygote

_TIMEOUT = 120.0


@dataclass(frozen=True)
class Finding:
    """One installed codec or metric."""

    name: str
    version: str = ""
    problem: str = ""
    """Why it does not work, with the line that installs what is missing; empty when it works."""
    codec: Description | None = None
    metric: MetricDescription | None = None


def inspect_codecs() -> list[Finding]:
    """Every installed codec at its default configuration."""
    found = []
    for name, answer in _ask(registry.CODECS):
        if isinstance(answer, Description):
            found.append(Finding(name, answer.version, codec=answer))
        else:
            found.append(Finding(name, problem=str(answer)))
    return found


def inspect_metrics() -> list[Finding]:
    """Every installed metric."""
    found = []
    for name, answer in _ask(registry.METRICS):
        if isinstance(answer, MetricDescription):
            found.append(Finding(name, answer.version, metric=answer))
        else:
            found.append(Finding(name, problem=str(answer)))
    return found


def _ask(group: str) -> list[tuple[str, Description | MetricDescription | str]]:
    zygote = Zygote()
    worker = Worker(zygote, Limits(timeout=_TIMEOUT))
    answers: list[tuple[str, Description | MetricDescription | str]] = []
    try:
        for name, target in registry.targets(group).items():
            request = Describe(CodecRef(target)) if group == registry.CODECS else DescribeMetric(target)
            answer = worker.ask(request)
            good = isinstance(answer, Description | MetricDescription)
            answers.append((name, answer if good else f"{answer.message}"))
    finally:
        worker.close()
        zygote.close()
    return answers

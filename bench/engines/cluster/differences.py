"""What workers answer differently, and which answer counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any

import msgspec

from bench.engines.engine import Machine
from bench.engines.messages import CudaState, Describe, DescribeMetric, Failed, Request

_ASIDE = frozenset({"complexity", "title", "role"})
"""Fields of a description that never change a result."""


def agreed_answer(answers: Mapping[str, Any], machines: Mapping[str, Machine]) -> Any:
    """The answer that the plan is made from: of most processors, a failure only where all fail.

    Of equally many it is that of workers with the client's software, or of the first one by name.

    Parameters
    ----------
    answers : by worker, at least one
    machines : of each worker
    """
    answers = {it: answer for it, answer in answers.items() if not isinstance(answer, Failed)} or answers
    counts: dict[Hashable, int] = defaultdict(int)
    for worker, answer in answers.items():
        counts[_essence(answer)] += machines[worker].jobs if worker in machines else 0
    most = max(counts.values())
    equal = [it for it in answers if counts[_essence(answers[it])] == most]

    def other_software(worker: str) -> bool:
        return worker not in machines or "software" in machines[worker].environment.machine

    return answers[min(equal, key=lambda it: (other_software(it), it))]


def difference(request: Request[Any], answer: Any, agreed: Any) -> str:
    """What is different on a worker than the plan has it, in words; empty for nothing.

    Parameters
    ----------
    request : what was asked
    answer, agreed : the worker's answer, and the one that the plan is made from
    """
    if _essence(answer) == _essence(agreed):
        return ""
    what = _subject(request)
    if isinstance(answer, Failed) or type(answer) is not type(agreed):
        return f"{what}: {_said(answer)}, and on others: {_said(agreed)}"
    parts = [
        f"{field.replace('_', ' ')} {_short(mine)}, and {_short(its)} on others"
        for field, its in msgspec.structs.asdict(agreed).items()
        if field not in _ASIDE and (mine := getattr(answer, field)) != its
    ]
    return f"{what} has {'; '.join(parts)}"


def _essence(answer: Any) -> Hashable:
    """What has to be the same: of a failure its status alone, since its message may name places."""
    if isinstance(answer, Failed):
        return answer.status
    if isinstance(answer, CudaState):
        return answer.problem is None
    fields = msgspec.structs.asdict(answer)
    kept = {name: it for name, it in fields.items() if name not in _ASIDE}
    return type(answer).__name__, msgspec.json.encode(kept, order="sorted")


def _subject(request: Request[Any]) -> str:
    match request:
        case Describe():
            return request.codec.target.rpartition(":")[2] or request.codec.target
        case DescribeMetric():
            return request.metric.target.rpartition(":")[2]
        case _:
            return "CUDA"


def _said(answer: Any) -> str:
    if isinstance(answer, Failed):
        return answer.message
    if isinstance(answer, CudaState):
        return answer.problem or "it is there"
    return f"version {answer.version}"


def _short(value: Any) -> str:
    text = str(value) if value is not None else "none"
    return text if len(text) <= 80 else f"{text[:79]}…"

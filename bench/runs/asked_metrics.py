"""The metrics that a suite asks for, under names that a run can keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bench import registry
from bench.engines.describing import describe_metric
from bench.engines.engine import Engine
from bench.errors import ConfigError
from bench.inputs.goals import Goals
from bench.inputs.suite import Suite
from bench.runs.frame import is_column
from bench.trials.codec_ref import DescribedMetric, MetricRef


def asked_metrics(
    engine: Engine, suite: Suite, note: Callable[[str], None] = lambda text: None
) -> list[DescribedMetric]:
    """Each metric of the suite, and those that are to reach a value, as they are here.

    Parameters
    ----------
    note : told of a metric that test conditions ask for and that does not work here

    Raises
    ------
    ConfigError
        One is unknown or can't be constructed, or its name is no name, another column's or another metric's.
    """
    found = list(_described(engine, suite, note))
    known = {it.ref.name for it in found}
    points = (suite.quality, *(it.quality for it in suite.codecs))
    goals = dict.fromkeys(it.metric for it in points if isinstance(it, Goals) and it.metric is not None)
    found += [describe_metric(engine, it) for it in goals if it not in known]
    installed = registry.targets(registry.METRICS)
    names: set[str] = set()
    for ref in (it.ref for it in found):
        problem = _problem(ref, installed.get(ref.name, ref.target), names)
        if problem:
            raise ConfigError(f"metric {ref.name!r} of {ref.target}: {problem}; give it another name")
        names.add(ref.name)
    return found


def _described(engine: Engine, suite: Suite, note: Callable[[str], None]) -> Iterator[DescribedMetric]:
    for metric in suite.metrics:
        try:
            yield describe_metric(engine, metric)
        except ConfigError as error:
            if not suite.conditions:
                raise
            note(f"{error}; the run departs from {suite.conditions.partition(' ')[0]}")


def _problem(ref: MetricRef, owner: str, names: set[str]) -> str:
    """Why a name can't be kept.

    Parameters
    ----------
    owner : the target of the installed metric of that name
    names : of other metrics
    """
    if not re.fullmatch(r"\w[\w.-]{,99}", ref.name):
        return "a name is of letters, digits, _, . and -"
    if ref.target != owner:
        return "an installed metric has that name"
    if ref.name in names:
        return "the suite has two metrics of that name"
    return "the table of a run has a column of that name" if is_column(ref.name) else ""

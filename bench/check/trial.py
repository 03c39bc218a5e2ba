"""What differs between two finished trials, measure by measure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.check.attribution import tolerance
from bench.check.baseline import MetricState, State, TrialState
from bench.check.verdict import Kind
from bench.inputs.gate import Gate


@dataclass(frozen=True)
class Rules:
    """What a difference is measured by."""

    gate: Gate
    baseline: State
    run: State

    def tolerance(self, unit: str) -> float:
        """See :func:`bench.check.attribution.tolerance`."""
        return tolerance(self.baseline, self.run, unit)


@dataclass(frozen=True)
class Difference:
    """One measure of one trial; ``amount`` is positive where it is worse."""

    kind: Kind
    measure: str
    unit: str
    limit: float | None
    before: float | None
    after: float | None
    amount: float

    @property
    def group(self) -> tuple[str, str]:
        """What is reported together."""
        return self.measure, self.kind


def trial_differences(one: TrialState, other: TrialState, rules: Rules) -> Iterator[Difference]:
    """The measures in which two finished trials differ; none when bitstream and pixels are the same.

    Another bitstream of the same size and the same quality is a ``changed`` bitstream.
    """
    same_bits = one.bitstream_sha256 == other.bitstream_sha256
    same_pixels = one.pixels_sha256 == other.pixels_sha256
    if same_bits and same_pixels:
        return
    found = False
    if one.bytes and other.bytes is not None and one.bytes != other.bytes:
        found = True
        growth = 100 * (other.bytes / one.bytes - 1)
        limit = rules.gate.max_bytes
        yield Difference(_kind(growth, limit), "bytes", "%", limit, one.bytes, other.bytes, growth)
    # A metric is computed from the pixels alone.
    metrics = {} if same_pixels else rules.baseline.metrics
    for name, metric in metrics.items():
        if name not in rules.run.metrics or not metric.is_same(rules.run.metrics[name]):
            continue
        before, after = one.value(name), other.value(name)
        if before is None or before == after:
            continue
        # A baseline may be older than the notion of an ideal value.
        loss = _loss(before, after, rules.run.metrics[name])
        if abs(loss) < rules.tolerance(metric.unit):
            continue
        found = True
        limit = rules.gate.drop(name, metric.unit)
        kind = _kind(loss, limit)
        yield Difference(kind, name, metric.unit, limit, _finite(before), _finite(after), loss)
    if not found:
        measure = "pixels" if same_bits else "bitstream"
        yield Difference("changed", measure, "", None, None, None, 0)


def _loss(before: float, after: float | None, metric: MetricState) -> float:
    if after is None:
        return math.inf
    if metric.ideal is not None:
        return abs(after - metric.ideal) - abs(before - metric.ideal)
    return before - after if metric.higher_is_better else after - before


def _kind(amount: float, limit: float | None) -> Kind:
    if amount < 0:
        return "improved"
    # Percentages of whole bytes are not exact in binary.
    return "regression" if limit is not None and amount > limit + 1e-9 else "changed"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

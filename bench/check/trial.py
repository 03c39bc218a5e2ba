"""What differs between two finished trials, measure by measure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.check.baseline import MetricDefinition, TrialResult
from bench.check.rules import Rules
from bench.check.verdict import Kind


@dataclass(frozen=True)
class TrialDifference:
    """A difference of one trial in one measure."""

    kind: Kind
    measure: str
    unit: str
    limit: float | None
    before: float | None
    after: float | None
    amount: float
    """In ``unit``; positive is worse."""

    @property
    def group(self) -> tuple[str, str]:
        """Differences of equal groups are reported together."""
        return self.measure, self.kind


def trial_differences(one: TrialResult, other: TrialResult, rules: Rules) -> Iterator[TrialDifference]:
    """The measures in which two finished trials differ; none if bitstream and pixels are the same.

    A different bitstream of the same size and quality is reported as a ``changed`` bitstream.
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
        yield TrialDifference(_kind(growth, limit), "bytes", "%", limit, one.bytes, other.bytes, growth)
    # Metrics depend on the pixels alone.
    metrics = {} if same_pixels else rules.baseline.metrics
    for name, metric in metrics.items():
        if name not in rules.run.metrics or not metric.is_same(rules.run.metrics[name]):
            continue
        before, after = one.value(name), other.value(name)
        if before is None or before == after:
            continue
        # The run's definition is used, because an old baseline may not have an ideal value.
        loss = _loss(before, after, rules.run.metrics[name])
        if abs(loss) < rules.tolerance(metric.unit):
            continue
        found = True
        limit = rules.gate.drop(name, metric.unit)
        kind = _kind(loss, limit)
        yield TrialDifference(kind, name, metric.unit, limit, _finite(before), _finite(after), loss)
    if not found:
        measure = "pixels" if same_bits else "bitstream"
        yield TrialDifference("changed", measure, "", None, None, None, 0)


def _loss(before: float, after: float | None, metric: MetricDefinition) -> float:
    if after is None:
        return math.inf
    if metric.ideal is not None:
        return abs(after - metric.ideal) - abs(before - metric.ideal)
    return before - after if metric.higher_is_better else after - before


def _kind(amount: float, limit: float | None) -> Kind:
    if amount < 0:
        return "improved"
    # A percentage of whole bytes is not exact in binary.
    return "regression" if limit is not None and amount > limit + 1e-9 else "changed"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

"""What figures of speed share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bench.report.data import ReportData
from bench.report.entries import Entry, comparable_in_speed, machines_of


@dataclass(frozen=True)
class Cost:
    """What a configuration costs in bits, and the 95% interval of that."""

    value: float
    interval: tuple[float, float] | None = None
    partial: bool = False
    """Whether it holds over too small a part of the range to rank it."""


def bd_rate_costs(data: ReportData, metric: str) -> dict[str, Cost]:
    """BD-rates by image against the anchor in percent, by label; that of the anchor is 0."""
    if data.anchor is None:
        return {}
    costs = {
        label: Cost(value, its.per_image.ci95, its.per_image.partial)
        for label, its in data.bd.get(metric, {}).items()
        if (value := its.per_image.value) is not None
    }
    return costs | {data.anchor: Cost(0.0)}


def margin_around(costs: Collection[tuple[float, ...]]) -> tuple[float, float]:
    """The limits of an axis on which all of ``costs`` are to stand: a value or an interval each."""
    values = [value for its in costs for value in its]
    margin = 0.09 * (max(values) - min(values)) or 1.0
    return min(values) - margin, max(values) + margin


def timed_alike(data: ReportData, labels: Collection[str]) -> frozenset[str]:
    """Those of the configurations whose speeds may stand in one figure: they were timed on one machine."""
    return frozenset(it.label for it in comparable_in_speed(it for it in data.entries if it.label in labels))


def threads_note(data: Iterable[ReportData]) -> str:
    """How many threads there are."""
    several = any(entry.threads > 1 for it in data for entry in it.entries)
    return "One thread, unless the name says more." if several else "One thread."


def timing_note(data: ReportData, shown: Collection[str], labels: Collection[str]) -> str:
    """How the times of what is shown were taken, and whose are left out, in a sentence each.

    Parameters
    ----------
    shown : labels that have a place in the figure
    labels : those that would have one if all were timed on one machine
    """
    entries = [it for it in data.entries if it.label in labels]
    if len(machines_of(entries)) < 2:
        return _timing([it for it in entries if it.label in shown])
    alike = comparable_in_speed(entries)
    text = f"{_timing(alike)} " if alike else ""
    others = f"{len(entries) - len(alike)} of {len(entries)} configurations"
    return f"{text}No times of {others}, which were timed on another machine or on several."


def _timing(entries: Sequence[Entry]) -> str:
    load = sum(it.timing == "load" for it in entries)
    if disturbed := sum(it.timing == "disturbed" for it in entries):
        return (
            f"Timed alone and pinned; other processes disturbed {disturbed} of {len(entries)} configurations."
        )
    if not load:
        return "Timed alone and pinned."
    whose = "Times" if load == len(entries) else f"Times of {load} of {len(entries)} configurations"
    return f"{whose} were taken while other trials ran: throughput, not latency."

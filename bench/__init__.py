"""rdbench: benchmark and evaluation suite for image codecs.

In a notebook::

    import bench
    run = bench.run(codecs=["jpeg@10,50,90", "webp"], datasets=["sample"], out="results/runs/mine")
    frame = bench.load(run.folder)
    bench.plot.rd(run)
    bench.compare(run, anchor="webp")

``import bench`` loads nothing heavy; each name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench import plot
    from bench.api import run
    from bench.inputs.suite import CodecEntry, Suite
    from bench.rd import Curve, bd_rate
    from bench.results import compare, curves
    from bench.runs.frame import load
    from bench.runs.merge import merge
    from bench.runs.options import Events, Options
    from bench.runs.runner import Summary

__all__ = [
    "CodecEntry",
    "Curve",
    "Events",
    "Options",
    "Suite",
    "Summary",
    "bd_rate",
    "compare",
    "curves",
    "load",
    "merge",
    "plot",
    "run",
]

_HOMES = {
    "CodecEntry": "bench.inputs.suite",
    "Curve": "bench.rd",
    "Events": "bench.runs.options",
    "Options": "bench.runs.options",
    "Suite": "bench.inputs.suite",
    "Summary": "bench.runs.runner",
    "bd_rate": "bench.rd",
    "compare": "bench.results",
    "curves": "bench.results",
    "load": "bench.runs.frame",
    "merge": "bench.runs.merge",
    "run": "bench.api",
}


def __getattr__(name: str) -> Any:
    if name == "plot":
        return import_module("bench.plot")
    if name not in _HOMES:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

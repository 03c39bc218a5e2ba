"""One codec configuration of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.host.environment import Environment


@dataclass(frozen=True)
class Entry:
    """One codec configuration of a board."""

    label: str
    codec: str
    version: str
    options: Mapping[str, Any]
    lossless: bool
    run: str
    environment: Environment
    timing: str
    """``alone``, ``disturbed`` (alone, but without much of the processor), ``load``, or empty where there are
    no times."""
    n_ok: int
    n_planned: int
    complexity: Mapping[str, float] = field(default_factory=dict)
    """Parameters, bytes of weights, kMAC per pixel and hours of training of a learned codec."""
    encode_mps: float | None = None
    """Megapixels of the finished trials ÷ seconds for all of them."""
    decode_mps: float | None = None
    n_missing: int = 0
    """Of the planned trials those that were not measured yet."""
    repeats: tuple[int, int] = (0, 0)
    """Fewest and most timed repetitions of a finished trial."""
    cpu_share: float | None = None
    """The encoder's or the decoder's share of the processor over the time for all trials, the smaller one."""

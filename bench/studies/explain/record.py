"""What became of explaining one picture: a row of the summary, and the explanation where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.engines.messages import Explained, Failed
from bench.explanation import Explanation
from bench.trials.measurement import Status
from bench.trials.plan import Trial

TOLERANCE = 0.02
"""How far the map's total may be from the payload."""
_SLACK_BITS = 64.0
"""And, whatever the payload, this much: a coder ends on a byte or a word."""

Verdict = Literal["not available"] | Status
"""``not available``: neither the codec nor an estimate tells; ``unsupported``: the codec is absent here;
``mismatch``: the map is not the payload's."""


class ExplainRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One codec at one operating point on one picture."""

    dataset: str
    image: str
    image_sha256: str
    label: str
    codec: str
    version: str
    config: dict[str, Any]
    quality: float | None
    status: Verdict
    method: str = ""
    bytes: int | None = None
    payload_bits: float | None = None
    """8 × bytes less the overhead."""
    map_bits: float | None = None
    overhead_bits: dict[str, float] = {}
    grid_bits: dict[str, float] = {}
    reason: str = ""
    """Why there is no map, or none from the codec itself."""

    @property
    def deviation(self) -> float | None:
        """The map's total against the payload, in percent; None for an estimate, which claims no total."""
        if self.map_bits is None or not self.payload_bits or self.method == "estimate":
            return None
        return 100 * (self.map_bits / self.payload_bits - 1)


@dataclass(frozen=True)
class ExplainedPicture:
    """One row, and the explanation where there is one."""

    row: ExplainRow
    path: Path
    """Of the picture."""
    stem: Path
    """Of its files, in the folder of all."""
    explanation: Explanation | None


def row_of(trial: Trial, answer: Explained | Failed | str) -> ExplainRow:
    """The row of a trial.

    Parameters
    ----------
    trial : a codec on a picture
    answer : the worker's, or the reason why the codec could not run at all
    """
    known: dict[str, Any] = {
        "dataset": trial.image.dataset,
        "image": trial.image.name,
        "image_sha256": trial.image.sha256,
        "label": trial.codec.label,
        "codec": trial.codec.codec,
        "version": trial.codec.version,
        "config": trial.codec.config,
        "quality": trial.quality,
    }
    if isinstance(answer, str):
        return ExplainRow(**known, status="unsupported", reason=answer)
    if isinstance(answer, Failed):
        status: Verdict = "not available" if answer.status == "unsupported" else answer.status
        return ExplainRow(**known, status=status, reason=answer.reason)
    explanation = answer.explanation
    payload = 8.0 * answer.bytes - sum(explanation.overhead.values())
    total = explanation.map_bits
    sound = explanation.method == "estimate" or abs(total - payload) <= TOLERANCE * payload + _SLACK_BITS
    return ExplainRow(
        **known,
        status="ok" if sound else "mismatch",
        method=explanation.method,
        bytes=answer.bytes,
        payload_bits=payload,
        map_bits=total,
        overhead_bits=explanation.overhead,
        grid_bits={it.name: float(it.bits.sum()) for it in explanation.grids},
        reason=answer.not_exact,
    )

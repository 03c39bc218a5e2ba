"""What the samples of a picture take without any compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

RGB8_BITS = 24.0
"""Of a pixel of 8-bit RGB."""
_SAMPLES = {"grey": 1, "rgb": 3, "rgba": 4}


def raw_bits(trials: pd.DataFrame) -> pd.Series[float]:
    """Bits of a raw pixel of each trial, in the form in which the codec was given it."""
    samples, depth = _form(trials)
    return samples * depth


def raw_bytes(trials: pd.DataFrame) -> dict[str, float]:
    """Bytes of a raw pixel over all pixels of each label's trials; a sample above 8 bits takes two."""
    import pandas as pd

    samples, depth = _form(trials)
    pixels = (trials["width"] * trials["height"]).astype(float)
    sums = pd.DataFrame({"raw": samples * (1 + (depth > 8)) * pixels, "pixels": pixels})
    totals = sums.groupby(trials["label"], observed=True).sum()
    sized = totals[totals["pixels"] > 0]
    return {str(label): float(value) for label, value in (sized["raw"] / sized["pixels"]).items()}


def _form(trials: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """Samples of a pixel and bits of a sample of each trial; a table that does not say is of 8-bit RGB."""
    known = trials.reindex(columns=["channels", "depth"])
    samples = known["channels"].map(_SAMPLES).astype(float).fillna(3.0)
    return samples, known["depth"].astype(float).fillna(8.0)

"""Quality, quantisation step and Lagrange multiplier: one scale for the whole RD curve.

Quality runs from 1 to 8 and is stored in the bitstream as a code in steps of 1/32, so that every
table that depends on it can be interpolated in exact arithmetic.
"""

from __future__ import annotations

LEVELS = 8
"""The highest quality. Level-dependent tables of a model that covers all of them have so many rows; row ``i``
belongs to quality ``i + 1``."""

STEPS_PER_LEVEL = 32
CODING_STRENGTH = 0.10
"""Of the rate–distortion optimised quantisation: what pictures are coded and tables calibrated with."""

_STEP_COARSE = 135.0
"""Step at quality 1."""
_STEP_FINE = 22.0
"""Step at quality 6; finer ones follow on the same line."""
_LEVELS_BETWEEN = 5
_LAMBDA_STEP_SQUARED = 26.0


def quality_to_code(quality: float) -> int:
    """The nearest code of ``quality`` (1 to 8)."""
    return round((quality - 1.0) * STEPS_PER_LEVEL)


def code_to_quality(code: int) -> float:
    """The quality that a code stands for."""
    return 1.0 + code / STEPS_PER_LEVEL


def step_size(quality: float) -> float:
    """Quantisation step of the latents, in units of 8-bit samples: log-linear in quality."""
    return float(_STEP_COARSE * (_STEP_FINE / _STEP_COARSE) ** ((quality - 1.0) / _LEVELS_BETWEEN))


def lagrangian(quality: float) -> float:
    """Multiplier λ of the loss R + λ·D, R in bits per pixel, D the mean squared error over RGB.

    At high rate the optimum of a uniform quantiser obeys λ·Δ² = const; the constant was measured.
    """
    return _LAMBDA_STEP_SQUARED / step_size(quality) ** 2


def typical_rate(quality: float) -> float:
    """About the bits per pixel at ``quality``: weighs the qualities of a training batch equally."""
    return float(0.15 * 8.0 ** ((quality - 1.0) / _LEVELS_BETWEEN))


def typical_cost(quality: float) -> float:
    """About R + λ·D at ``quality``, in bits per pixel, for the same purpose."""
    return float(0.36 * 5.0 ** ((quality - 1.0) / _LEVELS_BETWEEN))

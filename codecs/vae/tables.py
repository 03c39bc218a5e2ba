"""Integer frequency tables: a Gaussian family, calibrated on what training images really hold.

The tables are made once, at export, and travel with the weights: no device or library computes them
again, so none can disagree about them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench_codecs.vae.rans import PRECISION, FrequencyTables
from bench_codecs.vae.rate import LOG_SCALE_MIN, LOG_SCALE_STEPS, SCALES

CALIBRATED_SCALES = 30
"""Scales up to about 4 steps have tables of their own for each slice; wider ones share the Gaussian."""
HISTOGRAM_RADIUS = 24
_TOTAL = 1 << PRECISION
_TAIL = 3e-6
_SHARED_PSEUDO_COUNT = 20.0
_SLICE_PSEUDO_COUNT = 200.0
_HYPER_PSEUDO_COUNT = 30.0


@dataclass(frozen=True)
class CodingTables:
    """All frequency tables and which row belongs to what."""

    frequencies: FrequencyTables
    slice_rows: NDArray[np.int32]
    """(slices, scales): row of each slice of both grids, in coding order, and scale."""
    hyper_rows: NDArray[np.int32]
    """(levels, hyper channels): row of each hyper-latent channel, coarse grid first."""


def check_tables(tables: CodingTables, slices: int, hyper_shape: tuple[int, int]) -> None:
    """Refuse tables that a model cannot code with: the coder's kernels look up without a check of bounds.

    ``hyper_shape``: the model's levels and hyper-latent channels.

    Raises
    ------
    ValueError
        The tables are damaged, or belong to a model with other slices and channels.
    """
    frequencies, slice_rows, hyper_rows = tables.frequencies, tables.slice_rows, tables.hyper_rows
    if any(it.dtype != np.int32 for it in (*frequencies, slice_rows, hyper_rows)):
        raise ValueError("coding tables are not of int32")
    if slice_rows.shape != (slices, SCALES) or hyper_rows.shape != hyper_shape:
        raise ValueError("coding tables belong to a model of another shape")
    cumulative, start, size, low = (it.astype(np.int64) for it in frequencies)
    if not (cumulative.ndim == 1 and start.shape == size.shape == low.shape == (len(start),)):
        raise ValueError("coding tables differ in length")
    end_to_end = np.array_equal(np.append(start, len(cumulative)), np.append(0, np.cumsum(size + 1)))
    if not (len(start) and end_to_end and size.min() >= 1):
        raise ValueError("the rows of the coding tables do not lie end to end")
    rising = np.delete(np.diff(cumulative), start[1:] - 1) > 0
    if (cumulative[start] != 0).any() or (cumulative[start + size] != _TOTAL).any() or not rising.all():
        raise ValueError(f"a row of the coding tables does not rise from 0 to {_TOTAL}")
    if (np.abs(low) > _TOTAL).any():
        raise ValueError("a row of the coding tables begins at an impossible integer")
    for rows in (slice_rows, hyper_rows):
        if rows.min() < 0 or rows.max() >= len(start):
            raise ValueError("the model needs rows that the coding tables do not have")


def scales() -> NDArray[np.float64]:
    """The standard deviations of the Gaussian family."""
    family: NDArray[np.float64] = np.exp(LOG_SCALE_MIN + np.arange(SCALES) / LOG_SCALE_STEPS)
    return family


def gaussian_masses(scale: float, radius: int) -> NDArray[np.float64]:
    """Probabilities of the integers -radius to radius under a Gaussian integrated over unit bins."""
    edges = (np.arange(radius + 1) + 0.5) / (scale * math.sqrt(2))
    tail = np.array([math.erfc(e) for e in edges])
    side = 0.5 * (tail[:-1] - tail[1:])
    return np.concatenate([side[::-1], [1 - tail[0]], side])


def build_tables(
    histogram: NDArray[np.float64], hyper_masses: NDArray[np.float64], hyper_histogram: NDArray[np.float64]
) -> CodingTables:
    """Tables from counts over training images.

    ``histogram``: (slices, scales, 49) counts of the integers -24 to 24. ``hyper_masses`` and
    ``hyper_histogram``: (levels, channels, 2·R + 1) probabilities of the prior, and counts.
    """
    rows: list[tuple[NDArray[np.int64], int]] = []
    family = scales()
    for scale in family:
        radius = max(2, math.ceil(4.6 * scale))
        rows.append(_quantised(gaussian_masses(scale, radius)))
    slice_rows = np.tile(np.arange(SCALES, dtype=np.int32), (len(histogram), 1))
    prior = np.stack([gaussian_masses(s, HISTOGRAM_RADIUS) for s in family])
    prior /= prior.sum(1, keepdims=True)
    shared = _smoothed(histogram.sum(0), prior, _SHARED_PSEUDO_COUNT)
    for index, counts in enumerate(histogram):
        for scale in range(CALIBRATED_SCALES):
            slice_rows[index, scale] = len(rows)
            rows.append(_quantised(_smoothed(counts[scale], shared[scale], _SLICE_PSEUDO_COUNT)))
    levels, channels = hyper_masses.shape[:2]
    hyper_rows = np.zeros((levels, channels), np.int32)
    for level in range(levels):
        for channel in range(channels):
            hyper_rows[level, channel] = len(rows)
            masses = hyper_masses[level, channel]
            counts = hyper_histogram[level, channel] + _HYPER_PSEUDO_COUNT * masses / masses.sum()
            rows.append(_quantised(counts / counts.sum()))
    return CodingTables(_pack(rows), slice_rows, hyper_rows)


def _smoothed(counts: NDArray[np.float64], prior: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    symmetric = (counts + counts[..., ::-1]) / 2 + weight * prior
    smoothed: NDArray[np.float64] = symmetric / symmetric.sum(-1, keepdims=True)
    return smoothed


def _quantised(masses: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Integer frequencies of the likely integers and of the escape, and the smallest of them.

    ``masses`` is centred on 0: its length is odd. Every frequency is at least 1; they sum to 65536.
    """
    centre = len(masses) // 2
    likely = np.flatnonzero(masses > _TAIL)
    radius_low, radius_high = centre - int(likely.min()), int(likely.max()) - centre
    kept = masses[centre - radius_low : centre + radius_high + 1]
    everything = np.append(kept, max(1 - kept.sum(), _TAIL))
    everything = everything / everything.sum()
    frequency = np.maximum(1, np.floor(everything * (_TOTAL - len(everything)))).astype(np.int64)
    frequency[np.argmax(frequency)] += _TOTAL - frequency.sum()
    return frequency, -radius_low


def _pack(rows: list[tuple[NDArray[np.int64], int]]) -> FrequencyTables:
    cumulative = [np.concatenate([[0], np.cumsum(frequency)]) for frequency, _ in rows]
    lengths = np.array([len(c) for c in cumulative])
    return FrequencyTables(
        np.concatenate(cumulative).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int32),
        (lengths - 1).astype(np.int32),
        np.array([low for _, low in rows], np.int32),
    )

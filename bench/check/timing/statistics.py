"""From interleaved time samples to a ratio, its interval, and a word.

Each round gives every point (an image at a quality) one log-ratio: the lower quartile of its new samples to
that of its old ones. Interleaving exposed both to the same conditions, and the lower quartile is what the
code takes while nothing else disturbs it, without hanging on one lucky sample. A point's value is the median
over the rounds; the ratio is exp of the mean over the points, a ratio of geometric means over the images.

The interval is bootstrapped over rounds, each of which is a fresh pair of processes: what is particular to
a process (memory layout, for one) is drawn with it (a cluster bootstrap; Davison and Hinkley, 1997). Few
rounds make percentiles too narrow, so the interval is the estimate ± t·SE with the bootstrap's standard
error, n − 1 degrees of freedom and the factor √(n/(n − 1)) (Hesterberg, What Teachers Should Know About the
Bootstrap, 2015). Over the cells the level is corrected by Holm's step-down procedure (Holm, 1979), in which
an interval is as wide as its rank demands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.01
RESAMPLES = 2000
FEWEST_ROUNDS = 3
_QUIET = 0.01

Word: TypeAlias = Literal["slower", "faster", "pass", "inconclusive"]


@dataclass(frozen=True)
class LogRatio:
    """A log-ratio with its standard error; ``p`` is two-sided for "no difference"."""

    log_ratio: float
    error: float
    rounds: int
    p: float


@dataclass(frozen=True)
class Judgement:
    """A cell's ratio of new to old time, its corrected interval, and the word for it."""

    ratio: float
    interval: tuple[float, float]
    word: Word
    detectable: float
    """The smallest ratio that would have been ``slower`` with this spread of the samples."""


def round_ratios(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(new ÷ old) of the lower quartiles, shape (rounds, points); NaN or infinite for a time of zero.

    Parameters
    ----------
    old, new : seconds, shape (rounds, points, samples)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        low = [np.log(np.quantile(side, 0.25, axis=-1)) for side in (old, new)]
    return np.asarray(low[1] - low[0])


def estimate(log_ratios: NDArray[np.float64], seed: int = 0) -> LogRatio:
    """Estimate one cell.

    Parameters
    ----------
    log_ratios : shape (rounds, points), from :func:`round_ratios`
    seed : of the bootstrap's draws

    Raises
    ------
    ValueError
        Fewer than 3 rounds, or a value that is not finite.
    """
    rounds = len(log_ratios)
    if rounds < FEWEST_ROUNDS:
        raise ValueError(f"{rounds} rounds are too few, {FEWEST_ROUNDS} are the least")
    if not np.isfinite(log_ratios).all():
        raise ValueError("a time sample is zero or not finite")
    centre = _location(log_ratios[None])[0]
    drawn = np.random.default_rng(seed).integers(0, rounds, (RESAMPLES, rounds))
    resampled = _location(log_ratios[drawn])
    error = float(resampled.std(ddof=1)) * math.sqrt(rounds / (rounds - 1))
    return LogRatio(float(centre), error, rounds, _p_value(float(centre), error, rounds))


def judge(cells: Sequence[LogRatio], limits: Sequence[float | None], alpha: float = ALPHA) -> list[Judgement]:
    """Judge all cells of one comparison together.

    Parameters
    ----------
    limits : the largest ratio of new to old time of each cell; None for any
    alpha : probability of one false ``slower`` or ``faster`` among all cells

    ``slower``: the interval lies wholly above 1 and the ratio exceeds the limit. ``faster``: it lies wholly
    below 1. ``pass``: it lies wholly within the limit, or there is none. All else is ``inconclusive``.
    """
    order = sorted(range(len(cells)), key=lambda k: cells[k].p)
    judged: dict[int, Judgement] = {}
    open_ = True
    for rank, k in enumerate(order):
        level = alpha / (len(cells) - rank)
        # Step-down: behind the first cell that is not significant, none is.
        open_ = open_ and cells[k].p < level
        judged[k] = _judged(cells[k], limits[k], level, open_)
    return [judged[k] for k in range(len(cells))]


def _judged(cell: LogRatio, limit: float | None, level: float, significant: bool) -> Judgement:
    from scipy.stats import t

    reach = float(t.isf(level / 2, cell.rounds - 1)) * cell.error
    ratio = math.exp(cell.log_ratio)
    low, high = math.exp(cell.log_ratio - reach), math.exp(min(cell.log_ratio + reach, 700))
    word: Word
    if significant and low > 1 and limit is not None and ratio > limit:
        word = "slower"
    elif significant and high < 1:
        word = "faster"
    else:
        word = "pass" if limit is None or high <= limit else "inconclusive"
    detectable = max(math.exp(min(reach, 700)), limit or 1.0)
    return Judgement(ratio, (low, high), word, detectable)


def detectable_at_best(rounds: int, cells: int, alpha: float = ALPHA) -> float:
    """The smallest ratio of times that ``rounds`` can show on a quiet machine, for one of ``cells``.

    There the log-ratios of pairs of processes have a standard deviation of 1%; that of their median is
    √(π/2) ÷ √rounds times as much.
    """
    from scipy.stats import t

    error = _QUIET * math.sqrt(math.pi / 2) / math.sqrt(rounds - 1)
    return math.exp(float(t.isf(alpha / cells / 2, rounds - 1)) * error)


def _location(log_ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over points of the median over rounds: shape (…, rounds, points) to (…)."""
    return np.asarray(np.median(log_ratios, axis=-2).mean(axis=-1))


def _p_value(centre: float, error: float, rounds: int) -> float:
    from scipy.stats import t

    if error == 0:
        return 1.0 if centre == 0 else 0.0
    return float(2 * t.sf(abs(centre) / error, rounds - 1))

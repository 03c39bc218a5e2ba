"""Rate–distortion analysis: pure functions from operating points to curves, BD-rates and intervals.

Needs numpy alone (``image_curves`` takes a pandas table). Nothing here reads a file, prints, or
knows what a codec is.
"""

from bench.rd.bd import (
    METHODS,
    MIN_OVERLAP,
    RANKED_OVERLAP,
    BdResult,
    Method,
    bd_quality,
    bd_rate,
    prune_dominated,
)
from bench.rd.curve import (
    AVERAGES,
    DB_METRICS,
    MIN_FINISHED,
    Average,
    Curve,
    ImageCurves,
    Provenance,
    common_images,
    exact_images,
    finished_enough,
    from_db,
    mean_curve,
    to_db,
)
from bench.rd.images import ImagesBd, per_image_bd_quality, per_image_bd_rate
from bench.rd.interpolate import quality_at, rate_at, rates_at
from bench.rd.intervals import MIN_IMAGES, Interval, interval_of_mean, jackknife_interval, mean_over_sets
from bench.rd.pairwise import Comparisons, DetailedBd, PairedBd, all_pairs, paired_bd_rate
from bench.rd.pareto import pareto
from bench.rd.ranking import Standing, standings
from bench.rd.table import (
    higher_is_better,
    image_curves,
    image_curves_by_metric,
    lossy_trials,
    metric_columns,
)

__all__ = [
    "AVERAGES",
    "DB_METRICS",
    "METHODS",
    "MIN_FINISHED",
    "MIN_IMAGES",
    "MIN_OVERLAP",
    "RANKED_OVERLAP",
    "Average",
    "BdResult",
    "Comparisons",
    "Curve",
    "DetailedBd",
    "ImageCurves",
    "ImagesBd",
    "Interval",
    "Method",
    "PairedBd",
    "Provenance",
    "Standing",
    "all_pairs",
    "bd_quality",
    "bd_rate",
    "common_images",
    "exact_images",
    "finished_enough",
    "from_db",
    "higher_is_better",
    "image_curves",
    "image_curves_by_metric",
    "interval_of_mean",
    "jackknife_interval",
    "lossy_trials",
    "mean_curve",
    "mean_over_sets",
    "metric_columns",
    "paired_bd_rate",
    "pareto",
    "per_image_bd_quality",
    "per_image_bd_rate",
    "prune_dominated",
    "quality_at",
    "rate_at",
    "rates_at",
    "standings",
    "to_db",
]

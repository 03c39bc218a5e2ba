"""Rate–distortion analysis: pure functions from operating points to curves, BD-rates and intervals.

Needs numpy alone (``image_curves`` takes a pandas table). Nothing here reads a file, prints, or
knows what a codec is.
"""

from .bd import METHODS, RANKED_OVERLAP, BdResult, Method, bd_quality, bd_rate, prune_dominated
from .bootstrap import BootstrapBd, Resampled, bootstrap_bd_rate
from .curve import (
    DB_METRICS,
    MIN_FINISHED,
    Curve,
    ImageCurves,
    Provenance,
    common_images,
    finished_enough,
    from_db,
    mean_curve,
    to_db,
)
from .images import per_image_bd_rate
from .interpolate import quality_at, rate_at, rates_at
from .pairwise import Comparisons, Pair, all_pairs, resampled_images
from .pareto import pareto
from .table import higher_is_better, image_curves, image_curves_by_metric, metric_columns

__all__ = [
    "DB_METRICS",
    "METHODS",
    "MIN_FINISHED",
    "RANKED_OVERLAP",
    "BdResult",
    "BootstrapBd",
    "Comparisons",
    "Curve",
    "ImageCurves",
    "Method",
    "Pair",
    "Provenance",
    "Resampled",
    "all_pairs",
    "bd_quality",
    "bd_rate",
    "bootstrap_bd_rate",
    "common_images",
    "finished_enough",
    "from_db",
    "higher_is_better",
    "image_curves",
    "image_curves_by_metric",
    "mean_curve",
    "metric_columns",
    "pareto",
    "per_image_bd_rate",
    "prune_dominated",
    "quality_at",
    "rate_at",
    "rates_at",
    "resampled_images",
    "to_db",
]

"""Rate–distortion analysis: pure functions from operating points to curves, BD-rates and intervals.

Needs numpy alone (``image_curves`` takes a pandas table). Nothing here reads a file, prints, or
knows what a codec is.
"""

from .bd import METHODS, BdResult, Method, bd_quality, bd_rate, per_image_bd_rate, prune_dominated
from .bootstrap import BootstrapBd, bootstrap_bd_rate
from .curve import DB_METRICS, Curve, ImageCurves, Provenance, common_images, from_db, mean_curve, to_db
from .interpolate import quality_at, rate_at
from .pairwise import Pair, all_pairs
from .pareto import pareto
from .table import higher_is_better, image_curves, metric_columns

__all__ = [
    "DB_METRICS",
    "METHODS",
    "BdResult",
    "BootstrapBd",
    "Curve",
    "ImageCurves",
    "Method",
    "Pair",
    "Provenance",
    "all_pairs",
    "bd_quality",
    "bd_rate",
    "bootstrap_bd_rate",
    "common_images",
    "from_db",
    "higher_is_better",
    "image_curves",
    "mean_curve",
    "metric_columns",
    "pareto",
    "per_image_bd_rate",
    "prune_dominated",
    "quality_at",
    "rate_at",
    "to_db",
]

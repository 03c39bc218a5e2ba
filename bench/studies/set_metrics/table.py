"""Distances between sets of pictures as a table."""

from __future__ import annotations

from collections.abc import Sequence

from bench.studies.set_metrics.record import SetMeasurement
from bench.tables.table import Column, Table

_NOTES = {
    "kid": (
        "KID is the unbiased estimator of MMD² (Bińkowski et al. 2018) over all patches, as in torch-fidelity"
        " and clean-fid. Reconstructions pair with their own originals too, which makes it too low on few"
        " images, and below 0 for equal sets; its interval is about its own expectation."
    ),
    "kid_across_images": (
        "KID across images leaves out pairs of patches within one image: equal sets are at 0, and values on"
        " few images are above those of KID."
    ),
}
_NOTES |= {"kid_alexnet": _NOTES["kid"], "kid_alexnet_across_images": _NOTES["kid_across_images"]}
"""What a reader must know of a metric to read its values."""


def set_metric_table(measurements: Sequence[SetMeasurement]) -> Table:
    """Distances by data set, codec and operating point."""
    columns = (
        Column("dataset", "data set"),
        Column("label", "codec"),
        Column("quality", "quality"),
        Column("bpp", "bpp", 3),
        Column("metric", "metric"),
        Column("value", "distance", 4),
        Column("ci95_low", "95% from", 4),
        Column("ci95_high", "to", 4),
        Column("images", "images"),
        Column("patches", "patches"),
        Column("reason", "no value because", in_terminal=False),
    )
    rows = tuple(
        (
            *(found.dataset, found.label, found.quality, found.bpp, found.metric, found.value),
            *(found.low, found.high, found.images, found.patches, found.reason),
        )
        for found in measurements
    )
    metrics = dict.fromkeys(it.metric for it in measurements)
    notes = (
        "Distance between the distributions of patches of 256×256 pixels; lower is better.",
        "Intervals by the delete-half jackknife over images.",
        *dict.fromkeys(_NOTES[it] for it in metrics if it in _NOTES),
    )
    title = "Distances between originals and reconstructions as sets"
    return Table("set_metrics", title, columns, rows, notes, names=2)

"""The worst images as a table."""

from __future__ import annotations

from collections.abc import Sequence

from bench.losses.ranking import ImageLoss, Losses
from bench.tables.table import Column, Table


def unequal_rates(shown: Sequence[ImageLoss]) -> list[str]:
    """That a loss is one of rates that differ, where it is."""
    if all(it.at_equal_rates for it in shown):
        return []
    return ["The operating points that are shown differ in rate: their loss is not one at equal rate."]


def losses_table(losses: Losses, count: int) -> Table:
    """A row for each of the first ``count`` images, at the operating points that are shown."""
    metric = losses.metric
    title = metric.title or metric.name
    digits = 2 if metric.unit == "dB" else 4
    old, new = losses.names
    with_quality = any(it.new.quality is not None for it in losses.images)
    several = len({it.dataset for it in losses.images}) > 1
    columns = [
        *([Column("dataset", "data set")] if several else []),
        Column("image", "image"),
        Column("bd_rate", "BD-rate %", 1, signed=True),
        *(
            [Column("old_quality", "old quality"), Column("new_quality", "new quality")]
            if with_quality
            else []
        ),
        Column("old_bpp", "old bpp", 3),
        Column("new_bpp", "new bpp", 3),
        Column(f"old_{metric.name}", f"old {title}", digits),
        Column(f"new_{metric.name}", f"new {title}", digits),
        Column(f"loss_{metric.name}", "loss", digits, signed=True),
    ]
    rows = tuple(
        (
            *([it.dataset] if several else []),
            *(it.image, it.bd_rate),
            *([it.old.quality, it.new.quality] if with_quality else []),
            *(it.old.bpp, it.new.bpp, it.old.metrics[metric.name], it.new.metrics[metric.name], it.loss),
        )
        for it in losses.images[:count]
    )
    order = f"BD-rate ({title})" if losses.by_bd_rate else f"loss in {title}"
    return Table(
        "worst",
        f"old: {old}; new: {new}; worst {len(rows)} of {len(losses.images)} images by {order}",
        tuple(columns),
        rows,
        (
            "BD-rate: over all operating points, positive = more bits at equal quality. bpp, values and loss"
            " are of one operating point of each: where the image loses most, if none is asked for.",
            *unequal_rates(losses.images[:count]),
        ),
        names=1 + several,
        dispensable=("old quality", "old bpp"),
    )

"""Several data sets side by side: the cells of their mean in a matrix of BD-rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.rd import ImagesBd
from bench.rd.several import over_datasets
from bench.tables.matrix import MatrixCell

MEAN_NOTE = (
    "mean: over the data sets, each of which counts the same, averaged in log-rate; only where every one of"
    " them has a BD-rate image by image."
)


@dataclass(frozen=True)
class BdCell:
    """A cell of a data set, and the BD-rate that it shows."""

    cell: MatrixCell
    bd: ImagesBd | None
    """None where there is none image by image, such as of a published curve."""


def with_means(cells: Sequence[BdCell], datasets: Sequence[str]) -> list[MatrixCell]:
    """The cells, and where there are several data sets a further group with each method's mean over them.

    Parameters
    ----------
    cells : their groups are data sets, their keys what they measure
    datasets : all of them, also those without cells
    """
    found = [it.cell for it in cells]
    if len(datasets) < 2:
        return found
    group = "mean" if "mean" not in datasets else "mean of all"
    columns: dict[tuple[str, str], dict[str, BdCell]] = {}
    for it in cells:
        columns.setdefault((it.cell.key, it.cell.method), {})[it.cell.group] = it
    means = [_mean(by_dataset, datasets, group) for by_dataset in columns.values()]
    shown = {it.key for it in means if it.value is not None}
    return [*found, *(it for it in means if it.key in shown)]


def _mean(by_dataset: Mapping[str, BdCell], datasets: Sequence[str], group: str) -> MatrixCell:
    some = next(iter(by_dataset.values())).cell
    results = {
        name: it.bd for name, it in by_dataset.items() if it.bd is not None and it.bd.value is not None
    }
    lacking = [it for it in datasets if it not in results]
    value, interval = (None if lacking else over_datasets([*results.values()])) or (None, None)
    return MatrixCell(
        method=some.method,
        group=group,
        key=some.key,
        title=some.title,
        value=value,
        interval=interval,
        remark=f"no BD-rate by image on {', '.join(lacking)}" if lacking else "",
        competes=all(it.cell.competes for it in by_dataset.values()),
    )

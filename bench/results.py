"""What finished runs say, from Python: curves and comparisons. The numbers are those of the runs' report."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from bench.errors import ConfigError, suggestion
from bench.rd import Average, BdResult, Curve, ImagesBd
from bench.report.data import ReportData
from bench.report.figure_files import figure_data
from bench.report.panels import labels_named
from bench.report.summary import summary
from bench.runs.runner import Summary
from bench.runs.store import JOURNAL_FILE, RUN_FILE
from bench.studies.set_metrics.record import SET_METRICS_FILE
from bench.tables.html import to_html
from bench.tables.table import Column, Table, Value

Runs: TypeAlias = "Summary | Path | str | Sequence[Summary | Path | str]"
"""What :func:`bench.run` returned, or a run folder; or several of them."""
_KEPT = 4
"""The results of so many runs are kept, so that a notebook's next question is answered at once."""


def curves(
    run: Runs,
    metric: str = "psnr_rgb",
    *,
    codecs: Sequence[str] = (),
    references: Sequence[str] = (),
    dataset: str | None = None,
    average: Average = "images",
) -> dict[str, Curve]:
    """The mean curves of a run in one metric, by label.

    Parameters
    ----------
    run : a run folder, what :func:`bench.run` returned, or several of them
    metric : MS-SSIM is as stored, from 0 to 1
    codecs : labels, or names of codecs; none for all
    references : published curves to add: files, or names of ``rdbench list references``
    dataset : needed where the runs have several
    average : what counts the same, every image or every pixel

    Raises
    ------
    ConfigError
        The runs have no such codec, metric or data set, or several data sets of which none is named.
    """
    data = one_dataset(report_data(run, references=references, average=average), dataset)
    every = {
        **data.published.get(metric, {}),
        **data.curves.get(metric, {}),
        **data.set_curves.get(metric, {}),
    }
    if not every:
        known = [it.name for it in data.measures]
        raise ConfigError(f"nothing has a curve in {metric!r}{suggestion(metric, known)}")
    labels = _named([data], codecs) if codecs else every
    return {label: every[label] for label in labels if label in every}


def compare(
    run: Runs,
    anchor: str | None = None,
    *,
    metrics: Sequence[str] = (),
    codecs: Sequence[str] = (),
    references: Sequence[str] = (),
    average: Average = "images",
) -> Comparison:
    """BD-rates of a run's codecs against one of them.

    Parameters
    ----------
    run : a run folder, what :func:`bench.run` returned, or several of them
    anchor : label, or name of a codec; None for JPEG
    metrics, codecs : what to compare; none for all
    references : published curves to add: files, or names of ``rdbench list references``
    average : what counts the same in mean curves, every image or every pixel

    Returns
    -------
    A row for each data set, metric and codec. ``bd_rate`` in percent is image by image, with its 95% interval
    from ``low`` to ``high``; of ``images``, ``wins`` need fewer bits; ``overlap`` is the part of the range of
    quality that both share, 0 to 1. ``mean_curve`` is the BD-rate of mean curves, all that published curves
    have. What has no value is NaN, and ``remark`` says why.

    Raises
    ------
    ConfigError
        The runs have no such anchor, codec or metric.
    """
    every = report_data(run, anchor=anchor, references=references, average=average)
    rows = [row for data in every for row in _rows(data)]
    present = dict.fromkeys(str(row["metric"]) for row in rows)
    for name in metrics:
        if name not in present:
            raise ConfigError(f"nothing can be compared in {name!r}{suggestion(name, present)}")
    labels = _named(every, codecs)
    rows = [it for it in rows if (not metrics or it["metric"] in metrics)]
    rows = [it for it in rows if (not codecs or it["codec"] in labels)]
    numbers = ("bd_rate", "low", "high", "wins", "images", "overlap", "mean_curve")
    table = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(dict.fromkeys(numbers, float))
    frame = Comparison(table)
    frame.attrs["anchor"] = ", ".join(dict.fromkeys(it.anchor for it in every if it.anchor))
    return frame


class Comparison(pd.DataFrame):  # type: ignore[misc]
    """BD-rates as a pandas DataFrame, which a notebook shows as a table to read."""

    def _repr_html_(self) -> str:
        if list(self.columns) != list(_COLUMNS):
            return str(pd.DataFrame(self)._repr_html_())
        several = self["dataset"].nunique() > 1
        columns = tuple(it for it in _COLUMNS.values() if several or it.key != "dataset")
        rows = tuple(tuple(_value(row[it.key]) for it in columns) for row in self.to_dict(orient="records"))
        title = f"BD-rate against {self.attrs.get('anchor', 'the anchor')}, image by image"
        return to_html(Table("comparison", title, columns, rows, names=3 if several else 2))


def rankings_html(folder: Path) -> str:
    """The ranking of each data set of a run as HTML.

    Raises
    ------
    StoreError
        The folder is no run, or one that this version can't read.
    """
    return "".join(to_html(table) for data in report_data(folder) if (table := summary(data)) is not None)


def report_data(
    run: Runs,
    *,
    anchor: str | None = None,
    references: Sequence[str] = (),
    average: Average = "images",
) -> tuple[ReportData, ...]:
    """What a report says of each data set of some runs, without the trials behind it.

    Parameters
    ----------
    run : a run folder, what :func:`bench.run` returned, or several of them
    anchor, references, average : as for :func:`compare`

    Raises
    ------
    ConfigError
        The runs have no such anchor.
    StoreError
        A folder is no run, or one that this version can't read.
    """
    folders = folders_of(run)
    files = [folder / name for folder in folders for name in (RUN_FILE, JOURNAL_FILE, SET_METRICS_FILE)]
    state = tuple(map(_state, [*files, *map(Path, references)]))
    return _built(folders, state, tuple(references), anchor, average)


def one_dataset(data: Sequence[ReportData], name: str | None) -> ReportData:
    """The data set of that name; without a name the only one.

    Raises
    ------
    ConfigError
        There is no such data set, or there are several and none is named.
    """
    found = [it for it in data if name in (None, it.dataset)]
    if len(found) != 1:
        names = ", ".join(it.dataset for it in data)
        raise ConfigError(
            f"no data set {name!r}; there are {names}" if name else f"say dataset=…, one of {names}"
        )
    return found[0]


def folders_of(run: Runs) -> tuple[Path, ...]:
    """The run folders that are meant."""
    if isinstance(run, Summary):
        return (run.folder,)
    if isinstance(run, str | Path):
        return (Path(run),)
    return tuple(folder for it in run for folder in folders_of(it))


def _named(data: Sequence[ReportData], names: Collection[str]) -> dict[str, None]:
    """The labels that are meant by labels or names of codecs, in the order of the names."""
    found: dict[str, None] = {}
    for name in names:
        if not (meant := labels_named(data, name)):
            known = dict.fromkeys(label for its in data for label in its.styles)
            raise ConfigError(f"no codec {name!r}; there are {', '.join(known)}")
        found |= dict.fromkeys(meant)
    return found


def _state(file: Path) -> tuple[str, int, int] | None:
    """What changes when a file is written, or another folder is the current one."""
    return (str(file.absolute()), file.stat().st_mtime_ns, file.stat().st_size) if file.is_file() else None


@lru_cache(maxsize=_KEPT)
def _built(
    folders: tuple[Path, ...],
    state: object,
    references: tuple[str, ...],
    anchor: str | None,
    average: Average,
) -> tuple[ReportData, ...]:
    return figure_data(folders, references, anchor, average)


_COLUMNS = {
    it.key: it
    for it in (
        Column("dataset", "data set"),
        Column("metric", "metric"),
        Column("codec", "codec"),
        Column("bd_rate", "BD-rate %", 1, signed=True),
        Column("low", "95% from", 1, signed=True),
        Column("high", "to", 1, signed=True),
        Column("wins", "wins"),
        Column("images", "images"),
        Column("overlap", "overlap", 2),
        Column("mean_curve", "mean curve %", 1, signed=True),
        Column("remark", "remark"),
    )
}


def _rows(data: ReportData) -> Iterator[dict[str, Value]]:
    for metric, by_label in data.bd.items():
        for label, both in by_label.items():
            of_images, mean = both.per_image, both.mean_curve
            yield _row(data, metric, label, mean, of_images)
        for label, result in data.published_bd.get(metric, {}).items():
            yield _row(data, metric, label, result, None)


def _row(
    data: ReportData, metric: str, label: str, mean: BdResult, of_images: ImagesBd | None
) -> dict[str, Value]:
    result = mean if of_images is None else of_images
    low, high = (of_images.ci95 if of_images is not None else None) or (None, None)
    remarks = [result.reason] if result.reason else list(result.warnings)
    return {
        "dataset": data.dataset,
        "metric": metric,
        "codec": label,
        "bd_rate": None if of_images is None else of_images.value,
        "low": low,
        "high": high,
        "wins": None if of_images is None else of_images.wins,
        "images": None if of_images is None else of_images.n_images,
        "overlap": result.overlap,
        "mean_curve": mean.value,
        "remark": "; ".join(remarks if of_images is not None else ["published mean curve", *remarks]),
    }


def _value(cell: Any) -> Value:
    if pd.isna(cell):
        return None
    return cell if isinstance(cell, str) else float(cell)

"""The ranking in a form that fits a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.data import ReportData
from bench.report.tables import Row
from bench.report.tables._notes import bd_title, best_speed
from bench.report.tables.ranking import RankingTable
from bench.tables.table import Column, Table, Value


def summary(data: ReportData) -> Table | None:
    """The table; None without lossy configurations."""
    full = RankingTable().make(data)
    if full is None:
        return None
    return Table(
        "summary",
        bd_title(data),
        tuple(_columns(data)),
        tuple(_rows(data, full)),
        names=2,
        dispensable=("wins", "ok", "mean curve %"),
    )


def _columns(data: ReportData) -> Iterator[Column]:
    yield from (Column("rank", "#"), Column("label", "codec"), Column("n_ok", "ok"), Column("bpp", "bpp"))
    for metric in map(data.measure, data.headline):
        yield Column(f"bd_rate_{metric.name}", f"{metric.title} %", 1, "low", signed=True)
        if metric.name == data.headline[0]:
            yield from (Column("wins", "wins"), Column("mean_curve", "mean curve %", 1, signed=True))
    if data.mean_bd is not None:
        yield Column("mean_bd_rate", f"{data.mean_bd.title} %", 1, "low", signed=True)
    best = best_speed(data.lossy)
    yield from (Column("encode_mps", "enc MP/s", 1, best), Column("decode_mps", "dec MP/s", 1, best))


def _rows(data: ReportData, full: Table) -> Iterator[Row]:
    keys = [it.key for it in full.columns]
    for row in full.rows:
        cells = dict(zip(keys, row, strict=True))
        low, high = cells["bpp_min"], cells["bpp_max"]
        rates = f"{low:.2f}–{high:.2f}" if isinstance(low, float) and isinstance(high, float) else None
        values: list[Value] = [cells["rank"], cells["label"], cells["n_ok"], rates]
        for metric in data.headline:
            values.append(cells[f"bd_rate_per_image_{metric}"])
            if metric == data.headline[0]:
                values += [cells[f"wins_{metric}"], cells[f"bd_rate_{metric}"]]
        if data.mean_bd is not None:
            values.append(cells["mean_bd_rate"])
        yield (*values, cells["encode_mps"], cells["decode_mps"])

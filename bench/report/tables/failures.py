"""Trials without a result."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.tables.table import Column

_COLUMNS = ("label", "image", "quality", "status", "error")


class FailuresTable(ReportTable):
    """Every trial that is not ``ok``."""

    name = "failures"
    chapter = Chapter.OPERATING_POINTS
    order = 1
    in_papers = False

    def title(self, data: ReportData) -> str:
        return f"Trials without a result on {data.dataset}"

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return tuple(Column(name, name) for name in _COLUMNS)

    def rows(self, data: ReportData) -> Iterator[Row]:
        failed = data.frame.loc[data.frame["status"] != "ok", list(_COLUMNS)]
        for label, image, quality, status, error in failed.itertuples(index=False, name=None):
            yield str(label), str(image), None if quality != quality else quality, str(status), error

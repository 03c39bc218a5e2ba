"""Distances between originals and reconstructions as sets."""

from __future__ import annotations

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.studies.set_metrics.table import set_metric_table
from bench.tables.table import Column


class SetMetricTable(ReportTable):
    """The table that the study itself makes, of one data set."""

    name = "set_metrics"
    chapter = Chapter.PERCEPTION
    order = 1

    def title(self, data: ReportData) -> str:
        return set_metric_table(data.distances).title

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return set_metric_table(data.distances).columns

    def rows(self, data: ReportData) -> tuple[Row, ...]:
        return set_metric_table(data.distances).rows

    def notes(self, data: ReportData) -> tuple[str, ...]:
        return set_metric_table(data.distances).notes

"""The tables of a report. Each module declares one; to add a table is to add a module.

A module holds a subclass of :class:`ReportTable`; modules whose name begins with an underscore hold what
several share. Nothing has to be listed anywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, TypeAlias

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.discovery import classes_in
from bench.tables.table import Column, Table, Value

Row: TypeAlias = tuple[Value, ...]


class ReportTable(ABC):
    """A table that a report has wherever there are rows for it."""

    name: ClassVar[str]
    """File name without ending."""
    chapter: ClassVar[Chapter] = Chapter.MORE
    order: ClassVar[int] = 0
    """Among the tables of its chapter, the smallest first."""
    in_papers: ClassVar[bool] = True
    """Whether a paper may include it: it is no longer than a page, and has no sentences in its cells."""
    is_long: ClassVar[bool] = False
    """Whether a page links it rather than shows it."""

    @abstractmethod
    def title(self, data: ReportData) -> str:
        """What stands above it."""

    @abstractmethod
    def columns(self, data: ReportData) -> Iterable[Column]:
        """What the values of a row are."""

    @abstractmethod
    def rows(self, data: ReportData) -> Iterable[Row]:
        """A value for each column; no rows where the table does not apply."""

    def notes(self, data: ReportData) -> Iterable[str]:
        """How to read it."""
        return ()

    def unranked(self, data: ReportData) -> Iterable[int]:
        """Rows whose values compete with no others, the first one is 0."""
        return ()

    def unranked_cells(self, data: ReportData) -> Iterable[tuple[int, int]]:
        """Row and column of single values that compete with no others."""
        return ()

    def make(self, data: ReportData) -> Table | None:
        """The table; None where there are no rows for it."""
        rows = tuple(self.rows(data))
        if not rows:
            return None
        return Table(
            self.name,
            self.title(data),
            tuple(self.columns(data)),
            rows,
            tuple(self.notes(data)),
            frozenset(self.unranked(data)),
            unranked_cells=frozenset(self.unranked_cells(data)),
            is_long=self.is_long,
        )


def tables_of(data: ReportData, *, in_papers: bool = False) -> dict[Chapter, list[Table]]:
    """Every table that there are rows for, by chapter and in the order of a report.

    Parameters
    ----------
    in_papers : whether to make only those that a paper may include
    """
    known = [it() for it in classes_in(__name__) if issubclass(it, ReportTable)]
    known = [it for it in known if it.in_papers or not in_papers]
    made: dict[Chapter, list[Table]] = {}
    for kind in sorted(known, key=lambda it: (it.chapter.place, it.order, it.name)):
        table = kind.make(data)
        if table is not None:
            made.setdefault(kind.chapter, []).append(table)
    return made

"""Points that match in quality, as codec-compare pairs them."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.tables.table import Column


class MatchedPairsTable(ReportTable):
    """Geometric means of ratios over matched points, where the conditions ask for them."""

    name = "matched_pairs"
    chapter = Chapter.COMPARISONS
    order = 5

    def title(self, data: ReportData) -> str:
        return f"Matched points on {data.dataset}"

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return (
            *(
                Column("first", "codec"),
                Column("second", "compared with it"),
                Column("matched", "matched by"),
            ),
            *(Column("pairs", "pairs"), Column("size", "size ×", 3)),
            *(Column("encode", "encoding time ×", 3), Column("decode", "decoding time ×", 3)),
        )

    def rows(self, data: ReportData) -> Iterator[Row]:
        for it in data.matched:
            by = f"{', '.join(it.metrics)} ± {it.tolerance:.0%}"
            ratios = it.ratios
            yield (*(it.first, it.second, by, ratios.pairs, ratios.size, ratios.encode, ratios.decode),)

    def notes(self, data: ReportData) -> Iterator[str]:
        yield (
            "Each point of the first codec with the closest one of the second on the same image that is left;"
            " ratios are second ÷ first, averaged geometrically over all pairs."
        )

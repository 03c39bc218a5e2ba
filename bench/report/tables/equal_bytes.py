"""Two decoders of the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import directed_title, set_notes
from bench.tables.table import Column


class EqualBytesTable(ReportTable):
    """What two decoders of the same bytes differ in, where there are such pairs."""

    name = "equal_bytes"
    chapter = Chapter.DECODER_PAIRS

    def title(self, data: ReportData) -> str:
        return f"Decoders of the same bytes on {data.dataset}"

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return (
            *(Column("first", "first"), Column("second", "second")),
            *(Column("quality", "quality"), Column("bpp", "bpp", 3), Column("metric", "metric")),
            *(Column("first_value", "of first", 3), Column("second_value", "of second", 3)),
            Column("difference", "second − first", 3, signed=True),
            *(Column("ci95_low", "95% from", 3, signed=True), Column("ci95_high", "to", 3, signed=True)),
            *(Column("better", "better"), Column("images", "images")),
        )

    def rows(self, data: ReportData) -> Iterator[Row]:
        for pair in data.decoder_pairs:
            better = {True: pair.second, False: pair.first, None: "–"}
            for its in pair.differences:
                yield (
                    *(pair.first, pair.second, its.quality, its.bpp, directed_title(its.measure)),
                    *(its.first, its.second, its.difference, *(its.ci95 or (None, None))),
                    *(better[its.second_is_better], its.images),
                )

    def notes(self, data: ReportData) -> Iterator[str]:
        yield from dict.fromkeys(
            f"{it.first} and {it.second}: identical bitstreams." for it in data.decoder_pairs
        )
        yield (
            "Values are means over the images at one operating point, nothing is interpolated; 95% interval"
            " of the difference: paired, over images, for distances between sets the delete-half jackknife;"
            " nothing is called better where it holds 0."
        )
        yield from set_notes(it.measure for pair in data.decoder_pairs for it in pair.differences)

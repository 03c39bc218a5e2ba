"""What codecs estimate of their rates, beside the real ones."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.tables.table import Column


class EstimatedRatesTable(ReportTable):
    """Each operating point of the codecs whose model says how large a bitstream should be."""

    name = "estimated_rates"
    chapter = Chapter.OPERATING_POINTS
    order = 1
    in_papers = False

    def title(self, data: ReportData) -> str:
        return f"Estimated rates on {data.dataset}"

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return (
            *(Column("label", "codec"), Column("quality", "quality"), Column("n_images", "images")),
            *(Column("bpp", "bpp", 4), Column("estimated_bpp", "estimated bpp", 4)),
            Column("difference", "bpp − estimated, %", 2, signed=True),
            Column("largest", "largest of an image, %", 2, signed=True),
        )

    def rows(self, data: ReportData) -> Iterator[Row]:
        if "estimated_bpp" not in data.frame:
            return
        import pandas as pd

        told = data.frame[(data.frame["status"] == "ok") & data.frame["estimated_bpp"].gt(0)]
        for (label, quality), rows in told.groupby(
            ["label", "quality"], sort=False, observed=True, dropna=False
        ):
            off = 100 * (rows["bpp"] / rows["estimated_bpp"] - 1)
            bpp, estimated = float(rows["bpp"].mean()), float(rows["estimated_bpp"].mean())
            yield (
                *(str(label), None if pd.isna(quality) else float(quality), len(rows)),
                *(bpp, estimated, 100 * (bpp / estimated - 1), float(off[off.abs().idxmax()])),
            )

    def notes(self, data: ReportData) -> Iterator[str]:
        yield (
            "bpp counts every byte of the bitstreams, as everywhere in this report; estimated bpp is what the"
            " codecs' own models say of the same images, −log₂ of likelihoods in a forward pass. No ranking"
            " and no curve is of estimates."
        )
        yield (
            "Headers and the ends of entropy-coded strings cost most on small images; beyond them, entropy"
            " coder and model disagree where the two differ."
        )

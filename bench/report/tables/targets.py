"""What searches were to reach."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.inputs.goals import BUDGET
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.runs.frame import reached_values, searched_rows
from bench.tables.table import Column


class TargetsTable(ReportTable):
    """How many images reached each target, and by how many trials."""

    name = "targets"
    chapter = Chapter.OPERATING_POINTS
    order = 2
    in_papers = False

    def title(self, data: ReportData) -> str:
        return f"Targets on {data.dataset}"

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return (
            *(Column("label", "codec"), Column("target", "target"), Column("value", "value")),
            *(Column("within", "within tolerance"), Column("mean", "mean reached", 4)),
            *(Column("worst", "farthest off %", 2), Column("encodes", "trials an image", 1)),
        )

    def rows(self, data: ReportData) -> Iterator[Row]:
        for (label, target, value), rows in searched_rows(data.frame).groupby(
            ["label", "target", "quality"], sort=False, observed=True
        ):
            found = rows[rows["status"] == "ok"]
            reached = reached_values(found, str(target))
            off = math.nan if target == BUDGET else (100 * (reached / value - 1)).abs().max()
            yield (
                *(str(label), str(target), float(value), f"{int(rows['within'].sum())}/{len(rows)}"),
                *(None if it != it else float(it) for it in (reached.mean(), off, rows["encodes"].mean())),
            )

    def notes(self, data: ReportData) -> Iterator[str]:
        yield (
            "The quality that each image was given was searched; the row is the trial that came nearest."
            " trials an image: made for this target alone, trials for the others serve it too."
        )


class MissedTable(ReportTable):
    """Every image that did not reach a target, and why."""

    name = "targets_missed"
    chapter = Chapter.OPERATING_POINTS
    order = 3
    in_papers = False
    is_long = True

    def title(self, data: ReportData) -> str:
        return f"Targets that were not reached within the tolerance on {data.dataset}"

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return (
            *(Column("label", "codec"), Column("image", "image"), Column("target", "target")),
            *(Column("value", "value"), Column("reached", "reached", 4), Column("setting", "quality", 4)),
            Column("reason", "reason"),
        )

    def rows(self, data: ReportData) -> Iterator[Row]:
        searched = searched_rows(data.frame)
        missed = searched[searched["within"].eq(False).fillna(False).astype(bool)]
        for target, rows in missed.groupby("target", sort=False, observed=True):
            for reached, (_, row) in zip(reached_values(rows, str(target)), rows.iterrows(), strict=True):
                numbers = (float(row["quality"]), float(reached), float(row["setting"]))
                yield (
                    *(str(row["label"]), str(row["image"]), str(target)),
                    *(None if it != it else it for it in numbers),
                    str(row["target_reason"]),
                )

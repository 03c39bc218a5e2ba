"""Every image against the anchor, and which of them are the worst."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.measures import Measure
from bench.report.tables import ReportTable, Row
from bench.report.tables._notes import bd_title
from bench.tables.table import Column, Value

_SHOWN = 3
"""Images at either end."""


class PerImageTable(ReportTable):
    """BD-rate, and the gain at equal rate, of every image, each codec's worst image first."""

    name = "per_image"
    chapter = Chapter.COMPARISONS
    order = 2
    in_papers = False
    is_long = True

    def title(self, data: ReportData) -> str:
        return f"{bd_title(data)}: every image"

    def columns(self, data: ReportData) -> Iterator[Column]:
        yield from (Column("label", "codec"), Column("image", "image"))
        for measure in map(data.measure, data.bd):
            yield Column(f"bd_rate_{measure.name}", f"BD-rate {measure.title} %", 2, signed=True)
            yield Column(f"gain_{measure.name}", _gain_title(measure), 4, signed=True)

    def rows(self, data: ReportData) -> Iterator[Row]:
        for label in compared(data):
            rows: dict[str, list[Value]] = {}
            empty: list[Value] = [None] * (2 * len(data.bd))
            for place, (metric, by_label) in enumerate(data.bd.items()):
                if label not in by_label:
                    continue
                results = by_label[label].images
                for image, bd, gain in zip(
                    data.images[metric], results, data.gains[metric][label], strict=True
                ):
                    cells = rows.setdefault(image, [*empty])
                    cells[2 * place : 2 * place + 2] = (bd.value, gain)
            leading = 2 * [*data.bd].index(data.headline[0])
            for image, cells in sorted(rows.items(), key=lambda it: _loss(it[1][leading])):
                yield (label, image, *cells)

    def notes(self, data: ReportData) -> tuple[str, ...]:
        return (
            "BD-rate: bits at equal quality against the anchor, negative = fewer. Δ: the metric's mean"
            " difference at equal rate, in its own unit, over the range of log-rate that both curves cover.",
        )


class WorstImagesTable(ReportTable):
    """For each codec the images on which it needs the most bits, and the fewest, against the anchor."""

    name = "worst_images"
    chapter = Chapter.COMPARISONS
    order = 1
    in_papers = False

    def title(self, data: ReportData) -> str:
        metric = data.measure(data.headline[0]).title
        return f"Worst and best images on {data.dataset} against {data.anchor}: BD-rate {metric}"

    def columns(self, data: ReportData) -> tuple[Column, ...]:
        return (Column("label", "codec"), Column("worst", "worst images"), Column("best", "best images"))

    def rows(self, data: ReportData) -> Iterator[Row]:
        metric = next(iter(data.headline), None)
        for label in compared(data):
            bd = data.bd[metric].get(label) if metric else None
            named = zip(data.images[metric], bd.images, strict=True) if metric and bd else ()
            values = sorted((it.value, image) for image, it in named if it.value is not None)
            if values:
                count = min(_SHOWN, (len(values) + 1) // 2)
                yield label, _listed(values[: -count - 1 : -1]), _listed(values[:count])


def compared(data: ReportData) -> list[str]:
    """What was compared with the anchor, in the order of the ranking."""
    return [it.label for it in data.ranking if any(it.label in its for its in data.bd.values())]


def _listed(values: list[tuple[float, str]]) -> str:
    return ", ".join(f"{image} {_percent(value)}" for value, image in values)


def _percent(value: float) -> str:
    return f"{value:+.1f}%".replace("-", "−")


def _gain_title(measure: Measure) -> str:
    return f"Δ{measure.title}" + (f" {measure.unit}" if measure.unit else "")


def _loss(value: Value) -> tuple[bool, float]:
    """Sorts the most bits first, images without a value last."""
    return (False, -value) if isinstance(value, float) else (True, 0.0)

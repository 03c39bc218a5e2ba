"""Who decodes whose bitstreams to which pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.report.tables import ReportTable, Row
from bench.tables.table import Column
from bench.verifying.record import VERDICTS, WORD, VerifiedRow

_TITLES = dict(
    zip(
        VERDICTS,
        ("verified", "numbers differ", "other pixels", "does not decode", "not checked"),
        strict=True,
    )
)


class VerificationTable(ReportTable):
    """Each codec's results on each machine that verified them."""

    name = "verification"
    chapter = Chapter.VERIFICATION
    in_papers = False

    def title(self, data: ReportData) -> str:
        return f"Verification on {data.dataset}"

    def columns(self, data: ReportData) -> Iterable[Column]:
        yield from (Column("label", "codec"), Column("measured_on", "measured on"))
        yield from (Column("decoded_again_on", "decoded again on"), Column("sealed", "sealed"))
        yield from (Column(it.replace(", ", "_").replace(" ", "_"), title) for it, title in _TITLES.items())
        yield Column("same_pixels", "same pixels")
        yield Column("levels", "largest difference, levels")

    def rows(self, data: ReportData) -> Iterator[Row]:
        for it in data.verifications:
            if it.environment is None:
                continue
            measured = "; ".join(dict.fromkeys(that.title for that in data.environments.get(it.run, ())))
            for entry in data.entries:
                if rows := it.of(data.dataset, {entry.label}):
                    counts = Counter(row.verdict for row in rows)
                    yield (
                        *(entry.label, measured, it.environment.title, "yes" if it.sealed else "no"),
                        *(counts[verdict] for verdict in VERDICTS),
                        _same_pixels(rows),
                        max((row.levels for row in rows if row.levels is not None), default=None),
                    )

    def notes(self, data: ReportData) -> Iterator[str]:
        yield (
            "Kept bitstreams, decoded again without the originals at hand: verified are results whose"
            " bitstream, pixels and metrics are the recorded ones. Same pixels: of the bitstreams that were"
            " decoded and are the recorded ones. The difference is known where recorded pixels are at hand."
        )
        yield f"{WORD[0].upper()}{WORD[1:]}."
        for it in data.verifications:
            measured = data.environments.get(it.run)
            if it.environment is None or not measured:
                continue
            if changes := measured[0].differences(it.environment):
                yield f"{it.run}, {it.file}: {'; '.join(changes)}"


def _same_pixels(rows: Sequence[VerifiedRow]) -> str:
    """How many of the recorded bitstreams gave the recorded pixels."""
    decoded = [it for it in rows if it.verdict not in ("does not decode", "not checked")]
    own = [it for it in decoded if not any(that.name == "bitstream_sha256" for that in it.differences)]
    other = sum(any(that.name == "pixels_sha256" for that in it.differences) for it in own)
    return f"{len(own) - other}/{len(own)}" if own else "–"

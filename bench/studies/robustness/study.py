"""Robustness: what codecs make of corrupted pictures, and of damaged bitstreams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.studies.study import Answers, Study, StudyPlan

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from bench.plotting.canvas import Canvas
    from bench.plotting.series_style import SeriesStyle
    from bench.studies.robustness.measure import TakeProbe
    from bench.studies.robustness.probes import PlannedProbe, Probe
    from bench.tables.table import Table
    from bench.trials.trust import Trust


@dataclass(frozen=True)
class RobustnessStudy(Study["PlannedProbe", "Probe"]):
    """Corrupt pictures and damage bitstreams of a finished run: what codecs make of them."""

    name = "robustness"
    unit = "probes"
    selecting = ("bpp", "draws")

    bpp: Annotated[
        float, typer.Option(min=0.001, help="Lossy codecs are probed at their point nearest to this rate.")
    ] = 0.5
    draws: Annotated[int, typer.Option(min=1, help="Random damages of each kind to every bitstream.")] = 4

    @property
    def record(self) -> Any:
        """A probe of either kind."""
        from bench.studies.robustness.probes import Probe

        return Probe

    def plan(self, run: Path, trust: Trust) -> StudyPlan[PlannedProbe]:
        """Codecs at comparable rates × images × corruptions and damages."""
        from bench.studies.robustness.probes import plan_probes

        return plan_probes(run, self.bpp, self.draws, trust)

    def task(self, run: Path) -> TakeProbe:
        """Corrupt or damage, and see what comes out."""
        from bench.studies.robustness.measure import TakeProbe
        from bench.studies.session import Bitstreams

        return TakeProbe(Bitstreams.of(run))

    def is_final(self, answer: Probe) -> bool:
        """What failed for want of time or memory, or of a sound codec, is tried again."""
        from bench.studies.robustness.probes import InputProbe

        if isinstance(answer, InputProbe):
            return answer.status == "ok"
        return answer.outcome not in ("timeout", "oom")

    def remark(self, answers: Sequence[Probe]) -> str:
        """How many corrupted pictures the codecs refused."""
        from bench.studies.robustness.probes import InputProbe

        failed = sum(isinstance(it, InputProbe) and it.status != "ok" for it in answers)
        return f"{failed} corrupted pictures failed" if failed else ""

    def tables(self, answers: Answers[PlannedProbe, Probe]) -> Sequence[Table]:
        """Corrupted pictures, and damaged bitstreams."""
        from bench.studies.robustness.tables import bitstream_table, input_table

        return input_table(answers), bitstream_table(answers)

    def figures(
        self, answers: Answers[PlannedProbe, Probe], canvas: Canvas, styles: Mapping[str, SeriesStyle]
    ) -> Mapping[str, Figure | None]:
        """The same two as figures."""
        from bench.studies.robustness.figure import bitstreams_figure, inputs_figure
        from bench.studies.robustness.tables import bitstream_rows, input_rows

        return {
            "robustness_inputs": inputs_figure(input_rows(answers), styles, canvas),
            "robustness_bitstreams": bitstreams_figure(bitstream_rows(answers), canvas),
        }

"""Generation loss: what is left of a picture that is encoded and decoded again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.studies.study import Answers, Study, StudyPlan

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from bench.plotting.canvas import Canvas
    from bench.plotting.series_style import SeriesStyle
    from bench.studies.generations.chain import Chain, PlannedChain
    from bench.studies.generations.measure import MakeChain
    from bench.tables.table import Table
    from bench.trials.trust import Trust


@dataclass(frozen=True)
class GenerationsStudy(Study["PlannedChain", "Chain"]):
    """Encode, decode and encode again: what is lost over generations, and whether it ends."""

    name = "generations"
    unit = "chains"
    # Metrics are in the key of the question; a chain that is longer than asked for answers too.
    selecting = ("count", "metrics", "points", "bpp")

    count: int = 10
    """Generations, the first one included."""
    shift: int = 0
    """Pixels that the picture moves down and to the right between two of them."""
    metrics: tuple[str, ...] = ()
    points: tuple[tuple[str, float | None], ...] | None = None
    """Label and quality of the operating points; None for all."""
    bpp: float | None = None
    """Of each codec the point nearest to this rate alone."""

    @property
    def record(self) -> Any:
        """A chain."""
        from bench.studies.generations.chain import Chain

        return Chain

    def plan(self, run: Path, trust: Trust) -> StudyPlan[PlannedChain]:
        """The trials of the run are first generations."""
        from bench.studies.generations.chain import plan_chains

        return plan_chains(run, self.metrics, self.points, self.bpp, trust)

    def task(self, run: Path) -> MakeChain:
        """Encode and decode, again and again."""
        from bench.studies.generations.measure import MakeChain
        from bench.studies.session import Bitstreams

        return MakeChain(Bitstreams.of(run), self.count, self.shift)

    def is_final(self, answer: Chain) -> bool:
        """A chain that broke off, or is too short, is made again."""
        return answer.reaches(self.count)

    def remark(self, answers: Sequence[Chain]) -> str:
        """How many chains broke off."""
        failed = sum(it.failure is not None for it in answers)
        return f"{failed} broke off" if failed else ""

    def tables(self, answers: Answers[PlannedChain, Chain]) -> Sequence[Table]:
        """The loss in all, and every generation."""
        from bench.studies.generations.tables import generations_table, loss_table

        return loss_table(answers, self.count, self.shift), generations_table(answers, self.count)

    def figures(
        self, answers: Answers[PlannedChain, Chain], canvas: Canvas, styles: Mapping[str, SeriesStyle]
    ) -> Mapping[str, Figure | None]:
        """Metrics and rate over the generations."""
        from bench.studies.generations.figure import generations_figure

        return {"generations": generations_figure(answers, self.count, styles, canvas, self.shift)}

"""Generation loss in two tables: how much is lost in all and where it ends, and every generation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeAlias

from bench.rd import DB_METRICS, to_db
from bench.studies.generations.chain import Chain, Generation, PlannedChain
from bench.studies.study import Answers
from bench.tables.table import Column, Table, Value
from bench.text.plain import printable
from bench.trials.plan import MetricPlan

Chains: TypeAlias = Answers[PlannedChain, Chain]


@dataclass(frozen=True)
class Line:
    """A codec at one operating point on one data set, over its generations.

    Means are over the pictures whose chain is whole, so that every generation has the same ones.
    """

    dataset: str
    label: str
    quality: float | None
    metrics: tuple[MetricPlan, ...]
    chains: tuple[tuple[PlannedChain, Chain], ...]
    """Those that are whole."""
    planned: int

    @property
    def name(self) -> str:
        """The codec and its operating point."""
        return self.label if self.quality is None else f"{self.label}@{self.quality:g}"

    def bpp(self, number: int) -> float | None:
        """Mean rate of a generation, in bits per pixel."""
        return _mean(
            planned.trial.bpp * chain.at(number).bytes / planned.trial.bytes for planned, chain in self.chains
        )

    def mean(
        self, metric: MetricPlan, number: int, against: Callable[[Generation], dict[str, float | None]]
    ) -> float | None:
        """Mean of a metric over the pictures that have a value, as shown: MS-SSIM in dB."""
        value = _mean(against(chain.at(number)).get(metric.name) for _, chain in self.chains)
        if value is None or metric.name not in DB_METRICS:
            return value
        return float(to_db(value)) if value < 1 else None

    def to_original(self, metric: MetricPlan, number: int) -> float | None:
        """A generation against the original."""
        return self.mean(metric, number, lambda it: it.to_original)

    def to_previous(self, metric: MetricPlan, number: int) -> float | None:
        """A generation against the one before."""
        return self.mean(metric, number, lambda it: it.to_previous)


def lines_of(chains: Chains, count: int) -> list[Line]:
    """By data set, codec and operating point, in the order of the plan.

    Parameters
    ----------
    count : generations that a whole chain has
    """
    groups: dict[tuple[str, str, float | None], list[tuple[PlannedChain, Chain]]] = {}
    for planned, chain in chains:
        trial = planned.trial
        group = trial.image.dataset, trial.codec.label, trial.quality
        groups.setdefault(group, []).append((planned, chain))
    places = {group: k for k, group in reversed(list(enumerate((it[0], it[1]) for it in groups)))}
    return [
        Line(*group, found[0][0].metrics, tuple(it for it in found if it[1].reaches(count)), len(found))
        for group, found in sorted(groups.items(), key=lambda it: places[it[0][0], it[0][1]])
    ]


def title_of(metric: MetricPlan) -> tuple[str, str]:
    """A metric's name in print and its unit, as shown."""
    return printable(metric.title) or metric.name, "dB" if metric.name in DB_METRICS else metric.unit


def loss_table(chains: Chains, count: int, shift: int = 0) -> Table:
    """What all generations cost together, and whether the codec comes to rest."""
    metrics = _metrics(chains)
    columns = (
        *_what(chains),
        Column("bpp", "bpp", 3),
        Column("bpp_change", "Δ bpp [%]", 2, signed=True),
        *(
            column
            for it in metrics
            for column in (
                Column(f"{it.name}_first", _heading(it, "first"), 3),
                Column(f"{it.name}_change", _heading(it, f"Δ by {count}"), 3, signed=True),
            )
        ),
        Column("settled", "fixed points"),
        Column("settled_from", "from generation"),
        Column("cycling", "cycles", in_terminal=False),
        Column("ok", "ok"),
        Column("planned", "planned"),
    )
    rows = tuple(_loss_row(line, metrics, count) for line in lines_of(chains, count))
    notes = (
        "Generation 1 encodes the original, each later one the picture that came out before"
        f"{moved(shift)}; Δ is generation {count} less generation 1.",
        "fixed points: pictures of which a bitstream equals the one before, so that nothing changes any more;"
        " from generation: the last of them. cycles: bitstreams that come again after several generations.",
        *_remarks(chains),
    )
    return Table("generation_loss", f"Loss over {count} generations", columns, rows, notes, names=3)


def generations_table(chains: Chains, count: int) -> Table:
    """Every generation: rate, and metrics against the original and against the generation before."""
    metrics = _metrics(chains)
    columns = (
        *_what(chains),
        Column("generation", "generation"),
        Column("bpp", "bpp", 4),
        *(Column(f"{it.name}_original", _heading(it, "to original"), 3) for it in metrics),
        *(Column(f"{it.name}_previous", _heading(it, "to previous"), 3) for it in metrics),
        Column("images", "images", in_terminal=False),
    )
    rows: list[tuple[Value, ...]] = []
    for line in lines_of(chains, count):
        for number in range(1, count + 1) if line.chains else ():
            rows.append(
                (
                    *(line.dataset, line.label, line.quality, number, line.bpp(number)),
                    *(line.to_original(it, number) for it in metrics),
                    *(line.to_previous(it, number) for it in metrics),
                    len(line.chains),
                )
            )
    notes = (
        "Means over the pictures that have all generations, and of a metric over those that are not"
        " identical; a dash stands for identical pixels in all.",
    )
    return Table("generations", "Every generation", columns, tuple(rows), notes, names=4)


def moved(shift: int) -> str:
    """What is done to the picture between two generations, to follow the words for it."""
    return f", moved by {shift} pixel{'s' * (shift > 1)} down and to the right" if shift else ""


def _what(chains: Chains) -> Iterator[Column]:
    """What a row is about: data sets tell rows apart where there are several, such as single pictures."""
    several = len({it.trial.image.dataset for it in chains.plan.questions}) > 1
    yield Column("dataset", "data set", in_terminal=several)
    yield from (Column("label", "codec"), Column("quality", "quality"))


def _loss_row(line: Line, metrics: Sequence[MetricPlan], count: int) -> tuple[Value, ...]:
    settled = [chain.settled for _, chain in line.chains if chain.settled is not None]
    cycling = sum((chain.period or 0) > 1 for _, chain in line.chains)
    first, last = (line.bpp(it) if line.chains else None for it in (1, count))
    return (
        *(line.dataset, line.label, line.quality, first),
        None if first is None or last is None else 100 * (last / first - 1),
        *_changes(line, metrics, count),
        *(len(settled), max(settled, default=None), cycling, len(line.chains), line.planned),
    )


def _changes(line: Line, metrics: Sequence[MetricPlan], count: int) -> Iterator[float | None]:
    for metric in metrics:
        first, last = (line.to_original(metric, it) for it in (1, count))
        yield first
        yield None if first is None or last is None else last - first


def _metrics(chains: Chains) -> tuple[MetricPlan, ...]:
    return chains.plan.questions[0].metrics if chains.plan.questions else ()


def _heading(metric: MetricPlan, what: str) -> str:
    title, unit = title_of(metric)
    return f"{title} {what} [{unit}]" if unit else f"{title} {what}"


def _remarks(chains: Chains) -> Iterator[str]:
    """What has no place in the table: why chains broke off, and trials without one."""
    reasons: dict[str, int] = {}
    for planned, chain in chains:
        if chain.failure is not None:
            at = f"{planned.trial.codec.label} in generation {len(chain.generations) + 1}"
            told = f"{at}: {chain.status}: {chain.failure}"
            reasons[told] = reasons.get(told, 0) + 1
    yield from (f"{told} ({count} pictures)" if count > 1 else told for told, count in reasons.items())
    if chains.plan.unfinished:
        yield f"{chains.plan.unfinished} trials of the run have no first generation, or one of 9 to 15 bits."


def _mean(values: Iterable[float | None]) -> float | None:
    numbers = [it for it in values if it is not None]
    return fmean(numbers) if numbers else None

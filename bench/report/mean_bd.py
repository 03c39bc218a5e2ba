"""The mean of BD-rates in several metrics, as JPEG AI ranks by that of seven."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.conditions.definition import NamedConditions, find_conditions
from bench.errors import ConfigError, suggestion
from bench.rd import ImagesBd, PairedBd
from bench.rd.fairness import Finding
from bench.rd.several import images_of_metrics, over_metrics
from bench.report.measures import Measure
from bench.text.plain import some_of

JPEG_AI = "jpeg-ai"
"""What stands for the metrics whose BD-rates JPEG AI averages."""
_CONDITIONS = "jpeg-ai-ctc"


@dataclass(frozen=True)
class Compared:
    """What was compared in one metric."""

    images: tuple[str, ...]
    labels: tuple[str, ...]
    """Who has a curve."""
    pairs: Mapping[tuple[str, str], PairedBd]
    """By (anchor, test)."""


@dataclass(frozen=True)
class MeanBd:
    """BD-rates averaged over several metrics, each image by image."""

    metrics: tuple[str, ...]
    pairs: Mapping[tuple[str, str], ImagesBd]
    """By (anchor, test); nothing for a pair of which one lacks a metric."""
    lacking: Mapping[str, str]
    """By label why a configuration takes no part."""
    n_shared: int
    """Number of images that were compared in every metric."""

    @property
    def title(self) -> str:
        """Short enough for the head of a column."""
        return f"mean of {len(self.metrics)}"

    def against(self, anchor: str | None, label: str) -> ImagesBd | None:
        """The mean of ``label`` against ``anchor``; None where one of them takes no part, and for itself."""
        return None if anchor is None else self.pairs.get((anchor, label))

    def why_not(self, anchor: str | None, label: str) -> str:
        """Why there is no mean; empty where nothing is lacking."""
        found = self.against(anchor, label)
        if found is not None:
            return found.reason or ""
        return self.lacking.get(label) or self.lacking.get(anchor or "", "")


def named_metrics(text: str) -> tuple[str, ...]:
    """The metrics of ``METRIC,METRIC,…`` or of ``jpeg-ai``.

    Raises
    ------
    ConfigError
        There are fewer than two, or one stands there twice.
    """
    names = [it.strip() for it in text.split(",") if it.strip()]
    if names == [JPEG_AI]:
        return jpeg_ai()
    if twice := [it for it in names if names.count(it) > 1]:
        raise ConfigError(f"--mean-of names {twice[0]} twice")
    if len(names) < 2:
        raise ConfigError(f"--mean-of {text!r}: a mean takes two metrics or more, or {JPEG_AI} for its seven")
    return tuple(names)


def jpeg_ai() -> tuple[str, ...]:
    """The seven of JPEG AI's test conditions."""
    return find_conditions(_CONDITIONS).definition.mean_bd


def require_measured(asked: Sequence[str], metrics: Iterable[Measure]) -> None:
    """Refuse metrics that there is no mean of.

    Raises
    ------
    ConfigError
        One of them is in none of the runs, or has an ideal value and so no BD-rate.
    """
    known = {it.name: it for it in metrics}
    for name in asked:
        if name not in known:
            raise ConfigError(
                f"--mean-of: no {name!r} here{suggestion(name, known)}; the metrics are {', '.join(known)}."
                " One that is added to a run is measured by running it again"
            )
        if known[name].ideal is not None:
            raise ConfigError(f"--mean-of: {name} is best at {known[name].ideal:g} and has no BD-rate")


def mean_bd(
    asked: Sequence[str],
    conditions: NamedConditions | None,
    compared: Mapping[str, Compared],
) -> tuple[MeanBd | None, tuple[Finding, ...]]:
    """The mean, and what there is to say of it.

    Parameters
    ----------
    asked : metrics that the user names; else those of the conditions, else JPEG AI's where all are there
    conditions : those in force
    compared : by metric, those that rank
    """
    named = tuple(asked) or (conditions.definition.mean_bd if conditions is not None else ())
    if not named and all(it in compared for it in jpeg_ai()):
        named = jpeg_ai()
    if not named:
        return None, ()
    if absent := [it for it in named if it not in compared]:
        text = f"no mean BD-rate of {len(named)} metrics: no values of {', '.join(absent)} to compare"
        return None, (Finding("mean_bd", "warning", text, ()),)
    each = {name: compared[name] for name in named}
    without: dict[str, list[str]] = {}
    for label in dict.fromkeys(label for it in each.values() for label in it.labels):
        if short := [name for name, it in each.items() if label not in it.labels]:
            without[label] = short
    lacking = {label: f"no curve in {some_of(names, 3)}" for label, names in without.items()}
    among = images_of_metrics({name: it.images for name, it in each.items()})
    pairs = {
        pair: over_metrics({name: it.pairs[pair].per_image for name, it in each.items()}, among)
        for pair in each[named[0]].pairs
        if not lacking.keys() & pair
    }
    return MeanBd(named, pairs, lacking, among.n_shared), ()

"""A suite under test conditions: they give what the user leaves open."""

from __future__ import annotations

from collections.abc import Callable, Collection

from bench import registry
from bench.conditions.definition import Conditions, NamedConditions
from bench.errors import ConfigError
from bench.inputs.catalogue import find
from bench.inputs.suite import CodecEntry, CommandEntry, Suite, parse_codec


def under(
    conditions: NamedConditions,
    suite: Suite,
    named: Collection[str],
    note: Callable[[str], None] = lambda text: None,
) -> Suite:
    """The suite with data set, operating points, metrics and anchor of the conditions.

    Parameters
    ----------
    named : fields of the suite that the user gave: they stay, and may become deviations
    note : told what the conditions ask for and this machine lacks

    Raises
    ------
    ConfigError
        The images are any, or not to be had by an address, and the user names none.
    """
    its = conditions.definition
    metrics: list[str | CommandEntry] = [*_metrics(its, note)]
    if "metrics" in named:
        metrics += [it for it in suite.metrics if it not in metrics]
    own = suite.codecs if "codecs" in named else ()
    codecs = [_with_points(it, its) for it in _with_anchor(own, its)]
    return suite.model_copy(
        update={
            "datasets": suite.datasets if "datasets" in named else _datasets(conditions),
            "codecs": tuple(codecs),
            "quality": suite.quality if "quality" in named else its.quality,
            "metrics": tuple(metrics),
            "conditions": conditions.recorded,
        }
    )


def anchor_entry(conditions: Conditions) -> CodecEntry | None:
    """The anchor as a suite has it."""
    if conditions.anchor is None:
        return None
    entry = parse_codec(conditions.anchor.codec)
    options = conditions.options.get(entry.codec, {})
    return entry.model_copy(update={"config": {**options, **entry.config}})


def _datasets(conditions: NamedConditions) -> tuple[str, ...]:
    known = [it.name for it in conditions.definition.datasets if find(it.name) is not None]
    if known:
        return tuple(known[:1])
    if not conditions.definition.datasets:
        raise ConfigError(f"{conditions.name}: it holds for any images; name some with -d")
    needed = "; ".join(f"{it.name}: {it.obtain}" for it in conditions.definition.datasets)
    raise ConfigError(
        f"{conditions.name}: its images have no address with a hash; name their folder with -d ({needed})"
    )


def _metrics(conditions: Conditions, note: Callable[[str], None]) -> list[str]:
    installed = registry.targets(registry.METRICS)
    if absent := [it for it in conditions.metrics if it not in installed]:
        note(f"not installed here, and so not measured: {', '.join(absent)}")
    return [it for it in conditions.metrics if it in installed]


def _with_anchor(codecs: tuple[CodecEntry, ...], conditions: Conditions) -> list[CodecEntry]:
    anchor = anchor_entry(conditions)
    if anchor is None or any((it.codec, it.config) == (anchor.codec, anchor.config) for it in codecs):
        return list(codecs)
    return [anchor, *codecs]


def _with_points(entry: CodecEntry, conditions: Conditions) -> CodecEntry:
    sweep = conditions.sweeps.get(entry.codec)
    if entry.quality is not None or sweep is None:
        return entry
    return entry.model_copy(update={"quality": sweep})

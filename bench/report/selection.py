"""The part of some runs that a report is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.errors import ConfigError


@dataclass(frozen=True)
class Selection:
    """Configurations and metrics to keep; where nothing is named, all of them."""

    codecs: tuple[str, ...] = ()
    """Labels, or names of codecs, which stand for all their configurations."""
    metrics: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.codecs or self.metrics)

    def labels(self, codecs: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
        """Those of the labels in ``codecs`` (label -> codec) that are meant.

        ``before``: what a label was in its run, where labels of several runs were told apart.

        Raises
        ------
        ConfigError
            A name is neither a label nor a codec.
        """
        if not self.codecs:
            return [*codecs]
        wanted: set[str] = set()
        for name in self.codecs:
            found = {it for it in codecs if name in (it, before.get(it))}
            found = found or {it for it, codec in codecs.items() if codec == name}
            if not found:
                raise ConfigError(f"codec {name!r} is in none of the runs; labels: {', '.join(codecs)}")
            wanted |= found
        return [it for it in codecs if it in wanted]

    def kept_metrics(self, known: Iterable[str]) -> Collection[str]:
        """Those of the ``known`` metrics that are meant.

        Raises
        ------
        ConfigError
            A metric is none of them.
        """
        names: Sequence[str] = list(dict.fromkeys(known))
        for name in self.metrics:
            if name not in names:
                raise ConfigError(f"metric {name!r} is in none of the runs; they have {', '.join(names)}")
        return self.metrics or names


EVERYTHING = Selection()

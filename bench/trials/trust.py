"""Which codecs and metrics of a run folder may be run: folders are passed around, and must not choose code.

Installed codecs are run for everybody's folder, unless the folder sets one of their ``trusted_options``, and
so are installed metrics. What else a folder names, a file or a program, is run only where the user named the
same in this call, or vouches for whoever made the folder. :func:`bench.registry.load_codec` and
:func:`bench.registry.load_metric` enforce it where codecs and metrics are constructed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from bench import registry
from bench.trials.plan import CodecPlan, MetricPlan, TrustedCodec, TrustedMetric


@dataclass(frozen=True)
class Trust:
    """Whom a call trusts beyond the installed codecs."""

    folders: bool = False
    """Everything that the run folders name: the user made them, or trusts who did."""
    named: tuple[CodecPlan, ...] = ()
    """Configurations that the user named in this call."""
    metrics: tuple[MetricPlan, ...] = ()
    """Metrics that the user named in this call."""

    def codec(self, recorded: CodecPlan) -> CodecPlan:
        """A codec of ``run.json``, marked as trusted where it is."""
        if self.folders or any(_code(it) == _code(recorded) for it in self.named):
            return TrustedCodec(**msgspec.structs.asdict(recorded))
        return recorded

    def codecs(self, recorded: Iterable[CodecPlan]) -> tuple[CodecPlan, ...]:
        """Each of ``recorded`` as :meth:`codec` gives it."""
        return tuple(map(self.codec, recorded))

    def metric(self, recorded: MetricPlan) -> MetricPlan:
        """A metric of ``run.json``, marked as trusted where it is.

        Raises
        ------
        UntrustedCodec
            It is not, and it is not installed.
        """
        named = any((it.target, it.config) == (recorded.target, recorded.config) for it in self.metrics)
        if self.folders or named:
            return TrustedMetric(**msgspec.structs.asdict(recorded))
        registry.require_installed_metric(recorded.target, recorded.config)
        return recorded


def _code(codec: CodecPlan) -> list[tuple[object, object]]:
    """What would run for a codec: target and options of encoder and decoder."""
    return [(it.target, it.config) for it in (codec.ref, codec.decoder_ref)]


NOBODY = Trust()
EVERYBODY = Trust(folders=True)

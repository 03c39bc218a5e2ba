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
        """A codec of ``run.json``, marked as trusted where it is.

        One that the user named is given what it needs now, whatever the folder says.
        """
        named = next((it for it in self.named if _code(it) == _code(recorded)), None)
        if named is not None:
            decoder = recorded.decoder
            if decoder is not None and named.decoder is not None:
                decoder = msgspec.structs.replace(decoder, needs=named.decoder.needs)
            recorded = msgspec.structs.replace(recorded, needs=named.needs, decoder=decoder)
        elif not self.folders:
            return recorded
        return TrustedCodec(**msgspec.structs.asdict(recorded))

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

"""The first generation of codecs and pictures that are in no run yet: a run of its own."""

from __future__ import annotations

from bench.engines.describing import describe_suite
from bench.engines.engine import Engine
from bench.inputs.suite import CodecEntry, Suite
from bench.trials.codec_ref import Description


def at_one_point(suite: Suite, engine: Engine) -> Suite:
    """A suite whose lossy codecs, where it names no operating points, have the middle of their sweep.

    Raises
    ------
    ConfigError
        A codec is unknown, or cannot be constructed with its options.
    """
    if suite.quality is not None:
        return suite
    found = (it.found for it in describe_suite(engine, suite).codecs)
    codecs = tuple(_at_the_middle(*it) for it in zip(suite.codecs, found, strict=True))
    return suite.model_copy(update={"codecs": codecs})


def _at_the_middle(entry: CodecEntry, found: Description | str) -> CodecEntry:
    if entry.quality is not None or isinstance(found, str) or found.lossless:
        return entry
    sweep = sorted(it for it in found.qualities if it is not None)
    return entry.model_copy(update={"quality": (sweep[len(sweep) // 2],)}) if sweep else entry

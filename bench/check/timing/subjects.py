"""What is to be timed: the codecs and images of a suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.codec import Image
from bench.engines import open_engine
from bench.engines.describing import describe_suite
from bench.errors import ConfigError
from bench.inputs.datasets import open_dataset
from bench.inputs.image import read_image
from bench.inputs.pixels import Accepted
from bench.inputs.suite import Suite
from bench.trials.plan import CodecPlan, make_plan


@dataclass(frozen=True)
class TimedCodec:
    """A codec configuration and the operating points to time it at."""

    label: str
    codec: str
    target: str
    config: dict[str, Any]
    qualities: tuple[float | None, ...]


@dataclass(frozen=True)
class TimedSuite:
    """Everything to be timed; images by ``data set/file``."""

    codecs: tuple[TimedCodec, ...]
    plans: tuple[CodecPlan, ...]
    images: dict[str, Image]


def subjects_of(suite: Suite) -> TimedSuite:
    """Resolve a suite for timing, its pictures as 8-bit RGB with the conversions that it allows.

    Raises
    ------
    ConfigError, DatasetError, BadImage, UnsupportedImage
        The suite cannot be planned, a codec is unavailable here, or an image cannot be read.
    """
    datasets = tuple(open_dataset(it, recursive=suite.recursive) for it in suite.datasets)
    with open_engine() as engine:
        described = describe_suite(engine, suite)
    for codec in described.codecs:
        if isinstance(codec.found, str):
            raise ConfigError(f"codec {codec.target} cannot be timed: {codec.found}")
    for entry in suite.codecs:
        if entry.decoder is not None:
            raise ConfigError(
                f"codec {entry.codec}: is decoded by {entry.decoder.codec}; --timing compares a codec with"
                " its former self, encoder and decoder of one"
            )
    resolved = make_plan(suite, datasets, described)
    plain = Accepted(convert=suite.convert.conversions)
    images = {
        f"{it.dataset}/{it.name}": read_image(file.path, accepted=plain).pixels
        for it, file in resolved.files.items()
    }
    plans = resolved.plan.codecs
    codecs = tuple(TimedCodec(it.label, it.codec, it.target, it.config, it.qualities) for it in plans)
    return TimedSuite(codecs, plans, images)

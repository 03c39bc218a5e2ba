"""What is to be timed: the codecs and images of a suite."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.codec import Image
from bench.engines import open_engine
from bench.engines.describing import describe_codec, device_of
from bench.engines.engine import Engine
from bench.errors import ConfigError
from bench.inputs.datasets import open_dataset
from bench.inputs.image import read_image
from bench.inputs.suite import Suite
from bench.trials.codec_ref import CodecRef, Description
from bench.trials.plan import CodecPlan, Host, make_plan


@dataclass(frozen=True)
class Subject:
    """A codec configuration and the operating points to time it at."""

    label: str
    codec: str
    target: str
    config: dict[str, Any]
    qualities: tuple[float | None, ...]


@dataclass(frozen=True)
class Subjects:
    """Everything to be timed; images by ``data set/file``."""

    codecs: tuple[Subject, ...]
    plans: tuple[CodecPlan, ...]
    images: dict[str, Image]


def subjects_of(suite: Suite) -> Subjects:
    """Resolve a suite for timing.

    Raises
    ------
    ConfigError, DatasetError, BadImage, UnsupportedImage
        The suite cannot be planned, a codec is unavailable here, or an image cannot be read.
    """
    datasets = tuple(open_dataset(it, recursive=suite.recursive) for it in suite.datasets)
    with open_engine() as engine:
        host = Host(partial(_described, engine), partial(device_of, engine))
        plan, files = make_plan(suite, datasets, (), host)
    images = {f"{it.dataset}/{it.name}": read_image(file.path).pixels for it, file in files.items()}
    codecs = tuple(Subject(it.label, it.codec, it.target, it.config, it.qualities) for it in plan.codecs)
    return Subjects(codecs, plan.codecs, images)


def _described(engine: Engine, codec: CodecRef) -> Description:
    found = describe_codec(engine, codec)
    if isinstance(found, str):
        raise ConfigError(f"codec {codec.target} cannot be timed: {found}")
    return found

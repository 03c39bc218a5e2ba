"""What a codec says of itself, as plain data that can be written down and read again."""

from __future__ import annotations

import hashlib
import math
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from bench import registry
from bench.codec import DEPTHS, Channels, Codec, takes_depth, takes_quality
from bench.engines.engine import Answer
from bench.engines.messages import Describe, DescribeMetric, Failed, Request
from bench.errors import ConfigError
from bench.files.typed_json import Option
from bench.inputs.pixels import Accepted
from bench.trials.codec_ref import Description, MetricDescription


def described(codec: Codec, config: dict[str, Any], target: str) -> Description:
    """What a codec says of itself; :func:`identified` completes it.

    Paths, numpy's numbers and the like become plain strings and numbers.

    Parameters
    ----------
    codec : as :func:`bench.codec.completed` gave it
    config : the options that it was constructed with
    target : what it was loaded from, see :func:`bench.registry.load`

    Raises
    ------
    ConfigError
        An attribute is of a kind that can't be recorded, or contradicts another one; the message names it.
    """
    name = _text(codec, "name")
    what = f"codec {name!r}"
    quality_range = None if codec.lossless else codec.quality_range
    if quality_range is not None:
        ends = _numbers(f"{what}: quality_range", quality_range)
        if len(ends) != 2 or not ends[0] <= ends[1]:
            raise ConfigError(f"{what}: quality_range is (lowest, highest), not {quality_range!r}")
        quality_range = ends[0], ends[1]
    weights, by_quality = _weights(what, getattr(codec, "weights_sha256", None))
    return Description(
        name=name,
        version=_text(codec, "version"),
        imported=registry.imported_beside(target),
        lossless=bool(codec.lossless),
        qualities=_qualities(what, codec),
        quality_range=quality_range,
        takes_quality=takes_quality(codec),
        config={key: plain_option(f"{what}: option {key!r}", value) for key, value in config.items()},
        weights_sha256=weights,
        weights_by_quality=by_quality,
        complexity=_complexity(codec),
        accepted=_accepted(what, codec),
    )


def identified(request: Request[Answer], answer: Answer | Failed) -> Answer | Failed:
    """A description with the version of where it is from: the hash of its sources, or its package's.

    For who asked: a codec could have its own process tell those of another one, whose results its own would
    then be taken for.
    """
    if not isinstance(answer, Description | MetricDescription):
        return answer
    assert isinstance(request, Describe | DescribeMetric)
    target = request.codec.target if isinstance(request, Describe) else request.metric.target
    try:
        version = (answer.version + registry.file_version(target, answer.imported)).removeprefix("+")
    except OSError as error:
        return Failed("codec_error", "load", type(error).__name__, str(error))
    if isinstance(answer, Description):
        version = version or registry.package_version(target)
    return msgspec.structs.replace(answer, version=version, imported=())


def _accepted(what: str, codec: Codec) -> Accepted:
    """The forms of pictures that it declares."""
    depths, channels = (tuple(getattr(codec, *it)) for it in (("depths", (8,)), ("channels", ("rgb",))))
    if not depths or not {*depths} <= {*DEPTHS}:
        raise ConfigError(f"{what}: depths are numbers from {DEPTHS[0]} to {DEPTHS[-1]}, not {depths!r}")
    if not channels or not {*channels} <= {*get_args(Channels)}:
        raise ConfigError(f"{what}: channels are some of {', '.join(get_args(Channels))}, not {channels!r}")
    if not {*depths} <= {8, 16} and not takes_depth(codec):
        raise ConfigError(f"{what}: with depths {depths}, encode needs the keyword depth to tell them apart")
    return Accepted(tuple(sorted({int(it) for it in depths})), channels)


def _qualities(what: str, codec: Codec) -> tuple[float | None, ...]:
    """The default operating points; one without a quality where the codec names none."""
    found = tuple(codec.qualities)
    if found == (None,):
        return () if codec.lossless else found
    if found and not codec.lossless and not takes_quality(codec):
        raise ConfigError(
            f"{what} has qualities, and its encode takes the image alone: no quality reaches it"
        )
    return _numbers(f"{what}: qualities", found)


def plain_option(what: str, value: Any) -> Option:
    """The value of an option as it is recorded.

    Raises
    ------
    ConfigError
        It is no bool, finite number, string, path or None.
    """
    import numpy as np

    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Path):
        value = str(value)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            found: Option = kind(value)
            if isinstance(found, float) and not math.isfinite(found):
                raise ConfigError(f"{what} is {value!r}; it has to be finite, to be written down")
            if isinstance(found, int) and not -(1 << 63) <= found < 1 << 64:
                raise ConfigError(f"{what} has more than 64 bits")
            return _written(what, found) if isinstance(found, str) else found
    if value is None:
        return None
    raise ConfigError(f"{what} is of {type(value)}; options are bool, int, float, str or Literal[…]")


def _text(codec: Codec, attribute: str) -> str:
    return _written(f"codec {type(codec).__name__}: {attribute}", str(getattr(codec, attribute)))


def _written(what: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{what} is {text!r}, which has no form in UTF-8") from None
    return text


def _numbers(what: str, values: Iterable[Any]) -> tuple[float, ...]:
    try:
        found = tuple(float(it) for it in values)
    except (TypeError, ValueError):
        found = (math.nan,)
    if not all(map(math.isfinite, found)):
        raise ConfigError(f"{what} has to be finite numbers, not {values!r}")
    return found


def _weights(what: str, value: Any) -> tuple[str | None, dict[float, str]]:
    """The hash of all weights, and of those of each quality where each has its own."""
    if not isinstance(value, Mapping):
        return None if value is None else _weights_hash(what, value), {}
    if not value:
        return None, {}
    by_quality = dict(
        zip(
            _numbers(f"{what}: the qualities of weights_sha256", value),
            (_weights_hash(what, it) for it in value.values()),
            strict=True,
        )
    )
    together = "".join(digest for _, digest in sorted(by_quality.items()))
    return hashlib.sha256(together.encode()).hexdigest(), by_quality


def _weights_hash(what: str, value: Any) -> str:
    if isinstance(value, bytes):
        value = value.hex()
    if isinstance(value, str) and re.fullmatch("[0-9a-fA-F]{64}", value):
        return value.lower()
    raise ConfigError(
        f"{what}: weights_sha256 is 64 hexadecimal digits (hashlib.sha256(…).hexdigest()), not {value!r:.80}"
    )


def _complexity(codec: Codec) -> dict[str, float]:
    """What a learned codec says of its cost; a codec that cannot say it can still code."""
    try:
        found = codec.complexity() if hasattr(codec, "complexity") else {}
        numbers = {_written("complexity", str(name)): float(value) for name, value in found.items()}
    except Exception as error:
        print(f"{codec.name}: no complexity: {error!r}", file=sys.stderr)
        return {}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}

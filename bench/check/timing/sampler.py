"""Times a codec inside one installation, on request.

This file is handed to another Python by its text (``python -P -c``), so that the harness is the same on both
sides whatever version of rdbench is installed there, or none. It therefore imports nothing of rdbench, and
needs the standard library and numpy alone.

Requests come as one line of JSON on standard input, answers go as one line to standard output. What a codec
prints goes to standard error.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from statistics import median
from time import perf_counter
from types import ModuleType
from typing import Any, BinaryIO


def _load(name: str, target: str) -> Any:
    """What makes the codec: from a file, or this installation's own entry point of that name, or the target.

    A file that is named alone is the codec itself, by its functions, or has one class that is.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name.endswith(".py"):
        for point in entry_points(group="bench.codecs"):
            if point.name == name:
                return point.load()
        return getattr(importlib.import_module(module_name), attribute)
    spec = importlib.util.spec_from_file_location("rdbench_timed_codec", module_name)
    if spec is None or spec.loader is None:
        raise ImportError(module_name)
    sys.path.insert(0, os.path.dirname(os.path.abspath(module_name)))  # modules beside it, as for a script
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return getattr(module, attribute) if attribute else _codec_of(module)


def _codec_of(module: ModuleType) -> Any:
    """What makes the codec of a file that is named alone, as in :mod:`bench.files.codec_files`."""
    if hasattr(module, "encode") and hasattr(module, "decode"):
        return lambda: module
    (found,) = (
        it
        for it in vars(module).values()
        if hasattr(it, "encode")
        and hasattr(it, "decode")
        and (it.__module__ == module.__name__ if isinstance(it, type) else callable(it))
    )
    return found


class Sampler:
    """The codecs, images and bitstreams that the requests speak of."""

    def __init__(self) -> None:
        self._codecs: dict[str, Any] = {}
        self._images: dict[str, Any] = {}
        self._bitstreams: dict[tuple[Any, ...], bytes] = {}

    def codec(self, label: str, name: str, target: str, config: dict[str, Any]) -> dict[str, Any]:
        """Construct a codec. Options that this installation does not know yet are left out, and told."""
        constructor = _load(name, target)
        known = inspect.signature(constructor).parameters
        self._codecs[label] = constructor(**{key: it for key, it in config.items() if key in known})
        return {"unknown": [key for key in config if key not in known]}

    def image(self, name: str, height: int, width: int, source: BinaryIO) -> dict[str, Any]:
        """Take the samples of an image, which follow the request."""
        import numpy as np

        data = source.read(height * width * 3)
        self._images[name] = np.frombuffer(data, np.uint8).reshape(height, width, 3)
        return {}

    def encode(self, label: str, image: str, quality: float | None, loops: int) -> dict[str, Any]:
        """Encode ``loops`` times: seconds for one, and the bitstream's hash."""
        codec, picture = self._codecs[label], self._images[image]
        takes = inspect.signature(codec.encode).parameters
        depth = {"depth": 8} if "depth" in takes else {}
        others = len(takes) - len(depth)
        given = (
            (picture, quality)
            if others > 1 or any(it.kind is it.VAR_POSITIONAL for it in takes.values())
            else (picture,)
        )
        bitstream, seconds = _timed(lambda: codec.encode(*given, **depth), loops)
        self._bitstreams[label, image, quality] = bitstream
        return {"seconds": seconds, "sha256": hashlib.sha256(bitstream).hexdigest()}

    def decode(self, label: str, image: str, quality: float | None, loops: int) -> dict[str, Any]:
        """Decode what this side encoded last of the same, ``loops`` times: seconds for one."""
        codec, bitstream = self._codecs[label], self._bitstreams[label, image, quality]
        _, seconds = _timed(lambda: codec.decode(bitstream), loops)
        return {"seconds": seconds}


def _timed(function: Callable[[], Any], loops: int) -> tuple[Any, float]:
    """The last result, and the median of the seconds: a run that was interrupted does not count."""
    result = None
    seconds = []
    for _ in range(loops):
        start = perf_counter()
        result = function()
        _settle()
        seconds.append(perf_counter() - start)
    return result, median(seconds)


def _settle() -> None:
    """Wait for a GPU that a codec has begun to use through torch; torch is not imported for it."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is not None and cuda.is_initialized():
        cuda.synchronize()


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if hasattr(os, "sched_setaffinity") and len(sys.argv) > 1 and int(sys.argv[1]) >= 0:
        os.sched_setaffinity(0, {int(sys.argv[1])})
    source = sys.stdin.buffer
    sampler = Sampler()
    for line in iter(source.readline, b""):
        request = json.loads(line)
        operation = request.pop("do")
        if operation == "image":
            request["source"] = source
        try:
            answer = getattr(sampler, operation)(**request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()

"""Reconstructions as lossless picture files, decoded from kept bitstreams in worker processes.

Files are named by the SHA-256 of their pixels: equal pictures are stored once, and a second report of
the same run decodes nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.codec import Image
from bench.engines.messages import Decode, Decoded, Repeat
from bench.engines.worker_handle import Limits, Worker, share_of_memory
from bench.engines.zygote import Zygote
from bench.files.access import MAX_BITSTREAM, read_regular, write_atomically
from bench.trials.codec_ref import CodecRef

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

MAX_JOBS = 4
TIMEOUT = 300.0
_NAME_LENGTH = 32
_WEBP_SIDE = 16383
_SUFFIXES = (".webp", ".png")


@dataclass(frozen=True)
class Job:
    """A kept bitstream, how to decode it, and the SHA-256 of the pixels that it must give."""

    bitstream: Path
    codec: CodecRef
    pixels_sha256: str


@dataclass(frozen=True)
class Stored:
    """A picture file, or why there is none."""

    file: Path | None
    problem: str = ""


def stored_picture(folder: Path, pixels_sha256: str) -> Path | None:
    """The file of these pixels if an earlier report wrote it."""
    for suffix in _SUFFIXES:
        path = folder / (pixels_sha256[:_NAME_LENGTH] + suffix)
        if path.is_file() and not path.is_symlink():
            return path
    return None


def store_picture(folder: Path, pixels: Image) -> Path:
    """Write pixels (height, width, 3) losslessly under the hash of their samples."""
    name = hashlib.sha256(pixels.tobytes()).hexdigest()[:_NAME_LENGTH]
    data, suffix = lossless_bytes(pixels)
    path = folder / (name + suffix)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return path


def lossless_bytes(pixels: Image, effort: int = 0) -> tuple[bytes, str]:
    """A lossless WebP (effort 0 to 6), or a PNG where a side is too long for it, and the file's ending."""
    import PIL.Image as pillow

    image: PillowImage = pillow.fromarray(pixels)
    buffer = io.BytesIO()
    if max(image.size) > _WEBP_SIDE:
        image.save(buffer, "PNG", compress_level=3)
        return buffer.getvalue(), ".png"
    image.save(buffer, "WEBP", lossless=True, method=effort, quality=15 * effort)
    return buffer.getvalue(), ".webp"


def decode_all(jobs: Sequence[Job], folder: Path) -> list[Stored]:
    """Decode and store every job's picture; what fails has its reason in place of a file."""
    results: dict[str, Stored] = {}
    todo: dict[str, Job] = {}
    for job in jobs:
        path = stored_picture(folder, job.pixels_sha256)
        if path is not None:
            results[job.pixels_sha256] = Stored(path)
        else:
            todo.setdefault(job.pixels_sha256, job)
    if todo:
        results |= zip(todo, _decode(list(todo.values()), folder), strict=True)
    return [results[job.pixels_sha256] for job in jobs]


def _decode(jobs: Sequence[Job], folder: Path) -> list[Stored]:
    zygote = Zygote()
    local = threading.local()
    workers: list[Worker] = []
    count = min(MAX_JOBS, os.cpu_count() or 1, len(jobs))
    limits = Limits(timeout=TIMEOUT, memory=share_of_memory(count))

    def start() -> None:
        local.worker = Worker(zygote, limits)
        workers.append(local.worker)

    try:
        with ThreadPoolExecutor(count, initializer=start) as pool:
            return list(pool.map(lambda job: _store_one(job, local.worker, folder), jobs))
    finally:
        for worker in workers:
            worker.close()
        zygote.close()


def _store_one(job: Job, worker: Worker, folder: Path) -> Stored:

    try:
        bitstream = read_regular(job.bitstream, MAX_BITSTREAM)
    except OSError as error:
        return Stored(None, f"the bitstream can't be read ({error.strerror})")
    if hashlib.sha256(bitstream).hexdigest() != job.bitstream.name:
        return Stored(None, "the kept bitstream is damaged (its SHA-256 differs)")
    answer = worker.ask(Decode(job.codec, bitstream, Repeat()))
    if not isinstance(answer, Decoded):
        return Stored(None, f"decoding failed: {answer.message}")
    if answer.sha256 != job.pixels_sha256:
        return Stored(None, "the decoded pixels differ from the measured ones (SHA-256)")
    try:
        return Stored(store_picture(folder, worker.samples(answer.shape)))
    except (OSError, ValueError) as error:
        return Stored(None, f"the picture can't be stored: {error}")

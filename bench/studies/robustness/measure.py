"""One planned probe -> one record. Whatever the codec does ends in the record; nothing is raised for it."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.codec import Image
from bench.engines.engine import Slot, Task, Worker
from bench.engines.messages import Decode, Decoded, Encode, Encoded, Failed
from bench.files.access import MAX_BITSTREAM, read_regular, write_atomically
from bench.inputs.image import read_image
from bench.metrics.base import Pair, Reference
from bench.metrics.psnr import PsnrRgb
from bench.runs.store import BITSTREAM_FOLDER
from bench.studies.robustness.corrupt import corrupted, generator
from bench.studies.robustness.damage import DAMAGES
from bench.studies.robustness.plan import Planned
from bench.studies.robustness.record import BitstreamProbe, Fate, InputProbe, Probe
from bench.trials.measurement import Failure, Status
from bench.trials.plan import Trial

_KEPT = 16
"""Pictures, and bitstreams, that are kept in memory."""


@dataclass(frozen=True)
class _Lost:
    """What came instead of a bitstream or of pixels."""

    status: Status
    failure: Failure


_MORE_TIME = "give it more with --timeout"


class Prober(Task[Trial, Probe]):
    """Takes probes, from any thread.

    Parameters
    ----------
    planned : the probes by the key of their trial
    run : the run folder; bitstreams kept there need not be encoded again
    scratch : a folder for corrupted pictures, which workers read as files like any others
    """

    def __init__(self, planned: Mapping[str, Planned], run: Path, scratch: Path) -> None:
        self._planned = planned
        self._bitstreams = run / BITSTREAM_FOLDER
        self._scratch = scratch
        self._psnr = PsnrRgb()
        self._picture = lru_cache(_KEPT)(lambda path: read_image(path).pixels)
        self._encoded: dict[str, bytes] = {}
        self._verified: set[str] = set()

    def __call__(self, work: Trial, slot: Slot) -> Probe:
        """Take one probe."""
        probe, trial = self._planned[work.key], work
        known: dict[str, Any] = {
            "key": trial.key,
            "dataset": trial.image.dataset,
            "image": trial.image.name,
            "label": trial.codec.label,
            "quality": trial.quality,
        }
        if probe.is_input:
            return self._input(probe.name, trial, slot, known)
        return self._bitstream(probe, trial, slot, known)

    def _input(self, name: str, trial: Trial, slot: Slot, known: dict[str, Any]) -> InputProbe:
        known["corruption"] = name
        clean: Image = self._picture(trial.path)
        path = self._scratch / f"{trial.image.sha256}+{name}.png"
        if not path.exists():
            write_atomically(path, _png(corrupted(clean, name, trial.image.sha256)))
        given: Image = self._picture(path)
        known["psnr_corruption"] = self._decibels(clean, given)
        bitstream = _encoded(trial, path, slot.encoder)
        if isinstance(bitstream, _Lost):
            return InputProbe(**known, status=bitstream.status, failure=bitstream.failure)
        known["bytes"] = len(bitstream)
        decoded = _decoded(trial, bitstream, slot.decoder)
        if isinstance(decoded, _Lost):
            return InputProbe(**known, status=decoded.status, failure=decoded.failure)
        pixels, _ = decoded
        if pixels.shape != clean.shape:
            failure = Failure(
                phase="decode", message=f"decoded shape {pixels.shape}, the original is {clean.shape}"
            )
            return InputProbe(**known, status="mismatch", failure=failure)
        return InputProbe(
            **known,
            status="ok",
            psnr_input=self._decibels(given, pixels),
            psnr_clean=self._decibels(clean, pixels),
        )

    def _bitstream(self, probe: Planned, trial: Trial, slot: Slot, known: dict[str, Any]) -> BitstreamProbe:
        known |= {"damage": probe.name, "draw": probe.draw}
        whole = self._whole(probe, trial, slot)
        if isinstance(whole, _Lost):
            # The run made this bitstream before; that it can't be made again says nothing of the damage.
            told = f"{trial.codec.label} on {trial.image.name}: {whole.failure}"
            raise ReproductionError(told + (f"; {_MORE_TIME}" if whole.status == "timeout" else ""))
        self._require_same_pixels(probe, trial, whole, slot)
        random = generator(probe.clean.bitstream_sha256, probe.name, probe.draw)
        decoded = _decoded(trial, DAMAGES[probe.name](whole, random), slot.decoder)
        if isinstance(decoded, _Lost):
            return BitstreamProbe(**known, fate=_fate(decoded.status), failure=decoded.failure)
        pixels, sha256 = decoded
        if sha256 == probe.clean.pixels_sha256:
            return BitstreamProbe(**known, fate="unchanged")
        original: Image = self._picture(trial.path)
        if pixels.shape != original.shape:
            failure = Failure(phase="decode", message=f"decoded shape {pixels.shape}, not {original.shape}")
            return BitstreamProbe(**known, fate="wrong", failure=failure)
        return BitstreamProbe(**known, fate="wrong", psnr=self._decibels(original, pixels))

    def _whole(self, probe: Planned, trial: Trial, slot: Slot) -> bytes | _Lost:
        """The undamaged bitstream: as kept, or encoded again and the same."""
        sha256 = probe.clean.bitstream_sha256
        kept = self._bitstreams / sha256
        with suppress(OSError):
            bitstream = read_regular(kept, MAX_BITSTREAM)
            if hashlib.sha256(bitstream).hexdigest() == sha256:
                return bitstream
        if (known := self._encoded.get(sha256)) is not None:
            return known
        made = _encoded(trial, trial.path, slot.encoder)
        if isinstance(made, _Lost):
            return made
        bitstream = made
        if hashlib.sha256(bitstream).hexdigest() != sha256:
            message = "encoding again gives another bitstream; run again with --keep-bitstreams"
            return _Lost("mismatch", Failure(phase="encode", message=message))
        if len(self._encoded) >= _KEPT:
            self._encoded.clear()
        self._encoded[sha256] = bitstream
        return bitstream

    def _require_same_pixels(self, probe: Planned, trial: Trial, whole: bytes, slot: Slot) -> None:
        """What a decoder does to damage says nothing where it no longer decodes what is whole."""
        if probe.clean.bitstream_sha256 in self._verified:
            return
        decoded = _decoded(trial, whole, slot.decoder)
        what = f"{trial.codec.label} on {trial.image.name}: the undamaged bitstream"
        if isinstance(decoded, _Lost):
            remedy = _MORE_TIME if decoded.status == "timeout" else "run again first"
            raise ReproductionError(f"{what} does not decode: {decoded.failure.message}; {remedy}")
        if decoded[1] != probe.clean.pixels_sha256:
            raise ReproductionError(f"{what} decodes to other pixels than in the run; run again first")
        self._verified.add(probe.clean.bitstream_sha256)

    def _decibels(self, one: Image, other: Image) -> float | None:
        value = self._psnr(Pair(Reference(one), other))
        return value if math.isfinite(value) else None


class ReproductionError(Exception):
    """A bitstream of the run can't be made again, or no longer decodes to what it did."""


def _fate(status: Status) -> Fate:
    match status:
        case "crash" | "timeout" | "oom":
            return status
        case "mismatch":
            return "wrong"  # no pixels at all, and no error either
        case _:
            return "detected"


def _encoded(trial: Trial, path: Path, worker: Worker) -> bytes | _Lost:
    sha256 = trial.image.sha256 if path == trial.path else None
    answer = worker.ask(Encode(path.absolute(), trial.codec.ref, trial.quality, sha256=sha256))
    if isinstance(answer, Encoded):
        return answer.bitstream
    return _lost(answer)


def _decoded(trial: Trial, bitstream: bytes, worker: Worker) -> tuple[Image, str] | _Lost:
    """The pixels and their SHA-256."""
    answer = worker.ask(Decode(trial.codec.ref, bitstream))
    if not isinstance(answer, Decoded):
        return _lost(answer)
    return worker.samples(answer.shape), answer.sha256


def _lost(answer: Failed) -> _Lost:
    return _Lost(answer.status, answer.failure)


def _png(image: Image) -> bytes:
    from PIL import Image as pillow

    buffer = io.BytesIO()
    pillow.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()

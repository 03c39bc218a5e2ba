"""One trial -> one measurement: encode in one process, decode in another, score in the first."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from bench.device import DeviceName
from bench.engines.messages import Decode, Decoded, Encode, Encoded, Failed, Repeat, Score, Scored
from bench.engines.pool import Died, Slot, Worker
from bench.plan import MetricPlan, Trial
from bench.record import Failure, Measurement, Phase, TimingMode


@dataclass(frozen=True)
class Recipe:
    """What is the same for every trial of a run."""

    metrics: tuple[MetricPlan, ...]
    environment: str
    timing: TimingMode
    repeat: Repeat
    metrics_device: DeviceName = "cpu"


@dataclass(frozen=True)
class Outcome:
    """A measurement, and the bitstream behind it when there is one."""

    measurement: Measurement
    bitstream: bytes | None = None


def measure(trial: Trial, slot: Slot, recipe: Recipe) -> Outcome:
    """Measure one trial. Whatever goes wrong ends in the measurement's status; nothing is raised for it."""
    known: dict[str, Any] = {
        "key": trial.key,
        "environment": recipe.environment,
        "dataset": trial.image.dataset,
        "image": trial.image.name,
        "image_sha256": trial.image.sha256,
        "codec": trial.codec.codec,
        "version": trial.codec.version,
        "config": trial.codec.config,
        "quality": trial.quality,
        "weights_sha256": trial.codec.weights_sha256,
        "timing": recipe.timing,
        "device": "cuda" if trial.codec.on_gpu else "cpu",
    }
    if trial.codec.unavailable is not None:
        failure = Failure(phase="load", message=trial.codec.unavailable)
        return Outcome(Measurement(**known, status="unsupported", failure=failure))

    encoded = slot.encoder.ask(Encode(trial.path, trial.codec.ref, trial.quality, recipe.repeat))
    if not isinstance(encoded, Encoded):
        return _failed(known, encoded, "encode", slot.encoder)
    known |= {
        "width": encoded.width,
        "height": encoded.height,
        "treatment": encoded.treatment,
        "bytes": len(encoded.bitstream),
        "bitstream_sha256": hashlib.sha256(encoded.bitstream).hexdigest(),
        "encode_s": encoded.seconds,
        "encode_peak_bytes": encoded.peak_bytes,
        # while other trials run, every share is low
        "encode_cpu_share": encoded.cpu_share if recipe.timing == "alone" else None,
    } | _gpu(encoded.gpu_bytes)

    decoded = slot.decoder.ask(Decode(trial.codec.ref, encoded.bitstream, recipe.repeat))
    if not isinstance(decoded, Decoded):
        return _failed(known, decoded, "decode", slot.decoder)
    known |= {"pixels_sha256": decoded.sha256, "decode_s": decoded.seconds}
    known["decode_peak_bytes"] = decoded.peak_bytes
    known["decode_cpu_share"] = decoded.cpu_share if recipe.timing == "alone" else None
    known["decoded_treatment"] = decoded.treatment
    known |= _gpu(encoded.gpu_bytes, decoded.gpu_bytes)

    metrics = tuple((it.name, it.target) for it in recipe.metrics)
    scored = slot.encoder.ask(Score(decoded.shape, metrics, trial.codec.lossless, recipe.metrics_device))
    if not isinstance(scored, Scored):
        return _failed(known, scored, "metric", slot.encoder)
    known |= {"exact": scored.exact, "metrics": scored.metrics, "reasons": scored.reasons}
    known["metrics_device"] = recipe.metrics_device
    return Outcome(Measurement(**known, status="ok"), encoded.bitstream)


def _gpu(*held: int | None) -> dict[str, Any]:
    """What is recorded of the processes that held GPU memory for the codec."""
    used = [it for it in held if it is not None]
    return {"device": "cuda", "gpu_bytes": max(used)} if used else {}


def _failed(known: dict[str, Any], result: Failed | Died, phase: Phase, worker: Worker) -> Outcome:
    if isinstance(result, Failed):
        known = {"width": result.width, "height": result.height} | known
        failure = Failure(
            phase=result.phase, message=result.message, exception=result.exception, stderr=worker.stderr()
        )
    else:
        failure = Failure(phase=phase, message=result.message, signal=result.signal, stderr=result.stderr)
    return Outcome(Measurement(**known, status=result.status, failure=failure))

"""One trial -> one measurement: encode in one process, decode in another, score in a third."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

from bench.engines.messages import Decode, Decoded, Encode, Encoded, Failed, Repeat, Score, Scored
from bench.engines.output_checks import clock_problem, reuse_problem
from bench.engines.worker_handle import Died, Original, Slot, Worker
from bench.host.device import DeviceName
from bench.trials.measurement import Failure, Measurement, Phase, TimingMode
from bench.trials.plan import MetricPlan, Trial


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

    original = slot.original(trial.path, trial.image.sha256)
    if not isinstance(original, Original):
        return _failed(known, original, "load", slot.scorer)
    height, width, _ = original.shape
    known |= {"width": width, "height": height, "treatment": original.treatment}

    request = Encode(
        original.image,
        trial.codec.ref,
        trial.quality,
        recipe.repeat,
        sha256=trial.image.sha256,
        shape=original.shape,
    )
    encoded = slot.encoder.ask(request, [original.samples.readable])
    if not isinstance(encoded, Encoded):
        return _failed(known, encoded, "encode", slot.encoder)
    known |= {
        "bytes": len(encoded.bitstream),
        "bitstream_sha256": hashlib.sha256(encoded.bitstream).hexdigest(),
        "encode_s": encoded.seconds,
        "encode_peak_bytes": encoded.peak_bytes,
        "peak_of": "process" if encoded.peak_bytes is None else "codec",
        # while other trials run, every share is low
        "encode_cpu_share": encoded.cpu_share if recipe.timing == "alone" else None,
    } | _gpu(encoded.gpu_bytes)
    if (problem := _time_problem(encoded, slot.encoder, recipe, original)) is not None:
        return _failed(known, Failed("mismatch", "encode", "", problem), "encode", slot.encoder)

    decoded = slot.decoder.ask(Decode(trial.codec.ref, encoded.bitstream, recipe.repeat, digest=False))
    if not isinstance(decoded, Decoded):
        return _failed(known, decoded, "decode", slot.decoder)
    known |= {"decode_s": decoded.seconds, "decode_peak_bytes": decoded.peak_bytes}
    known["decode_cpu_share"] = decoded.cpu_share if recipe.timing == "alone" else None
    known["decoded_treatment"] = decoded.treatment
    known |= _gpu(encoded.gpu_bytes, decoded.gpu_bytes)
    problem = _time_problem(decoded, slot.decoder, recipe, original)

    metrics = tuple((it.name, it.target) for it in recipe.metrics)
    score = Score(
        original.image,
        trial.image.sha256,
        decoded.shape,
        metrics,
        trial.codec.lossless,
        recipe.metrics_device,
    )
    scored = slot.scorer.ask(score, [slot.decoder.decoded])
    if not isinstance(scored, Scored):
        if isinstance(scored, Failed) and scored.sha256 is not None:
            known["pixels_sha256"] = scored.sha256
        teller = slot.decoder if isinstance(scored, Failed) and scored.phase == "decode" else slot.scorer
        return _failed(known, scored, "metric", teller)
    known["pixels_sha256"] = scored.sha256
    if problem is not None:
        return _failed(known, Failed("mismatch", "decode", "", problem), "decode", slot.decoder)
    known |= {"exact": scored.exact, "metrics": scored.metrics, "reasons": scored.reasons}
    known["metrics_device"] = recipe.metrics_device
    return Outcome(Measurement(**known, status="ok"), encoded.bitstream)


def _time_problem(
    answer: Encoded | Decoded, worker: Worker, recipe: Recipe, original: Original
) -> str | None:
    """Why times are none, or not the precise ones that were asked for; under load nobody compares them."""
    if len(answer.seconds) != recipe.repeat.samples or not all(0 <= it < math.inf for it in answer.seconds):
        return f"the codec's times can't be: {answer.seconds} s for {recipe.repeat.samples} repetitions"
    if recipe.timing != "alone":
        return None
    size = math.prod(original.shape)
    spent = worker.spent
    problem = clock_problem(answer.spent, spent.cpu, spent.wall, size * (recipe.repeat.calls + 2))
    if problem is None and worker.met(original.shape) and answer.gpu_bytes is None:
        problem = reuse_problem(answer.first, answer.seconds)
    return problem


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

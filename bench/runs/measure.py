"""One trial -> one measurement: encode in one process, decode in another, score in a third."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.engines.engine import Slot, Task, Worker
from bench.engines.messages import (
    Decode,
    Decoded,
    Encode,
    Encoded,
    Failed,
    NoAnswer,
    Repeat,
    Score,
    answered,
)
from bench.host.device import DeviceName
from bench.inputs.pixels import channels_of
from bench.trials.measurement import Failure, Isolation, Measurement, TimingMode
from bench.trials.output_checks import clock_problem, reuse_problem
from bench.trials.plan import CodecPlan, MetricPlan, Trial


@dataclass(frozen=True)
class MeasuredTrial:
    """A measurement, the label of its configuration, and the bitstream behind it where it is to be kept."""

    label: str
    measurement: Measurement
    bitstream: bytes | None = None


@dataclass(frozen=True)
class MeasureTrial(Task[Trial, MeasuredTrial]):
    """Measures trials; the fields are what is the same for all of a run."""

    metrics: tuple[MetricPlan, ...]
    timing: TimingMode
    repeat: Repeat
    metrics_device: DeviceName = "cpu"
    isolation: Isolation = "process"
    keep_bitstreams: bool = False
    """Whether results carry them, which may be a long way."""

    @property
    def on_gpu(self) -> bool:
        """Whether the metrics run there."""
        return self.metrics_device == "cuda"

    def __call__(self, work: Trial, slot: Slot) -> MeasuredTrial:
        """Measure one trial. Whatever goes wrong ends in the status; nothing is raised for it."""
        record: dict[str, Any] = {
            "key": work.key,
            "environment": slot.environment,
            "dataset": work.image.dataset,
            "image": work.image.name,
            "image_sha256": work.image.sha256,
            "codec": work.codec.codec,
            "version": work.codec.version,
            "config": work.codec.config,
            "quality": work.quality,
            "weights_sha256": work.codec.weights_sha256,
            "decoder": work.codec.recorded_decoder,
            "isolation": "sealed" if slot.sealed else self.isolation,
            "timing": self.timing,
            "device": "cuda" if work.codec.on_gpu else "cpu",
        }
        if work.codec.unavailable is not None:
            failure = Failure(phase="load", message=work.codec.unavailable)
            measurement = Measurement(**record, status="unsupported", failure=failure)
            return MeasuredTrial(work.codec.label, measurement)
        bitstream = None
        try:
            bitstream = self._measured(work, slot, record)
            measurement = Measurement(**record, status="ok")
        except NoAnswer as stop:
            failed = stop.failed
            measurement = Measurement(**record, status=failed.status, failure=failed.failure)
        return MeasuredTrial(work.codec.label, measurement, bitstream if self.keep_bitstreams else None)

    def _measured(self, trial: Trial, slot: Slot, record: dict[str, Any]) -> bytes:
        """Put what is measured into ``record``, as far as it goes, and return the bitstream."""
        original = answered(slot.original(trial.path, trial.image.sha256, trial.codec.accepted))
        height, width = original.shape[:2]
        record |= {"width": width, "height": height, "treatment": original.treatment}
        record |= {"depth": original.depth, "channels": channels_of(original.shape)}

        request = Encode(
            trial.codec.ref,
            trial.quality,
            original.shape,
            original.number,
            depth=original.depth,
            repeat=self.repeat,
        )
        encoded = answered(slot.encoder.ask(request, original.pixels))
        record |= {
            "bytes": len(encoded.bitstream),
            "bitstream_sha256": hashlib.sha256(encoded.bitstream).hexdigest(),
            "encode_s": encoded.seconds,
            "encode_peak_bytes": encoded.peak_bytes,
            "peak_of": "process" if encoded.peak_bytes is None else "codec",
            # while other trials run, every share is low
            "encode_startup_s": _told(encoded.startup),
            "encode_cold_s": _told(encoded.cold) if self.timing == "alone" else None,
            "encode_cpu_share": encoded.cpu_share if self.timing == "alone" else None,
        } | _gpu(encoded.gpu_bytes)
        problem = self._time_problem(
            encoded, slot.encoder, original.shape, original.depth, request.codec.threads
        )
        if problem is not None:
            raise NoAnswer(Failed("mismatch", "encode", "", problem, stderr=slot.encoder.stderr()))

        decode = Decode(trial.codec.decoder_ref, encoded.bitstream, self.repeat, digest=False)
        decoded = answered(_with_names(slot.decoder.ask(decode), trial.codec))
        record |= {
            "decode_s": decoded.seconds,
            "decode_peak_bytes": decoded.peak_bytes,
            "decode_startup_s": _told(decoded.startup),
            "decode_cold_s": _told(decoded.cold) if self.timing == "alone" else None,
            "decode_cpu_share": decoded.cpu_share if self.timing == "alone" else None,
            "decoded_treatment": decoded.treatment,
        } | _gpu(encoded.gpu_bytes, decoded.gpu_bytes)
        problem = self._time_problem(
            decoded, slot.decoder, original.shape, original.depth, decode.codec.threads
        )

        score = Score(
            original.image,
            trial.image.sha256,
            decoded.shape,
            tuple(it.ref for it in self.metrics),
            trial.codec.lossless,
            self.metrics_device,
            decoded.dtype,
            trial.codec.accepted,
        )
        scored = slot.scorer.ask(score, slot.decoder.decoded)
        if isinstance(scored, Failed):
            if scored.sha256 is not None:
                record["pixels_sha256"] = scored.sha256
            if scored.phase == "decode":  # it is the decoder's fault that pixels can't be scored
                scored = msgspec.structs.replace(scored, stderr=slot.decoder.stderr())
            raise NoAnswer(scored)
        record["pixels_sha256"] = scored.sha256
        if problem is not None:
            raise NoAnswer(Failed("mismatch", "decode", "", problem, stderr=slot.decoder.stderr()))
        record |= {"exact": scored.exact, "metrics": scored.metrics, "reasons": scored.reasons}
        record["metrics_device"] = self.metrics_device
        return encoded.bitstream

    def _time_problem(
        self,
        answer: Encoded | Decoded,
        worker: Worker,
        shape: tuple[int, ...],
        depth: int,
        threads: int,
    ) -> str | None:
        """Why times are none, or not the precise ones that were asked for; under load nobody compares them.

        ``shape`` and ``depth`` are the original's; ``threads`` of the codec share its processor time.
        """
        count = self.repeat.samples
        if len(answer.seconds) != count or not all(0 <= it < math.inf for it in answer.seconds):
            return f"the codec's times can't be: {answer.seconds} s for {count} repetitions"
        if self.timing != "alone":
            return None
        spent = worker.spent
        sample = 1 if depth == 8 else 2
        handled = sample * math.prod(shape) * (self.repeat.calls + 2)
        cpu = None if spent.cpu is None else spent.cpu / threads
        problem = clock_problem(answer.spent, cpu, spent.wall, handled)
        if problem is None and worker.met((*shape, depth)) and answer.gpu_bytes is None:
            problem = reuse_problem(answer.first, answer.seconds)
        return problem


def _told(seconds: float | None) -> float | None:
    """A time that a process with an adapter in it tells, if it can be one."""
    return seconds if seconds is not None and 0 <= seconds < math.inf else None


def _with_names(answer: Decoded | Failed, codec: CodecPlan) -> Decoded | Failed:
    """A failure of another codec's decoder says whose bitstream it was."""
    if codec.decoder is None or not isinstance(answer, Failed):
        return answer
    told = f"{codec.decoder.codec} fails on a bitstream of {codec.codec}"
    return msgspec.structs.replace(answer, message=f"{told}: {answer.message}")


def _gpu(*held: int | None) -> dict[str, Any]:
    """What is recorded of the processes that held GPU memory for the codec."""
    used = [it for it in held if it is not None]
    return {"device": "cuda", "gpu_bytes": max(used)} if used else {}

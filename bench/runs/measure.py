"""One trial -> one measurement: encode in one process, decode in another, score in a third."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from bench.engines.engine import Slot, Task, Worker
from bench.engines.messages import (
    MESSAGE_LENGTH,
    Decode,
    Decoded,
    Encode,
    Encoded,
    EstimateRate,
    Failed,
    NoAnswer,
    Repeat,
    Score,
    Scored,
    Took,
    answered,
)
from bench.files.typed_json import MalformedJson, decode_json
from bench.host.device import DeviceName
from bench.inputs.pixels import channels_of
from bench.runs.time_checks import TimedCalls
from bench.trials.codec_ref import CodecRef
from bench.trials.measurement import Failure, Isolation, Measurement, TimingMode
from bench.trials.plan import CodecPlan, MetricPlan, Trial

if TYPE_CHECKING:
    from bench.engines.engine import Original

A = TypeVar("A", Encoded, Decoded)


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
            "weights_sha256": work.codec.weights_of(work.quality),
            "decoder": work.codec.recorded_decoder,
            "isolation": "sealed" if slot.sealed else self.isolation,
            "needs": work.codec.given if slot.sealed else (),
            "timing": self.timing,
            "device": "cuda" if work.codec.on_gpu else "cpu",
        }
        if work.codec.unavailable is not None:
            failure = Failure(phase="load", message=work.codec.unavailable)
            measurement = Measurement(**record, status="unsupported", failure=failure)
            return MeasuredTrial(work.codec.label, measurement)
        bitstream = None
        told: dict[str, Any] = {}
        """What the workers say, as far as it goes."""
        try:
            bitstream = self._measured(work, slot, told)
            told["status"] = "ok"
        except NoAnswer as stop:
            told |= {"status": stop.failed.status, "failure": stop.failed.failure}
        measurement = _readable(record, told)
        return MeasuredTrial(work.codec.label, measurement, bitstream if self.keep_bitstreams else None)

    def _measured(self, trial: Trial, slot: Slot, told: dict[str, Any]) -> bytes:
        """Put what is measured into ``told``, as far as it goes, and return the bitstream."""
        original = answered(slot.original(trial.path, trial.image.sha256, trial.codec.accepted))
        height, width = original.shape[:2]
        told |= {"width": width, "height": height, "treatment": original.treatment}
        told |= {"depth": original.depth, "channels": channels_of(original.shape)}

        ref = trial.codec.ref
        encoded, problem = self._with_problem(
            lambda: answered(self._encoded(trial, slot, original, self.repeat)),
            slot,
            slot.encoder,
            ref,
            original,
        )
        told |= {
            "bytes": len(encoded.bitstream),
            "bitstream_sha256": hashlib.sha256(encoded.bitstream).hexdigest(),
            "peak_of": "codec" if _peak(encoded.took, slot.encoder) is not None else "process",
        } | self._told("encode", encoded.took, slot.encoder)
        if problem is None and self.timing == "alone":
            timed = self._timed(encoded.took, slot.encoder, ref, original)
            problem = timed.reuse_problem(lambda other: self._encoded_timed(trial, slot, other))
        if problem is not None:
            raise NoAnswer(Failed("mismatch", "encode", "", problem, stderr=slot.encoder.stderr()))
        self._decoded(trial, slot, original, encoded, told)
        if encoded.estimates:
            told |= self._estimated(trial, slot, original, told["reasons"])
        return encoded.bitstream

    def _estimated(
        self, trial: Trial, slot: Slot, original: Original, reasons: dict[str, str]
    ) -> dict[str, Any]:
        """What the codec's model says of the size; that it says nothing leaves the result as it is."""
        request = EstimateRate(
            trial.codec.ref, trial.quality, original.shape, original.number, depth=original.depth
        )
        answer = slot.encoder.ask(request, original.pixels)
        if isinstance(answer, Failed):
            return {"reasons": reasons | {"estimated_bits": answer.reason}}
        return {"estimated_bits": answer.bits}

    def _decoded(
        self, trial: Trial, slot: Slot, original: Original, encoded: Encoded, told: dict[str, Any]
    ) -> None:
        """Decode, score and check, and put what comes of it into ``told``."""
        ref = trial.codec.decoder_ref
        decode = Decode(ref, encoded.bitstream, self.repeat, digest=False)
        decoded, problem = self._with_problem(
            lambda: answered(_with_names(slot.decoder.ask(decode), trial.codec)),
            slot,
            slot.decoder,
            ref,
            original,
        )
        told |= self._told("decode", decoded.took, slot.decoder)
        told |= _gpu(encoded.took, decoded.took) | {"decoded_treatment": decoded.treatment}
        timed = self._timed(decoded.took, slot.decoder, ref, original)

        scored = self._scored(trial, slot, original, decoded, told)
        problem = problem or slot.decoder.recheck(
            msgspec.structs.replace(decode, repeat=Repeat()),
            msgspec.structs.replace(decoded, sha256=scored.sha256),
            original.number,
        )
        if problem is None and self.timing == "alone":
            problem = timed.reuse_problem(lambda other: self._decoded_timed(trial, slot, other))
        if problem is not None:
            raise NoAnswer(Failed("mismatch", "decode", "", problem, stderr=slot.decoder.stderr()))
        told |= {"exact": scored.exact, "metrics": scored.metrics, "reasons": scored.reasons}
        told["metrics_device"] = self.metrics_device

    def _scored(
        self, trial: Trial, slot: Slot, original: Original, decoded: Decoded, told: dict[str, Any]
    ) -> Scored:
        score = Score(
            original.image,
            trial.image.sha256,
            decoded.shape,
            tuple(it.ref for it in self.metrics),
            trial.codec.lossless,
            self.metrics_device,
            decoded.dtype,
            trial.codec.accepted,
            _known(trial.former, self.metrics_device),
        )
        scored = slot.scorer.ask(score, slot.decoder.decoded)
        if isinstance(scored, Failed):
            if scored.sha256 is not None:
                told["pixels_sha256"] = scored.sha256
            if scored.phase == "decode":  # it is the decoder's fault that pixels can't be scored
                scored = msgspec.structs.replace(scored, stderr=slot.decoder.stderr())
            raise NoAnswer(scored)
        told["pixels_sha256"] = scored.sha256
        return scored

    def _encoded(self, trial: Trial, slot: Slot, original: Original, repeat: Repeat) -> Encoded | Failed:
        request = Encode(
            trial.codec.ref,
            trial.quality,
            original.shape,
            original.number,
            depth=original.depth,
            repeat=repeat,
        )
        return slot.encoder.ask(request, original.pixels)

    def _encoded_timed(self, trial: Trial, slot: Slot, original: Original) -> TimedCalls:
        """The calls of the encoder on another picture."""
        encoded = answered(self._encoded(trial, slot, original, self.repeat))
        return self._timed(encoded.took, slot.encoder, trial.codec.ref, original)

    def _decoded_timed(self, trial: Trial, slot: Slot, original: Original) -> TimedCalls:
        """The calls of the decoder on the bitstream of another picture."""
        encoded = answered(self._encoded(trial, slot, original, Repeat()))
        ref = trial.codec.decoder_ref
        decoded = answered(slot.decoder.ask(Decode(ref, encoded.bitstream, self.repeat, digest=False)))
        return self._timed(decoded.took, slot.decoder, ref, original)

    def _timed(self, took: Took, worker: Worker, codec: CodecRef, original: Original) -> TimedCalls:
        return TimedCalls(took, worker.spent, self.repeat, codec.threads, original)

    def _told(self, side: str, took: Took, worker: Worker) -> dict[str, Any]:
        """What is recorded of the calls of one side; shares of the processor are low while others run."""
        alone = self.timing == "alone"
        return {
            f"{side}_s": took.calls[self.repeat.warmup :],
            f"{side}_peak_bytes": _peak(took, worker),
            f"{side}_startup_s": took.startup,
            f"{side}_cold_s": took.calls[0] if alone and took.fresh else None,
            f"{side}_cpu_share": took.cpu_share if alone else None,
        } | _gpu(took)

    def _with_problem(
        self, ask: Callable[[], A], slot: Slot, worker: Worker, codec: CodecRef, original: Original
    ) -> tuple[A, str | None]:
        """An answer, and why the times in it cannot be.

        It is asked for once more before that is said: what a process does once, such as taking its pages
        after the fork, is seen only the first time.
        """
        answer = ask()
        problem = self._problem(answer.took, slot, worker, codec, original)
        if problem is not None:
            answer = ask()
            problem = self._problem(answer.took, slot, worker, codec, original)
        return answer, problem

    def _problem(
        self, took: Took, slot: Slot, worker: Worker, codec: CodecRef, original: Original
    ) -> str | None:
        """Why what a process tells of its calls cannot be; times under load nobody compares."""
        if len(took.calls) != self.repeat.calls:
            return f"the codec's times can't be: {len(took.calls)} of {self.repeat.calls} calls are told"
        if took.gpu_bytes is not None and slot.sealed and not codec.has_gpu:
            return "it tells of memory on a GPU, and was given none"
        if self.timing != "alone":
            return None
        return self._timed(took, worker, codec, original).problem()


def _readable(record: dict[str, Any], told: dict[str, Any]) -> Measurement:
    """The measurement as the journal can be read again; what can't be there is a ``mismatch``.

    Parameters
    ----------
    record : what the plan says of the trial
    told : what came of it, of which processes with adapters in them have their part
    """
    measurement = Measurement(**record | told)
    try:
        return decode_json(msgspec.json.encode(measurement), Measurement)
    except (MalformedJson, ValueError, TypeError) as error:
        failure = Failure(
            phase="load", message=f"what was told of it can't be recorded: {error}"[:MESSAGE_LENGTH]
        )
        return Measurement(**record, status="mismatch", failure=failure)


def _known(former: Measurement | None, device: DeviceName) -> Scored | None:
    """The scores of a former result, where each was made on this device."""
    if former is None or former.metrics_device != device or former.reasons or former.pixels_sha256 is None:
        return None
    return Scored(former.exact, former.metrics, {}, former.pixels_sha256)


def _peak(took: Took, worker: Worker) -> int | None:
    """Most memory of the codec: of its programs as it tells, else of its process as seen from here."""
    return worker.spent.peak_bytes if took.counted else took.program_peak_bytes


def _with_names(answer: Decoded | Failed, codec: CodecPlan) -> Decoded | Failed:
    """A failure of another codec's decoder says whose bitstream it was."""
    if codec.decoder is None or not isinstance(answer, Failed):
        return answer
    told = f"{codec.decoder.codec} fails on a bitstream of {codec.codec}"
    return msgspec.structs.replace(answer, message=f"{told}: {answer.message}")


def _gpu(*calls: Took) -> dict[str, Any]:
    """What is recorded of the processes that held GPU memory for the codec."""
    used = [it.gpu_bytes for it in calls if it.gpu_bytes is not None]
    return {"device": "cuda", "gpu_bytes": max(used)} if used else {}

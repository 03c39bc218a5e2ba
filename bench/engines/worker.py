"""What a worker does: load, encode, decode, score; the harness holds the clock.

A trial visits three of them, most often each a process of its own. The scorer reads the original and later
compares the result; it loads metrics and never an adapter. The encoder is given the samples, the decoder the
bitstream, and nothing else; each serves one codec. Neither trusts the adapter: what it returns is checked and
materialised inside the timed window, and what it raises becomes a failure.
"""

from __future__ import annotations

import errno
import hashlib
import inspect
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench import registry
from bench.codec import Codec, Samples, completed, encoder, needs_of
from bench.engines import memory
from bench.engines.channel import Channel
from bench.engines.description import described
from bench.engines.gpu import GpuUse, T, timed
from bench.engines.messages import (
    LARGEST,
    MESSAGE_LENGTH,
    AnyRequest,
    AskNeeds,
    CheckCuda,
    Confine,
    Confined,
    CudaState,
    Decode,
    Decoded,
    Describe,
    DescribeMetric,
    Encode,
    Encoded,
    Estimated,
    EstimateRate,
    Explain,
    Explained,
    Failed,
    Load,
    Loaded,
    Needed,
    OfPicture,
    Prepare,
    Prepared,
    Repeat,
    Score,
    Scored,
    Took,
    pack,
    unpack_request,
)
from bench.engines.options import added_defaults, complete_config
from bench.engines.programs import ProgramCount, ProgramUse, program_use
from bench.engines.shared_pixels import SampleType, read_samples, type_of, write_samples
from bench.errors import (
    BadImage,
    BenchError,
    CodecUnavailable,
    MetricUndefined,
    Unsupported,
    UnsupportedImage,
)
from bench.host.device import DeviceName, cuda_problem
from bench.inputs.image import fit, read_stored
from bench.inputs.pixels import Accepted, Picture, StoredPicture
from bench.metrics.base import Metric, Pair, Reference, suited
from bench.program import programs_run_by
from bench.sealing.seal import seal
from bench.trials.codec_ref import CodecRef, Description, MetricDescription, MetricRef
from bench.trials.measurement import FailureStatus, Phase
from bench.trials.output_checks import Mismatch, Repetitions, check_pixels, identical, materialised

_TORCH_NO_MEMORY = ("can't allocate memory", "CUDA error: out of memory")
_COMPILE_KERNELS = "bench_codecs._common.kernels:compile_kernels"
_DENIED = tuple(map(os.strerror, (errno.EACCES, errno.EPERM)))
_SEALED = (
    "(codecs are sealed: one that needs more than its own files declares it, `needs`; --no-sealed lets all of"
    " them see the whole machine)"
)


@dataclass
class _Ready:
    """The codec as this process constructed it."""

    ref: CodecRef
    codec: Codec
    encode: Callable[[Samples, float | None, int], bytes]
    config: dict[str, Any]
    unrecorded: dict[str, Any]
    """Options that are no part of ``config``, see :class:`bench.trials.codec_ref.Description`."""
    needs: tuple[str, ...]
    gpu: GpuUse
    alone: bool
    """Whether the memory of the process is that of this codec."""
    called: bool = False
    """Whether it has encoded or decoded here."""


@dataclass
class _Given:
    """A picture to be encoded."""

    original: int
    pixels: Samples
    copy: Samples | None = None
    """What the codec is given, as long as it is the same."""


@dataclass
class WorkerState:
    """What a worker keeps between requests."""

    samples: int
    """Descriptor of the file for decoded samples."""
    files: Sequence[int] = ()
    """Descriptors that came with the request."""
    own_process: bool = True
    """Whether nothing else goes on in this process, so that its memory is that of the codec."""
    sealed: bool = False
    """Whether the process sees no more than its codec is to."""
    ready: _Ready | None = None
    described: dict[CodecRef, Description] = field(default_factory=dict)
    metrics: dict[tuple[MetricRef, DeviceName], Metric] = field(default_factory=dict)
    source: tuple[Path, str | None, Accepted] | None = None
    """File and hash of the original at hand, and the forms for which it was read."""
    stored: StoredPicture | None = None
    """The same as the file stores it."""
    references: dict[tuple[Any, ...], Reference] = field(default_factory=dict)
    """The same in the forms that codecs were given."""
    reference: Reference | None = None
    picture: _Given | None = None
    """The last one that was to be encoded."""


def serve(channel: Channel, samples: int) -> None:
    """Answer requests until the other end closes.

    Parameters
    ----------
    channel : this process's end of the connection
    samples : descriptor of the file for decoded samples
    """
    state = WorkerState(samples)
    while True:
        try:
            data, files = channel.receive(LARGEST)
        except EOFError:
            return
        for file in files:
            os.set_inheritable(file, False)
        state.files = files
        request = unpack_request(data)
        del data
        channel.send(packed_answer(state, request))
        for file in files:
            os.close(file)


def packed_answer(state: WorkerState, request: AnyRequest) -> bytes:
    """The answer to a request as it travels; a :class:`Failed` for whatever a codec or a metric raises.

    A child that a codec forked and forgot ends here: it must not answer in its parent's place.
    """
    handlers: dict[type, Callable[..., Any]] = {
        Confine: _confine,
        AskNeeds: _ask_needs,
        Prepare: _prepare,
        Describe: _describe,
        DescribeMetric: _describe_metric,
        CheckCuda: _check_cuda,
        Load: _load,
        Encode: _encode,
        EstimateRate: _estimate,
        Decode: _decode,
        Score: _score,
        Explain: _explain,
    }
    pid = os.getpid()
    try:
        answer = handlers[type(request)](state, request)
        data = pack(_with_remedy(answer) if state.sealed else answer)
        if len(data) > LARGEST:
            raise Mismatch(f"the answer has {len(data)} bytes, more than {LARGEST}")
    except Exception as error:
        failed = _failed(error, request.phase)
        data = pack(_with_remedy(failed) if state.sealed else failed)
    if os.getpid() != pid:
        os._exit(1)
    return data


def _confine(state: WorkerState, request: Confine) -> Confined:
    if request.view is None:
        return Confined()
    if (kernels := request.kernels) is not None:
        registry.load(_COMPILE_KERNELS)(kernels.target, explaining=kernels.explaining)
    seal(request.view)
    state.sealed = True
    return Confined()


def _ask_needs(state: WorkerState, request: AskNeeds) -> Needed:
    ref = request.codec
    return Needed(needs_of(registry.load_codec(ref.target, dict(ref.config), trusted=ref.trusted)))


def _prepare(state: WorkerState, request: Prepare) -> Prepared:
    _codec(state, request.codec)
    return Prepared()


def _describe(state: WorkerState, request: Describe) -> Description:
    if request.codec not in state.described:
        made = _constructed(request.codec, alone=False)
        found = described(made.codec, made.config, request.codec.target)
        state.described[request.codec] = msgspec.structs.replace(
            found, needs=made.needs, unrecorded=made.unrecorded
        )
    return state.described[request.codec]


def _describe_metric(state: WorkerState, request: DescribeMetric) -> MetricDescription:
    target = request.metric.target
    metric = _metric(state, request.metric, "cpu")
    return MetricDescription(
        str(getattr(metric, "name", "")) or registry.short_name(target),
        str(getattr(metric, "version", "")),
        str(getattr(metric, "unit", "")),
        bool(metric.higher_is_better),
        ideal=getattr(metric, "ideal", None),
        takes_device=_takes_device(type(metric)),
        learned=bool(getattr(metric, "learned", False)),
        title=str(getattr(metric, "title", "")),
        role=str(getattr(metric, "role", "")),
        imported=registry.imported_beside(target),
    )


def _check_cuda(state: WorkerState, request: CheckCuda) -> CudaState:
    return CudaState(cuda_problem())


def _load(state: WorkerState, request: Load) -> Loaded:
    picture = _picture(state, request)
    write_samples(state.files[0], picture.pixels)
    return Loaded(picture.pixels.shape, picture.treatment, picture.depth)


def _picture(state: WorkerState, request: Load | Score) -> Picture:
    """The picture of a request from its file, which is read once for all forms that codecs take it in."""
    same = state.source is not None and state.source[:2] == (request.image, request.sha256)
    if not same or state.stored is None:
        _forget(state)
        state.stored = read_stored(request.image, request.sha256)
    picture = fit(state.stored, request.accepted, request.image)
    _keep(state, request, picture)
    return picture


def _forget(state: WorkerState) -> None:
    state.source = state.stored = state.reference = None
    state.references.clear()


def _keep(state: WorkerState, request: Load | Score, picture: Picture) -> Reference:
    """Have a picture at hand; what metrics keep of its reference stays while its file does."""
    picture.pixels.flags.writeable = False
    form = (picture.pixels.shape, picture.depth, picture.treatment)
    state.reference = state.references.setdefault(form, Reference(picture.pixels, picture.depth))
    state.source = request.image, request.sha256, request.accepted
    return state.reference


def _reference(state: WorkerState, request: Score) -> Reference:
    """The original at hand, or its file's."""
    if state.reference is None or state.source != (request.image, request.sha256, request.accepted):
        _picture(state, request)
        assert state.reference is not None
    return state.reference


def _given(state: WorkerState, request: OfPicture[Any]) -> _Given:
    """The picture at hand, or the one that came along."""
    if state.picture is None or state.picture.original != request.original:
        state.picture = None
        pixels = read_samples(state.files[0], request.shape, type_of(request.depth))
        pixels.flags.writeable = False
        state.picture = _Given(request.original, pixels)
    return state.picture


def _encode(state: WorkerState, request: Encode) -> Encoded | Failed:
    phase: Phase = "load"
    try:
        picture = _given(state, request)
        image = picture.pixels
        ready = _codec(state, request.codec)
        phase = "encode"
        # numpy's lock does not bind a library that was handed the memory
        given = image.copy() if picture.copy is None else picture.copy
        given.flags.writeable = False
        picture.copy = None
        results = Repetitions("encode", _bitstream)
        bitstream, took = _measured(
            ready,
            lambda: ready.encode(given, request.quality, request.depth),
            request.repeat,
            results,
        )
        if not identical(given, image):
            raise Mismatch("encode wrote into the picture that it was given")
        picture.copy = given
        bitstream = bytes(_bitstream(bitstream))  # a subclass could carry more than its bytes
        return Encoded(bitstream, took, estimates=hasattr(ready.codec, "estimated_bits"))
    except Exception as error:
        return _failed(error, phase)


def _estimate(state: WorkerState, request: EstimateRate) -> Estimated:
    picture, codec = _given(state, request), _codec(state, request.codec).codec
    given = picture.pixels.copy()
    given.flags.writeable = False
    found = float(codec.estimated_bits(given, request.quality))  # type: ignore[attr-defined]  # it has said so
    if not 0 <= found < math.inf:
        raise Mismatch(f"estimated_bits returned {found}, which is no number of bits")
    return Estimated(found)


def _bitstream(found: Any) -> memoryview:
    """What ``encode`` returned, checked."""
    if not isinstance(found, bytes):
        raise Mismatch(f"encode returned {type(found).__name__}, not bytes")
    if not found:
        raise Mismatch("encode returned no byte at all; a bitstream has at least one")
    return memoryview(found)


def _decode(state: WorkerState, request: Decode) -> Decoded:
    ready = _codec(state, request.codec)
    results = Repetitions("decode", lambda it: it.reshape(-1).data)
    deep = max(getattr(ready.codec, "depths", (8,))) > 8
    pixels, took = _measured(
        ready, lambda: materialised(ready.codec.decode(request.bitstream), deep=deep), request.repeat, results
    )
    write_samples(state.samples, pixels)
    return Decoded(
        pixels.shape,
        took,
        hashlib.sha256(pixels.reshape(-1).data).hexdigest() if request.digest else None,
        treatment=str(getattr(ready.codec, "treatment", "")),
        dtype="uint8" if pixels.dtype == np.uint8 else "uint16",
    )


def _measured(
    ready: _Ready, function: Callable[[], T], repeat: Repeat, results: Repetitions
) -> tuple[T, Took]:
    """The result of a codec's call, and what it took.

    Memory is that of a learned codec, and of every codec where there is a warm-up: giving back what the
    allocator keeps makes the next call slower.
    """
    counts = bool(repeat.warmup) or hasattr(ready.codec, "weights_sha256")
    counts = counts and ready.alone and memory.reset_peak()
    programs = ProgramCount()
    with programs_run_by(programs):
        if repeat.calls > 1:
            result, seconds = timed(function, repeat, ready.gpu, results.take)
        else:
            result, seconds = timed(function, repeat, ready.gpu)
    whole = programs.started and repeat.warmup and ready.alone
    use = program_use(function, repeat.samples) if whole else ProgramUse()
    took = Took(
        calls=(*results.calls[: repeat.warmup], *seconds),
        programs=use.spent,
        startup=use.startup,
        program_peak_bytes=use.peak_bytes,
        counted=counts and not programs.started,
        gpu_bytes=ready.gpu.peak,
        cpu_share=ready.gpu.cpu_share,
        fresh=not ready.called,
    )
    ready.called = True
    return result, took


def _score(state: WorkerState, request: Score) -> Scored | Failed:
    digest = None
    try:
        decoded = _decoded(state.files[0], request.shape, request.dtype)
        digest = hashlib.sha256(decoded.reshape(-1).data).hexdigest()
        if request.known is not None and request.known.sha256 == digest:
            return request.known
        reference = _reference(state, request)
        return _scored(state, request, reference, decoded, digest)
    except Exception as error:
        phase: Phase = "metric" if not isinstance(error, Mismatch | BadImage) else "decode"
        return _failed(error, phase, sha256=digest)


def _decoded(file: int, shape: tuple[int, ...], dtype: SampleType) -> Samples:
    """A copy of what was decoded, which nobody else can write to."""
    try:
        return read_samples(file, shape, dtype)
    except EOFError as error:
        raise Mismatch(f"decode: {error}") from error


def _explain(state: WorkerState, request: Explain) -> Explained | Failed:
    from bench.engines.explain import explained

    phase: Phase = "load"
    try:
        image = read_samples(state.files[0], request.shape)
        image.flags.writeable = False
        codec = _codec(state, request.codec).codec
        phase = "encode"
        return explained(codec, image, request.quality)
    except Exception as error:
        return _failed(error, phase)


def _scored(
    state: WorkerState, request: Score, reference: Reference, decoded: Samples, digest: str
) -> Scored:
    exact = check_pixels(reference.image, decoded, lossless=request.lossless, depth=reference.depth)
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    pair = Pair(reference, decoded)
    for ref in request.metrics:
        name = ref.name
        try:
            metric = _metric(state, ref, request.device)
            value = float(metric(suited(pair, metric)))
        except (MetricUndefined, CodecUnavailable) as error:
            values[name], reasons[name] = None, str(error)
            continue
        if math.isnan(value):
            raise ArithmeticError(f"{name} is not a number")
        finite = math.isfinite(value)
        values[name] = value if finite else None
        if not finite:
            reasons[name] = "identical pixels" if exact else "no error in these samples"
    return Scored(exact, values, reasons, digest)


def _codec(state: WorkerState, ref: CodecRef) -> _Ready:
    """The codec of this process: the first that is asked for, and no other."""
    if state.ready is None:
        state.ready = _constructed(ref, alone=state.own_process)
    assert state.ready.ref == ref, "a process serves one codec"
    return state.ready


def _constructed(ref: CodecRef, *, alone: bool) -> _Ready:
    constructor = registry.load_codec(ref.target, dict(ref.config), trusted=ref.trusted)
    needs = tuple(dict.fromkeys((*ref.needs, *needs_of(constructor))))
    config = complete_config(constructor, dict(ref.config))
    gpu = GpuUse()
    with gpu.counted():
        codec = completed(constructor(**config))
    unrecorded = {key: it for key, it in added_defaults(constructor).items() if key not in config}
    return _Ready(ref, codec, encoder(codec), config, unrecorded, needs, gpu, alone)


def _metric(state: WorkerState, ref: MetricRef, device: DeviceName) -> Metric:
    if (ref, device) not in state.metrics:
        options = dict(ref.config)
        constructor = registry.load_metric(ref.target, options, trusted=ref.trusted)
        on_device = {"device": device} if _takes_device(constructor) else {}
        state.metrics[ref, device] = constructor(**options, **on_device)
    return state.metrics[ref, device]


def _takes_device(constructor: type) -> bool:
    return "device" in inspect.signature(constructor).parameters


def _failed(error: Exception, phase: Phase, sha256: str | None = None) -> Failed:
    status: FailureStatus
    match error:
        case _ if _out_of_memory(error):
            status = "oom"
        case BadImage():
            status, phase = "bad_input", "load"
        case UnsupportedImage() | Unsupported() | CodecUnavailable():
            status = "unsupported"
        case Mismatch():
            status = "mismatch"
        case _:
            status = "nonfinite" if phase == "metric" else "codec_error"
    name = "" if isinstance(error, BenchError | Mismatch) else type(error).__name__
    said = _cut(_message(error) or type(error).__name__)
    return Failed(status, phase, _cut(name), said, sha256)


def _with_remedy(answer: Any) -> Any:
    """The answer; to a failure for want of a permission what to do about that is added."""
    if not isinstance(answer, Failed) or not any(it in answer.message for it in _DENIED):
        return answer
    return msgspec.structs.replace(answer, message=_cut(f"{_cut(answer.message, 3000)} {_SEALED}"))


def _message(error: Exception) -> str:
    try:
        return str(error)
    except Exception as another:  # an exception class of the adapter's own
        return f"(its message can't be made: {type(another).__name__})"


def _cut(text: str, length: int = MESSAGE_LENGTH) -> str:
    """The text as it can be written, at a length that can be read."""
    kept = text if len(text) <= length else text[: length - 1] + "…"
    return kept.encode("utf-8", "replace").decode()


def _out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; torch says so in a RuntimeError, of the GPU's in a subclass."""
    said = _message(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and any(it in said for it in _TORCH_NO_MEMORY))
    )

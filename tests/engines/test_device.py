"""Where codecs and metrics run: what was asked for, what is recorded, and how a GPU is timed."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

import bench
from bench.engines import open_engine
from bench.engines.describing import describe_suite, require_unchanged
from bench.engines.gpu import GpuUse, timed
from bench.engines.messages import CheckCuda, CudaState, Describe, Failed, Repeat
from bench.errors import CodecUnavailable, ConfigError
from bench.host import device, environment
from bench.host.device import require, resolve
from bench.inputs.suite import Suite, parse_codec
from bench.runs.store import read_journal
from bench.trials.codec_ref import CodecRef, DescribedMetric, Description, MetricDescription, MetricRef
from bench.trials.measurement import Measurement
from bench.trials.plan import CodecPlan, TrustedCodec, make_plan
from tests.engines import fake_gpu

ABSENT = "no GPU here, use the device cpu"
FAKE = Path(fake_gpu.__file__)


def present() -> None:
    """There is CUDA."""


def absent() -> str:
    """There is none."""
    return ABSENT


def placed(spec: str, wanted: str, problem: Callable[[], str | None]) -> CodecPlan:
    """The plan of a codec with the options ``device`` (default cpu) and ``level``, where jpeg would be."""

    def describe(ref: CodecRef) -> Description | Failed:
        config: dict[str, Any] = {"device": "cpu", "level": "1"} | dict(ref.config)
        if config["device"] == "cuda" and problem() is not None:
            return Failed("unsupported", "load", "", f"jpeg: {problem()}")
        return Description("jpeg", "1", False, (1.0,), (0.0, 9.0), config, None, {})

    return planned(Suite(codecs=(parse_codec(spec),), device=wanted), describe, problem)


def planned(
    suite: Suite, describe: Callable[[CodecRef], Description | Failed], problem: Callable[[], str | None]
) -> CodecPlan:
    """The plan of the one codec of a suite, with a metric that can use a GPU."""

    class Describer:
        def describe(self, request: Describe | CheckCuda) -> Any:
            return CudaState(problem()) if isinstance(request, CheckCuda) else describe(request.codec)

    metric = DescribedMetric(MetricRef("m", "m:M"), MetricDescription("m", "1", "", True, takes_device=True))
    described = describe_suite(Describer(), suite, [metric])
    return make_plan(suite, (), described).plan.codecs[0]


@pytest.fixture
def with_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpus", lambda: ("a GPU",))


@pytest.mark.parametrize(
    ("spec", "wanted", "device_is", "label"),
    [
        ("jpeg", "auto", "cuda", "jpeg"),
        ("jpeg:level=2", "auto", "cuda", "jpeg-2"),
        ("jpeg", "cuda", "cuda", "jpeg-cuda"),
        ("jpeg", "cpu", "cpu", "jpeg"),
        ("jpeg:device=cpu", "cuda", "cpu", "jpeg"),
        ("jpeg:device=cuda", "cpu", "cuda", "jpeg-cuda"),
        ("jpeg:device=auto,level=2", "cuda", "cuda", "jpeg-cuda-2"),
    ],
)
@pytest.mark.usefixtures("with_gpu")
def test_a_codec_runs_where_its_spec_or_else_the_suite_says(
    spec: str, wanted: str, device_is: str, label: str
) -> None:
    """``auto`` takes the GPU without changing the label; the plan holds the real device, never ``auto``."""
    plan = placed(spec, wanted, present)
    assert plan.config["device"] == device_is
    assert plan.label == label


def test_absent_cuda_is_an_error_only_where_it_was_asked_for() -> None:
    """By the suite or by the spec, it is refused before anything runs; ``auto`` stays on the CPU."""
    for spec, wanted in (("jpeg", "cuda"), ("jpeg:device=cuda", "auto"), ("jpeg:device=cuda", "cpu")):
        with pytest.raises(ConfigError, match=ABSENT):
            placed(spec, wanted, absent)
    assert placed("jpeg", "auto", absent).config["device"] == "cpu"
    assert placed("jpeg:device=auto", "auto", absent).config["device"] == "cpu"
    with pytest.raises(ConfigError, match="tpu"):
        resolve("tpu", present)


@pytest.mark.usefixtures("with_gpu")
def test_auto_leaves_devices_of_another_kind_alone() -> None:
    """A codec whose option refuses cuda keeps its own default; by name the refusal is passed on."""

    def describe(ref: CodecRef) -> Description | Failed:
        config = {"device": "mps"} | dict(ref.config)
        if config["device"] != "mps":
            return Failed("codec_error", "load", "", "one of mps")
        return Description("jpeg", "1", False, (1.0,), (0.0, 9.0), config, None, {})

    plan = planned(Suite(codecs=(parse_codec("jpeg"),)), describe, present)
    assert plan.config == {"device": "mps"}
    with pytest.raises(ConfigError, match="one of mps"):
        planned(Suite(codecs=(parse_codec("jpeg"),), device="cuda"), describe, present)


def test_constructors_of_metrics_refuse_absent_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the metric and holds the remedy."""
    monkeypatch.setattr(device, "cuda_problem", absent)
    with pytest.raises(CodecUnavailable, match=f"psnr_rgb.*{ABSENT}"):
        require("psnr_rgb", "cuda")
    require("psnr_rgb", "cpu")


def test_the_clock_waits_for_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queued work is inside the time of a codec that uses the GPU, and of no other; memory is its own."""
    cuda = fake_gpu.Cuda()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    clock = iter(range(100))
    monkeypatch.setattr("bench.engines.gpu.perf_counter", lambda: next(clock))
    cuda.allocate(500)  # a metric's

    use = GpuUse()
    with use.counted():
        cuda.allocate(fake_gpu.WEIGHTS)

    def work() -> str:
        cuda.allocate(fake_gpu.WORK)
        cuda.calls.append("work")
        cuda.allocate(-fake_gpu.WORK)
        return "done"

    result, seconds = timed(work, Repeat(warmup=1, samples=2), use)
    assert result == "done"
    assert cuda.calls == ["work", *2 * ["synchronize", "work", "synchronize"]]
    assert seconds == (2, 2), "start, return, and after the wait"
    assert use.peak == fake_gpu.WEIGHTS + fake_gpu.WORK
    assert use.cpu_share is None, "the processor waits for a GPU"

    other = GpuUse()
    _, seconds = timed(lambda: None, Repeat(), other)
    assert seconds == (1,)
    assert other.peak is None


def test_time_without_the_processor_is_told() -> None:
    """Whatever keeps a codec from the processor while it is timed lowers its share; children count as it."""
    repeat = Repeat(warmup=1, samples=3)
    waited, child = GpuUse(), GpuUse()
    timed(lambda: time.sleep(0.02), repeat, waited)
    spin = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.1: pass"]
    timed(lambda: subprocess.run(spin, check=True), repeat, child)
    assert waited.cpu_share is not None
    assert child.cpu_share is not None
    assert waited.cpu_share < 0.5
    assert waited.cpu_share < child.cpu_share <= 1


def test_timing_imports_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without torch stays without it."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    use = GpuUse()
    timed(lambda: None, Repeat(), use)
    assert "torch" not in sys.modules
    assert use.peak is None


def test_device_and_memory_are_recorded(pictures: Path, tmp_path: Path) -> None:
    """Each trial says where it ran; peak memory is the larger of encoder's and decoder's."""
    codecs = tuple(parse_codec(f"{FAKE}:{name}@4") for name in ("OnGpu", "Beside"))
    suite = Suite(datasets=(str(pictures),), codecs=codecs, metrics=("psnr_rgb",), limit=1)
    bench.run(suite, out=tmp_path / "run")
    on_gpu, beside = sorted(read_journal(tmp_path / "run"), key=lambda it: it.codec, reverse=True)
    assert (on_gpu.device, on_gpu.gpu_bytes) == ("cuda", fake_gpu.WEIGHTS + 2 * fake_gpu.WORK)
    assert (beside.device, beside.gpu_bytes) == ("cpu", None)
    assert on_gpu.metrics_device == "cpu"
    frame = bench.load(tmp_path / "run").set_index("codec")
    assert list(frame.loc["OnGpu", ["device", "gpu_bytes"]]) == ["cuda", on_gpu.gpu_bytes]
    assert frame.loc["Beside", "device"] == "cpu"


def test_journals_without_devices_are_read() -> None:
    """Lines of before the fields existed stand for runs on the CPU."""
    line = (
        b'{"key":"k","environment":"e","dataset":"d","image":"i","image_sha256":"s","codec":"jpeg",'
        b'"version":"1","config":{},"status":"ok"}'
    )
    found = msgspec.json.decode(line, type=Measurement)
    assert (found.device, found.gpu_bytes, found.metrics_device) == ("cpu", None, "cpu")


def test_a_codec_that_is_absent_here_is_told_before_it_is_probed() -> None:
    """Its refusal would else look like damage detected."""
    plan = TrustedCodec(
        label="mine",
        codec="mine",
        target=f"{FAKE.parent.parent / 'adapters.py'}:Unavailable",
        version="1",
        lossless=False,
        config={},
        qualities=(1.0,),
    )
    with open_engine() as engine, pytest.raises(ConfigError, match=r"mine.*pip install libmissing"):
        require_unchanged(engine, [plan])


def test_environment_names_gpu_driver_and_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come from the driver's library, without torch; the GPU is part of the machine's identity."""

    class Nvml:
        def nvmlInit_v2(self) -> int:
            return 0

        def nvmlShutdown(self) -> int:
            return 0

        def nvmlDeviceGetCount_v2(self, count: Any) -> int:
            count._obj.value = 2
            return 0

        def nvmlDeviceGetHandleByIndex_v2(self, index: Any, handle: Any) -> int:
            return 0

        def nvmlDeviceGetName(self, handle: Any, text: Any, size: Any) -> int:
            text.value = b"NVIDIA H200"
            return 0

        def nvmlSystemGetDriverVersion(self, text: Any, size: Any) -> int:
            text.value = b"570.86.15"
            return 0

    without = environment.current()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Nvml())
    found = environment.current()
    assert found.machine["gpu"] == "2 × NVIDIA H200"
    assert found.software["nvidia driver"] == "570.86.15"
    assert found.software["cuda"]
    assert found.id != without.id or "gpu" in without.machine

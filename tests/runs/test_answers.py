"""Whatever processes with adapters answer, the journal can be read again."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.engines.engine import Spent
from bench.engines.messages import (
    Decode,
    Encode,
    EstimateRate,
    Failed,
    Repeat,
    Request,
    Score,
    pack,
    unpack_answer,
)
from bench.engines.shared_pixels import Original
from bench.runs.measure import MeasureTrial
from bench.runs.store import journal
from bench.trials.codec_ref import CodecRef
from bench.trials.measurement import Measurement
from bench.trials.plan import ImagePlan, MetricPlan, Trial, TrustedCodec

_NUMBERS = st.integers(-(1 << 63), (1 << 64) - 1) | st.floats()
_PLAIN = st.none() | st.booleans() | _NUMBERS | st.text(max_size=20) | st.binary(max_size=20)
_ANYTHING = st.recursive(
    _PLAIN, lambda it: st.lists(it, max_size=4) | st.dictionaries(st.text(max_size=9), it, max_size=4)
)
_LONG = st.integers(900, 3000).map("A".__mul__)
_TOOK = {
    "calls": [0.5],
    "programs": 0.0,
    "startup": None,
    "program_peak_bytes": None,
    "counted": True,
    "gpu_bytes": None,
    "cpu_share": 1.0,
    "fresh": True,
}
_SHA256 = "0" * 64
_ANSWERS: dict[type[Request[Any]], dict[str, Any]] = {
    Encode: {"type": "Encoded", "bitstream": b"bits", "took": _TOOK, "estimates": True},
    EstimateRate: {"type": "Estimated", "bits": 30.0},
    Decode: {"type": "Decoded", "shape": [8, 8, 3], "took": _TOOK, "treatment": "", "dtype": "uint8"},
    Score: {"type": "Scored", "exact": False, "metrics": {"psnr": 30.0}, "reasons": {}, "sha256": _SHA256},
}
_FAILURE = {
    "type": "Failed",
    "status": "crash",
    "phase": "encode",
    "exception": "E",
    "message": "it fails",
    "sha256": None,
    "signal": None,
    "stderr": "",
}


def _like(value: Any) -> st.SearchStrategy[Any]:
    """Most often something of the same kind, which is what arrives unless it is out of bounds."""
    if isinstance(value, dict) and value:
        return _spoilt(value)
    if isinstance(value, list):
        return st.lists(_NUMBERS, max_size=3) | _ANYTHING
    return (_LONG | st.text(max_size=9) if isinstance(value, str) else _NUMBERS) | _ANYTHING


@st.composite
def _spoilt(draw: st.DrawFn, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with one of its values replaced, or none."""
    name = draw(st.none() | st.sampled_from([it for it in answer if it != "type"]))
    if name == "status":
        return answer | {name: draw(st.sampled_from(("ok", "cancelled", "timeout", "mismatch", "")))}
    return answer if name is None else answer | {name: draw(_like(answer[name]))}


def _answers(kind: type[Request[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    answer = _spoilt(_ANSWERS[kind])
    return st.integers(0, 4).flatmap(lambda it: _spoilt(_FAILURE) if it == 0 else answer)


_MESSAGES = st.fixed_dictionaries({kind: _answers(kind) for kind in _ANSWERS})


@dataclass
class _Told:
    """A worker whose process answers as it is told."""

    messages: dict[type[Request[Any]], dict[str, Any]]
    spent: Spent = field(default_factory=lambda: Spent(1.0, 1.0, 1000))
    decoded: Any = None

    def ask(self, request: Request[Any], pixels: Any = None) -> Any:
        """What arrives: the answer, or that it is none."""
        try:
            return unpack_answer(request, pack(self.messages[type(request)]))
        except msgspec.MsgspecError as error:
            return Failed("mismatch", request.phase, "", str(error))

    def recheck(self, *given: object) -> None:
        """Nothing is found."""

    def stderr(self) -> str:
        return ""


class _Slot:
    environment, sealed = "here", True

    def __init__(self, worker: _Told) -> None:
        self.encoder = self.decoder = self.scorer = worker

    def original(self, image: Path, sha256: str, accepted: object) -> Original:
        return Original(image, sha256, (8, 8, 3), "", None)


_CODEC = TrustedCodec(
    label="c", codec="c", target="c", version="1", lossless=False, config={}, qualities=(1.0,)
)
_TRIAL = Trial(ImagePlan("set", "p.png", _SHA256), Path("p.png"), _CODEC, 1.0, "key")
_TASK = MeasureTrial((MetricPlan("psnr", "m:Psnr", "1", "dB", True),), "load", Repeat())


@given(_MESSAGES)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_any_answer_leaves_a_journal_that_can_be_read(messages: dict[Any, Any]) -> None:
    """A line is a result with all that belongs to one, or has a status that says why there is none."""
    measured = _TASK(_TRIAL, _Slot(_Told(messages))).measurement
    with tempfile.TemporaryDirectory() as folder:
        lines = journal(Path(folder))
        lines.append(measured)
        lines.close()
        (found,) = journal(Path(folder))
        assert (Path(folder) / "measurements.jsonl").stat().st_size < 50_000
    assert isinstance(found, Measurement)
    assert found == measured
    assert found.status != "cancelled"
    if found.status == "ok":
        assert found.bytes
        assert found.pixels_sha256
        assert len(found.encode_s) == len(found.decode_s) == 1
        assert set(found.metrics) == {"psnr"}
    else:
        assert found.failure is not None


@pytest.mark.parametrize(
    ("took", "shape"),
    [({"calls": [1e-3] * 100_001}, [8, 8, 3]), ({"calls": [1e-3]}, [1 << 62, 0])],
    ids=["more calls than can be", "a side that no array has"],
)
def test_what_no_codec_takes_is_no_answer(took: object, shape: object) -> None:
    """It is refused before it is written down, or an array made of it."""
    request = Decode(CodecRef("any:Codec"), b"1")
    answer = {"type": "Decoded", "shape": shape, "took": took}
    with pytest.raises(msgspec.ValidationError, match=r"length|<="):
        unpack_answer(request, msgspec.msgpack.encode(answer))

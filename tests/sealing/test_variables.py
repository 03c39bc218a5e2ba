"""Environment variables of a sealed codec."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.engines.engine import EngineOptions
from bench.engines.local import LocalEngine
from bench.engines.messages import Describe, Failed
from bench.trials.codec_ref import CodecRef
from tests.conftest import sealed_only

CODECS = Path(__file__).with_name("passages.py")


@sealed_only
def test_a_sealed_codec_knows_the_usual_variables_and_those_that_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No others, wherever it looks and in what it starts; not sealed it has all of them."""
    for name in ("API_TOKEN", "LICENCE_SERVER", "LC_RDBENCH", "CUDA_RDBENCH"):
        monkeypatch.setenv(name, "told")

    def told(codec: str, *, sealed: bool) -> set[str]:
        with LocalEngine(EngineOptions(sealed=sealed)) as engine:
            found = engine.describe(Describe(CodecRef(f"{CODECS}:{codec}", trusted=True)))
        assert isinstance(found, Failed)
        return {*found.message.split()}

    usual = {"PATH", "HOME", "TMPDIR", "OMP_NUM_THREADS", "LC_RDBENCH", "CUDA_RDBENCH"}
    sealed = told("TellsVariables", sealed=True)
    assert sealed >= usual & {*told("TellsVariables", sealed=False)}
    assert not sealed & {"API_TOKEN", "LICENCE_SERVER"}
    assert told("NeedsVariable", sealed=True) - sealed == {"LICENCE_SERVER"}
    assert told("TellsVariables", sealed=False) >= {"API_TOKEN", "LICENCE_SERVER"}

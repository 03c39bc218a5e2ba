"""Environment variables of a sealed codec."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.engines.engine import EngineOptions
from bench.engines.local import LocalEngine
from bench.engines.messages import Describe, Failed
from bench.sealing.view import view_of
from bench.trials.codec_ref import CodecRef
from tests.conftest import sealed_only

CODECS = Path(__file__).with_name("passages.py")


@sealed_only
def test_a_sealed_codec_knows_the_usual_variables_and_those_that_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No others, wherever it looks and in what it starts; not sealed it has all of them."""
    secrets = {
        "API_TOKEN",
        "TF_TOKEN_app_terraform_io",
        "TF_VAR_db_password",
        "NVIDIA_API_KEY",
        "RDBENCH_KEY",
    }
    network = {"HTTPS_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE"}
    settings = {"LC_RDBENCH", "CUDA_RDBENCH", "TF_ENABLE_ONEDNN_OPTS", "NVIDIA_VISIBLE_DEVICES"}
    for name in {*secrets, *network, *settings, "LICENCE_SERVER"}:
        monkeypatch.setenv(name, "0")

    def told(codec: str, *, sealed: bool) -> set[str]:
        with LocalEngine(EngineOptions(sealed=sealed)) as engine:
            found = engine.describe(Describe(CodecRef(f"{CODECS}:{codec}", trusted=True)))
        assert isinstance(found, Failed)
        return {*found.message.split()}

    usual = {"PATH", "HOME", "TMPDIR", "OMP_NUM_THREADS", *settings}
    sealed = told("TellsVariables", sealed=True)
    assert sealed >= usual & {*told("TellsVariables", sealed=False)}
    assert not sealed & {*secrets, *network, "LICENCE_SERVER"}
    assert told("NeedsVariable", sealed=True) - sealed == {"LICENCE_SERVER"}
    with_network = told("NeedsNetworkVariables", sealed=True)
    assert with_network >= network
    assert not with_network & {*secrets, "LICENCE_SERVER"}
    assert told("TellsVariables", sealed=False) >= {*secrets, *network, "LICENCE_SERVER"}


def test_certificates_that_variables_name_are_visible_with_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that is told of a file and can't read it refuses to work; others have no use for it."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    assert bundle in view_of("bench_codecs.png:Png", (), ("network",)).reads
    assert bundle not in view_of("bench_codecs.png:Png", ()).reads

"""What a user reads who names a cluster that is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.engines.cluster import connect
from bench.engines.engine import ClusterAddress, EngineOptions
from bench.errors import ConfigError

pytest.importorskip("distributed", reason="needs the extra 'cluster'")


def refused(address: ClusterAddress | str) -> str:
    """The message of a connection that is not made."""
    named = ClusterAddress(address) if isinstance(address, str) else address
    with pytest.raises(ConfigError) as refusal, connect.connected(EngineOptions(cluster=named)):
        pass
    return str(refusal.value)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "_PATIENCE", 1.0)


@pytest.fixture(params=["silent", "SSH-2.0-OpenSSH_9.7\r\n"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that is not Dask's: one that listens, and one that begins to talk itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connections = []
            while True:
                try:
                    connections.append(listening.accept()[0])
                except OSError:
                    return
                if request.param != "silent":
                    connections[-1].sendall(request.param.encode())

        threading.Thread(target=serve, daemon=True).start()
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def test_another_server_is_no_scheduler(server: str) -> None:
    """It is not waited for without end, and is named."""
    assert f"no Dask scheduler answers at {server}" in refused(server)


@pytest.mark.parametrize("text", ["", '{"addr', "[1, 2]", '{"address": 5}', "\0\1"])
def test_a_file_that_is_not_a_schedulers(tmp_path: Path, text: str) -> None:
    """Empty, half written or another one: it is waited for, then named."""
    file = tmp_path / "scheduler.json"
    file.write_text(text)
    assert f"{file}: the file holds no scheduler's address" in refused(str(file))


def test_what_is_neither_file_nor_address(tmp_path: Path) -> None:
    """The user reads what an address looks like."""
    assert "tcp://head:8786" in refused("head")
    assert "has been written by no scheduler" in refused(str(tmp_path / "none.json"))


def test_certificates_and_addresses_belong_together(tmp_path: Path) -> None:
    """Each without the other is told before anybody is called."""
    file = tmp_path / "it.pem"
    file.touch()
    assert "give --tls-ca" in refused("tls://127.0.0.1:1")
    assert "begins with tls://" in refused(ClusterAddress("tcp://127.0.0.1:1", file, file, file))
    assert "leave out --tls" in refused(ClusterAddress("local", file, file, file))

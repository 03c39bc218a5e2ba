"""The connection to a Dask cluster that stands, or one that is made on this machine."""

from __future__ import annotations

import json
import logging
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.engines.engine import ClusterAddress, EngineOptions
from bench.errors import ConfigError
from bench.files.access import read_regular
from bench.host.processor import usable_processors

LOCAL = "local"
_MOST_BYTES = 1 << 20
_PATIENCE = 20.0
"""Seconds that a scheduler may take to write its file, and to answer."""
_LOOK_EVERY = 0.1
_LOGS = ("distributed", "distributed.client", "asyncio")
_EXAMPLE = "an address is like tcp://head:8786, or the file that a scheduler wrote"


@contextmanager
def connected(options: EngineOptions) -> Iterator[Any]:
    """A client of the cluster that the options name; in the end it is closed, the cluster goes on.

    Raises
    ------
    ConfigError
        No cluster is named, or none answers there.
    """
    address = options.cluster
    if address is None:
        raise ConfigError("the engine cluster needs a Dask cluster: --scheduler tcp://…, FILE.json or local")
    with _quiet():
        if address.scheduler == LOCAL:
            if address.tls_ca or address.tls_cert or address.tls_key:
                raise ConfigError("--scheduler local stays on this machine: leave out --tls-*")
            jobs = 1 if options.alone else options.jobs or usable_processors()
            with _local_cluster(jobs) as cluster, cluster.get_client() as client:
                yield client
        else:
            with _client(address) as client:
                yield client


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Dask's own messages: what a user has to know of the connection, the engine says."""
    logs = {it: it.level for it in map(logging.getLogger, _LOGS)}
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in logs.items():
            log.setLevel(level)


@contextmanager
def _local_cluster(jobs: int) -> Iterator[Any]:
    """Workers of one thread each. Ctrl-C is this process's alone: it then ends them in order."""
    import distributed

    with warnings.catch_warnings(), _without_interrupt():
        warnings.filterwarnings("ignore", "Port .* is already in use")  # nothing is shown there anyway
        made = distributed.LocalCluster(
            n_workers=jobs, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        )
    with made as cluster:
        yield cluster


@contextmanager
def _without_interrupt() -> Iterator[None]:
    """Processes that are started meanwhile are not told of Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _client(address: ClusterAddress) -> Any:
    """A client of the scheduler at an address.

    Raises
    ------
    ConfigError
        None answers, or what answers is none.
    """
    import distributed

    where = _where(address)
    security = _security(address, encrypted=where.startswith("tls://"))
    made: Future[Any] = Future()

    def connect() -> None:
        try:
            made.set_result(distributed.Client(where, security=security, timeout=_PATIENCE))
        except Exception as error:  # whatever it is that answers there
            made.set_exception(error)

    # to a server that says nothing Dask would listen for ever
    threading.Thread(target=connect, daemon=True).start()
    try:
        return made.result(_PATIENCE + 5)
    except Exception as error:
        raise ConfigError(_unanswered(address, where, error)) from error


def _unanswered(address: ClusterAddress, where: str, error: Exception) -> str:
    """Why there is no connection, as far as can be told, and what to do."""
    told = f"{type(error).__name__}: {error}" if str(error) else "nothing that a scheduler would say"
    named = address.scheduler if where == address.scheduler else f"{where} ({address.scheduler})"
    text = f"no Dask scheduler answers at {named} ({told[:300]}); "
    if "ssl" in told.lower() or "certificate" in told.lower():
        return text + "is it one with TLS, and are --tls-ca, --tls-cert and --tls-key of its authority?"
    return text + f"is `dask scheduler` running there, with TLS if the address is tls://…? {_EXAMPLE}"


def _where(address: ClusterAddress) -> str:
    """The scheduler's address, from its file where that is named.

    Raises
    ------
    ConfigError
        The file is not there, or not a scheduler's.
    """
    path = Path(address.scheduler)
    if path.suffix != ".json" and not path.is_file():
        if "://" not in address.scheduler and ":" not in address.scheduler:
            raise ConfigError(
                f"--scheduler {address.scheduler!r} is neither a file nor an address; {_EXAMPLE}"
            )
        return address.scheduler
    deadline = time.monotonic() + _PATIENCE
    while True:  # in a job script the scheduler has been started just now
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            found = json.loads(read_regular(path, _MOST_BYTES, links=True))["address"]
            if isinstance(found, str):
                return found
        if time.monotonic() > deadline:
            what = "holds no scheduler's address" if path.is_file() else "has been written by no scheduler"
            raise ConfigError(f"--scheduler {path}: the file {what}; {_EXAMPLE}")
        time.sleep(_LOOK_EVERY)


def _security(address: ClusterAddress, *, encrypted: bool) -> Any:
    """TLS by the files that are named, else what Dask's configuration says."""
    from distributed.security import Security

    if address.tls_ca is None:
        if encrypted and not Security().get_connection_args("client").get("ssl_context"):
            raise ConfigError(
                f"{address.scheduler} is encrypted: give --tls-ca, --tls-cert and --tls-key, or name the"
                " files in Dask's configuration"
            )
        return None
    if not encrypted:
        raise ConfigError(
            f"{address.scheduler} is not encrypted: with --tls-* the address begins with tls://"
        )
    for name, path in (
        ("--tls-ca", address.tls_ca),
        ("--tls-cert", address.tls_cert),
        ("--tls-key", address.tls_key),
    ):
        if path is None or not path.is_file():
            raise ConfigError(f"{name}: {path or 'is missing'}; TLS needs --tls-ca, --tls-cert and --tls-key")
    return Security(
        tls_ca_file=str(address.tls_ca),
        tls_client_cert=str(address.tls_cert),
        tls_client_key=str(address.tls_key),
        require_encryption=True,
    )

"""The connection to a Dask cluster that stands, or one that is made on this machine."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.engines.engine import ClusterAddress, EngineOptions
from bench.errors import ConfigError
from bench.host.processor import usable_processors

LOCAL = "local"
_PATIENCE = 20.0
"""Seconds that a scheduler may take to write its file, and to answer."""
_LOOK_EVERY = 0.1


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
    import distributed

    if address.scheduler == LOCAL:
        jobs = 1 if options.alone else options.jobs or usable_processors()
        with (
            distributed.LocalCluster(
                n_workers=jobs, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(**_where(address), security=_security(address), timeout=_PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {address.scheduler} ({error}); is `dask scheduler` running there?"
        ) from error
    with client, _quiet():
        yield client


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Dask's own messages: what a user has to know of the connection, the engine says."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _where(address: ClusterAddress) -> dict[str, str]:
    path = Path(address.scheduler)
    if path.suffix == ".json" or path.is_file():
        deadline = time.monotonic() + _PATIENCE
        while not path.is_file():  # in a job script the scheduler has been started just now
            if time.monotonic() > deadline:
                raise ConfigError(f"--scheduler {path}: no Dask scheduler has written this file")
            time.sleep(_LOOK_EVERY)
        return {"scheduler_file": str(path)}
    return {"address": address.scheduler}


def _security(address: ClusterAddress) -> Any:
    """TLS by the files that are named, else what Dask's configuration says."""
    from distributed.security import Security

    if address.tls_ca is None:
        return None
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

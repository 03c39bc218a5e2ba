"""The engine of a Dask cluster: ``dask.distributed`` schedules, retries and carries data between machines.

The client's side: ``engine`` (the door), ``crew`` (which workers take part), ``window`` (chunks of work),
``outgoing`` and ``parcels`` (which files travel). The worker's side: ``host``, with ``slots``, ``places`` and
``files``. Between them go ``tasks``, which Dask runs; ``plugins`` is what Dask itself holds, at its scheduler
and its workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError

if TYPE_CHECKING:
    from bench.engines.cluster.engine import ClusterEngine
    from bench.engines.engine import EngineOptions


def open_cluster(options: EngineOptions, client: Any = None) -> ClusterEngine:
    """Work on the machines of a Dask cluster, which is left as it was found.

    Parameters
    ----------
    options : those of every engine; ``cluster`` names the scheduler
    client : a ``dask.distributed.Client`` in place of that; it stays open

    Raises
    ------
    ConfigError
        Dask is not installed, no cluster is named, or none answers there.
    """
    try:
        import distributed  # noqa: F401  # everything else here builds on it
    except ImportError as error:
        raise ConfigError(
            f"a cluster needs Dask ({error}); install it: pip install 'rdbench[cluster]'"
        ) from error
    from bench.engines.cluster.engine import ClusterEngine

    return ClusterEngine(options, client)

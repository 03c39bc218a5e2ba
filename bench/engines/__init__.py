"""How trials are run.

The door is :func:`open_engine` with ``engine``, ``messages``, ``describing`` and ``kept``; nothing
else of this package is for others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.engines.engine import Engine, EngineOptions

ENGINES = "bench.engines"
"""The entry points that name engines."""
LOCAL = "local"
CLUSTER = "cluster"


def open_engine(name: str = LOCAL, options: EngineOptions | None = None) -> Engine:
    """Start an engine; its ``with`` block ends it.

    Parameters
    ----------
    name : of an entry point of :data:`ENGINES`
    options : what the user asks of it; by default as many jobs as suit it, and 300 s for each operation

    Raises
    ------
    ConfigError
        No engine has this name, or it cannot do what the options ask.
    """
    from bench.engines.engine import EngineOptions

    if name == LOCAL:  # looking through all that is installed would delay the start of its workers
        from bench.engines.local import LocalEngine

        return LocalEngine(options or EngineOptions())
    from bench import registry
    from bench.host import kernel_cache

    kernel_cache.provide()  # in case the metrics run in this process
    engine: Engine = registry.load(registry.find(ENGINES, name))(options or EngineOptions())
    return engine

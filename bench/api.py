"""The Python interface, for notebooks and scripts: what ``rdbench run`` does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.engines import LOCAL
from bench.errors import ConfigError
from bench.inputs.datasets import is_known
from bench.inputs.suite import Suite, load_suite, located
from bench.runs.options import Events, Options
from bench.runs.runner import Summary
from bench.runs.runner import run as run_suite

RUNS_FOLDER = Path("results/runs")
DEFAULT_SUITE = Path(__file__).with_name("default.yaml")


def run(
    suite: Suite | Path | str | None = None,
    *,
    out: Path | str | None = None,
    options: Options | None = None,
    events: Events | None = None,
    client: Any = None,
    **fields: Any,
) -> Summary:
    """Measure a suite, or what is still missing of it in the run folder.

    Parameters
    ----------
    suite : a :class:`Suite`, the path of a suite file, or None for the default suite
    out : run folder; by default ``results/runs/<data set>``. An existing run is resumed
    options : jobs, timeout, timing and the like
    events : callbacks for progress
    client : a ``dask.distributed.Client``, to run on the machines of its cluster; it stays open
    **fields : fields of :class:`Suite` that replace the suite's own, for example
        ``codecs=["jpeg@10,50,90"], datasets=["kodak"], limit=4``

    Returns
    -------
    The folder and how many trials were planned, measured and failed. A failed trial raises nothing.

    Raises
    ------
    ConfigError, DatasetError, StoreError
        Nothing was measured, because the suite, a data set or the run folder cannot be used.
    """
    resolved = resolve_suite(suite, **fields)
    folder = Path(out) if out is not None else default_folder(resolved)
    options, events = options or Options(), events or Events()
    if client is None:
        return run_suite(resolved, folder, options, events)
    from bench.engines.cluster import open_cluster

    if options.engine != LOCAL or options.cluster is not None:
        raise ConfigError("a client names the cluster: leave out the engine of the options")
    with open_cluster(replace(options.of_engine, note=events.note), client) as engine:
        return run_suite(resolved, folder, options, events, engine)


def resolve_suite(suite: Suite | Path | str | None = None, **fields: Any) -> Suite:
    """A suite with some of its fields replaced.

    Parameters
    ----------
    suite : as for :func:`run`
    **fields : fields of :class:`Suite`; None leaves a field unchanged. Paths are relative to the working
        directory

    Raises
    ------
    ConfigError
        The suite file or a field is invalid.
    """
    given = suite if isinstance(suite, Suite) else load_suite(Path(suite) if suite else DEFAULT_SUITE)
    merged = given.model_dump() | {key: value for key, value in fields.items() if value is not None}
    try:
        resolved = Suite.model_validate(merged)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, it['loc']))}: {it['msg']}" for it in error.errors())
        raise ConfigError("\n".join(lines)) from error
    if not resolved.codecs:
        resolved = resolved.model_copy(update={"codecs": load_suite(DEFAULT_SUITE).codecs})
    return located(resolved, Path.cwd())


def default_folder(suite: Suite) -> Path:
    """The default run folder, ``results/runs/<data set>``.

    A folder of images that merely has the name of a known data set gets ``-folder`` appended.
    """
    return RUNS_FOLDER / "+".join(map(_folder_name, suite.datasets))


def _folder_name(dataset: str) -> str:
    if is_known(dataset):
        return dataset
    path = Path(dataset)
    name = path.resolve().name if path.exists() else path.name
    return f"{name}-folder" if is_known(name) else name

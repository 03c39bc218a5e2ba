"""The Python door: what the command line does, for notebooks and scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

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
    **fields: Any,
) -> Summary:
    """Measure a suite.

    Parameters
    ----------
    suite : a :class:`Suite`, the path of a suite file, or None for the default suite
    out : run folder; by default ``results/runs/<data set>``. An existing one is resumed
    options : jobs, timeout, timing and the like
    events : callbacks for progress
    **fields : fields of :class:`Suite` that replace the suite's own, for example
        ``codecs=["jpeg@10,50,90"], datasets=["kodak"], limit=4``

    Raises
    ------
    ConfigError, DatasetError, StoreError
        Nothing has been measured.
    """
    resolved = resolve_suite(suite, **fields)
    folder = Path(out) if out is not None else default_folder(resolved)
    return run_suite(resolved, folder, options or Options(), events or Events())


def resolve_suite(suite: Suite | Path | str | None = None, **fields: Any) -> Suite:
    """A suite with some of its fields replaced; paths in these are relative to the working directory."""
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
    """``results/runs/<data set>``; a folder that only has a known data set's name is told apart from it."""
    return RUNS_FOLDER / "+".join(map(_folder_name, suite.datasets))


def _folder_name(dataset: str) -> str:
    if is_known(dataset):
        return dataset
    path = Path(dataset)
    name = path.resolve().name if path.exists() else path.name
    return f"{name}-folder" if is_known(name) else name

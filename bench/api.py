"""The Python interface, for notebooks and scripts: what ``rdbench run`` does, with codecs as objects too."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from html import escape
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.engines import LOCAL
from bench.errors import BenchError, ConfigError
from bench.files.given_codecs import target_of
from bench.files.problems import problems_in_python
from bench.inputs.catalogue import shipped
from bench.inputs.datasets import is_known
from bench.inputs.shard import Shard
from bench.inputs.suite import CodecChoice, CodecEntry, Suite, load_suite, located
from bench.notebook import in_notebook, notebook_events
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
    shard: str | None = None,
    **replaced: Any,
) -> Summary:
    """Measure a suite, or what is still missing of it in the run folder.

    Parameters
    ----------
    suite : a :class:`Suite`, the path of a suite file, or None for the default suite
    out : run folder; by default ``results/runs/<data set>``. An existing run is resumed
    options : jobs, timeout, timing and the like
    events : callbacks for progress; in a notebook, without any, a bar is shown
    shard : ``"2/8"`` for every eighth image over all data sets, from the second on; :func:`bench.merge` joins
        what eight machines measured
    client : a ``dask.distributed.Client``, to run on the machines of its cluster; it stays open
    **replaced : fields of :class:`Suite` that replace the suite's own, for example
        ``codecs=["jpeg@10,50,90"], datasets=["kodak"], limit=4``. A codec may be a class or an object too, or
        ``{"codec": Mine, "label": "mine", "quality": [1, 2, 3]}``, and so may its ``"decoder"``: one of a
        notebook's cell is sent to the workers. The run does not keep it, so that a later session has to give
        it again

    Returns
    -------
    The folder and how many trials were planned, measured and failed. A failed trial raises nothing. In a
    notebook it is shown as the ranking.

    Raises
    ------
    ConfigError, DatasetError, StoreError
        Nothing was measured, because the suite, a data set or the run folder cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="rdbench-") as given:
        if replaced.get("codecs") is not None:
            replaced["codecs"] = _named(replaced["codecs"], Path(given))
        events = events or (notebook_events() if in_notebook() else Events())
        resolved = resolve_suite(suite, note=events.note, **replaced)
        options = options or Options()
        if shard is not None:
            options = replace(options, shard=Shard.parse(shard))
        folder = Path(out) if out is not None else default_folder(resolved, options.shard)
        summary = _run(resolved, folder, options, events, client)
    return RunSummary(**{it.name: getattr(summary, it.name) for it in fields(Summary)})


def _run(suite: Suite, folder: Path, options: Options, events: Events, client: Any) -> Summary:
    if client is None:
        return run_suite(suite, folder, options, events)
    from bench.engines.cluster import open_cluster

    if options.engine != LOCAL or options.cluster is not None:
        raise ConfigError("a client names the cluster: leave out the engine of the options")
    with open_cluster(replace(options.of_engine, note=events.note), client) as engine:
        return run_suite(suite, folder, options, events, engine)


@dataclass(frozen=True, repr=False)
class RunSummary(Summary):
    """How a run ended; in a notebook with the ranking that it came to."""

    def _repr_html_(self) -> str:
        from bench.results import rankings_html

        counts = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        text = f"{self.folder}: {self.planned} trials, {self.reused} done before ({counts})"
        head = f"<p>{escape(text)}</p>"
        try:
            return head + rankings_html(self.folder)
        except BenchError as error:  # the folder has been moved, or holds another run now
            return f"{head}<p>{escape(str(error))}</p>"


def _named(codecs: Any, folder: Path) -> list[Any]:
    """Codecs of which each class and each object is the target that a worker loads it from."""
    several = codecs if isinstance(codecs, list | tuple) else [codecs]
    return [_with_target(it, folder) for it in several]


def _with_target(codec: Any, folder: Path) -> Any:
    if isinstance(codec, str | CodecEntry):
        return codec
    if isinstance(codec, Mapping):
        named, decoder = dict(codec), codec.get("decoder")
        if not isinstance(codec.get("codec"), str):
            named["codec"] = target_of(codec.get("codec"), folder)
        if decoder is not None and not isinstance(decoder, (str, Mapping, CodecChoice)):
            named["decoder"] = {"codec": target_of(decoder, folder)}
        return named
    return {"codec": target_of(codec, folder)}


def resolve_suite(
    suite: Suite | Path | str | None = None,
    *,
    note: Callable[[str], None] = lambda text: None,
    **fields: Any,
) -> Suite:
    """A suite with some of its fields replaced, and what it leaves open as its test conditions have it.

    Parameters
    ----------
    suite : as for :func:`run`
    **fields : fields of :class:`Suite`; None leaves a field unchanged. Paths are relative to the working
        directory
    note : told what conditions ask for and this machine lacks

    Raises
    ------
    ConfigError
        The suite file or a field is invalid.
    """
    given = suite if isinstance(suite, Suite) else load_suite(Path(suite) if suite else DEFAULT_SUITE)
    merged = {name: getattr(given, name) for name in Suite.model_fields} | {
        key: value for key, value in fields.items() if value is not None
    }
    try:
        resolved = Suite.model_validate(merged)
    except ValidationError as error:
        raise problems_in_python(error, Suite) from error
    resolved = located(resolved, Path.cwd())
    if resolved.conditions:
        from bench.conditions.definition import find_conditions, without_digest
        from bench.conditions.suites import under

        named = {key for key, value in fields.items() if value is not None}
        named |= given.model_fields_set if suite is not None else set()
        resolved = under(find_conditions(without_digest(resolved.conditions)), resolved, named, note)
    if not resolved.codecs:
        resolved = resolved.model_copy(update={"codecs": load_suite(DEFAULT_SUITE).codecs})
    return resolved


def default_folder(suite: Suite, shard: Shard | None = None) -> Path:
    """The default run folder, ``results/runs/<data set>``, of a shard ``results/runs/<data set>-2-of-8``.

    A folder of images that merely has the name of a known data set gets ``-folder`` appended.
    """
    part = "" if shard is None else f"-{shard.number}-of-{shard.of}"
    return RUNS_FOLDER / ("+".join(map(_folder_name, suite.datasets)) + part)


def _folder_name(dataset: str) -> str:
    if is_known(dataset):
        return dataset
    path = Path(dataset)
    name = path.resolve().name if path.exists() else path.name
    return f"{name}-folder" if name in shipped() else name

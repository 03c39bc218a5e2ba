"""Studies of a finished run as commands: ``rdbench NAME RUN``."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from bench.cli.arguments import (
    DatasetFolders,
    EngineName,
    RunFolder,
    Scheduler,
    TlsCa,
    TlsCert,
    TlsKey,
    TrustFolder,
    engine_of,
    note,
)
from bench.cli.datasets import OwnDatasets
from bench.engines import LOCAL
from bench.studies.study import Answers, Study

if TYPE_CHECKING:
    from bench.studies.session import StudyOptions

_STEP = 500
"""Answers between two lines of progress: they are many and quick."""


def command_of(study: type[Study[Any, Any]]) -> Callable[..., None]:
    """The command of a study, for typer: its fields are options among those that all studies have.

    Parameters
    ----------
    study : derived from :class:`bench.studies.study.Study`; its docstring is the help
    """

    def command(
        run: Path,
        dataset: list[str] | None,
        jobs: int | None,
        timeout: float,
        engine: str,
        scheduler: str | None,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        out: Path | None,
        trust: bool,
        own_datasets: None,  # what it says is in effect by now
        **own: Any,
    ) -> None:
        from bench.engines.engine import EngineOptions
        from bench.studies.session import StudyOptions
        from bench.trials.trust import Trust

        engine, cluster = engine_of(engine, scheduler, tls_ca, tls_cert, tls_key)
        means = EngineOptions(jobs, timeout, cluster=cluster, note=note)
        options = StudyOptions(tuple(dataset or ()), Trust(trust), means, engine)
        put_study(study(**own), run, options, out or run / study.name)

    command.__doc__ = study.__doc__
    command.__signature__ = Signature(_parameters(study))  # type: ignore[attr-defined]
    return command


def put_study(study: Study[Any, Any], run: Path, options: StudyOptions, out: Path) -> Answers[Any, Any]:
    """Put a study to a run, write tables and figures, and print the tables."""
    from bench.cli import console
    from bench.studies.results import write_results
    from bench.studies.session import StudyEvents, put

    pending, taken, lasting = 0, [], True

    def started(count: int, planned: int) -> None:
        nonlocal pending
        pending = count
        done = planned - count
        console.note(f"{planned} {study.unit} planned, {done} done before, {count} to take")

    def kept(isolated: bool) -> None:
        nonlocal lasting
        lasting = isolated

    def answered(answer: Any) -> None:
        taken.append(answer)
        if len(taken) % _STEP == 0 or len(taken) == pending:
            remark = study.remark(taken)
            console.note(f"{len(taken)}/{pending} {study.unit}" + (f", {remark}" if remark else ""))

    try:
        answers = put(study, run, options, StudyEvents(console.note, started, kept, answered))
    except KeyboardInterrupt:
        console.note(
            f"interrupted; what was probed is in {run}, and the same command goes on from there"
            if lasting
            else f"interrupted; of what was probed now nothing is kept, since {options.engine} does not"
            " isolate codecs"
        )
        raise
    written = write_results(study, run, answers, out)
    for table in written.tables:
        print()
        console.print_result(table)
        for remark in table.notes:
            console.print_text(remark)
    print(f"\nreport: {written.page}")
    return answers


def _parameters(study: type[Study[Any, Any]]) -> list[Parameter]:
    def parameter(name: str, kind: Any, default: Any = Parameter.empty) -> Parameter:
        return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)

    hints = get_type_hints(study.__init__, include_extras=True)
    own = Signature.from_callable(study).parameters.values()
    many = study.unit.capitalize()
    jobs = typer.Option("--jobs", "-j", min=1, help=f"{many} at a time; default: one for each processor.")
    timeout = typer.Option(min=0.001, metavar="S", help="Seconds for one encode or decode.")
    out = typer.Option("--out", "-o", metavar="DIR", help=f"Default: `{study.name}` in the run.")
    return [
        parameter("run", RunFolder),
        parameter("dataset", DatasetFolders, None),
        parameter("own_datasets", OwnDatasets, None),
        *(parameter(it.name, hints[it.name], it.default) for it in own),
        parameter("jobs", Annotated[int | None, jobs], None),
        parameter("timeout", Annotated[float, timeout], 60),
        parameter("engine", EngineName, LOCAL),
        parameter("scheduler", Scheduler, None),
        parameter("tls_ca", TlsCa, None),
        parameter("tls_cert", TlsCert, None),
        parameter("tls_key", TlsKey, None),
        parameter("out", Annotated[Path | None, out], None),
        parameter("trust", TrustFolder, False),
    ]

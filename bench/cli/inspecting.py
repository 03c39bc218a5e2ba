"""``rdbench list``, ``rdbench doctor`` and ``rdbench fetch``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.api import RUNS_FOLDER
from bench.cli import console
from bench.cli.progress import Progress
from bench.engines import open_engine
from bench.engines.describing import (
    Installed,
    installed_codecs,
    installed_dataset_metrics,
    installed_metrics,
)
from bench.engines.engine import EngineOptions
from bench.errors import BenchError, ConfigError, suggestion
from bench.exchange.references import CATALOG, load_references, open_reference
from bench.inputs.catalogue import NamedDataset, catalogue, find
from bench.inputs.datasets import fetch as fetch_dataset
from bench.inputs.datasets import places
from bench.runs.store import is_run, read_info
from bench.sealing.seal import obstacle

_PATIENT = EngineOptions(timeout=120.0)


def list_things(what: str) -> None:
    """Print one of the lists."""
    lists = {
        "codecs": _codecs,
        "metrics": _metrics,
        "datasets": _datasets,
        "references": _references,
        "runs": _runs,
    }
    if what not in lists:
        raise ConfigError(f"list what? one of {', '.join(lists)}, not {what!r}")
    lists[what]()


def doctor() -> None:
    """Print what works here and what does not."""
    with open_engine(options=_PATIENT) as engine:
        found = [("codec", it) for it in installed_codecs(engine)]
        found += [("metric", it) for it in installed_metrics(engine)]
        found += [("set metric", it) for it in installed_dataset_metrics(engine)]
    rows = [(kind, it.name, it.state, it.version) for kind, it in found]
    console.print_table(("kind", "name", "state", "version"), rows, numeric_from=len(rows))
    _print_problems(it for _, it in found)
    print()
    sealing = f"not sealed: {obstacle()}" if obstacle() else "sealed (Landlock, seccomp, namespaces)"
    console.print_text(f"Codecs are {sealing}.")
    working = sum(it.state != "unavailable" and it.state != "broken" for _, it in found)
    print(f"{working} of {len(found)} work here.")


def fetch(names: list[str]) -> None:
    """Download data sets and published curves."""
    references = {it.name for it in load_references(CATALOG)}
    sets = {name for name in names if find(name) is not None}
    for name in names:
        if name not in sets and name not in references:
            known = [*catalogue(), *references]
            raise ConfigError(
                f"{name!r} is neither a data set nor a published curve{suggestion(name, known)}"
            )
    with Progress() as progress:
        for name in names:
            if name in references and name not in sets:
                curves = open_reference(name)
                print(f"{name}: {len(curves[0].curves)} curves, {curves[0].source}")
                continue
            dataset = fetch_dataset(name, progress=progress.fetching)
            print(f"{name}: {len(dataset.images)} images in {dataset.images[0].path.parent}")


def _print_problems(found: Iterable[Installed]) -> None:
    for plugin in found:
        if plugin.problem:
            print()
            named = plugin.problem.startswith(plugin.name)
            console.print_text(plugin.problem if named else f"{plugin.name}: {plugin.problem}")


def _codecs() -> None:
    rows: list[tuple[str, ...]] = []
    with open_engine(options=_PATIENT) as engine:
        found = installed_codecs(engine)
    for plugin in found:
        codec = plugin.codec
        if codec is None:
            rows.append((plugin.name, plugin.state, "", ""))
            continue
        numbers = [f"{q:g}" for q in codec.qualities if q is not None]
        points = "lossless" if codec.lossless else ",".join(numbers)
        limits = "" if codec.quality_range is None else "{:g} to {:g}".format(*codec.quality_range)
        known = codec.config | codec.unrecorded
        options = ",".join(f"{key}={_text(value)}" for key, value in known.items())
        rows.append((plugin.name, points, limits, options))
    console.print_table(("codec", "default qualities", "range", "options"), rows, numeric_from=9)
    _print_problems(found)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _metrics() -> None:
    with open_engine(options=_PATIENT) as engine:
        of_pairs, of_sets = installed_metrics(engine), installed_dataset_metrics(engine)
    rows = [_metric_cells(it, "run --metric") for it in of_pairs]
    rows += [_metric_cells(it, "distribution --metric") for it in of_sets]
    console.print_table(("metric", "used by", "unit", "better"), rows, numeric_from=9)
    _print_problems([*of_pairs, *of_sets])


def _metric_cells(it: Installed, user: str) -> tuple[str, str, str, str]:
    if it.metric is None:
        return it.name, user, it.state, ""
    if it.metric.ideal is not None:
        better = f"nearer to {it.metric.ideal:g}"
    else:
        better = "higher" if it.metric.higher_is_better else "lower"
    return it.name, user, it.metric.unit or "1", better


def _datasets() -> None:
    rows = [
        (name, str(len(it.spec.files)), _state(name, it), _origin(it), it.spec.licence, it.spec.description)
        for name, it in catalogue().items()
    ]
    head = ("data set", "images", "state", "from", "licence", "description")
    console.print_table(head, rows, numeric_from=len(head))


def _state(name: str, entry: NamedDataset) -> str:
    for folder in places(name, entry):
        if all((folder / file).is_file() for file in entry.spec.files):
            return "here"
    return "to be fetched" if entry.spec.url else "absent"


def _origin(entry: NamedDataset) -> str:
    """Which file describes a data set."""
    if entry.file is None:
        return "rdbench"
    return f"{entry.file}, before {entry.hides}" if entry.hides else str(entry.file)


def _references() -> None:
    rows = [(it.name, it.dataset or "", it.source) for it in load_references(CATALOG)]
    console.print_table(("published curves", "data set", "source"), rows, numeric_from=len(rows))


def _runs() -> None:
    rows = []
    for folder in _run_folders(Path("results")):
        try:
            info = read_info(folder)
            datasets = ",".join(dict.fromkeys(it.dataset for it in info.images))
            rows.append((str(folder), datasets, str(len(info.images)), str(len(info.codecs)), ""))
        except BenchError as error:
            rows.append((str(folder), "", "", "", str(error)))
    if not rows:
        print(f"no runs under {RUNS_FOLDER.parent}; `rdbench run` makes one")
        return
    console.print_table(("run", "data set", "images", "codecs", "problem"), rows, numeric_from=9)


def _run_folders(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from sorted(it.parent for it in root.glob("**/run.json") if is_run(it.parent))

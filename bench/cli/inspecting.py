"""``rdbench list``, ``rdbench doctor`` and ``rdbench fetch``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.api import RUNS_FOLDER
from bench.cli import console
from bench.cli.progress import Progress
from bench.conditions.definition import shipped_conditions
from bench.engines import open_engine
from bench.engines.describing import (
    Installed,
    installed_codecs,
    installed_dataset_metrics,
    installed_metrics,
)
from bench.engines.engine import EngineOptions
from bench.errors import BenchError, ConfigError, suggestion
from bench.exchange.agreement import LIMIT, disagreements
from bench.exchange.references import PublicCurve, known_references, named
from bench.inputs.catalogue import NamedDataset, catalogue, find
from bench.inputs.datasets import fetch as fetch_dataset
from bench.inputs.datasets import places
from bench.runs.store import is_run, read_info
from bench.sealing.seal import obstacle
from bench.text.plain import counted

_PATIENT = EngineOptions(timeout=120.0)


def list_things(what: str, dataset: str | None) -> None:
    """Print one of the lists.

    Parameters
    ----------
    dataset : whose published curves are listed; None for all
    """
    lists = {
        "codecs": _codecs,
        "metrics": _metrics,
        "datasets": _datasets,
        "references": lambda: _references(dataset),
        "conditions": _conditions,
        "runs": _runs,
    }
    if what not in lists:
        raise ConfigError(f"list what? one of {', '.join(lists)}, not {what!r}")
    if dataset is not None and what != "references":
        raise ConfigError("--dataset chooses among the published curves: rdbench list references")
    lists[what]()


def _conditions() -> None:
    """Print the test conditions that rdbench brings."""
    known = shipped_conditions()
    rows = [
        (
            it.name,
            it.definition.title,
            ", ".join(each.name for each in it.definition.datasets) or "any",
            ", ".join(it.definition.metrics),
        )
        for it in known
    ]
    console.print_table(("conditions", "title", "images", "metrics"), rows, numeric_from=4)
    for it in known:
        for images in it.definition.datasets:
            if images.obtain:
                print(f"\n{it.name}: no address of {images.name} has a hash; name its folder with -d")


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
    curves = {name: _curves(name) for name in names if find(name) is None}
    with Progress() as progress:
        for name in names:
            if name not in curves:
                dataset = fetch_dataset(name, progress=progress.fetching)
                print(f"{name}: {len(dataset.images)} images in {dataset.images[0].path.parent}")
            for curve in curves.get(name, ()):
                curve.fetch()
                read = curve.read()
                print(f"{curve.name}: {counted(len(read.curves), 'curve')}, {curve.source}")


def _curves(name: str) -> tuple[PublicCurve, ...]:
    try:
        return named(name)
    except ConfigError as error:
        known = [*catalogue(), *known_references()]
        raise ConfigError(
            f"{name!r} is neither a data set nor a published curve{suggestion(name, known)}"
        ) from error


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


def _references(dataset: str | None) -> None:
    every = known_references().values()
    known = list(dict.fromkeys(it.dataset for it in every))
    if dataset is not None and dataset not in known:
        raise ConfigError(f"--dataset: no curve of {dataset!r} is known; there are {', '.join(known)}")
    by_origin: dict[tuple[int, str], list[PublicCurve]] = {}
    for it in every:
        if dataset in (None, it.dataset):
            origin = f"{it.of.source}: {', '.join(it.metrics)}"
            by_origin.setdefault((known.index(it.dataset), origin), []).append(it)
    rows = [
        (origin, it.name, str(it.listed.points), it.version)
        for (_, origin), its in sorted(by_origin.items(), key=lambda of: of[0][0])
        for it in its
    ]
    headers = ("source: metrics", "published curve", "points", "version")
    console.print_table(headers, rows, numeric_from=len(headers))
    _print_disagreements([it for its in by_origin.values() for it in its], f"{dataset or '*'}/*")


def _print_disagreements(curves: Sequence[PublicCurve], pattern: str) -> None:
    """Which curves of one codec differ, of those that were downloaded.

    Parameters
    ----------
    pattern : that means all of ``curves``
    """
    here = [it for it in curves if all(copy.is_file() for copy in it.copies)]
    if found := list(disagreements([it.read() for it in here])):
        print()
        console.print_text(
            f"Published as one codec, but more than {LIMIT:g}% apart in BD-rate (the second against the first"
            " / the first against the second):"
        )
        for it in found:
            console.print_text(f"{it.first.dataset}/{it.first.label}, {it.second.label}: {it.numbers}")
    if len(here) < len(curves):
        print()
        console.print_text(
            f"{len(here)} of {len(curves)} were fetched, and those of one codec compared;"
            f" rdbench fetch '{pattern}' brings the others."
        )


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

"""``rdbench diff``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from bench import registry
from bench.cli import console
from bench.cli.arguments import one_of
from bench.cli.console import TABLE_FORMATS
from bench.codec import DEPTHS
from bench.errors import ConfigError, MetricUndefined
from bench.inputs.image import read_image
from bench.inputs.pixels import Accepted, Picture, channels_of, displayed
from bench.inputs.suite import DEFAULT_METRICS
from bench.losses.map_picture import FORMATS, write_map
from bench.metrics.base import Metric, Pair, Reference, suited
from bench.metrics.maps import MAPS, error_map, map_of
from bench.tables.table import Column, Table, Value

_ANY = Accepted(tuple(DEPTHS), ("rgb", "rgba"))


@dataclass(frozen=True)
class DiffRequest:
    """What the command line asks for."""

    original: Path
    decoded: Path
    metrics: tuple[str, ...]
    output: Path | None
    full: float | None
    linear: bool
    format: str


def diff(request: DiffRequest) -> None:
    """Print the metrics of two pictures, and write where they differ."""
    one_of("--format", request.format, tuple(TABLE_FORMATS))
    name = _map_name(request) if request.output is not None else None
    original, decoded = (read_image(it, accepted=_ANY) for it in (request.original, request.decoded))
    _require_alike(request, original, decoded)
    pair = Pair(Reference(original.pixels, original.depth), decoded.pixels)
    # a map may have a name of its own, and then there is no such metric
    metrics = [it for it in request.metrics if it not in MAPS or it in registry.targets(registry.METRICS)]
    if metrics or not request.metrics:
        table = _table(request, [_row(pair, _metric(it)) for it in metrics or DEFAULT_METRICS])
        print(TABLE_FORMATS[request.format](table), end="")
    if name is not None and request.output is not None:
        _write(request, name, request.output, original, decoded)


def _map_name(request: DiffRequest) -> str:
    """The map that is asked for, before anything is computed."""
    if request.output is not None and request.output.suffix.lower() not in FORMATS:
        raise ConfigError(f"{request.output}: end the name in {' or '.join(FORMATS)}")
    if len(request.metrics) != 1:
        raise ConfigError(f"-o writes the map of one metric: name it with -m, such as {', '.join(MAPS)}")
    name = map_of(request.metrics[0])
    if name is None:
        raise ConfigError(f"{request.metrics[0]} has no map; there are those of {', '.join(MAPS)}")
    return name


def _require_alike(request: DiffRequest, original: Picture, decoded: Picture) -> None:
    forms = [_form(it) for it in (original, decoded)]
    if forms[0] != forms[1]:
        raise ConfigError(f"{request.original} is {forms[0]}, {request.decoded} is {forms[1]}")


def _form(picture: Picture) -> str:
    height, width = picture.pixels.shape[:2]
    return f"{width}×{height}, {channels_of(picture.pixels.shape)}, {picture.depth} bits"


def _metric(name: str) -> Metric:
    target = name if registry.is_file_target(name) else registry.find(registry.METRICS, name)
    metric: Metric = registry.load(target)()
    return metric


def _row(pair: Pair, metric: Metric) -> tuple[Value, ...]:
    """Name, value, unit, and why there is no value."""
    name = getattr(metric, "name", type(metric).__name__)
    try:
        value = float(metric(suited(pair, metric)))
    except MetricUndefined as error:
        return name, None, "", str(error)
    unit = getattr(metric, "unit", "")
    return (name, value, unit, "") if math.isfinite(value) else (name, None, unit, "no error")


def _table(request: DiffRequest, rows: list[tuple[Value, ...]]) -> Table:
    columns = (Column("metric", "metric"), Column("value", "value", 4), Column("unit", "unit"))
    reasons = {(place, 1): str(row[3]) for place, row in enumerate(rows) if row[3]}
    with_reasons = bool(reasons) and request.format in ("csv", "json")  # which have no notes
    return Table(
        "diff",
        f"{request.decoded} against {request.original}",
        (*columns, Column("reason", "reason")) if with_reasons else columns,
        tuple(row if with_reasons else row[:3] for row in rows),
        remarks={} if with_reasons else reasons,
    )


def _write(request: DiffRequest, name: str, output: Path, original: Picture, decoded: Picture) -> None:
    kind = MAPS[name]
    errors = error_map(name, *(displayed(it.pixels, it.depth) for it in (original, decoded)))
    full = request.full or kind.full
    write_map(output, errors, full, linear=request.linear)
    mean, most = float(errors.mean(dtype="float64")), float(errors.max())
    scale = "" if output.suffix.lower() == ".npy" else f", brightest from {full:g} on"
    console.note(f"{output}: {kind.title}, mean {mean:.4g}, at most {most:.4g}{scale}")

"""The journal column by column: what a table needs of a million lines, which are never objects all at once.

Columns are collected in the order of the journal and put into the order of the plan at the end: writing each
line to its place would touch another page of memory for every value.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from msgspec.structs import astuple

from bench.files.journal import Span
from bench.files.typed_json import Sha256
from bench.inputs.pixels import Depth
from bench.runs.store import ImageKey, LineSelector, Point, RunInfo, journal, read_info
from bench.trials.measurement import (
    Bits,
    Count,
    Failure,
    Isolation,
    MetricValue,
    Reached,
    Seconds,
    Side,
    Status,
    TimingMode,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionArray

    Floats: TypeAlias = NDArray[np.float64]

SHARES = ("encode_cpu_share", "decode_cpu_share")
STARTUPS = ("encode_startup_s", "decode_startup_s")
COLDS = ("encode_cold_s", "decode_cold_s")
PEAKS = ("encode_peak_bytes", "decode_peak_bytes")
NUMBERS = (
    *("width", "height", "depth", "bytes", "estimated_bits", "gpu_bytes"),
    *(*PEAKS, *STARTUPS, *COLDS, *SHARES),
)
SPREADS = {"encode_s": "encode_iqr_s", "decode_s": "decode_iqr_s"}
"""The columns of medians and those of interquartile ranges."""
REPEATS = "repeats"
"""How many times there are of each operation."""
_REPEATING = (
    *("status", "environment", "isolation", "timing", "device", "peak_of", "metrics_device"),
    *("channels", "treatment", "decoded_treatment"),
)
_HASHES = ("bitstream_sha256", "pixels_sha256")
WHY_NOT = "target_reason"
SEARCHED = ("setting", "within", "encodes")
"""Of what was searched: the quality that the codec was given, whether that is within the tolerance, and how
many trials were made for it."""
_MESSAGES = ("error", WHY_NOT)
_CODED = (*_REPEATING, *_MESSAGES)
"""What is kept as numbers that stand for values."""
_ABSENT: dict[str, Any] = dict.fromkeys(_CODED, "") | dict.fromkeys(_HASHES)
_ABSENT["status"] = "cancelled"
"""What stands for a trial that was never measured."""
_POINT = ("environment", "codec", "version", "weights_sha256")
_IMAGE = ("dataset", "image", "image_sha256")
_HISTORY = -1
_FEWEST_FOR_SPREAD = 3

Key = TypeVar("Key")


_Hash = Annotated[str, msgspec.Meta(min_length=64, max_length=64)]
"""A :data:`~bench.files.typed_json.Sha256` whose letters are looked at with many others, in half the time."""
_DIGITS = b"0123456789abcdef"


class _Line(msgspec.Struct, frozen=True, gc=False):
    """What the table needs of a measurement; configurations stay unparsed.

    :func:`_line_type` adds the metrics.
    """

    environment: str
    dataset: str
    image: str
    image_sha256: str
    codec: str
    version: str
    config: msgspec.Raw
    status: Status
    quality: float | None = None
    weights_sha256: str | None = None
    decoder: msgspec.Raw = msgspec.Raw()
    width: Side | None = None
    height: Side | None = None
    depth: Depth = 8
    channels: str = "rgb"
    treatment: str = ""
    decoded_treatment: str = ""
    bytes: Count | None = None
    estimated_bits: Bits | None = None
    bitstream_sha256: _Hash | None = None
    pixels_sha256: _Hash | None = None
    exact: bool = False
    isolation: Isolation = "process"
    timing: TimingMode = "load"
    encode_s: tuple[Seconds, ...] = ()
    decode_s: tuple[Seconds, ...] = ()
    encode_startup_s: Seconds | None = None
    decode_startup_s: Seconds | None = None
    encode_cold_s: Seconds | None = None
    decode_cold_s: Seconds | None = None
    encode_cpu_share: float | None = None
    decode_cpu_share: float | None = None
    device: str = "cpu"
    gpu_bytes: Count | None = None
    encode_peak_bytes: Count | None = None
    decode_peak_bytes: Count | None = None
    peak_of: str = "process"
    metrics_device: str = "cpu"
    failure: Failure | None = None
    reached: Reached | None = None


class _StrictLine(_Line, frozen=True, gc=False):
    """A line whose hashes are surely such."""

    bitstream_sha256: Sha256 | None = None
    pixels_sha256: Sha256 | None = None


def _line_type(metrics: Sequence[str], base: type[_Line] = _Line) -> type[_Line]:
    """Lines with the given ``metrics`` as fields ``m0``, ``m1`` and so on: a dictionary takes longer."""
    names = {f"m{index}": name for index, name in enumerate(metrics)}
    fields = [(field, MetricValue | None, None) for field in names]
    values = msgspec.defstruct("Metrics", fields, rename=names, frozen=True, gc=False)
    line: Any = msgspec.defstruct(
        "MetricsLine", [("metrics", values, values())], bases=(base,), frozen=True, gc=False
    )
    kind: type[_Line] = line
    return kind


@dataclass(frozen=True, eq=False)
class Part:
    """Columns of a part of the journal in its order, and the row in the plan of each line."""

    rows: NDArray[np.int64]
    numbers: dict[str, Floats]
    categories: dict[str, tuple[NDArray[np.int32], list[str]]]
    """Codes, and what they stand for."""
    exact: NDArray[np.bool_]
    texts: dict[str, list[str | None]]


@dataclass(frozen=True, eq=False)
class Trials:
    """Columns in the order of the plan, a place for every planned trial."""

    numbers: dict[str, Floats]
    categories: dict[str, pd.Categorical]
    exact: NDArray[np.bool_]
    texts: dict[str, ExtensionArray]


def read_part(folder: Path, metrics: Sequence[str], span: Span) -> Part:
    """Read a part of a run's journal; errors as of :class:`bench.files.journal.Journal`."""
    columns = _Columns(read_info(folder), metrics)
    for lines in journal(folder, _line_type(metrics)).batches(span):
        if not _are_hashes(lines):
            for _ in journal(folder, _line_type(metrics, _StrictLine)).batches(span):
                pass  # until it tells which line is damaged
        columns.put(lines)
    return columns.part()


def _are_hashes(lines: Sequence[_Line]) -> bool:
    hashes = "".join([f"{it.bitstream_sha256 or ''}{it.pixels_sha256 or ''}" for it in lines])
    return not hashes.encode(errors="replace").translate(None, _DIGITS)


def in_order_of_plan(parts: Sequence[Part], planned: int) -> Trials:
    """The lines of all parts at the places of their trials; a later line replaces an earlier one.

    The parts' texts are used up: two copies of a million hashes are not needed.
    """
    import numpy as np
    import pandas as pd

    rows = np.concatenate([part.rows for part in parts])
    # The last place of each column stands for what was never measured.
    source = np.full(planned, -1)
    np.maximum.at(source, rows, np.arange(len(rows)))  # where a row comes twice, its last place
    column = np.empty(len(rows) + 1)
    numbers = {}
    for name in parts[0].numbers:
        np.concatenate([*(part.numbers[name] for part in parts), [np.nan]], out=column)
        numbers[name] = column[source]
    categories, texts = {}, {}
    for name in _CODED:
        known = {_ABSENT[name]: 0}
        blocks = []
        for codes, values in (part.categories[name] for part in parts):
            joint = [known.setdefault(value, len(known)) for value in values]
            blocks.append(np.array(joint, np.int32)[codes])
        in_plan = np.concatenate([*blocks, [0]])[source]
        if name in _MESSAGES:
            texts[name] = pd.Series([*known]).array.take(in_plan)
        else:
            used = np.bincount(in_plan, minlength=len(known)) > 0
            names = list(itertools.compress(known, used.tolist()))
            categories[name] = pd.Categorical.from_codes((np.cumsum(used) - 1)[in_plan], categories=names)
    exact = np.concatenate([*(part.exact for part in parts), [False]])[source]
    for name in _HASHES:
        texts_of_lines = [it for part in parts for it in part.texts.pop(name)]
        texts_of_lines.append(_ABSENT[name])
        texts[name] = pd.Series(texts_of_lines).array.take(source)
    return Trials(numbers, categories, exact, texts)


class _Columns:
    """Collects lines. The plan is a product, so the row of a trial is computed, not looked up."""

    def __init__(self, info: RunInfo, metrics: Sequence[str]) -> None:
        self._selector = LineSelector(info)
        self._metrics = tuple(metrics)
        self._first_rows: dict[tuple[Any, ...], int] = {}
        self._image_rows: dict[ImageKey, int] = {}
        self._rows: list[NDArray[np.int64]] = []
        numeric = (*metrics, *NUMBERS, *SPREADS, *SPREADS.values(), REPEATS, *SEARCHED)
        self._numbers: dict[str, list[Floats]] = {name: [] for name in numeric}
        self._codes: dict[str, list[NDArray[np.int32]]] = {name: [] for name in _CODED}
        self._known: dict[str, dict[str, int]] = {name: {} for name in _CODED}
        self._exact: list[bool] = []
        self._texts: dict[str, list[str | None]] = {name: [] for name in _HASHES}

    def put(self, lines: list[_Line]) -> None:
        """Take in the next lines of the journal."""
        import numpy as np

        if not lines:
            return
        columns = _transposed(lines)
        rows = self._places(columns)
        if (rows == _HISTORY).any():
            self.put([line for line, row in zip(lines, rows.tolist(), strict=True) if row != _HISTORY])
            return
        self._rows.append(rows)
        values = dict(zip(self._metrics, zip(*map(astuple, columns["metrics"]), strict=True), strict=True))
        for name in (*self._metrics, *NUMBERS):
            self._numbers[name].append(_floats(values.get(name) or columns[name]))
        for name, of_spread in SPREADS.items():
            medians, spreads = _medians_and_spreads(columns[name])
            self._numbers[name].append(medians)
            self._numbers[of_spread].append(spreads)
        self._numbers[REPEATS].append(np.fromiter(map(len, columns["encode_s"]), float, len(lines)))
        columns["error"] = tuple(["" if it is None else str(it) for it in columns["failure"]])
        columns[WHY_NOT] = tuple(["" if it is None else it.reason for it in columns["reached"]])
        for name, known in self._known.items():
            self._codes[name].append(_codes(columns[name], known))
        self._exact += columns["exact"]
        for name in _HASHES:
            self._texts[name] += columns[name]
        self._put_searched(columns)

    def _put_searched(self, columns: Mapping[str, tuple[Any, ...]]) -> None:
        import numpy as np

        found = columns["reached"]
        searched = [row for row, it in enumerate(found) if it is not None]
        values = np.full((len(SEARCHED), len(found)), np.nan)
        for row in searched:
            quality = columns["quality"][row]
            setting = np.nan if quality is None else quality
            values[:, row] = setting, found[row].within, found[row].encodes
        for name, its in zip(SEARCHED, values, strict=True):
            self._numbers[name].append(its)

    def part(self) -> Part:
        """What was collected; the collection is used up."""
        import numpy as np

        numbers = {}
        while self._numbers:
            name, blocks = self._numbers.popitem()
            numbers[name] = np.concatenate([np.empty(0), *blocks])
        no_codes = np.empty(0, np.int32)
        return Part(
            rows=np.concatenate([np.empty(0, np.int64), *self._rows]),
            numbers=numbers,
            categories={
                name: (np.concatenate([no_codes, *codes]), list(self._known[name]))
                for name, codes in self._codes.items()
            },
            exact=np.array(self._exact, bool),
            texts=self._texts,
        )

    def _places(self, columns: Mapping[str, tuple[Any, ...]]) -> NDArray[np.int64]:
        """The row of each line, or -1 for one that is history."""
        import numpy as np

        qualities, goals = list(columns["quality"]), [""] * len(columns["quality"])
        for row, it in enumerate(columns["reached"]):
            if it is not None:
                qualities[row], goals[row] = it.value, it.of
        unparsed = (map(bytes, columns[name]) for name in ("config", "decoder"))
        named = (columns[name] for name in _POINT)
        points = list(zip(*named, qualities, *unparsed, goals, strict=True))
        first = _looked_up(points, self._first_rows, lambda it: self._selector.first_row(Point(*it)))
        images: list[ImageKey] = list(zip(*(columns[name] for name in _IMAGE), strict=True))
        offset = _looked_up(images, self._image_rows, self._selector.image_row)
        return np.where((first == _HISTORY) | (offset == _HISTORY), _HISTORY, first + offset)


def _transposed(lines: Sequence[_Line]) -> dict[str, tuple[Any, ...]]:
    """The values of each field of some lines, of one at least."""
    return dict(zip(lines[0].__struct_fields__, zip(*map(astuple, lines), strict=True), strict=True))


def _floats(values: tuple[float | None, ...]) -> Floats:
    import numpy as np

    if values.count(None) == len(values):
        return np.full(len(values), np.nan)
    return np.array(values, dtype=float)


def _codes(values: tuple[str, ...], known: dict[str, int]) -> NDArray[np.int32]:
    """Numbers that stand for the values; ``known`` is added to."""
    import numpy as np

    if values.count(values[0]) == len(values):
        return np.full(len(values), known.setdefault(values[0], len(known)), np.int32)
    return np.array([known.setdefault(it, len(known)) for it in values], np.int32)


def _looked_up(
    keys: Sequence[Key], known: dict[Key, int], find: Callable[[Key], int | None]
) -> NDArray[np.int64]:
    import numpy as np

    places = list(map(known.get, keys))
    if None in places:
        for key in keys:
            if key not in known:
                place = find(key)
                known[key] = _HISTORY if place is None else place
        places = list(map(known.get, keys))
    return np.array(places, np.int64)


def _medians_and_spreads(samples: Sequence[tuple[float, ...]]) -> tuple[Floats, Floats]:
    """As of :mod:`bench.trials.measurement`, for many trials at once; NaN where one has none."""
    import numpy as np

    counts = np.fromiter(map(len, samples), np.int64, len(samples))
    medians, spreads = np.full((2, len(samples)), np.nan)
    for count in set(counts.tolist()) - {0}:
        rows = np.flatnonzero(counts == count)
        values = np.sort(np.array([samples[row] for row in rows.tolist()], dtype=float), axis=1)
        medians[rows] = (values[:, (count - 1) // 2] + values[:, count // 2]) / 2
        if count >= _FEWEST_FOR_SPREAD:
            spreads[rows] = _quartile(values, 3) - _quartile(values, 1)
    return medians, spreads


def _quartile(values: Floats, which: int) -> Floats:
    """As ``statistics.quantiles(…, method="inclusive")``; ``values`` rise along the last axis."""
    below, weight = divmod(which * (values.shape[1] - 1), 4)
    return (values[:, below] * (4 - weight) + values[:, below + 1] * weight) / 4

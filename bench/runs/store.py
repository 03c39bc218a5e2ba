"""A run folder: ``run.json`` and the append-only journal ``measurements.jsonl``.

One process writes, under a lock; anyone reads, at any time.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self, TypeAlias

import msgspec

from bench.errors import StoreError
from bench.files.access import read_regular, require_no_link, subfolder, write_atomically, writing
from bench.files.journal import Journal
from bench.files.typed_json import MalformedJson, Option, decode_json
from bench.host.environment import Environment
from bench.text.plain import is_one_line
from bench.trials.measurement import SCHEMA_VERSION, Measurement, RecordedDecoder
from bench.trials.plan import CodecPlan, ImagePlan, MetricPlan, Plan

if TYPE_CHECKING:
    from filelock import FileLock

RUN_FILE = "run.json"
JOURNAL_FILE = "measurements.jsonl"
BITSTREAM_FOLDER = "bitstreams"
_LOCK_FILE = ".lock"
MAX_TRIALS = 4_000_000
"""Trials of a run: a table of them takes some 2 GB."""
ShardName: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}/[0-9]{1,6}\Z")]
"""As :class:`bench.inputs.shard.Shard` writes it."""


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """``run.json``: what was planned, and where it ran."""

    schema: int = SCHEMA_VERSION
    environment: Environment
    """Of the machine that was the first to work for the run, or the only one."""
    further_environments: tuple[Environment, ...] = ()
    """Of what else worked for it: other machines, or the same with other software."""
    several_machines: bool = False
    """Whether an engine of several machines had part in it. From then on machines add up: the results of all
    that are named here count, and nothing is measured again because a machine is another one."""
    title: str = ""
    """What the suite calls itself."""
    conditions: str = ""
    """The test conditions that it was made under: name, version, and a part of the definition's hash."""
    datasets: dict[str, str] = {}
    """Licence of each data set whose hashes were verified against the catalogue."""
    sources: dict[str, str] = {}
    """Where each data set came from: ``catalogue``, or the absolute path of its folder."""
    shard: ShardName | None = None
    """Which part of the suite's images it is of; None for all of them."""
    images: tuple[ImagePlan, ...]
    codecs: tuple[CodecPlan, ...]
    metrics: tuple[MetricPlan, ...]

    @property
    def plan(self) -> Plan:
        """The planned trials."""
        return Plan(self.images, self.codecs, self.metrics)

    @property
    def environments(self) -> tuple[Environment, ...]:
        """All that worked for the run, in the order in which they joined; several may have one ``id``."""
        return self.environment, *self.further_environments


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (folder / RUN_FILE).is_file()


def read_info(folder: Path, remedy: str = "restore it, or start again with --fresh") -> RunInfo:
    """Read ``run.json``.

    Parameters
    ----------
    folder : a run folder, which may be a stranger's
    remedy : what can be done about a damaged one

    Raises
    ------
    StoreError
        The folder holds no run, one of an unknown schema version, or a damaged file.
    """
    path = folder / RUN_FILE
    try:
        data = read_regular(path, links=True)
    except OSError as error:
        raise StoreError(f"{folder}: not a run folder ({RUN_FILE}: {error.strerror})") from error
    try:
        schema = decode_json(data, _Schema).schema
        if schema != SCHEMA_VERSION:
            raise StoreError(
                f"{path}: schema version {schema}, this rdbench reads {SCHEMA_VERSION}; "
                + ("update rdbench" if schema > SCHEMA_VERSION else "make the run again")
            )
        info = decode_json(data, RunInfo)
        _require_sound(info)
    except MalformedJson as error:
        raise StoreError(f"{path}: damaged ({error}); {remedy}") from error
    metrics = (msgspec.structs.replace(it, target=_located_target(it.target, folder)) for it in info.metrics)
    codecs = tuple(_located(it, folder) for it in info.codecs)
    return msgspec.structs.replace(info, codecs=codecs, metrics=tuple(metrics))


def _located(plan: CodecPlan, folder: Path) -> CodecPlan:
    """A codec whose file is named relative to the run folder, which brings it along, where it lies."""
    decoder = plan.decoder
    if decoder is not None:
        decoder = msgspec.structs.replace(decoder, target=_located_target(decoder.target, folder))
    return msgspec.structs.replace(plan, target=_located_target(plan.target, folder), decoder=decoder)


def _located_target(target: str, folder: Path) -> str:
    file, colon, attribute = target.partition(":")
    if not file.endswith(".py"):
        return target
    return f"{folder.absolute() / file}{colon}{attribute}"


def _require_sound(info: RunInfo) -> None:
    """What the types do not say of ``run.json``: names that a table can hold, each once, and not too many."""
    labels = [it.label for it in info.codecs]
    for name in (info.title, info.conditions, *labels, *(it.name for it in info.images)):
        if not is_one_line(name):
            raise MalformedJson(f"control characters in the name {name[:80]!r}")
    for what, names in (("label", labels), ("metric", [it.name for it in info.metrics])):
        if len(set(names)) < len(names):
            raise MalformedJson(f"a {what} is used twice")
    if len(set(info.images)) < len(info.images):
        raise MalformedJson("an image is named twice")
    if len(info.plan) > MAX_TRIALS:
        raise MalformedJson(f"{len(info.plan)} trials are planned, {MAX_TRIALS} are the most")


def encoded_info(folder: Path, info: RunInfo) -> bytes:
    """What is to stand in ``run.json`` of a folder.

    Raises
    ------
    StoreError
        It could not be read again.
    """
    try:
        data = msgspec.json.format(msgspec.json.encode(info), indent=1)
        _require_sound(decode_json(data, RunInfo))
    except (MalformedJson, TypeError, ValueError) as error:
        raise StoreError(
            f"{folder / RUN_FILE}: is not written, since it could not be read again ({error})"
        ) from error
    return data + b"\n"


class _Schema(msgspec.Struct):
    schema: int


def journal(folder: Path, kind: Any = Measurement) -> Journal[Any]:
    """The journal of a run; ``kind`` may be a struct of fewer fields, which is quicker to read."""
    return Journal(
        folder / JOURNAL_FILE,
        kind,
        "what was measured before is kept, and the same command goes on from there",
    )


def read_journal(folder: Path) -> Iterator[Measurement]:
    """Every measurement of the journal, in the order of writing; errors as of :class:`Journal`."""
    return iter(journal(folder))


class Point(NamedTuple):
    """What a line of the journal says of the operating point that it belongs to."""

    environment: str
    codec: str
    version: str
    weights_sha256: str | None
    quality: float | None
    config: bytes
    """As JSON."""
    decoder: bytes = b""
    """The same of :class:`bench.trials.measurement.RecordedDecoder`; empty where the codec's own decodes."""
    goal: str = ""
    """Of what the quality here is a value that was reached; empty for a quality of the codec's own."""


ImageKey: TypeAlias = tuple[str, str, str]
"""Data set, name and SHA-256."""


class LineSelector:
    """Tells which of a journal's lines count: those of the run's present plan and machines.

    Lines of another library version, a machine that ``run.json`` does not name or a configuration that was
    planned no more stay in the journal as history.
    """

    def __init__(self, info: RunInfo) -> None:
        self._machines = {it.id for it in info.environments}
        self._images = {(it.dataset, it.name, it.sha256): row for row, it in enumerate(info.images)}
        self._plans = info.codecs
        self._codecs: dict[tuple[str, str, str | None], list[int]] = {}
        for index, codec in enumerate(info.codecs):
            for weights in {*codec.weights_by_quality.values(), codec.weights_sha256}:
                self._codecs.setdefault((codec.codec, codec.version, weights), []).append(index)
        self._points: dict[tuple[int, float | None], int] = {}
        for index, codec in enumerate(info.codecs):
            for quality in codec.qualities:
                self._points[index, quality] = len(self._points) * len(info.images)
        self._goals = {it.goal.of for it in info.codecs if it.goal is not None}
        self._seen: dict[tuple[str, str, str | None, bytes, bytes, str], int | None] = {}

    def first_row(self, point: Point) -> int | None:
        """The place of a point's first image in the plan's product, codec by codec, quality by quality.

        None for a point that is history.
        """
        if point.environment not in self._machines:
            return None
        codec = self._codec_index(point)
        if codec is None:
            return None
        if not point.goal and self._plans[codec].weights_of(point.quality) != point.weights_sha256:
            return None
        return self._points.get((codec, point.quality))

    def image_row(self, image: ImageKey) -> int | None:
        """The place of an image after the first one of each point; None for one that is history."""
        return self._images.get(image)

    def row(self, it: Measurement) -> int | None:
        """The place of a measurement in the plan's product, image by image last; None for history."""
        first = self.first_row(_point(it))
        image = self.image_row(_image(it))
        return None if first is None or image is None else first + image

    def codec_of(self, it: Measurement) -> CodecPlan | None:
        """The planned configuration that a measurement belongs to; None for one that is history."""
        index = None if self.row(it) is None else self._codec_index(_point(it))
        return None if index is None else self._plans[index]

    @property
    def has_searches(self) -> bool:
        """Whether anything of the plan is searched."""
        return bool(self._goals)

    def is_of_search(self, it: Measurement) -> bool:
        """Whether a line has no row, and is of a configuration that is searched on its image."""
        if not self._goals or self.row(it) is not None or it.reached is not None:
            return False
        point = _point(it)
        if point.environment not in self._machines or _image(it) not in self._images:
            return False
        return any(self._codec_index(point._replace(goal=of)) is not None for of in self._goals)

    def _codec_index(self, point: Point) -> int | None:
        identity = (point.codec, point.version, point.weights_sha256)
        key = (*identity, point.config, point.decoder, point.goal)
        if key not in self._seen:
            fitting = self._codecs.get(identity, ())
            self._seen[key] = self._of_config(fitting, point) if fitting else None
        return self._seen[key]

    def _of_config(self, fitting: Sequence[int], point: Point) -> int | None:
        try:
            config = decode_json(point.config, dict[str, Option])
            decoder = decode_json(point.decoder, RecordedDecoder) if point.decoder else None
        except MalformedJson:  # no configuration, so none of the plan's
            return None
        facts = decoder, point.goal
        plans = [(index, it) for index in fitting if _told_apart_by(it := self._plans[index]) == facts]
        same = [index for index, it in plans if it.config == config]
        alike = [index for index, it in plans if it.distinctive(it.config) == it.distinctive(config)]
        return next(iter(same + alike), None)


def _image(it: Measurement) -> ImageKey:
    return it.dataset, it.image, it.image_sha256


def _told_apart_by(plan: CodecPlan) -> tuple[RecordedDecoder | None, str]:
    """What configurations of one codec differ in beside their options."""
    return plan.recorded_decoder, "" if plan.goal is None else plan.goal.of


def _point(it: Measurement) -> Point:
    config = msgspec.json.encode(it.config, order="sorted")
    decoder = b"" if it.decoder is None else msgspec.json.encode(it.decoder, order="sorted")
    goal = "" if it.reached is None else it.reached.of
    return Point(it.environment, it.codec, it.version, it.weights_sha256, it.point, config, decoder, goal)


class RunWriter:
    """The one writer of a run folder.

    Raises
    ------
    StoreError
        Another process is writing into the folder, or there can be no folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: FileLock | None = None
        self._journal: Journal[Measurement] = journal(folder)

    def __enter__(self) -> Self:
        from filelock import FileLock, Timeout

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = "a file of this name exists" if self.folder.is_file() else error.strerror
            raise StoreError(f"{self.folder}: cannot be a run folder ({reason})") from error
        require_no_link(self.folder / _LOCK_FILE)
        lock = FileLock(self.folder / _LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(
                f"{self.folder}: another rdbench writes into this folder; wait for it, or give another --out"
            ) from None
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StoreError(
                f"{self.folder}: cannot be locked ({reason}); give an --out that can be written, on a file"
                " system with locks"
            ) from error
        self._lock = lock
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()
        if self._lock is not None:
            self._lock.release()

    def archive(self) -> None:
        """Start again; the journal is renamed to ``*.old``, or ``*.old2`` and so on if that exists."""
        ending = self._unused_ending()
        for name in (JOURNAL_FILE, RUN_FILE):
            with writing(self.folder / name), suppress(FileNotFoundError):
                (self.folder / name).replace(self.folder / f"{name}{ending}")

    def prune(self, keep: Callable[[Measurement], bool]) -> Path | None:
        """Remove all lines but those to ``keep``; the former journal stays beside as in :meth:`archive`.

        Returns
        -------
        The former journal, or None where there was nothing to remove.
        """
        path = self.folder / JOURNAL_FILE
        kept, lines = [], 0
        for measurement in read_journal(self.folder):
            lines += 1
            if keep(measurement):
                kept.append(msgspec.json.encode(measurement) + b"\n")
        if len(kept) == lines:
            return None
        former = path.with_name(f"{path.name}{self._unused_ending()}")
        with writing(former):
            shutil.copyfile(path, former)  # so that at every instant there is a journal
        write_atomically(path, b"".join(kept))
        return former

    def _unused_ending(self) -> str:
        """``.old``, or the first of ``.old2``, ``.old3`` and so on that no file here has."""
        endings = (f".old{number if number > 1 else ''}" for number in itertools.count(1))
        files = (JOURNAL_FILE, RUN_FILE)
        return next(it for it in endings if not any((self.folder / f"{name}{it}").exists() for name in files))

    def write_info(self, info: RunInfo) -> None:
        """Replace ``run.json`` in one step; errors as of :func:`encoded_info`, or it can't be written."""
        write_atomically(self.folder / RUN_FILE, encoded_info(self.folder, info))

    def append(self, *measurements: Measurement) -> None:
        """Write lines to the journal; see :meth:`Journal.append`."""
        self._journal.append(*measurements)

    def keep_bitstream(self, sha256: str, bitstream: bytes) -> None:
        """Store a bitstream under its hash, once."""
        path = subfolder(self.folder, BITSTREAM_FOLDER) / sha256
        if not path.exists():
            write_atomically(path, bitstream)

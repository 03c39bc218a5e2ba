"""Verifying a run: every kept bitstream is decoded again, and a sample of the pictures encoded again.

Decoders run in processes that no encoder ever was in, shut in where the system can do that, and see neither
the run folder nor the originals. One configuration is decoded after the other, so that no other decoder runs
that could be told anything; images come in an order of our own, and no process is given two bitstreams of a
picture.
"""

from __future__ import annotations

import hashlib
import math
import random
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path

from bench.engines import open_engine
from bench.engines.engine import Engine, EngineOptions
from bench.engines.messages import Failed
from bench.errors import StoreError
from bench.files.stored_pictures import FOLDER
from bench.host.environment import current
from bench.inputs.catalogue import shipped
from bench.inputs.datasets import ImageFile
from bench.metrics.agreement import tolerance_across_environments
from bench.runs.store import BITSTREAM_FOLDER, RunInfo, read_info
from bench.sealing.seal import can_seal
from bench.text.plain import printable, some_of
from bench.trials.plan import CodecPlan, ImagePlan, Plan
from bench.trials.trust import NOBODY, Trust
from bench.verifying.installed import MetricsHere, codec_here, metrics_here
from bench.verifying.judging import Again, judged
from bench.verifying.looking import DecodedRow, EncodeAgain, Look, LookAt
from bench.verifying.memorised import memorising
from bench.verifying.record import (
    NOT_KEPT,
    WORD,
    CodecFlag,
    Verification,
    VerifiedRow,
    journal_sha256,
    plan_sha256,
)
from bench.verifying.remembering import REMEMBERS, remembering
from bench.verifying.rows import (
    RecordedRow,
    expected_keys,
    images_at_hand,
    plain,
    recorded_rows,
    without_needs,
)

DEFAULT_SAMPLE = 0.1
_REPORT = "report"
"""Where a report of the run is, unless somebody chose another folder."""


@dataclass(frozen=True)
class VerifyOptions:
    """How a run is verified."""

    datasets: tuple[str, ...] = ()
    """Where the originals are, for data sets that are folders; those of the catalogue are found."""
    trust: Trust = NOBODY
    """Which codecs of the run may run besides the installed ones."""
    sample: float = DEFAULT_SAMPLE
    """Share of the rows whose picture is encoded again, 0 to 1."""
    seed: int | None = None
    """Of what is encoded again, and of the order of decoding; None for one that nobody can have known."""
    decode_only: bool = False
    """Encode nothing: neither the sample, nor for the audit."""
    audit: bool = True
    """Whether to code altered pictures too, see :mod:`bench.verifying.memorised`."""
    jobs: int | None = None
    timeout: float = 300.0


@dataclass(frozen=True)
class VerifyEvents:
    """What a caller may want to know meanwhile."""

    note: Callable[[str], None] = lambda text: None
    planned: Callable[[str, int], None] = lambda what, count: None
    """Called before bitstreams are decoded, or pictures coded: what, and how many."""
    done: Callable[[], None] = lambda: None
    """One of them."""


def verify(
    run: Path, options: VerifyOptions | None = None, events: VerifyEvents | None = None
) -> Verification:
    """Verify a run that somebody else may have made.

    Parameters
    ----------
    run : a run folder; nothing is written into it
    options : how
    events : what to tell meanwhile

    Raises
    ------
    StoreError
        The folder is no run, its journal is damaged, or changes meanwhile.
    ConfigError, DatasetError
        A data set that was given does not exist.
    """
    options, events = options or VerifyOptions(), events or VerifyEvents()
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed
    read_info(run)
    judged_files = journal_sha256(run), plan_sha256(run)
    inspection = _Inspection(run, options, events, seed)
    rows, flags = inspection.verdicts()
    if (journal_sha256(run), plan_sha256(run)) != judged_files:
        raise StoreError(f"{run}: the run changed while it was verified; wait until it is finished")
    metrics = inspection.metrics
    return Verification(
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        rdbench=version("rdbench"),
        environment=current(),
        seed=seed,
        sample=0.0 if options.decode_only else options.sample,
        decode_only=options.decode_only,
        sealed=can_seal(),
        journal_sha256=judged_files[0],
        plan_sha256=judged_files[1],
        tolerances={it: tolerance_across_environments(unit) for it, unit in metrics.units.items()},
        rows=rows,
        flags=flags,
        notes=inspection.notes,
    )


class _Inspection:
    """One verification at work."""

    def __init__(self, run: Path, options: VerifyOptions, events: VerifyEvents, seed: int) -> None:
        self._run, self._options, self._events = run, options, events
        self._random = random.Random(seed)
        self._info = read_info(run)
        self._codecs = tuple(options.trust.codec(without_needs(it)) for it in self._info.codecs)
        self._files = images_at_hand(self._info, options.datasets)
        self._rows = recorded_rows(run, self._info, self._codecs, self._files)
        self.metrics = MetricsHere({}, {})

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the folder as a whole."""
        absent = [it.name for it in self._info.images if it not in self._files]
        said = [
            WORD,
            *_without_result(self._rows),
            *_fewer_pictures(self._info),
            *_unidentified(self._info),
        ]
        if absent:
            said.append(
                f"{len(absent)} of {len(self._info.images)} originals are not here ({some_of(absent, 3)}):"
                " their metrics can't be taken; give their folder with --dataset"
            )
        said += self.metrics.unavailable.values()
        return tuple(printable(it)[:1000] for it in said)

    def verdicts(self) -> tuple[tuple[VerifiedRow, ...], tuple[CodecFlag, ...]]:
        """A verdict for each row, and what was noticed of the codecs."""
        with self._engine() as engine:
            self.metrics = metrics_here(engine, self._info)
            here = {it.label: codec_here(engine, it) for it in self._codecs}
            absent = {label: it.absent for label, it in here.items() if it.absent}
            looks = self._with_bitstreams(absent)
            seen = self._decoded(engine, looks)
            for place in remembering(engine, looks, seen):
                seen[place] = replace(seen[place], problem=REMEMBERS)
        again = {} if self._options.decode_only else self._encoded_again(seen, absent)
        flags = [flag for it in here.values() for flag in it.flags]
        if self._options.audit and not self._options.decode_only:
            flags += self._memorising(absent)
        codecs = tuple(plain(it, self._rows) for it in self._info.codecs)
        keys = _Keys(Plan(self._info.images, codecs, self._info.metrics), self._files)
        rows = tuple(
            judged(it, keys.of(it), self._seen(it, seen, absent), again.get(it.place), self.metrics)
            for it in self._rows
        )
        return rows, tuple(flags)

    def _engine(self) -> Engine:
        """Fresh processes that see neither the run nor the originals."""
        folders = {it.path.resolve().parent for it in self._files.values()}
        return open_engine(
            options=EngineOptions(
                jobs=self._options.jobs,
                timeout=self._options.timeout,
                hidden=(*_hidden(self._run, self._codecs), *folders),
                foreign=True,
            )
        )

    def _with_bitstreams(self, absent: Mapping[str, str]) -> list[Look]:
        """The rows that can be decoded."""
        folder = self._run / BITSTREAM_FOLDER
        looks = []
        for row in self._rows:
            name = row.line.bitstream_sha256 if row.line is not None and row.claims else None
            if name and row.codec.label not in absent and not folder.is_symlink():
                path = folder / name
                if path.is_file():
                    looks.append(Look(row, path.absolute(), self._original(row)))
        return looks

    def _original(self, row: RecordedRow) -> Path | None:
        file = self._files.get(row.image)
        return None if file is None else file.path.absolute()

    def _decoded(self, engine: Engine, looks: Sequence[Look]) -> dict[int, DecodedRow]:
        self._events.planned("bitstreams to be decoded", len(looks))
        task = LookAt(tuple(self.metrics.refs.values()), self._run / _REPORT / FOLDER)
        found = {}
        for of_round in self._rounds(looks):
            for seen in engine.run(task, self._shuffled(of_round)):
                found[seen.place] = seen
                self._events.done()
        return found

    def _rounds(self, looks: Sequence[Look]) -> Iterator[list[Look]]:
        """Parts of one configuration that have one bitstream of a picture each.

        Each part gets processes of its own: they know of no other bitstream of the picture, and no decoder of
        another configuration, which may have been sent it, is there to tell them.
        """
        codecs: dict[str, dict[str, list[Look]]] = {}
        for look in looks:
            codecs.setdefault(look.codec.label, {}).setdefault(look.image.sha256, []).append(look)
        for of_codec in codecs.values():
            for of_picture in of_codec.values():
                self._random.shuffle(of_picture)
            for of_round in zip_longest(*of_codec.values()):
                yield [it for it in of_round if it is not None]

    def _shuffled(self, looks: Sequence[Look]) -> list[Look]:
        """In an order that no encoder knew: images, and the rows of each; an image is read once."""
        images: dict[ImagePlan, list[Look]] = {}
        for look in looks:
            images.setdefault(look.image, []).append(look)
        order = list(images.values())
        self._random.shuffle(order)
        for of_image in order:
            self._random.shuffle(of_image)
        return [it for of_image in order for it in of_image]

    def _encoded_again(self, seen: dict[int, DecodedRow], absent: Mapping[str, str]) -> dict[int, Again]:
        """What came of the sample; of a row whose bitstream was not kept, ``seen`` gains the same one."""
        able = [it for it in self._rows if it.claims and it.codec.label not in absent]
        able = [it for it in able if it.image in self._files]
        count = math.ceil(self._options.sample * len(able))
        sample = self._random.sample(able, count)
        if not sample:
            return {}
        self._events.planned("pictures to be encoded again", len(sample))
        bitstreams: dict[int, bytes | Failed] = {}
        looks = {it.place: Look(it, b"", self._original(it)) for it in sample}
        with self._engine() as engine:
            for place, found in engine.run(EncodeAgain(), self._shuffled([*looks.values()])):
                bitstreams[place] = found
                self._events.done()
        again, others = {}, []
        for row in sample:
            found = bitstreams[row.place]
            if isinstance(found, Failed):
                again[row.place] = Again(failure=found.reason)
                continue
            again[row.place] = Again(same=_is_recorded(found, row))
            if not again[row.place].same or row.place not in seen:
                others.append(replace(looks[row.place], bitstream=found))
        if others:
            with self._engine() as engine:
                for place, it in self._decoded(engine, others).items():
                    if again[place].same:
                        seen[place] = it
                    else:
                        again[place] = replace(again[place], seen=it)
        return again

    def _memorising(self, absent: Mapping[str, str]) -> tuple[CodecFlag, ...]:
        """The codecs that seem to know the originals by heart."""
        here = (it for it in self._codecs if it.label not in absent and not it.unavailable)
        codecs = [plain(it, self._rows) for it in here]
        if not codecs:
            return ()
        files = {image: it.path.absolute() for image, it in self._files.items()}
        with tempfile.TemporaryDirectory(prefix="rdbench-altered-") as folder, self._engine() as engine:
            return memorising(
                engine,
                codecs,
                files,
                self._random.getrandbits(32),
                Path(folder),
                lambda count: self._events.planned("trials of altered pictures", count),
                self._events.done,
            )

    def _seen(
        self, row: RecordedRow, seen: Mapping[int, DecodedRow], absent: Mapping[str, str]
    ) -> DecodedRow:
        reason = absent.get(row.codec.label, NOT_KEPT)
        return seen.get(row.place, DecodedRow(row.place, absent=reason))


def _without_result(rows: Sequence[RecordedRow]) -> Iterator[str]:
    """What is planned, and has no result that could be checked."""
    without = Counter("never measured" if it.line is None else it.line.status for it in rows if not it.claims)
    if without:
        told = ", ".join(f"{count} {name}" for name, count in without.most_common())
        yield (
            f"{len(rows) - without.total()} of {len(rows)} planned trials have a result ({told}): what has"
            " none may have been left out for its numbers"
        )


def _fewer_pictures(info: RunInfo) -> Iterator[str]:
    """The data sets of the catalogue of which not every picture is planned."""
    for name, images in Counter(it.dataset for it in info.images).items():
        spec = shipped().get(name)
        if spec is not None and images < len(spec.files):
            yield f"{images} of the {len(spec.files)} pictures of {name} are planned"


def _unidentified(info: RunInfo) -> Iterator[str]:
    """Pictures under a name of the catalogue that the catalogue has no SHA-256 of, as records do."""
    for name in dict.fromkeys(it.dataset for it in info.images):
        spec = shipped().get(name)
        files = {} if spec is None else spec.files
        planned = [it.name for it in info.images if it.dataset == name and it.name in files]
        if without := [it for it in planned if files[it].sha256 is None]:
            yield (
                f"{some_of(without, 3)}: whether these are the pictures of {name} can't be told,"
                " the catalogue has no SHA-256 of them"
            )


def _is_recorded(bitstream: bytes, row: RecordedRow) -> bool:
    assert row.line is not None
    return hashlib.sha256(bitstream).hexdigest() == row.line.bitstream_sha256


class _Keys:
    """The key that a row's trial has to have, by the metrics that its line says were taken."""

    def __init__(self, plan: Plan, files: Mapping[ImagePlan, ImageFile]) -> None:
        self._plan, self._files = plan, files
        self._known: dict[frozenset[str], dict[tuple[ImagePlan, str, float | None], str]] = {}

    def of(self, row: RecordedRow) -> str | None:
        """The key; None where it can't be told."""
        taken = frozenset(() if row.line is None else row.line.metrics)
        if taken not in self._known:
            self._known[taken] = expected_keys(self._plan, self._files, taken)
        return self._known[taken].get((row.image, row.codec.label, row.quality))


def _hidden(run: Path, codecs: Sequence[CodecPlan]) -> Iterator[Path]:
    """What of the run folder no codec is to see: all but the files of trusted ones that lie in it."""
    run = run.resolve()
    targets = (ref.target.partition(":")[0] for it in codecs if it.trusted for ref in it.refs)
    own = {Path(it).resolve() for it in targets if it.endswith(".py")}
    own = {it for it in own if it.is_relative_to(run)}
    if not own:
        yield run
        return
    yield from (it for it in run.iterdir() if not any(file.is_relative_to(it) for file in own))

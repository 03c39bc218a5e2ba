"""Several runs -> one: of parts of the images, of other codecs, of other machines.

The joint journal has one line for each trial, so that the times of a trial are of one machine.
"""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.engines.kept import Undecodable, read_kept
from bench.errors import ConfigError, StoreError
from bench.files.access import write_atomically, writing
from bench.files.journal import Journal
from bench.runs.candidates import Candidate, JoiningLines, best_of_several
from bench.runs.joining import JoiningRun, joint_environments, joint_info
from bench.runs.machines import kinds_note
from bench.runs.store import (
    BITSTREAM_FOLDER,
    JOURNAL_FILE,
    RUN_FILE,
    RunInfo,
    RunWriter,
    encoded_info,
    is_run,
    read_info,
)
from bench.text.plain import some_of
from bench.trials.measurement import Measurement

_UNFINISHED = f".{JOURNAL_FILE}.merging"
_NAMED = 4


@dataclass(frozen=True)
class MergeSummary:
    """What became of several runs."""

    folder: Path
    planned: int
    statuses: Counter[str]
    """Of the planned trials that a run had measured."""
    compared: int
    """Trials that several runs had measured."""


def merge(
    runs: Sequence[Path | str], out: Path | str, note: Callable[[str], None] = lambda text: None
) -> MergeSummary:
    """Join run folders in another one; they stay as they are.

    Of a trial that several runs have, a result goes before a failure, and precise times before those taken
    under load. Kept bitstreams come along. The folder is no run before all is there; the same call may be
    repeated after a kill, and does nothing where all is done.

    Parameters
    ----------
    runs : two folders or more
    out : that of the joint run
    note : told what the user should know

    Raises
    ------
    ConfigError
        The runs do not go together, see :func:`bench.runs.joining.joint_info`.
    StoreError
        Results of a trial differ, a run can't be read, or ``out`` holds another run.
    """
    folders, out = [Path(it) for it in runs], Path(out)
    _require_distinct(folders, out)
    parts = [JoiningRun(it, read_info(it)) for it in folders]
    info = joint_info(parts, note)
    data = encoded_info(out, info)
    if is_run(out) and (out / RUN_FILE).read_bytes() != data:
        raise _holds_another(out)
    _, machines = joint_environments(parts)
    lines = [JoiningLines(at, it, info, machines[at]) for at, it in enumerate(parts)]
    best = best_of_several(lines, info, note)
    if several := kinds_note(info.environments):
        note(several)
    with RunWriter(out) as writer:
        joint = _JointRun(writer, lines, best)
        try:
            joint.write_journal()
            if is_run(out):
                joint.require_done()
            else:
                joint.keep_bitstreams(note)
                joint.finish(data)
        finally:
            joint.unfinished.unlink(missing_ok=True)
    _note_gaps(info, lines, note)
    return MergeSummary(out, len(info.plan), joint.statuses, len(best))


def _require_distinct(folders: Sequence[Path], out: Path) -> None:
    """Refuse a run that is named twice, or as what the others become."""
    if len(folders) < 2:
        raise ConfigError("name two runs or more to join")
    named: dict[Path, Path] = {}
    for folder in folders:
        if (first := named.setdefault(folder.resolve(), folder)) is not folder:
            raise ConfigError(f"{first} and {folder} are one run; name it once")
    if out.resolve() in named:
        raise ConfigError(f"{out}: is one of the runs; join them in a folder of its own, --out")


def _holds_another(out: Path) -> StoreError:
    return StoreError(f"{out}: holds a run that these do not make; give another --out, or remove it")


class _JointRun:
    """A joint run as it comes about: its journal under another name, bitstreams, then what makes it a run."""

    def __init__(self, writer: RunWriter, runs: Sequence[JoiningLines], best: dict[int, Candidate]) -> None:
        self._writer = writer
        self._runs = runs
        self._best = best
        self._journal = writer.folder / JOURNAL_FILE
        self.unfinished = writer.folder / _UNFINISHED
        self.statuses: Counter[str] = Counter()
        self._bitstreams: dict[str, int] = {}
        """Hash of each, and the run whose result it belongs to."""

    def write_journal(self) -> None:
        """Write the lines; what a killed merge has left is replaced."""
        write_atomically(self.unfinished, b"")
        with Journal[Measurement](self.unfinished, Measurement) as file:
            for measurement in self._searched():
                file.append(measurement)
            for candidate in self._lines():
                measurement = candidate.measurement
                self.statuses[measurement.status] += 1
                if measurement.status == "ok" and measurement.bitstream_sha256:
                    self._bitstreams.setdefault(measurement.bitstream_sha256, candidate.run)
                file.append(measurement)

    def _searched(self) -> Iterator[Measurement]:
        """The trials of searches, each once."""
        written: set[tuple[str, str, str]] = set()
        for measurement in chain.from_iterable(it.of_searches() for it in self._runs):
            trial = measurement.dataset, measurement.image, measurement.key
            if trial not in written:
                written.add(trial)
                yield measurement

    def _lines(self) -> Iterator[Candidate]:
        for lines in self._runs:
            yield from (it for row, it in lines if row not in self._best)
        yield from (self._best[row] for row in sorted(self._best))

    def require_done(self) -> None:
        """Refuse a folder that holds a run already, unless it is this one.

        Raises
        ------
        StoreError
            It is not.
        """
        if not self._is_journal():
            raise _holds_another(self._writer.folder)

    def _is_journal(self) -> bool:
        return self._journal.exists() and filecmp.cmp(self._journal, self.unfinished, shallow=False)

    def keep_bitstreams(self, note: Callable[[str], None]) -> None:
        """Copy what the runs have kept, each of it if it is what its name says."""
        places = [it.folder / BITSTREAM_FOLDER for it in self._runs]
        for place in places:
            if place.is_symlink():
                note(f"{place}: a link, which is not followed; its bitstreams stay behind")
        problems = []
        for sha256, first in self._bitstreams.items():
            for place in (places[first], *places):
                if place.is_symlink() or not (place / sha256).exists():
                    continue
                try:
                    self._writer.keep_bitstream(sha256, read_kept(place / sha256))
                    break
                except Undecodable as error:
                    problems.append(f"{place / sha256}: {error}")
        if problems:
            note(f"{some_of(problems, _NAMED)}: left behind")

    def finish(self, info: bytes) -> None:
        """Make the folder a run."""
        if self._journal.exists() and not self._is_journal():
            self._writer.archive()  # of a merge that was killed at the end, before the runs went on
        with writing(self._journal):
            self.unfinished.replace(self._journal)
        write_atomically(self._writer.folder / RUN_FILE, info)


def _note_gaps(info: RunInfo, runs: Sequence[JoiningLines], note: Callable[[str], None]) -> None:
    """Tell which codecs no run has measured on some image: mean curves are of images without a gap."""
    measured = set[int]().union(*(it.rows for it in runs))
    labels = (it.label for it in info.codecs for _ in range(len(it.qualities) * len(info.images)))
    missing = Counter(label for row, label in enumerate(labels) if row not in measured)
    if missing:
        told = [f"{label} ({count})" for label, count in missing.items()]
        note(
            f"{missing.total()} of {len(info.plan)} trials were measured by none of these runs:"
            f" {some_of(told, _NAMED)}"
        )

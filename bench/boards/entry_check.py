"""Whether a folder is an entry that a board can take: complete, consistent, and nothing else in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench import registry
from bench.boards.entry_file import (
    ENTRY_FILE,
    Submission,
    SubmittedCodec,
    read_submission,
    still_to_come,
    weight_bytes,
)
from bench.boards.packages import package_of, recorded_versions
from bench.errors import ConfigError, StoreError
from bench.files.access import MAX_BITSTREAM, read_regular
from bench.files.typed_yaml import Document, located
from bench.runs.store import (
    BITSTREAM_FOLDER,
    JOURNAL_FILE,
    RUN_FILE,
    LineSelector,
    RunInfo,
    read_info,
    read_journal,
)
from bench.trials.measurement import Measurement
from bench.trials.plan import CodecPlan
from bench.verifying.record import VERIFICATION_FILE, belongs, read_verification

MAX_PROBLEMS = 20
"""Of one entry, as many are told."""
_NAMED = 3
"""Places of one problem that are told."""
REMEDY = "restore it, or submit the run again"
"""For a damaged ``run.json`` of an entry."""


def check_entry(folder: Path) -> Submission:
    """What an entry says of itself.

    Raises
    ------
    ConfigError
        It is none that a board takes: a line for each problem, with file, line and key where there is one.
    StoreError
        Its run can't be read.
    """
    submission, document = read_submission(folder / ENTRY_FILE)
    info = read_info(folder, REMEDY)
    problems = list(_problems(folder, submission, document, info))
    if problems:
        more = len(problems) - MAX_PROBLEMS
        shown = problems[:MAX_PROBLEMS] + ([f"{folder}: and {more} more"] if more > 0 else [])
        raise ConfigError("\n".join(shown))
    return submission


def _problems(folder: Path, submission: Submission, document: Document, info: RunInfo) -> Iterator[str]:
    if problem := still_to_come(submission.date):
        yield str(located(document, ("date",), problem))
    yield from _about_codecs(folder, submission, document, info)
    measured = list(read_journal(folder))
    yield from _together(_about_trials(folder, measured, info))
    expected = {ENTRY_FILE, RUN_FILE, JOURNAL_FILE, VERIFICATION_FILE}
    sources = {name: sha256 for it in submission.codecs for name, sha256 in it.files.items()}
    finished = (it for it in measured if it.status == "ok" and it.bitstream_sha256)
    streams = {f"{BITSTREAM_FOLDER}/{it.bitstream_sha256}": it for it in finished}
    if submission.bitstreams is not None:  # they may have been fetched
        streams = {name: it for name, it in streams.items() if (folder / name).exists()}
    yield from _about_files(folder, sources)
    yield from _together(_about_bitstreams(folder, streams))
    yield from _about_verification(folder)
    yield from _together(_about_others(folder, expected | sources.keys() | streams.keys()))


def _together(problems: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Each problem once, with some of the places that have it."""
    places: dict[str, list[str]] = {}
    for place, problem in problems:
        places.setdefault(problem, []).append(place)
    for problem, its in places.items():
        more = f" (and {len(its) - _NAMED} more)" if len(its) > _NAMED else ""
        yield "\n".join(f"{it}: {problem}" for it in its[:_NAMED]) + more


def _about_codecs(folder: Path, submission: Submission, document: Document, info: RunInfo) -> Iterator[str]:
    """``entry.yaml`` and ``run.json`` name the same configurations."""
    plans = {it.label: it for it in info.codecs}
    said = [it.label for it in submission.codecs]
    if sorted(said) != sorted(plans):
        wrong = f"names {', '.join(said)}, and {RUN_FILE} {', '.join(plans)}"
        yield str(located(document, ("codecs",), wrong))
        return
    for index, it in enumerate(submission.codecs):
        for key, problem in _unlike(it, plans[it.label], info, folder):
            yield str(located(document, ("codecs", index, key), problem))
    if any(it.weights for it in submission.codecs):
        for key in ("training_data", "open_weights"):
            if getattr(submission, key) is None:
                yield str(located(document, (key,), "is missing, and a codec has trained weights"))


def _unlike(said: SubmittedCodec, plan: CodecPlan, info: RunInfo, folder: Path) -> Iterator[tuple[str, str]]:
    """Keys of a codec that say something else than the run."""
    for key in ("codec", "version"):
        if (recorded := getattr(plan, key)) != getattr(said, key):
            yield key, f"is {recorded!r} in {RUN_FILE}"
    if (said.weights and said.weights.sha256) != plan.weights_sha256:
        yield "weights", f"have the SHA-256 {plan.weights_sha256} in {RUN_FILE}"
    elif said.weights and said.weights.bytes != weight_bytes(plan):
        yield "weights", f"have {weight_bytes(plan)} bytes in {RUN_FILE}, not {said.weights.bytes}"
    yield from _other_package(said, plan, info)
    file = plan.target.partition(":")[0]
    if registry.is_file_target(plan.target) and file not in {
        str(folder.absolute() / it) for it in said.files
    }:
        yield "files", f"have not the codec of {RUN_FILE}, {file}"


def _other_package(said: SubmittedCodec, plan: CodecPlan, info: RunInfo) -> Iterator[tuple[str, str]]:
    if said.package is None:
        return
    package, _, version = said.package.rpartition(" ")
    known = package_of(plan, info)
    if registry.is_file_target(plan.target):
        yield "package", "the codec is a file and from none; leave it out"
    elif known is not None and known.rpartition(" ")[0] != package:
        yield "package", f"is {said.package!r}, and {plan.target} is of {known}"
    elif (recorded := recorded_versions(package, info)) and version not in recorded:
        yield "package", f"is {said.package!r}, and {RUN_FILE} has version {', '.join(recorded)}"


def _about_trials(folder: Path, measured: list[Measurement], info: RunInfo) -> Iterator[tuple[str, str]]:
    """One line for each planned trial, and none beside."""
    selector = LineSelector(info)
    rows: set[int] = set()
    for line, measurement in enumerate(measured, 1):
        row = selector.row(measurement)
        where = f"{folder / JOURNAL_FILE}:{line}"
        if row is None:
            yield where, f"a trial that {RUN_FILE} does not plan"
        elif row in rows:
            yield where, "a second line for the same trial"
        else:
            rows.add(row)
        if measurement.status == "ok" and not measurement.bitstream_sha256:
            yield where, "a finished trial without the hash of its bitstream"
    missing = len(info.plan) - len(rows)
    if missing:
        yield f"{folder / JOURNAL_FILE}", f"{missing} of {len(info.plan)} planned trials are missing"


def _about_files(folder: Path, sources: dict[str, str]) -> Iterator[str]:
    for name, sha256 in sources.items():
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            yield f"{path}: leads out of the entry"
            continue
        try:
            data = read_regular(path)
        except OSError as error:
            yield f"{path}: cannot be read ({error.strerror})"
            continue
        if hashlib.sha256(data).hexdigest() != sha256:
            yield f"{path}: has another SHA-256 than {ENTRY_FILE} says"


def _about_bitstreams(folder: Path, streams: dict[str, Measurement]) -> Iterator[tuple[str, str]]:
    for name, measurement in sorted(streams.items()):
        path = folder / name
        try:
            data = read_regular(path, MAX_BITSTREAM)
        except OSError as error:
            yield str(path), f"cannot be read ({error.strerror})"
            continue
        if hashlib.sha256(data).hexdigest() != path.name:
            yield str(path), "its bytes have another SHA-256 than its name"
        elif len(data) != measurement.bytes:
            yield str(path), f"{len(data)} bytes, and {measurement.bytes} in {JOURNAL_FILE}"


def _about_verification(folder: Path) -> Iterator[str]:
    """A keeper's word, where it is there, is a whole one and of this entry as it is."""
    path = folder / VERIFICATION_FILE
    if not path.exists():
        return
    try:
        current = belongs(read_verification(path), folder)
    except StoreError as error:
        yield f"{error}; remove it, or verify again"
    else:
        if not current:
            yield f"{path}: is of another state of the entry; remove it, or verify again"


def _about_others(folder: Path, expected: set[str]) -> Iterator[tuple[str, str]]:
    """Files that are no part of an entry, and links; of a folder without any part of it the folder."""
    folders = {Path(it).parts[0] for it in expected if "/" in it}
    foreign: dict[Path, int] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_symlink():
            yield str(path), "a link; an entry has none"
        elif not path.is_dir() and inside.as_posix() not in expected:
            if len(inside.parts) == 1 or inside.parts[0] in folders:
                yield str(path), "is no part of an entry; remove it"
            else:
                foreign[folder / inside.parts[0]] = foreign.get(folder / inside.parts[0], 0) + 1
    for path, count in foreign.items():
        yield f"{path}/", f"{count} files that are no part of an entry; remove the folder"

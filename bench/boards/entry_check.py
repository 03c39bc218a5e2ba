"""Whether a folder is an entry that a board can take: complete, consistent, and nothing else in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from bench import registry
from bench.boards.entry_file import ENTRY_FILE, Submission, SubmittedCodec, read_submission
from bench.errors import ConfigError
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
from bench.verifying.record import VERIFICATION_FILE

MAX_PROBLEMS = 50
"""Of one entry, as many are told."""


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
    info = read_info(folder)
    problems = list(_problems(folder, submission, document, info))
    if problems:
        more = len(problems) - MAX_PROBLEMS
        shown = problems[:MAX_PROBLEMS] + ([f"{folder}: and {more} more"] if more > 0 else [])
        raise ConfigError("\n".join(shown))
    return submission


def _problems(folder: Path, submission: Submission, document: Document, info: RunInfo) -> Iterator[str]:
    yield from _about_codecs(folder, submission, document, info)
    measured = list(read_journal(folder))
    yield from _about_trials(folder, measured, info)
    expected = {ENTRY_FILE, RUN_FILE, JOURNAL_FILE, VERIFICATION_FILE}
    sources = {name: sha256 for it in submission.codecs for name, sha256 in it.files.items()}
    finished = (it for it in measured if it.status == "ok" and it.bitstream_sha256)
    streams = {f"{BITSTREAM_FOLDER}/{it.bitstream_sha256}": it for it in finished}
    if submission.bitstreams is not None:  # they may have been fetched
        streams = {name: it for name, it in streams.items() if (folder / name).exists()}
    yield from _about_files(folder, sources)
    yield from _about_bitstreams(folder, streams)
    yield from _about_others(folder, expected | sources.keys() | streams.keys())


def _about_codecs(folder: Path, submission: Submission, document: Document, info: RunInfo) -> Iterator[str]:
    """``entry.yaml`` and ``run.json`` name the same configurations."""
    plans = {it.label: it for it in info.codecs}
    said = [it.label for it in submission.codecs]
    if sorted(said) != sorted(plans):
        wrong = f"names {', '.join(said)}, and {RUN_FILE} {', '.join(plans)}"
        yield str(located(document, ("codecs",), wrong))
        return
    for index, it in enumerate(submission.codecs):
        for key, problem in _unlike(it, plans[it.label], folder):
            yield str(located(document, ("codecs", index, key), problem))
    if any(it.weights for it in submission.codecs):
        for key in ("training_data", "open_weights"):
            if getattr(submission, key) is None:
                yield str(located(document, (key,), "is missing, and a codec has trained weights"))


def _unlike(said: SubmittedCodec, plan: CodecPlan, folder: Path) -> Iterator[tuple[str, str]]:
    if said.version != plan.version:
        yield "version", f"is {plan.version!r} in {RUN_FILE}"
    if (said.weights and said.weights.sha256) != plan.weights_sha256:
        yield "weights", f"have the SHA-256 {plan.weights_sha256} in {RUN_FILE}"
    file = plan.target.partition(":")[0]
    if registry.is_file_target(plan.target) and file not in {
        str(folder.absolute() / it) for it in said.files
    }:
        yield "files", f"have not the codec of {RUN_FILE}, {file}"


def _about_trials(folder: Path, measured: list[Measurement], info: RunInfo) -> Iterator[str]:
    """One line for each planned trial, and none beside."""
    selector = LineSelector(info)
    rows: set[int] = set()
    for line, measurement in enumerate(measured, 1):
        row = selector.row(measurement)
        where = f"{folder / JOURNAL_FILE}:{line}"
        if row is None:
            yield f"{where}: a trial that {RUN_FILE} does not plan"
        elif row in rows:
            yield f"{where}: a second line for the same trial"
        else:
            rows.add(row)
        if measurement.status == "ok" and not measurement.bitstream_sha256:
            yield f"{where}: a finished trial without the hash of its bitstream"
    missing = len(info.plan) - len(rows)
    if missing:
        yield f"{folder / JOURNAL_FILE}: {missing} of {len(info.plan)} planned trials are missing"


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


def _about_bitstreams(folder: Path, streams: dict[str, Measurement]) -> Iterator[str]:
    for name, measurement in sorted(streams.items()):
        path = folder / name
        try:
            data = read_regular(path, MAX_BITSTREAM)
        except OSError as error:
            yield f"{path}: cannot be read ({error.strerror})"
            continue
        if hashlib.sha256(data).hexdigest() != path.name:
            yield f"{path}: its bytes have another SHA-256 than its name"
        elif len(data) != measurement.bytes:
            yield f"{path}: {len(data)} bytes, and {measurement.bytes} in {JOURNAL_FILE}"


def _about_others(folder: Path, expected: set[str]) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield f"{path}: a link; an entry has none"
        elif not path.is_dir() and name not in expected:
            yield f"{path}: is no part of an entry; remove it"

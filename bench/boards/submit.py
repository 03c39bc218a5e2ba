"""From a run to an entry: a folder that says everything and is the same whenever it is made of the same."""

from __future__ import annotations

import filecmp
import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from bench import registry
from bench.boards.entry_file import (
    CODE_FOLDER,
    ENTRY_FILE,
    CodecWeights,
    Statement,
    Submission,
    SubmittedCodec,
    as_yaml,
    completed,
    still_to_come,
    weight_bytes,
)
from bench.boards.packages import package_of
from bench.engines.kept import Undecodable, read_kept
from bench.errors import ConfigError, StoreError, suggestion
from bench.files import given_codecs
from bench.files.access import writing
from bench.files.codec_files import files_beside, sources_of
from bench.runs.store import (
    BITSTREAM_FOLDER,
    JOURNAL_FILE,
    RUN_FILE,
    LineSelector,
    RunInfo,
    read_info,
    read_journal,
)
from bench.text.plain import some_of
from bench.trials.measurement import Measurement
from bench.trials.plan import CodecPlan, DecoderPlan
from bench.verifying.record import VERIFICATION_FILE

Part = TypeVar("Part", CodecPlan, DecoderPlan)


@dataclass(frozen=True)
class Submitted:
    """What was written."""

    folder: Path
    submission: Submission
    trials: int
    bitstreams: int
    """How many are in the folder."""
    bytes: int
    """Of all files."""
    changed: bool
    """Whether the folder was not just like that already."""
    sources: tuple[str, ...]
    """The files of its codecs that are in the folder."""
    left_behind: tuple[str, ...]
    """Files beside the codecs that are not in it, those that the sources name first."""


def submit(
    run: Path,
    out: Path,
    statement: Statement,
    labels: Sequence[str] = (),
    data_files: Sequence[Path] = (),
) -> Submitted:
    """Make the folder of an entry; a former one there is replaced in one step, if it differs.

    Parameters
    ----------
    run : a finished run; its bitstreams must have been kept
    out : the folder
    statement : what the submitter says
    labels : the configurations that are part of the entry; default: all
    data_files : what the codecs that are files read beside themselves; modules that they import go anyway

    Raises
    ------
    ConfigError
        A label or data file is unknown, something is not measured or not said, or ``out`` is no entry.
    StoreError
        The run can't be read, lacks bitstreams, or the folder can't be written.
    """
    require_entry_or_nothing(out)
    info = _selected(read_info(run), labels)
    measured = _measured(run, info)
    sources = _all_sources(info, data_files)
    files = {label: its.contents for label, its in sources.items()}
    codecs = tuple(_submitted(it, files[it.label], info) for it in info.codecs)
    submission = completed(
        statement, {"codecs": codecs, "version": "1", "hardware": _hardware(info, measured)}
    )
    if problem := still_to_come(submission.date):
        raise ConfigError(f"--date: {problem}")
    contents: dict[str, bytes] = {
        ENTRY_FILE: as_yaml(submission).encode(),
        RUN_FILE: msgspec.json.format(msgspec.json.encode(_at_home(info)), indent=1) + b"\n",
        JOURNAL_FILE: b"".join(msgspec.json.encode(it) + b"\n" for it in measured),
    }
    contents |= {name: data for its in files.values() for name, data in its.items()}
    hashes = () if submission.bitstreams else _hashes(measured)
    with writing(out):
        changed, size = _write(out, contents, run / BITSTREAM_FOLDER, hashes)
    sent = dict.fromkeys(name for its in files.values() for name in its)
    left_behind = dict.fromkeys(name for its in sources.values() for name in its.left_behind)
    return Submitted(
        *(out, submission, len(measured), len(hashes), size, changed), tuple(sent), tuple(left_behind)
    )


def require_entry_or_nothing(folder: Path) -> None:
    """Refuse to replace what was not made here.

    Raises
    ------
    ConfigError
        There is a file, or a folder with something in it that is no entry.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ConfigError(f"{folder}: is a link or a file; name a new folder, or one of an entry")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ENTRY_FILE).is_file():
        raise ConfigError(f"{folder}: holds something else than an entry; name a new folder")


def _selected(info: RunInfo, labels: Sequence[str]) -> RunInfo:
    known = [it.label for it in info.codecs]
    for label in labels:
        if label not in known:
            raise ConfigError(f"the run has no configuration {label!r}{suggestion(label, known)}")
    codecs = tuple(it for it in info.codecs if not labels or it.label in labels)
    absent = [f"{it.label} ({it.unavailable})" for it in codecs if it.unavailable]
    if absent:
        raise ConfigError(f"not measured: {'; '.join(absent)}; name the others with --codec LABEL")
    if info.shard is not None:
        raise ConfigError(
            f"the run is only the part {info.shard} of its images; join all parts with rdbench merge"
        )
    return msgspec.structs.replace(info, codecs=codecs)


def _measured(run: Path, info: RunInfo) -> list[Measurement]:
    """The lines that count, one for each planned trial, in the order of the plan."""
    selector = LineSelector(info)
    rows: dict[int, Measurement] = {}
    for measurement in read_journal(run):
        row = selector.row(measurement)
        if row is not None and measurement.status != "cancelled":
            rows[row] = measurement
    missing = len(info.plan) - len(rows)
    if missing:
        raise ConfigError(
            f"{run}: {missing} of {len(info.plan)} planned trials are not measured; run the same command"
            " again to finish them, or name the codecs that are finished with --codec LABEL"
        )
    return [rows[it] for it in sorted(rows)]


def _hashes(measured: Sequence[Measurement]) -> list[str]:
    return sorted({it.bitstream_sha256 for it in measured if it.bitstream_sha256 and it.status == "ok"})


@dataclass(frozen=True)
class _Sources:
    """The files of a codec, empty for one that is installed."""

    contents: Mapping[str, bytes]
    """By their places in the entry, the encoder itself first."""
    beside: tuple[Path, ...] = ()
    """The data files among them."""
    left_behind: tuple[str, ...] = ()


def _sources(plan: CodecPlan, data_files: Sequence[Path]) -> _Sources:
    """What is to be in the entry of a codec that is a file: its sources, and the data files in its folder."""
    found: dict[str, bytes] = {}
    beside: list[Path] = []
    left_behind: list[str] = []
    parts: tuple[CodecPlan | DecoderPlan, ...] = (plan,) if plan.decoder is None else (plan, plan.decoder)
    for part in parts:
        if not registry.is_file_target(part.target):
            continue
        file = Path(part.target.partition(":")[0])
        if given_codecs.is_given(part.target) or not file.is_file():
            raise ConfigError(f"{plan.label}: its file {file} is not here; an entry has the codec's source")
        file = file.resolve()
        if not part.version.endswith(registry.file_version(str(file)).lstrip("+")):
            raise ConfigError(f"{plan.label}: {file} has changed since it was measured; run again")
        code = sources_of(file)
        data = {it.resolve() for it in data_files if it.resolve().is_relative_to(file.parent)} - code
        for source in (file, *sorted(code - {file}), *sorted(data)):
            place = f"{CODE_FOLDER}/{source.relative_to(file.parent).as_posix()}"
            contents = source.read_bytes()
            if found.setdefault(place, contents) != contents:
                raise ConfigError(f"{plan.label}: encoder and decoder have different files {source.name}")
        beside += sorted(data)
        left_behind += files_beside(code, file.parent, data)
    return _Sources(found, tuple(beside), tuple(dict.fromkeys(left_behind)))


def _all_sources(info: RunInfo, data_files: Sequence[Path]) -> dict[str, _Sources]:
    """The sources of each codec by its label; each data file has to be there and to belong to one."""
    for path in data_files:
        if path.is_symlink() or not path.is_file():
            raise ConfigError(f"--file {path}: no such file, or a link")
    sources = {it.label: _sources(it, data_files) for it in info.codecs}
    used = {it for its in sources.values() for it in its.beside}
    for path in data_files:
        if path.resolve() not in used:
            raise ConfigError(f"--file {path}: is not in the folder of a codec of the entry that is a file")
    return sources


def _submitted(plan: CodecPlan, files: Mapping[str, bytes], info: RunInfo) -> SubmittedCodec:
    weights = None
    if plan.weights_sha256 is not None:
        weights = CodecWeights(sha256=plan.weights_sha256, bytes=weight_bytes(plan))
    return SubmittedCodec(
        label=plan.label,
        codec=plan.codec,
        version=plan.version,
        package=package_of(plan, info),
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        weights=weights,
    )


def _hardware(info: RunInfo, measured: Sequence[Measurement]) -> str:
    """The machines that took part, by their processors."""
    ids = {it.environment for it in measured}
    machines = (it.machine for it in info.environments if it.id in ids)
    names = (
        ", ".join(filter(None, (it.get("cpu"), it.get("gpu"), f"{it.get('cores', '?')} cores")))
        for it in machines
    )
    return "; ".join(dict.fromkeys(names))[:200]


def _at_home(info: RunInfo) -> RunInfo:
    """Without what is the submitter's machine's alone: folders of pictures, of codecs and of metrics."""
    sources = {name: it for name, it in info.sources.items() if it == "catalogue"}
    codecs = tuple(
        msgspec.structs.replace(_moved(it), decoder=None if it.decoder is None else _moved(it.decoder))
        for it in info.codecs
    )
    metrics = tuple(
        msgspec.structs.replace(it, target=Path(it.target).name, config={}) for it in info.metrics
    )
    return msgspec.structs.replace(info, sources=sources, codecs=codecs, metrics=metrics)


def _moved(part: Part) -> Part:
    """With the codec's file where it is in the entry."""
    if not registry.is_file_target(part.target):
        return part
    file, colon, attribute = part.target.partition(":")
    return msgspec.structs.replace(part, target=f"{CODE_FOLDER}/{Path(file).name}{colon}{attribute}")


def _write(
    out: Path, contents: Mapping[str, bytes], bitstreams: Path, hashes: Sequence[str]
) -> tuple[bool, int]:
    """Write everything beside ``out`` and put it in its place; whether that changed it, and its bytes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name[:100]}.") as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        for name, data in contents.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(data)
        for name, data in _bitstreams(bitstreams, hashes):
            (new / BITSTREAM_FOLDER).mkdir(exist_ok=True)
            (new / BITSTREAM_FOLDER / name).write_bytes(data)
        size = sum((new / it).stat().st_size for it in _files(new))
        if out.is_dir() and _same(new, out):
            return False, size
        if out.exists():
            out.rename(Path(scratch) / "old")
        new.rename(out)
    return True, size


def _bitstreams(folder: Path, hashes: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Each kept bitstream, as far as it is what its name says."""
    missing = [it for it in hashes if not (folder / it).is_file()]
    if missing:
        raise StoreError(
            f"{folder}: {len(missing)} of {len(hashes)} bitstreams are not kept; measure again with"
            " --keep-bitstreams (and --fresh), or say where they are with --bitstreams URL"
        )
    for name in hashes:
        try:
            data = read_kept(folder / name)
        except Undecodable as error:
            raise StoreError(f"{folder / name}: {error}; measure it again") from error
        yield name, data


def _files(folder: Path) -> list[str]:
    """Every file of an entry by its place in it, but the verification: it is about one state of the entry."""
    found = (it.relative_to(folder).as_posix() for it in folder.rglob("*") if not it.is_dir())
    return sorted(it for it in found if it != VERIFICATION_FILE)


def _same(new: Path, old: Path) -> bool:
    names = _files(new)
    if names != _files(old):
        return False
    _, different, failed = filecmp.cmpfiles(new, old, names, shallow=False)
    return not different and not failed


def draft_of(folder: Path) -> Path | None:
    """The file with what an entry there says already."""
    return folder / ENTRY_FILE if (folder / ENTRY_FILE).is_file() else None


def described(submitted: Submitted) -> Iterator[str]:
    """What was written, and what of the codecs is in it.

    Parameters
    ----------
    submitted : what :func:`submit` gave
    """
    labels = some_of([it.label for it in submitted.submission.codecs], 4)
    kept = f"{submitted.bitstreams} bitstreams" if submitted.bitstreams else "bitstreams elsewhere"
    state = "" if submitted.changed else ", unchanged"
    yield (
        f"{submitted.folder}: {labels}; {submitted.trials} trials, {kept},"
        f" {submitted.bytes / 1e6:.1f} MB{state}"
    )
    if submitted.sources:
        yield f"{submitted.folder}: with the code {some_of(submitted.sources, 8)}"

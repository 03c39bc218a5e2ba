"""The files that a codec needs wherever it runs: its own sources, and what its options name."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import registry
from bench.checkpoints import OPTION, checkpoints_of, has_several, text_of
from bench.engines.cluster.files import Absent, Files
from bench.errors import CodecUnavailable
from bench.files import given_codecs
from bench.files.codec_files import sources_of
from bench.files.typed_json import Option
from bench.inputs.image import sha256_of
from bench.trials.codec_ref import CodecRef, Description


@dataclass(frozen=True)
class Parcel:
    """What has to be at a worker for one codec, by path at the client and SHA-256."""

    code: tuple[tuple[Path, str], ...] = ()
    """The codec's file first, and the modules of its folder that it uses."""
    options: tuple[tuple[str, Path, str], ...] = ()
    """Names of options whose value is a file, and that file."""
    checkpoints: tuple[tuple[float, Path, str], ...] = ()
    """The files of an option that names one for each quality, see :mod:`bench.checkpoints`."""

    @property
    def files(self) -> tuple[tuple[Path, str], ...]:
        """All of them."""
        return self.code + tuple((path, sha256) for _, path, sha256 in (*self.options, *self.checkpoints))

    def here(self, ref: CodecRef, files: Files) -> CodecRef:
        """How a worker constructs the codec on this machine.

        Raises
        ------
        Absent
            A file has to be brought first.
        """
        found = {}
        for path, sha256 in self.files:
            place = files.find(path, sha256)
            if place is None:
                raise Absent(path, sha256)
            found[path] = place
        target = ref.target
        if any(found[path] != path for path, _ in self.code):
            main = self.code[0][0]
            name = hashlib.sha256(repr(self.code).encode()).hexdigest()[:16]
            parts = {it.relative_to(main.parent): found[it] for it, _ in self.code}
            _, colon, attribute = ref.target.partition(":")
            target = f"{files.bundle(f'code-{name}', parts) / main.name}{colon}{attribute}"
        own = {name: str(found[path]) for name, path, _ in self.options}
        several = {quality: found[path] for quality, path, _ in self.checkpoints}
        if any(place != path for place, (_, path, _) in zip(several.values(), self.checkpoints, strict=True)):
            own[OPTION] = text_of(several.items())
        config = tuple((dict(ref.config) | own).items())
        return msgspec.structs.replace(ref, target=target, config=config)


class Parcels:
    """The parcels of codecs, from what lies on this machine; each is made once."""

    def __init__(self) -> None:
        self._made: dict[CodecRef, Parcel] = {}

    def of(self, ref: CodecRef) -> Parcel:
        """What a codec needs; nothing for an installed one with plain options.

        A program that an option names does not travel: it needs its libraries, and has to be installed.
        """
        if ref not in self._made:
            named = ((name, Path(it)) for name, it in ref.config if isinstance(it, str) and os.sep in it)
            options = tuple((name, path, sha256_of(path)) for name, path in named if _is_data(path))
            self._made[ref] = Parcel(_code(ref), options, _checkpoints(dict(ref.config).get(OPTION)))
        return self._made[ref]


def as_asked(answer: Description, ref: CodecRef, local: CodecRef) -> Description:
    """What a codec says of itself, with the client's paths in place of this machine's.

    Parameters
    ----------
    ref, local : as the client and this machine construct it
    """
    asked, own = dict(ref.config), dict(local.config)
    config = {
        name: asked[name] if name in own and value == own[name] else value
        for name, value in answer.config.items()
    }
    return msgspec.structs.replace(answer, config=config)


def _code(ref: CodecRef) -> tuple[tuple[Path, str], ...]:
    main = Path(ref.target.partition(":")[0])
    given = given_codecs.is_given(ref.target)
    if not (given or registry.is_file_target(ref.target)) or not main.is_file():
        return ()
    main = main.resolve()
    beside = set() if given else sources_of(main) - {main}
    return tuple((it, sha256_of(it)) for it in [main, *sorted(beside)])


def _checkpoints(value: Option) -> tuple[tuple[float, Path, str], ...]:
    """Quality, path and hash of each file; none where the value names a single one, or some are not here."""
    if not isinstance(value, str) or not has_several(value):
        return ()
    with suppress(CodecUnavailable):  # the codec will say so itself
        return tuple((quality, path, sha256_of(path)) for quality, path in checkpoints_of(value).items())
    return ()


def _is_data(path: Path) -> bool:
    """Whether it is a file, and no program; the bit that says so is set for all files on some disks."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(4)
    return not (os.access(path, os.X_OK) and (start.startswith(b"#!") or start == b"\x7fELF"))

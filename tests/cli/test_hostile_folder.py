"""Every command over a run folder of a stranger: it ends with a result or one line of error, without harm.

A new command has to be in :data:`WALKED`, with the words that point it at the folder, or in :data:`APART`,
with the reason why no file of a stranger reaches it.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import bench
from tests.conftest import photo
from tests.fuzz.mutations import CANARY
from tests.inputs.strangers import DEEP, Stranger, pipe, rdbench

Words = list[str | Path]


@dataclass(frozen=True)
class Place:
    """A hostile folder, a sound run, its pictures, and where results may go."""

    run: Path
    sound: Path
    pictures: Path
    out: Path

    @property
    def bitstream(self) -> Path:
        """A kept bitstream, or what is in its place."""
        kept = self.run / "bitstreams"
        return min(kept.iterdir()) if kept.is_dir() else kept


WALKED: dict[str, Callable[[Place], Words]] = {
    "run": lambda it: ["-d", it.pictures, "-c", "jpeg@20", "-m", "psnr_rgb", "-o", it.run],
    "report": lambda it: [it.run],
    "figure": lambda it: [it.run.parent / "fig.yaml", "-o", it.out / "fig.pdf"],
    "compare": lambda it: [f"{it.sound}#jpeg-420", it.run],
    "diff": lambda it: [it.bitstream, it.bitstream, "-m", "psnr_rgb", "-o", it.out / "map.png"],
    "worst": lambda it: [
        it.sound,
        it.run,
        "-a",
        "jpeg-420",
        "-n",
        "1",
        "-d",
        it.pictures,
        "-o",
        it.out / "w.png",
    ],
    "budget": lambda it: [it.run, "--bpp", "3", "-o", it.out / "budget.yaml"],
    "export": lambda it: [it.run, "-f", "compressai", "-o", it.out / "curves"],
    "baseline": lambda it: [it.run, "-o", it.out / "baseline.json"],
    "check": lambda it: [it.run, "-b", it.sound.parent / "baseline.json"],
    "history": lambda it: [it.sound, it.run, "-o", it.run],
    "decode": lambda it: ["jpeg", it.bitstream, it.out / "decoded.png"],
    "encode": lambda it: ["jpeg@50", it.bitstream, it.out / "encoded.jpg"],
    "train": lambda it: ["vae", "-d", str(it.pictures), "-o", it.run, "--resume"],
    "sample": lambda it: ["vae", "-n", "1", "-o", it.out / "grid.png", "--weights", it.bitstream],
    "verify": lambda it: [it.run, "-d", it.pictures, "--decode-only", "--no-audit"],
    "merge": lambda it: [it.sound, it.run, "-o", it.out / "joined"],
    "submit": lambda it: [it.run, "-o", it.out / "entry", "--entry", it.run / "entry.yaml"],
    "site": lambda it: [it.run, "-o", it.out / "site"],
    "distribution": lambda it: [it.run, "-d", it.pictures, "-j", "1"],
    "robustness": lambda it: [it.run, "-d", it.pictures, "--draws", "1", "-j", "1"],
    "generations": lambda it: [it.run, "-d", it.pictures, "-n", "2", "-j", "1"],
    "explain": lambda it: ["jpeg@50", it.bitstream, "-o", it.out / "explained", "-j", "1"],
}
"""What each command is given."""

APART = {
    "list": "reads the catalogues of the package, and the names of folders",
    "dataset": "reads image files, as run does, and writes a catalogue's entry",
    "doctor": "reads nothing but what is installed",
    "fetch": "writes only what has the hash of a catalogue; tests/fuzz has the reader of catalogues",
}
"""Commands that no run folder reaches, and why."""


def commands() -> set[str]:
    """Those of the command line, as it knows them itself."""
    from typer.main import get_command

    from bench.cli.app import app

    return {*get_command(app).commands}  # type: ignore[attr-defined]


def test_every_command_is_walked() -> None:
    """A command that is neither walked here nor named with a reason is missing."""
    assert commands() == WALKED.keys() | APART.keys()
    assert not WALKED.keys() & APART.keys()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two pictures that kept its bitstreams, with what studies left in it."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "pictures").mkdir()
    for index in range(2):
        Image.fromarray(photo(32, 40, index)).save(folder / "pictures" / f"p{index}.png")
    bench.run(
        codecs=["jpeg@20,50,80,95", "png"],
        datasets=[str(folder / "pictures")],
        metrics=["psnr_rgb"],
        out=folder / "run",
        options=bench.Options(keep_bitstreams=True),
    )
    run, pictures = folder / "run", folder / "pictures"
    for words in (
        ["baseline", run, "-o", folder / "baseline.json"],
        ["robustness", run, "-d", pictures, "--draws", "1", "-j", "1"],
        ["generations", run, "-d", pictures, "-n", "2", "-j", "1"],
        ["report", run],
    ):
        assert rdbench(*words).code == 0, words
    said = ["--name", "it", "--authors", "A. Person", "--date", "2026-01-01", "--licence", "MIT"]
    assert rdbench("submit", run, "-o", folder / "entry", *said).code == 0
    shutil.copy(folder / "entry" / "entry.yaml", run)
    (run / "set_metrics.json").write_text("[]")
    return folder


def _each(change: Callable[[Path], object]) -> Callable[[Stranger], None]:
    def all_files(it: Stranger) -> None:
        for path in sorted(it.run.rglob("*")):
            if path.is_file():
                change(path)

    return all_files


def _sparse(path: Path) -> None:
    os.truncate(path, 1 << 40)


def _linked_files(it: Stranger) -> None:
    for path in sorted(it.run.rglob("*")):
        if path.is_file() and path.name not in ("run.json", "measurements.jsonl"):
            path.unlink()
            path.symlink_to(it.outside / "rd.png")


def _linked_folders(it: Stranger) -> None:
    for path in [*it.run.iterdir()]:
        if path.is_dir():
            it.link(path.name, "")
    for name in ("history", "step-00000001", ".lock"):
        it.link(name, "rd.png" if name == ".lock" else "")


def _names(it: Stranger) -> None:
    """Names that lead elsewhere, and would be obeyed by a format, a shell or an importer."""
    hostile = f"../../outside/{CANARY} <script>alert(1)</script>=\\input{{x}}`[a](javascript:b)${{HOME}}"

    def change(codec: dict[str, Any]) -> None:
        for key in ("version", "label", "treatment"):
            if key in codec:
                codec[key] = f"{hostile} {codec[key]}"
        codec["config"] = {f"{hostile}": hostile}
        if "image" in codec:
            codec["image"] = f"../../outside/{codec['image']}"

    it.both(change)
    it.info(lambda info: [image.update(name=f"../../outside/{image['name']}") for image in info["images"]])


HOSTILE: dict[str, Callable[[Stranger], None]] = {
    "nothing": _each(lambda path: path.write_bytes(b"")),
    "noise": _each(lambda path: path.write_bytes(bytes(range(256)) * 40)),
    "depth": _each(lambda path: path.write_text(DEEP)),
    "pipes": _each(pipe),
    "a terabyte": _each(_sparse),
    "linked files": _linked_files,
    "linked folders": _linked_folders,
    "names": _names,
}
"""What the files of the folder have become."""


ITS_OWN = ("run", "outside", "out", "fig.yaml")
"""What lies beside a folder while a command is at it."""


@contextmanager
def _little_memory() -> Iterator[None]:
    """A process that may take 8 GiB beyond what it has, of which torch takes some when it is imported."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (8 << 30), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_command_obeys_the_folder(
    kind: str, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends with a documented code, shows no control sequence, and leaves alone what is outside."""
    monkeypatch.chdir(tmp_path)
    ended = {}
    for verb, words in sorted(WALKED.items()):
        it = Stranger(tmp_path / verb / "run", tmp_path / verb / "outside")
        shutil.copytree(sound / "run", it.run)
        it.prepare()
        HOSTILE[kind](it)
        (it.run.parent / "fig.yaml").write_text(json.dumps({"runs": ["run"], "kind": "rd"}))
        place = Place(it.run, sound / "run", sound / "pictures", it.run.parent / "out")
        place.out.mkdir()
        with _little_memory():
            ended[verb] = rdbench(verb, *words(place))
        assert ended[verb].code in (0, 1, 2, 3), (verb, ended[verb].text)
        assert "\x1b" not in ended[verb].text, verb
        assert it.untouched, verb
        assert {path.name for path in (*tmp_path.iterdir(), *it.run.parent.iterdir())} <= {verb, *ITS_OWN}, (
            verb
        )
        shutil.rmtree(it.run.parent)
    assert ended["export"].code == (0 if kind in ("linked files", "linked folders", "names") else 2), ended[
        "export"
    ]

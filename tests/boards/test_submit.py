"""``rdbench submit``: from a run to the folder of an entry, and what a board refuses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest

from bench.api import run
from bench.boards.entry_check import check_entry
from bench.boards.entry_file import Statement
from bench.boards.fetching import fetch_bitstreams
from bench.boards.submit import submit
from bench.errors import BenchError, ConfigError, DatasetError, StoreError
from bench.inputs.shard import Shard
from bench.runs.options import Options
from bench.runs.store import read_info
from bench.trials.trust import Trust
from bench.verifying.verify import VerifyOptions, verify

SAID = {"name": "Flate", "authors": ("A. Person", "B. Other"), "date": "2026-11-01", "licence": "MIT"}
FLATE = """
import zlib
from widths import packed
import numpy as np

def encode(image):
    return packed(image.shape[1]) + zlib.compress(image.tobytes())

def decode(bitstream):
    width = int.from_bytes(bitstream[:4], "big")
    return np.frombuffer(zlib.decompress(bitstream[4:]), np.uint8).reshape(-1, width, 3)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an installed codec and of one that is two files, on two pictures of the ``sample`` set."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "flate.py").write_text(FLATE)
    (folder / "widths.py").write_text('def packed(width):\n    return width.to_bytes(4, "big")\n')
    options = Options(keep_bitstreams=True)
    codecs = ["jpeg@10,50,90", str(folder / "flate.py")]
    run(
        codecs=codecs, datasets=["sample"], limit=2, metrics=["psnr_rgb"], out=folder / "run", options=options
    )
    return folder / "run"


@pytest.fixture
def entry(made: Path, tmp_path: Path) -> Path:
    submit(made, tmp_path / "entry", Statement.model_validate(SAID))
    return tmp_path / "entry"


def contents(folder: Path) -> dict[str, bytes]:
    return {it.relative_to(folder).as_posix(): it.read_bytes() for it in folder.rglob("*") if it.is_file()}


def test_the_same_run_makes_the_same_folder(made: Path, entry: Path, tmp_path: Path) -> None:
    """Made again elsewhere it is byte-identical, and in place nothing is touched."""
    again = submit(made, tmp_path / "other", Statement.model_validate(SAID))
    assert again.changed
    assert contents(entry) == contents(tmp_path / "other")
    (entry / "verification.json").write_text("{}")
    assert not submit(made, entry, Statement.model_validate(SAID)).changed
    assert (entry / "verification.json").exists()


def test_an_entry_holds_all_that_is_needed_and_nothing_of_the_machine(made: Path, entry: Path) -> None:
    """Bitstreams, sources of codecs, and no path of the submitter's machine."""
    check_entry(entry)
    assert {"codec/flate.py", "codec/widths.py"} < contents(entry).keys()
    assert str(made.parent) not in "".join((entry / it).read_text() for it in ("run.json", "entry.yaml"))
    targets = [it.target for it in read_info(entry).codecs]
    assert str(entry / "codec" / "flate.py") in targets


def test_what_nobody_else_knows_is_asked_for_at_once(made: Path, tmp_path: Path) -> None:
    """All missing fields are in one error, and a finished run without bitstreams is refused."""
    with pytest.raises(ConfigError, match="--name, --authors, --date, --licence"):
        submit(made, tmp_path / "entry", Statement())
    bare = shutil.copytree(made, tmp_path / "bare")
    shutil.rmtree(bare / "bitstreams")
    with pytest.raises(StoreError, match="--keep-bitstreams"):
        submit(bare, tmp_path / "entry", Statement.model_validate(SAID))
    elsewhere = Statement.model_validate({**SAID, "bitstreams": "https://example.org/streams"})
    assert submit(bare, tmp_path / "entry", elsewhere).bitstreams == 0
    check_entry(tmp_path / "entry")


def test_a_part_of_the_images_is_no_entry(tmp_path: Path) -> None:
    """A shard is refused, and the command that joins it with the others is named."""
    options = Options(keep_bitstreams=True, shard=Shard(1, 2))
    run(
        codecs=["jpeg@10"],
        datasets=["sample"],
        limit=2,
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
        options=options,
    )
    with pytest.raises(ConfigError, match="rdbench merge"):
        submit(tmp_path / "run", tmp_path / "entry", Statement.model_validate(SAID))


def test_only_an_entry_is_replaced(made: Path, tmp_path: Path) -> None:
    """A folder with something else in it stays as it is."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="something else"):
        submit(made, tmp_path / "mine", Statement.model_validate(SAID))
    assert [it.name for it in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def _bigger(entry: Path) -> None:
    path = next((entry / "bitstreams").iterdir())
    path.write_bytes(path.read_bytes() + b"!")


def _linked(entry: Path) -> None:
    (entry / "secrets").symlink_to("/etc/passwd")


def _shorter(entry: Path) -> None:
    lines = (entry / "measurements.jsonl").read_text().splitlines(keepends=True)
    (entry / "measurements.jsonl").write_text("".join(lines[1:]))


def _edited(entry: Path, old: str, new: str, name: str = "entry.yaml") -> None:
    text = (entry / name).read_text()
    assert old in text
    (entry / name).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_bigger, "another SHA-256 than its name"),
        (_linked, "secrets: a link"),
        (_shorter, "planned trials are missing"),
        (lambda it: (it / "malware.exe").touch(), "malware.exe: is no part of an entry"),
        (lambda it: _edited(it, "licence", "lisence"), r"entry.yaml:7: lisence: unknown key; did you mean"),
        (
            lambda it: _edited(it, "MIT", "MIT\npaper: javascript:alert(1)"),
            r"entry.yaml:8: paper: an address",
        ),
        (lambda it: _edited(it, "MIT", "&a MIT"), r"entry.yaml:7: anchors"),
        (lambda it: _edited(it, "version: 1+", "version: 2+"), r"entry.yaml:\d+: codecs.#1.version: is '1\+"),
        (lambda it: _edited(it, "zlib", "evil", "codec/flate.py"), "another SHA-256 than entry.yaml says"),
        (lambda it: _edited(it, "codec/widths.py", "../widths.py"), "leads out of the entry"),
    ],
)
def test_what_a_board_refuses(entry: Path, spoil: object, told: str) -> None:
    """Whatever is wrong is named, with the line and key where it stands in a file."""
    spoil(entry)  # type: ignore[operator]
    with pytest.raises(BenchError, match=told):
        check_entry(entry)


def test_bitstreams_elsewhere_are_fetched_by_their_hashes(made: Path, tmp_path: Path) -> None:
    """What the address has under a hash must have it; what is fetched is part of the entry then."""
    for path in (made / "bitstreams").iterdir():
        shutil.copy(path, tmp_path / path.name)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        entry = tmp_path / "entry"
        submit(made, entry, Statement.model_validate({**SAID, "bitstreams": address}))
        spoiled = sorted(tmp_path.glob("?" * 64))[0]
        honest = spoiled.read_bytes()
        spoiled.write_bytes(honest + b"!")
        with pytest.raises(DatasetError, match=spoiled.name):
            fetch_bitstreams(entry)
        spoiled.write_bytes(honest)
        assert fetch_bitstreams(entry) > 0
        assert fetch_bitstreams(entry) == 0
        server.shutdown()
    assert len([*(entry / "bitstreams").iterdir()]) == len([*(made / "bitstreams").iterdir()])
    check_entry(entry)


def test_a_keeper_verifies_an_entry_by_its_own_source(made: Path, tmp_path: Path) -> None:
    """The entry's own source decodes, once the keeper trusts it; without that its rows are not checked."""
    submit(made, tmp_path / "entry", Statement.model_validate(SAID))
    trusting = verify(tmp_path / "entry", VerifyOptions(decode_only=True, trust=Trust(folders=True)))
    assert {it.verdict for it in trusting.rows} == {"verified"}
    doubting = verify(tmp_path / "entry", VerifyOptions(decode_only=True))
    assert {it.label for it in doubting.rows if it.verdict == "not checked"} == {"flate"}


def test_from_the_command_line(made: Path, tmp_path: Path) -> None:
    """A draft and options together are the entry; --check tells a sound one from others by its exit code."""
    (tmp_path / "draft.yaml").write_text(
        "name: draft\nauthors: [A. Person]\ndate: 2026-11-01\nlicence: MIT\n"
    )

    def rdbench(*line: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "bench.cli", "submit", *line]
        return subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)

    given = ["--entry", "draft.yaml", "--name", "final", "-c", "jpeg-420", "-o", "entry"]
    done = rdbench(str(made), *given)
    assert done.returncode == 0, done.stderr
    assert "6 trials, 6 bitstreams" in done.stdout
    assert "final 1" in rdbench("--check", "entry").stdout
    assert "unchanged" in rdbench(str(made), "-o", "entry", "-c", "jpeg-420").stdout, (
        "its entry.yaml is a draft"
    )
    (tmp_path / "entry" / "run.json").unlink()
    broken = rdbench("--check", "entry", "entry")
    assert (broken.returncode, broken.stdout) == (2, "")

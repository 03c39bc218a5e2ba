"""``rdbench submit``: from a run to the folder of an entry, and what a board refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest

from bench.api import run
from bench.boards import fetching
from bench.boards.entry_check import check_entry
from bench.boards.entry_file import Statement
from bench.boards.fetching import fetch_bitstreams
from bench.boards.submit import submit
from bench.errors import BenchError, ConfigError, DatasetError, StoreError
from bench.inputs.shard import Shard
from bench.runs.options import Options
from bench.runs.store import read_info
from bench.trials.trust import Trust
from bench.verifying.text import as_text
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

READS_A_TABLE = """
from pathlib import Path

def packed(width):
    return width.to_bytes(4, "big")

def table():
    return (Path(__file__).parent / "table.bin").read_bytes()
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


def _reported(entry: Path) -> None:
    (entry / "report" / "deep").mkdir(parents=True)
    for number in range(41):
        (entry / "report" / "deep" / f"{number}.png").touch()


def _emptied(entry: Path) -> None:
    shutil.rmtree(entry / "bitstreams")


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
        (lambda it: (it / "verification.json").touch(), "verification.json: no verification of rdbench"),
        (
            lambda it: _edited(it, "package: rdbench ", "package: other "),
            r"entry.yaml:\d+: codecs.#\d.package: is 'other .*bench_codecs.jpeg:Jpeg is of rdbench",
        ),
        (
            lambda it: _edited(it, "package: rdbench ", "package: rdbench 9"),
            r"codecs.#\d.package: is 'rdbench 9.*run.json has version",
        ),
        (lambda it: _edited(it, "date: '", "date: '9"), r"entry.yaml:\d+: date: write a day such as"),
        (lambda it: _edited(it, "date: '2026-11-01'", "date: 20261101"), r"date: write a day such as"),
        (lambda it: _edited(it, "MIT", "MIT\nopen_weights: 'yes'"), "open_weights: write true or false, not"),
        (lambda it: _edited(it, "codec/flate.py: ", "codec/flate.py: x"), r"write a SHA-256, which has 64"),
        (lambda it: _edited(it, "- B. Other", "- ''"), r"entry.yaml:5: authors.#2: "),
        (_reported, r"entry/report/: 41 files that are no part of an entry; remove the folder\Z"),
        (
            _emptied,
            r"(.*\n)*.*bitstreams/\w+: cannot be read \(No such file or directory\) \(and \d more\)\Z",
        ),
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


def test_the_size_of_weights_is_that_of_the_run(made: Path, tmp_path: Path) -> None:
    """A smaller one would meet a bound on weights."""
    run_folder = shutil.copytree(made, tmp_path / "run")
    info = json.loads((run_folder / "run.json").read_text())
    for codec in info["codecs"]:
        codec["weights_sha256"] = "a" * 64
        codec["complexity"] = {"weight_bytes": 1000.0}
    (run_folder / "run.json").write_text(json.dumps(info))
    path = run_folder / "measurements.jsonl"
    lines = [json.loads(it) | {"weights_sha256": "a" * 64} for it in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(it) + "\n" for it in lines))
    said = SAID | {"training_data": "none", "open_weights": True}
    submit(run_folder, tmp_path / "entry", Statement.model_validate(said))
    check_entry(tmp_path / "entry")
    _edited(tmp_path / "entry", "bytes: 1000", "bytes: 10")
    with pytest.raises(ConfigError, match=r"codecs.#1.weights: have 1000 bytes in run.json, not 10"):
        check_entry(tmp_path / "entry")


def test_data_files_of_a_codec_are_named_and_taken_along(tmp_path: Path) -> None:
    """What lies beside a codec and does not travel is told, what its source names first; --file brings it."""
    (tmp_path / "notes.txt").touch()
    (tmp_path / "table.bin").write_bytes(b"\0" * 8)
    source = FLATE.replace("from widths import packed", READS_A_TABLE)
    source = source.replace("    width =", "    table()\n    width =")
    (tmp_path / "flate.py").write_text(source)
    out = tmp_path / "out"
    options = Options(keep_bitstreams=True)
    codec = str(tmp_path / "flate.py")
    run(codecs=[codec], datasets=["sample"], limit=1, metrics=["psnr_rgb"], out=out / "run", options=options)
    statement = Statement.model_validate(SAID)
    made = submit(out / "run", out / "bare", statement)
    assert made.sources == ("codec/flate.py",)
    assert made.left_behind == ("table.bin", "notes.txt")
    whole = submit(out / "run", out / "whole", statement, data_files=[tmp_path / "table.bin"])
    assert whole.sources == ("codec/flate.py", "codec/table.bin")
    assert whole.left_behind == ("notes.txt",)
    check_entry(out / "whole")
    (tmp_path / "table.bin").unlink()
    trusting = VerifyOptions(decode_only=True, trust=Trust(folders=True))
    assert {it.verdict for it in verify(out / "whole", trusting).rows} == {"verified"}
    found = verify(out / "bare", trusting)
    assert {it.verdict for it in found.rows} == {"does not decode"}
    assert "misses something here, such as a file" in as_text(found)
    for path, told in (
        (tmp_path / "gone.bin", "no such file"),
        (Path(__file__), "is not in the folder"),
    ):
        with pytest.raises(ConfigError, match=told):
            submit(out / "run", out / "other", statement, data_files=[path])


def test_results_of_a_day_to_come_are_no_entry(made: Path, tmp_path: Path) -> None:
    """It would be the newest of its name for years."""
    with pytest.raises(ConfigError, match="--date: 3026-11-01 is still to come"):
        submit(made, tmp_path / "entry", Statement.model_validate(SAID | {"date": "3026-11-01"}))


def test_bitstreams_elsewhere_are_fetched_by_their_hashes(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the address has under a hash must have it and be no larger; what is fetched is in the entry."""
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
        with pytest.raises(DatasetError, match=rf"{spoiled.name}: more than the {len(honest)} bytes"):
            fetch_bitstreams(entry)
        spoiled.write_bytes(honest[:-1] + b"!")
        with pytest.raises(DatasetError, match=spoiled.name):
            fetch_bitstreams(entry)
        monkeypatch.setattr(fetching, "MAX_FETCHED", 10)
        with pytest.raises(DatasetError, match="GB are the most"):
            fetch_bitstreams(entry)
        monkeypatch.undo()
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
    again = rdbench(str(made), "-o", "entry", "-c", "jpeg-420")
    assert "unchanged" in again.stdout, "its entry.yaml is a draft"
    assert "entry.yaml is there already: authors, date, hardware, licence, name, version" in again.stderr
    (tmp_path / "board.yaml").write_text("metrics: [psnr_rgb]\n")
    other = rdbench(str(made), "-o", "other", "--entry", "draft.yaml")
    assert "with the code codec/flate.py, codec/widths.py" in other.stdout
    assert "draft: jpeg-420 on sample, PSNR: place" in other.stdout, "it is on a board"
    taken = rdbench(str(made), "-o", "taken", "--entry", "draft.yaml", "--authors", "E. Vil")
    assert "does not take it" in taken.stderr
    (tmp_path / "entry" / "run.json").unlink()
    broken = rdbench("--check", "entry", "entry")
    assert (broken.returncode, broken.stdout) == (2, "")

"""Data sets of the user's own: where they are looked for, and what such a file may say."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

import bench
from bench.errors import ConfigError, DatasetError
from bench.inputs import datasets as module
from bench.inputs.catalogue import FILES_VARIABLE, catalogue, find, shipped
from bench.inputs.datasets import DATA_VARIABLE, fetch, open_dataset
from bench.inputs.hashing import entry_of
from bench.runs.store import read_info
from tests.cli.test_cli import rdbench

HASH = "0123456789abcdef" * 4


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a configuration folder and a cache beside it."""
    for name in ("desk", "config"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / "config")
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv(FILES_VARIABLE, raising=False)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path / "desk")
    return tmp_path / "desk"


def entry(name: str = "lab", files: str = f"a.png: {HASH}", **fields: str) -> str:
    values = {"description": "d", "licence": "l", "source": "s"} | fields
    lines = "".join(f"  {key}: {it}\n" for key, it in values.items())
    return f"{name}:\n{lines}  files:\n    {files}\n"


def test_the_nearest_file_has_the_word(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The named file, the working folder's, the user's: the first that has a name; what it hides is known."""
    config = desk.parent / "config" / "datasets.yaml"
    config.write_text(entry("lab", description="config") + entry("mine", description="config"))
    Path("datasets.yaml").write_text(entry("lab", description="desk"))
    Path("named.yaml").write_text(entry("other", description="named"))
    monkeypatch.setenv(FILES_VARIABLE, "named.yaml")
    found = {name: it for name, it in catalogue().items() if it.file is not None}
    assert {name: it.spec.description for name, it in found.items()} == {
        "other": "named",
        "lab": "desk",
        "mine": "config",
    }
    assert (found["lab"].file, found["lab"].hides) == (Path("datasets.yaml"), config)
    assert found["mine"].hides is None
    Path("named.yaml").write_text(entry("lab", description="named"))
    assert catalogue()["lab"].spec.description == "named"


def test_no_file_gives_a_known_name_another_meaning(desk: Path) -> None:
    """kodak stays what it is; a file that says otherwise is refused with file and line where it is read."""
    Path("datasets.yaml").write_text(entry("lab") + entry("kodak"))
    known = find("kodak")
    assert known is not None
    assert known.spec == shipped()["kodak"]
    with pytest.raises(ConfigError, match=r"datasets\.yaml:7: kodak: rdbench has another data set"):
        find("lab")


def test_a_copy_of_the_shipped_file_is_no_clash(desk: Path) -> None:
    """The working folder may be a checkout of rdbench."""
    shutil.copy(Path(bench.__file__).parent / "datasets.yaml", "datasets.yaml")
    assert all(it.file is None for it in catalogue().values())


def test_a_hashed_folder_is_a_data_set_as_is(desk: Path, pictures: Path) -> None:
    """What ``entry_of`` writes is accepted; the pictures are found where they are, and verified."""
    (pictures / "deep").mkdir()
    (pictures / "deep" / "12.png").write_bytes((pictures / "p0.png").read_bytes())
    Path("datasets.yaml").write_text(entry_of(pictures, "lab-2", recursive=True))
    opened = open_dataset("lab-2")
    assert [it.name for it in opened.images] == ["deep/12.png", "p0.png", "p1.png", "p2.png"]
    assert [it.path for it in opened.images] == [pictures / it.name for it in opened.images]
    assert opened.source == str(pictures)
    (pictures / "p1.png").write_bytes(b"other")
    told = r"not as it is described:(\n.*)*p1\.png differs .* in datasets\.yaml:9: lab-2\.files\.p1"
    with pytest.raises(DatasetError, match=rf"{told}.*(\n.*)*correct datasets\.yaml: rdbench dataset hash"):
        open_dataset("lab-2")


def test_a_folder_is_relative_to_the_file(desk: Path, pictures: Path) -> None:
    """An entry moves with its file; there need be no folder on this machine at all."""
    text = yaml.safe_load(entry_of(pictures))
    text["pictures"]["folder"] = "../pictures"
    Path("datasets.yaml").write_text(yaml.safe_dump(text))
    assert len(open_dataset("pictures").images) == 3
    shutil.move(pictures, desk.parent / "moved")
    with pytest.raises(DatasetError, match="no such folder"):
        open_dataset("pictures")


def test_names_with_an_odd_look_survive(desk: Path, tmp_path: Path, pictures: Path) -> None:
    """Names that YAML would take for something else are quoted; what can't stand in a file is refused."""
    odd = tmp_path / "2024"
    odd.mkdir()
    for name in ("1e3.png", "no.png", "a: b.png", "über.png", "'q'.png", "# c.png"):
        shutil.copy(pictures / "p0.png", odd / name)
    Path("datasets.yaml").write_text(entry_of(odd))
    assert {it.name for it in open_dataset("2024").images} == {it.name for it in odd.iterdir()}
    (odd / "a\nb.png").write_bytes(b"")
    with pytest.raises(ConfigError, match="rename it"):
        entry_of(odd)


@pytest.mark.parametrize(
    ("folder", "name", "told"),
    [
        ("pictures", "kodak", "choose another --name"),
        ("pictures", "a/b", "no name of a data set"),
        ("nowhere", None, "no such folder"),
        ("desk", None, "no image files"),
    ],
)
def test_what_can_not_be_hashed(desk: Path, pictures: Path, folder: str, name: str | None, told: str) -> None:
    """No folder, no images, a name that is taken or none."""
    with pytest.raises(ConfigError, match=told):
        entry_of(pictures.parent / folder, name)


FAULTS = {
    "unknown key": (entry(licences="x"), r":5: lab\.licences: unknown key.*licence"),
    "hash": (
        entry(files="a.png: 123abc"),
        r":6: lab\.files\.a\.png\.sha256: write a SHA-256, which has 64 .*'123abc'",
    ),
    "no files": ("lab:\n  description: d\n  licence: l\n  source: s\n", r":1: lab\.files: "),
    "name leads away": (entry("../lab"), r":1: \.\./lab: '\.\./lab' is no name"),
    "name is a folder": (entry('".."'), r":1: \.\.: '\.\.' is no name"),
    "name is a number": (entry("2024"), r":1: 2024: 2024 is no name.*quotes"),
    "file leads away": (entry(files=f"../a.png: {HASH}"), r":6: lab\.files\.\.\./a\.png: .*leads out"),
    "file is absolute": (entry(files=f"/etc/a.png: {HASH}"), r":6: lab\.files\./etc/a\.png: .*leads out"),
    "file is no image": (
        entry(files=f".bashrc: {HASH}"),
        r":6: lab\.files\.\.bashrc: .*no ending of an image",
    ),
    "package imports": (entry(package="evil.code"), r":5: lab\.package: "),
    "package leads away": (entry(package="skimage", folder="../.."), r":1: lab: the folder .* leads out"),
    "folder": (entry(folder='"a\\0b"'), r":1: lab: the folder's name has control characters"),
    "scheme": (entry(url="file:///etc/{file}"), r":5: lab\.url: .*https://"),
    "no place for the name": (entry(url="https://example.org/a"), r":5: lab\.url: .*{file}"),
    "list": ("- lab\n", r":1: document: write a mapping"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_with_file_line_and_key(case: str, desk: Path) -> None:
    """Whatever a file says wrong or should not say is refused before anything of it is used."""
    text, told = FAULTS[case]
    Path("datasets.yaml").write_text(text)
    with pytest.raises(ConfigError, match=rf"^datasets\.yaml{told}"):
        find("lab")


def test_a_faulty_file_is_nothing_to_who_does_not_need_it(desk: Path, pictures: Path) -> None:
    """Another program's datasets.yaml stands in nobody's way: known names and paths are found without it."""
    Path("datasets.yaml").write_text("train: [a, b]\n")
    assert open_dataset("sample").images
    assert open_dataset(str(pictures)).images
    with pytest.raises(ConfigError, match="train"):
        open_dataset("lab")


def test_only_fetch_downloads_what_an_own_file_names(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run on such a data set says what to type; the verb that fetches gets the addresses."""
    content = b"picture"
    digest = hashlib.sha256(content).hexdigest()
    Path("datasets.yaml").write_text(
        entry(url="https://example.org/{file}?x={0}", files=f"a b.png: {digest}")
    )
    asked: list[list[str]] = []

    def download(urls: Sequence[str], sha256: str, target: Path, **_: object) -> None:
        asked.append([*urls])
        target.write_bytes(content)

    monkeypatch.setattr(module, "download_file", download)
    with pytest.raises(DatasetError, match="Run `rdbench fetch lab`"):
        open_dataset("lab")
    assert asked == []
    assert fetch("lab").images[0].path == desk.parent / "cache" / "datasets" / "lab" / "a b.png"
    assert asked == [["https://example.org/a%20b.png?x={0}"]]
    assert open_dataset("lab").images[0].path.read_bytes() == content


def test_a_run_records_place_and_licence(desk: Path, pictures: Path) -> None:
    """A named data set of one's own is measured like any other; what it hides is told."""
    text = entry_of(pictures, "lab")
    Path("datasets.yaml").write_text(text.replace("unknown", "CC0"))
    (desk.parent / "config" / "datasets.yaml").write_text(text)
    notes: list[str] = []
    bench.run(
        datasets=["lab"],
        codecs=["png"],
        metrics=["psnr_rgb"],
        limit=1,
        out="run",
        events=bench.Events(note=notes.append),
    )
    info = read_info(Path("run"))
    assert (info.sources, info.datasets) == ({"lab": str(pictures)}, {"lab": "CC0"})
    hidden = desk.parent / "config" / "datasets.yaml"
    assert f"{hidden} has another data set lab, which is not the one that is measured" in notes


def test_an_entry_is_there_only_once(pictures: Path, tmp_path: Path) -> None:
    """Printed again into its file it adds nothing; of another one of its name it is told."""
    words = ("dataset", "hash", pictures, "--name", "lab", "--licence", "CC0")
    first = rdbench(*words, cwd=tmp_path)
    assert "licence: CC0\n" in first.stdout
    (tmp_path / "datasets.yaml").write_text(first.stdout)
    again = rdbench(*words, cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, "")
    assert "has this entry already" in again.stderr
    other = rdbench(*words[:-1], "MIT", cwd=tmp_path)
    assert other.stdout.startswith("lab:")
    assert "datasets.yaml has another 'lab': put this one in its place" in other.stderr


def test_the_command_line_takes_a_file_of_data_sets(pictures: Path, tmp_path: Path) -> None:
    """What ``dataset hash`` prints is a file for ``--datasets``: listed with its origin, and measured."""
    hashed = rdbench("dataset", "hash", pictures, "--name", "lab")
    assert hashed.returncode == 0, hashed.stderr
    (tmp_path / "entry").write_text(hashed.stdout)
    listed = rdbench("list", "datasets", "--datasets", "entry", cwd=tmp_path)
    (line,) = [it for it in listed.stdout.splitlines() if it.startswith("lab ")]
    assert line.split()[1:4] == ["3", "here", "entry"]
    line = ("run", "-d", "lab", "-c", "png", "-m", "psnr_rgb", "--no-report", "-o", "run")
    done = rdbench(*line, "--datasets", "entry", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    absent = rdbench("list", "datasets", "--datasets", "nothing", cwd=tmp_path)
    assert (absent.returncode, "no such file of data sets" in absent.stderr) == (2, True)

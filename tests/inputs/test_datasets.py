"""Data sets are what their hashes say, or are not used."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import ConfigError, DatasetError
from bench.inputs import datasets
from bench.inputs.catalogue import DatasetSpec, FileSpec, NamedDataset, shipped
from bench.inputs.datasets import fetch, open_dataset

GOOD = b"the right contents"
FILES = {"a b.png": FileSpec(sha256=hashlib.sha256(GOOD).hexdigest())}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves /good/ rightly, /wrong/ with other contents, /cut/ half of it."""

    requests: list[str]

    def do_GET(self) -> None:
        type(self).requests.append(self.path)
        if not self.path.endswith("/a%20b.png") or self.path.startswith("/absent/"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(GOOD)))
        self.end_headers()
        body = {"wrong": b"x" * len(GOOD), "cut": GOOD[:5]}.get(self.path.split("/")[1], GOOD)
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[str]:
    Handler.requests = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as it:
        threading.Thread(target=it.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{it.server_port}"
        it.shutdown()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(datasets.DATA_VARIABLE, raising=False)
    monkeypatch.setattr(datasets, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "datasets" / "tiny"


def spec(url: str, *mirrors: str) -> DatasetSpec:
    files = {name: FileSpec(sha256=it.sha256, mirrors=mirrors) for name, it in FILES.items()}
    return DatasetSpec(description="d", licence="l", source="s", url=f"{url}/{{file}}", files=files)


def use(monkeypatch: pytest.MonkeyPatch, it: DatasetSpec) -> None:
    monkeypatch.setattr(datasets, "find", {"tiny": NamedDataset(it)}.get)


def test_download_is_verified_and_done_once(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is fetched under its quoted name, verified, and not fetched again."""
    use(monkeypatch, spec(f"{server}/good"))
    assert fetch("tiny").images[0].path.read_bytes() == GOOD
    assert fetch("tiny").images[0].path.parent == cache
    assert Handler.requests == ["/good/a%20b.png"]


@pytest.mark.parametrize("bad", ["wrong", "cut", "absent"])
def test_bad_download_leaves_nothing_usable(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    """Wrong, cut or missing contents end in an error that names the address; no image file stays."""
    use(monkeypatch, spec(f"{server}/{bad}"))
    with pytest.raises(DatasetError, match=f"/{bad}/a%20b.png"):
        fetch("tiny")
    assert not (cache / "a b.png").exists()


@pytest.mark.parametrize("place", ["good", "wrong", "cut"])
def test_a_file_may_be_known_by_its_id_in_git(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """By `git hash-object` of the right contents; others are refused, and the image has a SHA-256 as ever."""
    file = FileSpec(git_blob="afe1b05dd61ec09735cef46d826abc0c4c380360")
    use(monkeypatch, spec(f"{server}/{place}").model_copy(update={"files": {"a b.png": file}}))
    if place != "good":
        with pytest.raises(DatasetError, match=f"/{place}/a%20b.png"):
            fetch("tiny")
        assert not (cache / "a b.png").exists()
        return
    assert fetch("tiny").images[0].sha256 == hashlib.sha256(GOOD).hexdigest()
    assert fetch("tiny").images[0].path.read_bytes() == GOOD
    assert len(Handler.requests) == 1
    (cache / "a b.png").write_bytes(b"changed")
    with pytest.raises(DatasetError, match=r"a b\.png differs from its id in git"):
        open_dataset("tiny", download=False)


def test_mirror_takes_over(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror is asked where the first address fails."""
    use(monkeypatch, spec(f"{server}/wrong", f"{server}/good/a%20b.png"))
    fetch("tiny")
    assert (cache / "a b.png").read_bytes() == GOOD


def test_damaged_file_in_the_cache_is_fetched_again(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cached file that changed is not trusted."""
    use(monkeypatch, spec(f"{server}/good"))
    fetch("tiny")
    (cache / "a b.png").write_bytes(b"changed")
    assert fetch("tiny").images[0].path.read_bytes() == GOOD


def test_own_folder_comes_first(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RDBENCH_DATA/<name> is used where its files agree with the hashes, and refused by name otherwise."""
    use(monkeypatch, spec("http://127.0.0.1:9"))
    monkeypatch.setenv(datasets.DATA_VARIABLE, str(tmp_path / "mine"))
    (tmp_path / "mine" / "tiny").mkdir(parents=True)
    own = tmp_path / "mine" / "tiny" / "a b.png"
    own.write_bytes(GOOD)
    assert open_dataset("tiny", download=False).images[0].path == own
    own.write_bytes(b"something else")
    with pytest.raises(DatasetError, match=r"a b\.png differs from its SHA-256"):
        open_dataset("tiny", download=False)


def test_sample_needs_no_network() -> None:
    """The default data set lies in an installed package and has the declared contents."""
    sample = open_dataset("sample", download=False)
    assert len(sample.images) >= 4
    for image in sample.images:
        assert image.sha256 == hashlib.sha256(image.path.read_bytes()).hexdigest()


def test_catalog_has_the_standard_sets() -> None:
    """Names, sizes and licences of the standard sets."""
    sizes = {name: len(it.files) for name, it in shipped().items()}
    assert sizes == {
        "sample": 5, "kodak": 24, "cid22-val": 41, "cid22-train": 209, "gb82": 25,
        "clic2025-val": 32, "clic2025-test": 30,
    }  # fmt: skip
    assert all(it.licence and it.source for it in shipped().values())


def test_folder_and_single_file(pictures: Path) -> None:
    """A folder of images is a data set, sorted by name; so is one file; other files are left alone."""
    (pictures / "notes.txt").write_text("not an image")
    assert [it.name for it in open_dataset(str(pictures)).images] == ["p0.png", "p1.png", "p2.png"]
    assert [it.name for it in open_dataset(str(pictures / "p1.png")).images] == ["p1.png"]


def test_unknown_name_and_empty_folder(tmp_path: Path) -> None:
    """What is neither a data set nor a folder is refused, with the names of the data sets."""
    with pytest.raises(ConfigError, match=r"kodka.*kodak"):
        open_dataset("kodka")
    with pytest.raises(ConfigError, match="no image files"):
        open_dataset(str(tmp_path))

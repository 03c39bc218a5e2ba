"""Folders of images: what counts as one, what is left out, and that every file is a row."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import bench
from bench.errors import BadImage, ConfigError
from bench.inputs.datasets import UNREADABLE, open_dataset
from bench.inputs.image import SUFFIXES, read_image, sha256_of
from bench.inputs.originals import Originals
from bench.report.build import build_report_data
from bench.report.findings import lossy_originals
from bench.runs.options import Events
from bench.runs.store import read_journal
from tests.inputs import odd


def folder_of(root: Path, *names: str) -> Path:
    """A folder of the same little PNG under several names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(odd.png())
    return root


def names_in(folder: Path, *, recursive: bool = False) -> list[str]:
    return [it.name for it in open_dataset(str(folder), recursive=recursive).images]


def test_every_ending_that_is_read_counts(tmp_path: Path) -> None:
    """Whatever the reader reads is found in a folder, in capitals too."""
    folder_of(tmp_path, *(f"a{it}" for it in SUFFIXES), "b.JPG")
    assert len(names_in(tmp_path)) == len(SUFFIXES) + 1
    for ending in (".jfif", ".jpe", ".avif", ".pbm"):
        assert f"a{ending}" in names_in(tmp_path)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    """Hidden files, other endings and sub-folders are reported in one line; hidden folders never count."""
    folder_of(tmp_path, "a.png", "._a.png", "sub/b.png", ".git/c.png", "a.png.d/e.png")
    for name in ("notes.txt", "more.txt", "README", ".DS_Store"):
        (tmp_path / name).touch()
    dataset = open_dataset(str(tmp_path))
    assert [it.name for it in dataset.images] == ["a.png"]
    assert dataset.left_out == (
        f"left out of {tmp_path}: 2 .txt, 2 folders, 1 hidden image file, 1 file without an ending;"
        " --recursive takes the images in folders"
    )
    assert open_dataset(str(folder_of(tmp_path / "clean", "a.png"))).left_out == ""


def test_sub_folders_on_request(tmp_path: Path) -> None:
    """Names are paths below the folder; links to folders are not followed, so none is visited twice."""
    folder_of(tmp_path, "b.png", "a/b.png", "a/deep.png/c.png", ".hidden/d.png")
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    dataset = open_dataset(str(tmp_path), recursive=True)
    assert [it.name for it in dataset.images] == ["a/b.png", "a/deep.png/c.png", "b.png"]
    assert all(read_image(it.path).pixels.shape for it in dataset.images)
    assert dataset.left_out.endswith(": 1 linked folder")
    with pytest.raises(ConfigError, match=r"no image files.*1 folder; --recursive"):
        open_dataset(str(folder_of(tmp_path / "outer", "inner/a.png")))


def test_names_stay_on_one_line(tmp_path: Path) -> None:
    """Control characters and bytes that are no UTF-8 are escaped; two names that become one are refused."""
    folder_of(tmp_path, "a\nb.png", "\x1b[31m.png", os.fsdecode(b"\xe9.png"), "ü b.png")
    assert sorted(names_in(tmp_path)) == ["\\x1b[31m.png", "\\xe9.png", "a\\nb.png", "ü b.png"]
    folder_of(tmp_path, "a\\nb.png")
    with pytest.raises(ConfigError, match="two files would be called"):
        open_dataset(str(tmp_path))


@pytest.mark.parametrize("kind", ["broken link", "circle", "pipe", "no permission"])
def test_what_cannot_be_read_is_there_and_fails_by_name(tmp_path: Path, kind: str) -> None:
    """No file with an image's ending vanishes, and none keeps a reader waiting."""
    path = tmp_path / "bad.png"
    match kind:
        case "broken link":
            path.symlink_to(tmp_path / "gone.png")
        case "circle":
            path.symlink_to(path)
        case "pipe":
            os.mkfifo(path)
        case "no permission":
            path.write_bytes(odd.png())
            path.chmod(0)
            if os.access(path, os.R_OK):
                pytest.skip("this user may read everything")
    assert [it.sha256 for it in open_dataset(str(tmp_path)).images] == [UNREADABLE]
    for read in (read_image, sha256_of):
        with pytest.raises(BadImage, match=r"bad\.png: cannot be read"):
            read(path)


def test_originals_of_a_recursive_run(tmp_path: Path) -> None:
    """An image of a sub-folder is found again from the folder alone."""
    folder_of(tmp_path / "flat", "a.png", "sub/b.png")
    folder_of(tmp_path / "deep", "sub/c.png")
    originals = Originals([str(tmp_path / "flat"), str(tmp_path / "deep")])
    digest = sha256_of(tmp_path / "flat" / "a.png")
    for dataset, name in (("flat", "a.png"), ("flat", "sub/b.png"), ("deep", "sub/c.png")):
        assert originals.find(dataset, name, digest) == tmp_path / dataset / name


def test_folder_of_odd_files_has_a_row_for_each(tmp_path: Path) -> None:
    """Sound files are measured; all others fail as what they are, each under its own name."""
    folder = folder_of(tmp_path / "odd", "line\nbreak.png", "sub/a.png")
    for name, data in odd.ALL.items():
        (folder / name).write_bytes(data)
    (folder / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(folder / "pipe.png")
    notes: list[str] = []
    bench.run(
        codecs=["jpeg@50"],
        datasets=[str(folder)],
        metrics=["psnr_rgb"],
        recursive=True,
        out=tmp_path / "run",
        events=Events(note=notes.append),
    )
    found = {it.image: it.status for it in read_journal(tmp_path / "run")}
    expected = dict.fromkeys((*odd.READ, "line\\nbreak.png", "sub/a.png"), "ok")
    expected |= dict.fromkeys(odd.REFUSED, "unsupported")
    expected |= dict.fromkeys((*odd.DAMAGED, "gone.png", "pipe.png"), "bad_input")
    assert found == expected
    (warning,) = (it for it in notes if "lossy" in it)
    assert f"of {len(found)} originals of odd are lossy files" in warning
    (data,) = build_report_data([tmp_path / "run"])
    (finding,) = (it for it in data.findings if it.kind == "lossy-originals")
    lossy = sum("lossy original" in treatment for _, treatment, _ in odd.READ.values())
    assert finding.message.startswith(f"{lossy} of {len(odd.READ) + 2} originals of odd are lossy files")
    assert finding.severity == "warning"


def test_lossless_originals_raise_no_warning(tmp_path: Path) -> None:
    """Nothing is said of sets without a lossy original, nor of those beyond the limit."""
    folder = folder_of(tmp_path, "a.png", "b.png")
    (folder / "c.jpg").write_bytes(odd.jpeg())
    assert open_dataset(str(folder)).remarks(limit=2) == []
    (remark,) = open_dataset(str(folder)).remarks()
    assert remark.startswith("1 of 3 originals")


def test_lossy_originals_of_several_runs() -> None:
    """Each original counts once, whatever codecs and runs it was measured with."""
    treatments = (
        "",
        "lossy original (JPEG)",
        "lossy original (WebP); grey replicated to RGB",
        "palette expanded",
    )
    rows = [(f"{k}.png", it, "ok") for k, it in enumerate(treatments)]
    one, two = (pd.DataFrame(it, columns=["image", "treatment", "status"]) for it in (rows[:3], rows[1:]))
    frame = pd.concat([one.astype("category"), two.astype("category")], ignore_index=True)
    (finding,) = lossy_originals("photos", frame)
    assert finding.message.startswith("2 of 4 originals of photos")
    assert lossy_originals("photos", one[:1].astype("category")) == []


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("exif-odd.jpg", 0, "EXIF orientation 6 applied"),
        ("12-bit.jpg", 2, "12 bits a sample"),
        ("strips.tif", 2, "corrupt or truncated"),
    ],
)
def test_encode_reads_as_a_run_does(tmp_path: Path, name: str, code: int, said: str) -> None:
    """``rdbench encode`` names conversions, and refuses in one line."""
    (tmp_path / name).write_bytes(odd.ALL[name])
    command = [
        sys.executable,
        "-m",
        "bench.cli",
        "encode",
        "jpeg@50",
        str(tmp_path / name),
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert said in done.stderr

"""A codec that is a file with modules beside it: found from anywhere, and measured again when one changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.files.codec_files import file_version

CODEC = """\
import importlib
import zlib

import numpy as np
from helper import STEP


class Mine:
    name, version, lossless, qualities, quality_range = "mine", "1", True, (), None

    def encode(self, image, quality):
        from lazy.inner import HEADER

        return HEADER + image.shape[1].to_bytes(4, "big") + zlib.compress(image.tobytes(), STEP)

    def decode(self, bitstream):
        width = int.from_bytes(bitstream[1:5], "big")
        return np.frombuffer(zlib.decompress(bitstream[5:]), np.uint8).reshape(-1, width, 3)


importlib.import_module("dyn" + "amic")
"""

SCRIPT = """\
import sys
from bench import registry
for target in sys.argv[1:]:
    codec = registry.load(target)()
    print(codec.encode(__import__("numpy").zeros((2, 2, 3), "uint8"), None)[:1].decode(), end=" ")
    print(registry.file_version(target, registry.imported_beside(target)))
"""


def codec(folder: Path, header: str = "a") -> Path:
    """A codec file, a module beside it, a package that it imports late, and one by a computed name."""
    (folder / "lazy").mkdir(parents=True)
    (folder / "helper.py").write_text("from deeper import STEP\n")
    (folder / "deeper.py").write_text("STEP = 4\n")
    (folder / "lazy" / "__init__.py").touch()
    (folder / "lazy" / "inner.py").write_text(f"from .more import HEADER  # {header}\n")
    (folder / "lazy" / "more.py").write_text(f"HEADER = b'{header}'\n")
    (folder / "dynamic.py").touch()
    (folder / "unrelated.py").touch()
    (folder / "codec.py").write_text(CODEC)
    return folder / "codec.py"


def used(*files: Path, cwd: Path) -> list[list[str]]:
    """For each codec file, in one process, the header that it writes and its version."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *(f"{it}:Mine" for it in files)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", ["helper", "deeper", "lazy/inner", "lazy/more", "lazy/__init__", "dynamic"])
def test_every_module_that_is_used_is_part_of_the_version(tmp_path: Path, name: str) -> None:
    """At the top, in a function, through another module, by a computed name; nothing that is not used."""
    file = codec(tmp_path / "codec")
    (before,) = used(file, cwd=tmp_path)
    (tmp_path / "codec" / "unrelated.py").write_text("# edited\n")
    assert used(file, cwd=tmp_path / "codec") == [before]
    source = tmp_path / "codec" / f"{name}.py"
    source.write_text(source.read_text() + "# edited\n")
    ((_, after),) = used(file, cwd=tmp_path)
    assert after != before[1]


def test_modules_of_the_same_name_beside_two_codecs(tmp_path: Path) -> None:
    """Each codec gets its own, in one process and in either order."""
    a, b = codec(tmp_path / "a", "a"), codec(tmp_path / "b", "b")
    together = used(a, b, cwd=tmp_path)
    assert [it[0] for it in together] == ["a", "b"]
    assert together == [*used(a, cwd=tmp_path), *used(b, cwd=tmp_path)]
    assert used(b, a, cwd=tmp_path) == together[::-1]


def test_a_file_alone_keeps_its_version(tmp_path: Path) -> None:
    """Results of a codec without modules of its own stay valid: the version is the hash of its source."""
    import hashlib

    file = tmp_path / "alone.py"
    file.write_text("import zlib\nimport numpy\n")
    assert file_version(file) == "+sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def test_what_is_installed_below_the_folder_is_no_part(tmp_path: Path) -> None:
    """A virtual environment beside the codec is not its source."""
    installed = tmp_path / ".venv" / "lib" / "site-packages" / "library.py"
    installed.parent.mkdir(parents=True)
    installed.touch()
    file = tmp_path / "codec.py"
    file.write_text("import library\n")
    before = file_version(file)
    sys.path.insert(0, str(installed.parent))
    try:
        import library  # noqa: F401

        assert file_version(file) == before
    finally:
        sys.path.remove(str(installed.parent))
        del sys.modules["library"]


def test_what_a_process_says_that_it_imported_leads_nowhere_else(tmp_path: Path) -> None:
    """Only modules that really lie in the folder count: no data, no way out, no name that can't be one."""
    file = codec(tmp_path / "codec")
    folder, secret = file.parent, tmp_path / "secret.py"
    secret.write_text("guessed")
    (folder / "way_out.py").symlink_to(secret)
    (folder / "data.tar").touch()
    (folder / "later.py").touch()
    names = (
        "../secret.py",
        "way_out.py",
        "data.tar",
        "lazy",
        "no\0name.py",
        "\udcff.py",
        f"{'long' * 99}.py",
    )
    assert file_version(file, [f"{folder}/{it}" for it in names]) == file_version(file)
    assert file_version(file, [f"{folder}/later.py"]) != file_version(file)


def test_a_module_behind_a_link_that_a_source_imports_is_part_of_the_version(tmp_path: Path) -> None:
    """Authors share modules between their codecs that way."""
    file = codec(tmp_path / "codec")
    shared = (file.parent / "helper.py").rename(tmp_path / "shared.py")
    (file.parent / "helper.py").symlink_to(shared)
    before = file_version(file)
    shared.write_text("# edited")
    assert file_version(file) != before


@pytest.mark.parametrize(
    "source",
    ["-" * 200_000 + "1", "(" * 5000, "\0", "from " + "." * 300 + "x import y", f"import {'long' * 99}"],
    ids=["deep", "parentheses", "null", "above", "long"],
)
def test_no_source_keeps_a_version_from_being_taken(tmp_path: Path, source: str) -> None:
    """One that can't be parsed has no modules, and a module that there can't be is none."""
    import hashlib

    file = tmp_path / "codec.py"
    file.write_text(source)
    assert file_version(file) == "+sha256:" + hashlib.sha256(source.encode()).hexdigest()[:12]


def test_modules_that_are_too_large_together_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error for all of them, which names the codec's file."""
    file = codec(tmp_path / "codec")
    monkeypatch.setattr("bench.files.codec_files._MOST_BYTES", 1 << 20)
    with (file.parent / "large.so").open("wb") as large:
        large.truncate(1 << 20)
    with pytest.raises(OSError, match=r"larger than 1 MiB: '.*codec\.py'"):
        file_version(file, [f"{file.parent}/large.so"])

"""What a sealed codec sees of the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.sealing.view import own_bytes, view_of


def sees(target: str, path: Path, *options: str, **more: object) -> bool:
    """Whether a codec can read a file."""
    path = path.resolve()
    return any(path.is_relative_to(it) for it in view_of(target, options, **more).reads)


@pytest.fixture
def codec(tmp_path: Path) -> Path:
    """A codec's file, with weights, a run folder and a data set beside it."""
    folder = tmp_path / "project"
    for name in ("codec.py", "weights.bin", "run/run.json", "run/bitstreams/0", "pictures/p0.png"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 100)
    return folder / "codec.py"


def test_a_file_sees_what_lies_beside_it_but_no_run_and_no_data_set(codec: Path, tmp_path: Path) -> None:
    """Its weights are beside it; the folder of the pictures is hidden by whoever measures."""
    folder = codec.parent
    hidden = {"hidden": [folder / "pictures"]}
    assert sees(str(codec), codec, **hidden)
    assert sees(f"{codec}:Codec", folder / "weights.bin", **hidden)
    assert not sees(str(codec), folder / "run" / "bitstreams" / "0", **hidden)
    assert not sees(str(codec), folder / "pictures" / "p0.png", **hidden)
    assert not sees(str(codec), tmp_path / "elsewhere")


def test_a_codec_may_lie_among_the_pictures(codec: Path) -> None:
    """Its sources are visible there, and nothing else."""
    (codec.parent / "module.py").touch()
    codec.write_text("import module")
    view = view_of(f"{codec}:Codec", (), (), [codec.parent])
    seen = {it for it in view.reads if it.is_relative_to(codec.parent)}
    assert seen == {codec.resolve(), (codec.parent / "module.py").resolve()}
    assert view.empty == ()


def test_hidden_folders_look_empty_where_names_are_visible(codec: Path, tmp_path: Path) -> None:
    """A codec may list the folder of its file, and with it all beneath."""
    pictures, away = codec.parent / "pictures", tmp_path / "away"
    view = view_of(str(codec), (), (), [pictures, away])
    assert codec.parent.resolve() in view.lists
    assert view.empty == (pictures.resolve(),)


def test_no_need_shows_what_is_hidden(codec: Path, tmp_path: Path) -> None:
    """Neither the data set itself nor a folder around it; what lies beside it there is given."""
    pictures = codec.parent / "pictures"
    for need in (pictures, pictures / "p0.png", tmp_path):
        writes = view_of(str(codec), (), (str(need),), [pictures]).writes
        assert not any(pictures.is_relative_to(it) or it.is_relative_to(pictures) for it in writes)
    assert codec.parent / "weights.bin" in writes


def test_needs_in_one_another_are_refused(codec: Path) -> None:
    """Also where a link leads from one into the other; one folder by two names is one."""
    folder, link = codec.parent / "scratch", codec.parent / "link"
    (folder / "part").mkdir(parents=True)
    link.symlink_to(folder)
    for inner in (folder / "part", link / "part", link / "new"):
        with pytest.raises(ConfigError, match=rf"lies in {folder}; .* needs {folder} alone"):
            view_of(str(codec), (), (str(inner), str(folder)))
    assert view_of(str(codec), (), (str(link), str(folder))).writes == (folder.resolve(),)


def test_options_show_files_and_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A weights file, one for each quality, a program on the path, a script and its modules."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.pt", "b1.pt", "b2.pt", "scripts/run.py", "scripts/module.py"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("")
    folder = tmp_path.parent / f"{tmp_path.name}-far"
    target = "bench_codecs.command:Command"
    assert not sees(target, folder / "a.pt")
    (folder / "scripts").mkdir(parents=True)
    for name in ("a.pt", "b1.pt", "b2.pt", "scripts/run.py", "scripts/module.py"):
        (folder / name).write_text("weights")
    assert sees(target, folder / "a.pt", f"{folder}/a.pt")
    assert sees(target, folder / "a.pt", f"--weights={folder}/a.pt {{input}}")
    assert sees(target, folder / "b2.pt", f"{folder}/b{{quality}}.pt")
    (folder / "2.5").mkdir()
    (folder / "2.5" / "c.pt").write_text("weights")
    each = f"{folder}/{{quality}}/c.pt"
    assert sees(target, folder / "2.5" / "c.pt", each)
    assert not sees(target, folder / "2.5" / "c.pt", each, patterns=False)
    assert not sees(target, folder / "2.5" / "c.pt", f"{folder}/{{quality}}", f"{folder}/{{a}}/{{b}}")
    assert not sees(target, Path("/proc/1/comm"), "/proc/{quality}/comm")
    assert sees(target, folder / "b2.pt", f"1={folder}/b1.pt 2={folder}/b2.pt")
    assert not sees(target, folder / "a.pt", f"{folder}/b{{quality}}.pt")
    assert own_bytes(target, (f"{folder}/b{{quality}}.pt",)) == 2 * len("weights")
    assert own_bytes(target, (f"1={folder}/b1.pt 2={folder}/b2.pt",)) == 2 * len("weights")
    assert sees(
        target, folder / "scripts" / "module.py", f"{sys.executable} {folder}/scripts/run.py {{input}}"
    )
    assert not sees(target, folder / "a.pt", f"{folder}/b1.pt")


def test_bytes_that_a_codec_brings_along_are_counted(codec: Path, tmp_path: Path) -> None:
    """What it sees of its own, and what its options name; nothing of rdbench's own codecs."""
    program = tmp_path / "program"
    program.write_bytes(b"x" * 1000)
    program.chmod(0o755)
    assert own_bytes(str(codec), ()) == 300  # its file, the weights, and pictures that lie there
    (codec.parent / "__pycache__").mkdir()
    (codec.parent / "__pycache__" / "codec.pyc").write_bytes(b"x" * 50)
    assert own_bytes(str(codec), ()) == 350  # which may hold anything
    assert own_bytes("bench_codecs.jpeg:Jpeg", ("420", True)) is None
    assert own_bytes("bench_codecs.command:Command", (f"{program} {{input}} {{output}}",)) == 1000


def test_what_can_be_imported_from_the_working_directory_is_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules, packages and what is known of them; not the pictures beside, nor for a run folder's codec."""
    monkeypatch.chdir(tmp_path)
    for name in ("module.py", "package/part.py", "tool.egg-info/entry_points.txt", "kodak/1.png", "0.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    seen = {it for it in ("module.py", "package", "tool.egg-info", "kodak", "0.png") if sees("x:Y", Path(it))}
    assert seen == {"module.py", "package", "tool.egg-info"}
    assert not sees("x:Y", Path("module.py"), working_folder=False)


def test_long_words_are_no_files() -> None:
    """Options may be texts that no file system takes for a name."""
    texts = ("x" * 5000, f"cp {{input}} {'y' * 300} {{output}}", "a{quality}" + "/b" * 3000)
    assert view_of("bench_codecs.command:Command", texts).reads
    assert own_bytes(__file__, texts)

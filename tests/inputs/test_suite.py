"""What the user asks for is understood, or refused with the place of the mistake."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from bench.api import resolve_suite
from bench.errors import ConfigError
from bench.inputs.suite import CodecEntry, load_suite, parse_codec


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("jpeg", CodecEntry(codec="jpeg")),
        ("jpeg@10,30.5", CodecEntry(codec="jpeg", quality=(10, 30.5))),
        (
            "jpeg:subsampling=444,optimize=true@50",
            CodecEntry(codec="jpeg", config={"subsampling": "444", "optimize": "true"}, quality=(50,)),
        ),
        ("my/file.py", CodecEntry(codec="my/file.py")),
        ("my/file.py:Mine", CodecEntry(codec="my/file.py:Mine")),
        (
            "my/file.py:Mine:effort=3@1,2",
            CodecEntry(codec="my/file.py:Mine", config={"effort": "3"}, quality=(1, 2)),
        ),
        ("jpeg@10,10,20", CodecEntry(codec="jpeg", quality=(10, 20))),
    ],
)
def test_codec_spec(spec: str, expected: CodecEntry) -> None:
    """NAME, options and operating points, in every combination."""
    assert parse_codec(spec) == expected


@pytest.mark.parametrize("spec", ["", "jpeg@", "jpeg@a", "jpeg:optimize", "jpeg:=1", "jpeg@nan", "a b"])
def test_bad_codec_spec_is_named(spec: str) -> None:
    """A mistake in a SPEC is an error that repeats the SPEC."""
    with pytest.raises(ConfigError) as caught:
        parse_codec(spec)
    assert repr(spec) in str(caught.value)


SUITE = """\
datasets: kodak
metrics: [psnr_rgb, ms_ssim_rgb]
codecs:
  - webp@20,50
  - codec: jpeg
    label: JPEG 4:4:4
    config: {subsampling: 444, optimize: true}
    quality: [10, 30, 50]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    return path


def test_suite_file(tmp_path: Path) -> None:
    """A suite file says what the command line says, with labels."""
    suite = load_suite(write(tmp_path, SUITE))
    assert suite.datasets == ("kodak",)
    assert suite.codecs[0] == CodecEntry(codec="webp", quality=(20, 50))
    assert suite.codecs[1].label == "JPEG 4:4:4"
    assert suite.codecs[1].config == {"subsampling": 444, "optimize": True}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("quality: [10, 30, 50]", "quality: [10, high]"),
            "suite.yaml:8: codecs.#2.quality.#2: write a number, not 'high'",
        ),
        (
            ("label: JPEG 4:4:4", "lable: JPEG 4:4:4"),
            "suite.yaml:6: codecs.#2.lable: unknown key; did you mean 'label'?",
        ),
        (
            ("- webp@20,50", "- webp@20,x"),
            "suite.yaml:4: codecs.#1: codec 'webp@20,x': '20,x' is not a list",
        ),
        (("datasets: kodak", "dataset: kodak"), "yaml:1: dataset: unknown key; did you mean 'datasets'?"),
        (("metrics:", "metric:"), "suite.yaml:2: metric: unknown key; did you mean 'metrics'?"),
        (("    quality:", "    qualities:"), "codecs.#2.qualities: unknown key; did you mean 'quality'?"),
        (
            ("datasets: kodak", "gate: {max_byte: 1%}"),
            "suite.yaml:1: gate.max_byte: unknown key; did you mean 'max_bytes'?",
        ),
        (
            ("    label:", "    gate: {max_byte: 1%}\n    label:"),
            "suite.yaml:6: codecs.#2.gate.max_byte: unknown key; did you mean 'max_bytes'?",
        ),
        (("datasets: kodak", "zzz: 1"), "suite.yaml:1: zzz: unknown key; known: datasets, codecs, quality"),
        (
            ("  - webp@20,50", "  [jpeg@10,50,90.5, webp]\nlater:"),
            "suite.yaml:3: codecs: YAML splits a list at its commas; quote the codec: 'jpeg@10,50,90.5'",
        ),
        (("codecs:", "codecs: ["), "suite.yaml:4: not valid YAML"),
        (
            ("metrics: [psnr_rgb, ms_ssim_rgb]", "metrics: []"),
            "suite.yaml:2: metrics: is empty; give at least one",
        ),
        (
            ("datasets: kodak", "convert: over white"),
            "suite.yaml:1: convert: write a mapping of keys to values",
        ),
    ],
)
def test_mistakes_are_told_by_file_line_and_key(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    """Each mistake in a suite file is one line: file, line, key, what."""
    with pytest.raises(ConfigError) as caught:
        load_suite(write(tmp_path, SUITE.replace(*change)))
    assert message in str(caught.value)


def test_paths_are_relative_to_the_suite_file(tmp_path: Path) -> None:
    """A folder and a codec file beside the suite are found from any working folder."""
    (tmp_path / "pictures").mkdir()
    suite = load_suite(write(tmp_path, "datasets: [pictures, kodak]\ncodecs: ['mine.py:Mine']\n"))
    assert suite.datasets == (str(tmp_path / "pictures"), "kodak")
    assert suite.codecs[0].codec == f"{tmp_path / 'mine.py'}:Mine"


COMMAND = """\
datasets: [./pictures]
codecs:
  - codec: command
    label: mine
    config:
      encode: python3 tool.py --config=conf/a.cfg -q {quality} {input} {output}
      decode: ./bin/tool decode {input} {output}
  - codec: vae
    config: {weights: mine.safetensors}
  - codec: other
    config: {table: conf/a.cfg, mode: fast, level: 3}
"""


def test_files_in_options_are_relative_to_the_suite_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Command lines, weights and any option that names a file beside the suite; all else stays as it is."""
    for name in ("tool.py", "conf/a.cfg", "bin/tool", "pictures/p.png", "my folder/tool.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / "bin")
    suite = load_suite(write(tmp_path, COMMAND))
    assert suite.datasets == (str(tmp_path / "pictures"),)
    here = str(tmp_path)
    assert suite.codecs[0].config == {
        "encode": f"python3 {here}/tool.py --config={here}/conf/a.cfg -q {{quality}} {{input}} {{output}}",
        "decode": f"{here}/bin/tool decode {{input}} {{output}}",
    }
    assert suite.codecs[1].config == {"weights": f"{tmp_path}/mine.safetensors"}
    assert suite.codecs[2].config == {"table": f"{tmp_path}/conf/a.cfg", "mode": "fast", "level": 3}
    text = COMMAND.replace("tool.py", "'my folder/tool.py'")
    encode = str(load_suite(write(tmp_path, text)).codecs[0].config["encode"])
    assert shlex.split(encode)[1] == f"{tmp_path}/my folder/tool.py"


def test_files_on_the_command_line_are_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And absolute from then on; a suite file's own stay where they are."""
    monkeypatch.chdir(tmp_path)
    suite = resolve_suite(codecs=[parse_codec("a/mine.py:Mine"), parse_codec("vae:weights=w.safetensors")])
    assert suite.codecs[0].codec == f"{tmp_path}/a/mine.py:Mine"
    assert suite.codecs[1].config == {"weights": f"{tmp_path}/w.safetensors"}
    (tmp_path / "suites").mkdir()
    assert resolve_suite(write(tmp_path / "suites", "codecs: ['b.py:B']\n")).codecs[0].codec == (
        f"{tmp_path}/suites/b.py:B"
    )


def test_options_replace_the_files_fields(tmp_path: Path) -> None:
    """What the command line names replaces the suite's field, the rest stays."""
    suite = resolve_suite(write(tmp_path, SUITE), datasets=["sample"], limit=2)
    assert suite.datasets == ("sample",)
    assert len(suite.codecs) == 2
    assert suite.limit == 2


def test_default_suite_is_valid() -> None:
    """The packaged default suite loads and names lossy and lossless codecs."""
    suite = resolve_suite()
    assert {"jpeg", "jpeg2000", "huffman", "lz"} <= {it.codec for it in suite.codecs}


def test_one_configuration_under_two_labels_is_refused(tmp_path: Path, pictures: Path) -> None:
    """The same codec with the same options would be measured once and counted twice."""
    import bench

    codecs = [
        {"codec": "jpeg", "label": "a"},
        {"codec": "jpeg", "label": "b", "config": {"subsampling": 420}},
    ]
    with pytest.raises(ConfigError, match="'a' and 'b' are the same configuration"):
        bench.run(datasets=[str(pictures)], codecs=codecs, out=tmp_path / "run")


def test_optional_codec_is_left_out_where_it_is_unavailable(tmp_path: Path, pictures: Path) -> None:
    """An optional codec without its library is left out with a remark; one that was asked for fails."""
    import bench
    from tests.conftest import ADAPTERS

    notes: list[str] = []
    entry = {"codec": f"{ADAPTERS}:Unavailable", "quality": [4]}

    def measure(out: str, **more: bool):
        return bench.run(
            datasets=[str(pictures)],
            codecs=["jpeg@50", entry | more],
            metrics=["psnr_rgb"],
            out=tmp_path / out,
            events=bench.Events(note=notes.append),
        )

    assert measure("asked").failed == 3
    assert measure("optional", optional=True).failed == 0
    assert any("pip install libmissing" in note for note in notes)


def test_what_a_codec_refuses_is_told_by_its_place(tmp_path: Path) -> None:
    """An error about an entry that the file alone could not tell begins with file, line and key."""
    (entry, other) = load_suite(write(tmp_path, "codecs:\n  - webp\n  - jpeg@500\n")).codecs
    with pytest.raises(ConfigError, match=r"suite\.yaml:3: codecs\.#2: too much"), other.located_errors():
        raise ConfigError("too much")
    assert entry == CodecEntry(codec="webp"), "the place tells no two entries apart"
    with pytest.raises(ConfigError, match=r"^too much"), CodecEntry(codec="webp").located_errors():
        raise ConfigError("too much")


def test_wrong_values_from_python_are_told_in_the_same_words() -> None:
    """A field that does not exist, and a value of another kind."""
    with pytest.raises(ConfigError, match=r"^dataset: unknown key; did you mean 'datasets'"):
        resolve_suite(dataset="kodak")
    with pytest.raises(ConfigError, match=r"^convert: write a mapping of keys to values, not 'over white'"):
        resolve_suite(convert="over white")

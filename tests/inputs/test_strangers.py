"""Run folders of strangers: nothing in them runs, nothing outside them is touched, and no command breaks."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

import bench
from bench import registry
from bench.exchange import read_typed_csv
from bench.runs.store import read_info
from tests.conftest import photo
from tests.inputs.strangers import DEEP, Ended, Stranger, pipe, rdbench
from tests.studies.set_metrics.test_distribution import BRIGHTNESS, _targets

CODES = (0, 1, 2, 3)
"""What a command may end with: anything but a traceback."""

pytestmark = pytest.mark.usefixtures("unsealed")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, a run of them that kept its bitstreams, and its baseline."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "pictures").mkdir()
    for index in range(2):
        Image.fromarray(photo(48, 40, index)).save(folder / "pictures" / f"p{index}.png")
    bench.run(
        codecs=["jpeg@20,50,80,95", "webp@20,50,80,95"],
        datasets=[str(folder / "pictures")],
        metrics=["psnr_rgb"],
        out=folder / "run",
        options=bench.Options(keep_bitstreams=True),
    )
    assert rdbench("baseline", folder / "run", "-o", folder / "baseline.json").code == 0
    return folder


@pytest.fixture
def stranger(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stranger:
    """A copy of the sound run to tamper with, and a metric of sets that needs no network."""
    source = tmp_path / "brightness.py"
    source.write_text(BRIGHTNESS)
    monkeypatch.setattr(registry, "targets", lambda group: _targets(group, f"{source}:Brightness"))
    made = Stranger(tmp_path / "run", tmp_path / "outside")
    shutil.copytree(sound / "run", made.run)
    made.prepare()
    return made


def probing(it: Stranger, sound: Path, *more: str) -> list[Ended]:
    """The commands that construct the codecs of a run."""
    pictures = sound / "pictures"
    return [
        rdbench("distribution", it.run, "-d", pictures, "-m", "brightness", "-j", "1", *more),
        rdbench("robustness", it.run, "-d", pictures, "--draws", "1", "-j", "1", *more),
    ]


def reading(it: Stranger, sound: Path) -> dict[str, Ended]:
    """The commands that read a run's journals."""
    made = it.run.parent / "made"
    return {
        "export": rdbench("export", it.run, "-o", made / "export.csv"),
        "baseline": rdbench("baseline", it.run, "-o", made / "baseline.json"),
        "check": rdbench("check", it.run, "-b", sound / "baseline.json"),
        "compare": rdbench("compare", f"{sound / 'run'}#jpeg-420", it.run),
        "report": rdbench("report", it.run),
        "robustness": rdbench("robustness", it.run, "-d", sound / "pictures"),
        "distribution": rdbench("distribution", it.run, "-m", "brightness"),
    }


def _popen(it: Stranger, codec: dict[str, object]) -> None:
    if "target" in codec:
        codec["target"] = "subprocess:Popen"
    codec["config"] = {"args": f"touch {it.outside}/ran", "shell": True}


def _file(it: Stranger, codec: dict[str, object]) -> None:
    module = it.run / "beside.py"
    module.write_text(f"from pathlib import Path\nPath({str(it.outside / 'ran')!r}).touch()\n")
    if "target" in codec:
        codec["target"] = f"{module}:Codec"


def _command(it: Stranger, codec: dict[str, object]) -> None:
    if "target" in codec:
        codec["target"] = "bench_codecs.command:Command"
    line = f"touch {it.outside}/ran {{input}} {{output}}"
    codec |= {"codec": "command", "config": {"encode": line + " {quality}", "decode": line}}


def _checkpoint(it: Stranger, codec: dict[str, object]) -> None:
    if "target" in codec:
        codec["target"] = "bench_codecs.compressai_zoo:CompressAi"
    codec |= {"codec": "compressai", "config": {"checkpoint": str(it.outside / "private.txt")}}


@pytest.mark.parametrize("choose", [_popen, _file, _command, _checkpoint])
def test_a_run_folder_chooses_no_code(
    choose: Callable[[Stranger, dict[str, object]], None], stranger: Stranger, sound: Path
) -> None:
    """No foreign target, and no option that names a program or a file, is obeyed; --trust is named."""
    stranger.both(lambda codec: choose(stranger, codec))
    for ended in probing(stranger, sound):
        assert ended.code == 2
        assert "--trust" in ended.text
    assert rdbench("report", stranger.run).code == 0
    assert stranger.untouched


def test_a_run_into_a_strangers_folder_runs_only_what_it_names(stranger: Stranger, sound: Path) -> None:
    """The report that ends a run decodes with the codecs of this call, not with the folder's own."""
    stranger.both(lambda codec: _command(stranger, codec))
    ended = rdbench("run", "-d", sound / "pictures", "-c", "jpeg@20", "-m", "psnr_rgb", "-o", stranger.run)
    assert ended.code == 0
    assert stranger.untouched


def test_trust_lets_a_folder_choose(stranger: Stranger, sound: Path) -> None:
    """With --trust the same folder's code is run: the user has said so."""
    stranger.both(lambda codec: _file(stranger, codec))
    probing(stranger, sound, "--trust")
    assert (stranger.outside / "ran").exists()


def _hash(value: str) -> Callable[[Stranger], None]:
    return lambda it: it.lines("measurements.jsonl", lambda line: line.update(pixels_sha256=value))


def _of_info(**fields: object) -> Callable[[Stranger], None]:
    return lambda it: it.info(lambda info: info.update(fields))


def _of_codecs(**fields: object) -> Callable[[Stranger], None]:
    return lambda it: it.info(lambda info: [codec.update(fields) for codec in info["codecs"]])


def _of_images(**fields: object) -> Callable[[Stranger], None]:
    return lambda it: it.info(lambda info: [image.update(fields) for image in info["images"]])


def _of_metrics(**fields: object) -> Callable[[Stranger], None]:
    return lambda it: it.info(lambda info: [metric.update(fields) for metric in info["metrics"]])


def _of_lines(**fields: object) -> Callable[[Stranger], None]:
    return lambda it: it.lines("measurements.jsonl", lambda line: line.update(fields))


def _millions(it: Stranger) -> None:
    def change(info: dict[str, list[dict[str, object]]]) -> None:
        info["images"] = [{**info["images"][0], "name": f"{k}"} for k in range(3000)]
        for codec in info["codecs"]:
            codec["qualities"] = [float(k) for k in range(6000)]

    it.info(change)


UNREADABLE: dict[str, Callable[[Stranger], None]] = {
    "a deep run.json": lambda it: it.raw("run.json", b'{"schema":1,"environment":' + DEEP.encode()),
    "a run.json that is no text": lambda it: it.raw("run.json", b'{"schema":1,"x":"\xff\xfe"}'),
    "a schema of thousands of digits": lambda it: it.raw("run.json", b'{"schema":' + b"9" * 6000 + b"}"),
    "a schema that is a word": _of_info(schema="1"),
    "an endless run.json": lambda it: (it.link("run.json", ""), _relink(it.run / "run.json", "/dev/zero"))[0],
    "a run.json that waits": lambda it: pipe(it.run / "run.json"),
    "36 million trials": _millions,
    "a label that steers the terminal": _of_codecs(label="\x1b[2J"),
    "labels that are the same": _of_codecs(label="a"),
    "a configuration with a list": _of_codecs(config={"a": [1]}),
    "an image name of two lines": _of_images(name="a\nb"),
    "a data set that is a path": _of_images(dataset="../../etc"),
    "a data set that is a folder up": _of_images(dataset=".."),
    "an image's hash that is a path": _of_images(sha256="../outside/rd.png"),
    "a metric that is a path": _of_metrics(name="../../x"),
    "a metric twice": lambda it: it.info(lambda info: info.update(metrics=2 * info["metrics"])),
}
UNREADABLE_JOURNALS: dict[str, Callable[[Stranger], None]] = {
    "a deep line": lambda it: it.raw("measurements.jsonl", DEEP.encode() + b"\n"),
    "a line that is no text": lambda it: it.raw("measurements.jsonl", b'{"key":"\xff\xfe"}\n'),
    "a hash that is a path": _hash("../" * 8 + "etc/passwd"),
    "a hash of 64 other characters": _hash("../outside/rd" + "/" * 51),
    "a hash in capitals": _hash("A" * 64),
    "a picture without width": _of_lines(width=0),
    "a negative size": _of_lines(bytes=-1),
    "a size beyond all": _of_lines(bytes=2**60),
    "a time before the start": _of_lines(encode_s=[-1.0]),
    "a metric beyond all": _of_lines(metrics={"psnr_rgb": 1e300}),
    "a journal that waits": lambda it: pipe(it.run / "measurements.jsonl"),
}


def _relink(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_no_run_json_holds_is_refused(name: str, stranger: Stranger, sound: Path) -> None:
    """Every command ends with 2 and names the file; nothing waits, fills the memory or breaks."""
    UNREADABLE[name](stranger)
    for verb, ended in reading(stranger, sound).items():
        assert ended.code == 2, (verb, ended.text)
        assert "run.json" in ended.text, verb
        assert "\x1b" not in ended.text
    assert stranger.untouched


@pytest.mark.parametrize("name", UNREADABLE_JOURNALS)
def test_what_no_journal_holds_is_refused(name: str, stranger: Stranger, sound: Path) -> None:
    """The commands that read the journal end with 2 and name it; `check` never calls it a regression."""
    UNREADABLE_JOURNALS[name](stranger)
    for verb, ended in reading(stranger, sound).items():
        assert ended.code == 2, (verb, ended.text)
        assert "measurements.jsonl" in ended.text, verb
    assert stranger.untouched


@pytest.mark.parametrize(
    "data", [DEEP.encode(), b'{"format": "rdbench baseline", "schema": 1, "x": "\xff"}', b"1"]
)
def test_a_damaged_baseline_is_no_regression(data: bytes, sound: Path, tmp_path: Path) -> None:
    """`check` ends with 2 on a baseline that it cannot read."""
    (tmp_path / "baseline.json").write_bytes(data)
    ended = rdbench("check", sound / "run", "-b", tmp_path / "baseline.json")
    assert ended.code == 2
    assert "baseline.json" in ended.text


@pytest.mark.parametrize(
    "data",
    [
        DEEP.encode(),
        b'{"name": "\xff"}',
        b'{"name": "\\ud800", "results": {}}',
        b'{"results": {"bpp": [' + b"9" * 5000,
    ],
)
def test_a_damaged_reference_is_an_error(data: bytes, sound: Path, tmp_path: Path) -> None:
    """`compare` and `report` end with 2 on published curves that they cannot read."""
    path = tmp_path / "curves.json"
    path.write_bytes(data)
    for ended in (
        rdbench("compare", f"{sound / 'run'}#jpeg-420", path),
        rdbench("report", sound / "run", "-r", path),
    ):
        assert ended.code == 2
        assert "curves.json" in ended.text


@pytest.mark.parametrize("name", ["set_metrics.json", "robustness.jsonl"])
@pytest.mark.parametrize("data", [DEEP.encode() + b"\n", b'"\xff"\n'])
def test_damaged_results_beside_a_run_are_refused(
    name: str, data: bytes, stranger: Stranger, sound: Path
) -> None:
    """What distribution and robustness left is read with the same care as the journal."""
    stranger.raw(name, data)
    ended = probing(stranger, sound)[name == "robustness.jsonl"]
    assert ended.code == 2
    assert name in ended.text


LINKS = ("report", "report/tables", "report/figures", "report/viewer", "robustness", "bitstreams", ".lock")
LINKED_FILES = (
    *("report/index.html", "report/report.md", "report/.written", "report/figures/rd.png"),
    *("report/tables/ranking.tex", "robustness/robustness.md", "robustness.jsonl", "set_metrics.json"),
)


@pytest.mark.parametrize("name", LINKS)
def test_nothing_is_written_into_a_linked_folder(name: str, stranger: Stranger, sound: Path) -> None:
    """A folder below the run that leads elsewhere is refused by its name, or replaced, but not followed."""
    stranger.link(name, "rd.png" if name == ".lock" else "")
    verbs = [rdbench("report", stranger.run)] if name.startswith("report") else probing(stranger, sound)
    verbs.append(
        rdbench(
            *("run", "-d", sound / "pictures", "-c", "jpeg@20,21", "-m", "psnr_rgb", "-o", stranger.run),
            *("--keep-bitstreams", "--no-report"),
        )
    )
    assert {it.code for it in verbs} <= {0, 2, 3}
    if name not in ("bitstreams",):
        assert any(f"{stranger.run / name}: a link" in it.text for it in verbs)
    assert stranger.untouched


def test_nothing_is_written_or_deleted_through_linked_files(stranger: Stranger, sound: Path) -> None:
    """Files of a former report that lead elsewhere are replaced, and `.written` deletes nothing outside."""
    for name in LINKED_FILES:
        stranger.link(name, "rd.png")
    assert rdbench("report", stranger.run).code == 2, "set_metrics.json is no regular results file"
    for name in ("set_metrics.json", "robustness.jsonl", "report/.written"):
        (stranger.run / name).unlink()
    listed = (
        "../outside/rd.png",
        "tables/../../../outside/rd.png",
        f"{stranger.outside}/rd.png",
        "figures/..",
        "x\0",
    )
    (stranger.run / "report" / ".written").write_text("\n".join(listed))
    assert rdbench("report", stranger.run).code == 0
    assert not (stranger.run / "report" / "index.html").is_symlink()
    assert not (stranger.run / "report" / "figures" / "rd.png").is_symlink()
    stranger.link("robustness.jsonl", "new")
    assert probing(stranger, sound)[1].code == 2
    assert stranger.untouched


def test_links_and_pipes_are_no_pictures_and_no_bitstreams(stranger: Stranger, sound: Path) -> None:
    """A kept bitstream or a stored image that is a link or a pipe is not read, and nothing waits for it."""
    kept = sorted((stranger.run / "bitstreams").iterdir())
    private = stranger.run.parent / "private.png"
    Image.fromarray(photo(48, 40, 9)).save(private)
    for path in kept[::2]:
        pipe(path)
    for path in kept[1::2]:
        path.unlink()
        path.symlink_to(private)
    viewer = stranger.run / "report" / "viewer"
    viewer.mkdir(parents=True)
    for line in (stranger.run / "measurements.jsonl").read_text().splitlines():
        name = f"{json.loads(line)['pixels_sha256'][:32]}.png"
        (viewer / name).unlink(missing_ok=True)
        (viewer / name).symlink_to(private)
    assert rdbench("report", stranger.run).code == 0
    assert ";base64," not in (stranger.run / "report" / "index.html").read_text()
    assert probing(stranger, sound)[0].code in (2, 3)


HOSTILE = r"=\input{/etc/passwd}<script>alert(1)</script>|`$x_1$ [a](javascript:b)"


def test_names_and_messages_are_plain_text_in_every_format(stranger: Stranger, sound: Path) -> None:
    """LaTeX, Markdown, CSV, page, terminal, JUnit and GitHub show what a stranger wrote; none obeys it."""
    message = f"{HOSTILE}\n\\input{{b}}\x1b[2J]]>"

    def change(codec: dict[str, object]) -> None:
        codec["version"] = f"{HOSTILE}\x1b[2J"
        if "label" in codec:
            codec["label"] = HOSTILE + str(codec["label"])
        elif codec["image"] == "p0.png" and codec["quality"] == 20:
            codec |= {"status": "crash", "failure": {"phase": "encode", "message": message}}

    stranger.both(change)
    stranger.info(lambda info: info["environment"].update(machine={f"{HOSTILE}\n# x": message}))
    stranger.lines(
        "measurements.jsonl", lambda it: it.update(environment=read_info(stranger.run).environment.id)
    )
    baseline = stranger.run.parent / "baseline.json"
    assert rdbench("baseline", stranger.run, "-o", baseline).code == 0
    state = json.loads(baseline.read_text())
    for codec in state["codecs"]:
        for trial in codec["trials"]:
            trial |= {"metrics": {"psnr_rgb": 99.0}, "bytes": 1}
            trial |= {"bitstream_sha256": "0" * 64, "pixels_sha256": "0" * 64}
    baseline.write_text(json.dumps(state))
    texts = {
        "terminal": rdbench("report", stranger.run),
        "csv": rdbench("export", stranger.run),
        "compare": rdbench("compare", f"{sound / 'run'}#jpeg-420", stranger.run),
        "compare markdown": rdbench("compare", "-f", "markdown", f"{sound / 'run'}#jpeg-420", stranger.run),
        "compare csv": rdbench("compare", "-f", "csv", f"{sound / 'run'}#jpeg-420", stranger.run),
        **{
            form: rdbench("check", stranger.run, "-b", baseline, "-f", form)
            for form in ("text", "markdown", "junit", "github", "json")
        },
    }
    assert {it.code for it in texts.values()} <= {*CODES}
    assert all("\x1b" not in it.text for it in texts.values())
    report = stranger.run / "report"
    for path in report.rglob("*.tex"):
        assert all(line.startswith("%") or r"\input" not in line for line in path.read_text().splitlines())
    for text in [it.read_text() for it in report.rglob("*.md")] + [
        texts["markdown"].text,
        texts["compare markdown"].text,
    ]:
        assert "<script" not in text.replace(r"\<script", "")
        assert "](javascript" not in text.replace(r"\](javascript", "")
    for text in [it.read_text() for it in report.rglob("*.csv")] + [
        texts["csv"].text,
        texts["compare csv"].text,
    ]:
        assert not [cell for row in csv.reader(io.StringIO(text)) for cell in row if cell.startswith("=")]
    page = (report / "index.html").read_text()
    assert page.count("<script") == 2
    ElementTree.fromstring(texts["junit"].text)
    plain = [line for line in texts["github"].text.splitlines() if not line.startswith("::")]
    assert all(re.fullmatch(r"and \d+ more, which the summary of the job lists", line) for line in plain)


def test_exported_cells_are_read_back(tmp_path: Path) -> None:
    """What begins like a formula gets an apostrophe, which our reader takes off; numbers are left alone."""
    from bench.text.escape import csv_cell, from_csv_cell

    for text in ("=1+1", "+x", "-jpeg", "@a", "\tx"):
        assert csv_cell(text) == f"'{text}"
        assert from_csv_cell(f"'{text}") == text
    for value in ("-1.5", "+3", "1e-5", "jpeg", "'quoted'", "", -1.5, 3, None):
        assert csv_cell(value) is value
    path = tmp_path / "curves.csv"
    path.write_text("codec,bpp,psnr_rgb\n'=mine,0.1,30\n'=mine,0.2,33\n")
    assert [it.label for it in read_typed_csv(path)] == ["=mine"]


ODD: dict[str, Callable[[Stranger], None]] = {
    "no codecs": _of_info(codecs=[]),
    "no images": _of_info(images=[]),
    "no metrics": _of_info(metrics=[]),
    "a metric called as another column": _of_metrics(name="label"),
    "no points": _of_codecs(qualities=[]),
    "points twice": _of_codecs(qualities=[20.0, 20.0, 50.0]),
    "points beyond all": _of_codecs(qualities=[1e308, -1e308, 5e-324]),
    "all lossless": _of_codecs(lossless=True),
    "no hashes": _of_lines(bitstream_sha256=None, pixels_sha256=None),
    "no sizes": _of_lines(width=None, height=None, bytes=None),
    "no bytes": _of_lines(bytes=0),
    "all bytes": _of_lines(bytes=2**53, width=1, height=1),
    "giants": _of_lines(width=2**31, height=2**31),
    "no time": _of_lines(encode_s=[0.0], decode_s=[]),
    "for ever": _of_lines(encode_s=[1e9], decode_s=[1e9]),
    "no values": _of_lines(metrics={"psnr_rgb": None}),
    "odd values": _of_lines(metrics={"psnr_rgb": -1e12}),
    "odd costs": _of_codecs(complexity={"parameters": -1e300, "decoder_kmac_per_pixel": 1e308, "\x1b": 0}),
    "a deep configuration": lambda it: it.raw(
        "measurements.jsonl",
        (it.run / "measurements.jsonl")
        .read_bytes()
        .replace(b'"config":{', b'"config":{"a":' + b"[" * 500 + b"]" * 500 + b","),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_odd_but_possible_runs_break_nothing(name: str, stranger: Stranger, sound: Path) -> None:
    """Values that the formats allow and no run has end in a result or in one line of error."""
    ODD[name](stranger)
    ended = reading(stranger, sound)
    assert {it.code for it in ended.values()} <= {*CODES}

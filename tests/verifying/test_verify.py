"""Verifying a run: what is honest is verified, and what was edited, swapped or foreign is named."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

import bench
from bench.engines.local import LocalEngine
from bench.host.processes import tree
from bench.runs.store import BITSTREAM_FOLDER, JOURNAL_FILE, RUN_FILE
from bench.sealing.seal import can_seal
from bench.trials.trust import EVERYBODY
from bench.verifying.looking import Look
from bench.verifying.record import WORD, Verification, belongs
from bench.verifying.remembering import REMEMBERS
from bench.verifying.text import headline
from bench.verifying.verify import VerifyOptions, verify
from tests.conftest import photo, sealed_only
from tests.verifying.tampering import copied, edit, lines, measured, swap, write

ADAPTERS = Path(__file__).parents[1] / "adapters.py"
CHEATS = Path(__file__).parents[1] / "engines" / "cheats.py"
STRANGERS = Path(__file__).with_name("strangers.py")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small pictures."""
    folder = tmp_path_factory.mktemp("originals") / "pictures"
    folder.mkdir()
    for index in range(2):
        Image.fromarray(photo(40, 44 + index, index)).save(folder / f"p{index}.png")
    return folder


@pytest.fixture(scope="module")
def honest(pictures: Path) -> Path:
    """A run of built-in codecs, and of one in a file."""
    codecs = ["jpeg", "webp", "png", "qoi", f"{ADAPTERS}:HonestLossless"]
    return measured(pictures, pictures.parent / "run", codecs)


def found_in(run: Path, pictures: Path | None, **options: object) -> Verification:
    """What a verification says; decoding alone unless a sample is asked for."""
    given = (str(pictures),) if pictures is not None else ()
    means = {"decode_only": "sample" not in options, "audit": False, "seed": 7, "jobs": 2, **options}
    return verify(run, VerifyOptions(given, **means))


def told(found: Verification) -> dict[str, str]:
    """Verdicts of the rows that are not verified, by the row in words."""
    return {it.where.replace("pictures/", ""): it.verdict for it in found.rows if it.verdict != "verified"}


def test_an_honest_run_is_verified(honest: Path, pictures: Path) -> None:
    """Every result of every codec, and of each encoded again the same bitstream."""
    found = found_in(honest, pictures, sample=1.0, trust=EVERYBODY)
    assert told(found) == {}
    assert found.whole
    assert all(it.encoded_again for it in found.rows)
    assert len(found.rows) == 2 * (2 + 2 + 1 + 1 + 1)
    assert (found.flags, found.notes, found.sealed) == ((), (WORD,), can_seal())
    assert belongs(found, honest)


def test_edits_swaps_and_foreign_codecs_are_named_and_nothing_else(
    honest: Path, pictures: Path, tmp_path: Path
) -> None:
    """Five edited rows, three swapped bitstreams and one codec of a stranger's."""
    run = copied(honest, tmp_path / "run")
    edit(run, {"codec": "jpeg", "image": "p0.png", "quality": 30}, lambda it: it.update(bytes=100))
    edit(
        run, {"codec": "jpeg", "image": "p1.png", "quality": 30}, lambda it: it["metrics"].update(psnr_rgb=50)
    )
    edit(run, {"codec": "jpeg", "image": "p0.png", "quality": 70}, lambda it: it.update(width=4000))
    edit(run, {"codec": "webp", "image": "p0.png", "quality": 30}, lambda it: it.update(decode_s=[1e-9]))
    edit(
        run, {"codec": "webp", "image": "p1.png", "quality": 30}, lambda it: it.update(pixels_sha256="0" * 64)
    )
    hashes = {
        (it["codec"], it["image"], it.get("quality")): it["bitstream_sha256"]
        for it in lines(run)
        if it["status"] == "ok"
    }
    swap(run, hashes["png", "p0.png", None], hashes["png", "p1.png", None])
    swapped = run / BITSTREAM_FOLDER / hashes["qoi", "p1.png", None]
    swapped.write_bytes((run / BITSTREAM_FOLDER / hashes["jpeg", "p1.png", 70]).read_bytes())

    found = found_in(run, pictures)
    assert told(found) == {
        "jpeg-420 at 30 on p0.png": "decodes, numbers differ",
        "jpeg-420 at 30 on p1.png": "decodes, numbers differ",
        "jpeg-420 at 70 on p0.png": "decodes, numbers differ",
        "webp at 30 on p0.png": "decodes, numbers differ",
        "webp at 30 on p1.png": "decodes, numbers differ",
        "png on p0.png": "decodes, numbers differ",
        "png on p1.png": "decodes, numbers differ",
        "qoi on p1.png": "does not decode",
        "HonestLossless on p0.png": "not checked",
        "HonestLossless on p1.png": "not checked",
    }
    details = {it.where.replace("pictures/", ""): it for it in found.rows}
    assert [it.name for it in details["jpeg-420 at 30 on p0.png"].differences] == ["bytes"]
    assert [it.name for it in details["jpeg-420 at 30 on p1.png"].differences] == ["psnr_rgb"]
    assert details["jpeg-420 at 30 on p1.png"].differences[0].recorded == 50
    assert [it.name for it in details["jpeg-420 at 70 on p0.png"].differences] == ["width"]
    assert "--trust" in details["HonestLossless on p0.png"].detail


def test_each_edited_field_is_named(honest: Path, pictures: Path, tmp_path: Path) -> None:
    """Of one line each, also where the edit makes it belong to no planned trial."""
    run = copied(honest, tmp_path / "run")
    edits = {
        ("jpeg", "p0.png", 30): ({"key": "0" * 32}, ["key"]),
        ("jpeg", "p1.png", 30): ({"bytes": None}, ["bytes"]),
        ("jpeg", "p0.png", 70): ({"exact": True}, ["exact", "exact"]),
        ("jpeg", "p1.png", 70): ({"encode_s": []}, ["encode_s", "decode_s"]),
        ("webp", "p0.png", 30): ({"version": "99"}, ["version"]),
        ("webp", "p1.png", 30): ({"image_sha256": "0" * 64}, ["image_sha256"]),
        ("webp", "p0.png", 70): ({"config": {"effort": 6}}, ["config"]),
        ("webp", "p1.png", 70): ({"quality": 71.0}, ["quality"]),
        ("png", "p0.png", None): ({"channels": "grey"}, ["channels"]),
        ("png", "p1.png", None): ({"exact": False}, ["exact", "exact"]),
        ("qoi", "p0.png", None): ({"weights_sha256": "0" * 64}, ["weights_sha256"]),
    }
    for (codec, image, quality), (change, _) in edits.items():
        edit(run, {"codec": codec, "image": image, "quality": quality}, lambda it, c=change: it.update(c))
    found = found_in(run, pictures, trust=EVERYBODY)
    assert {it.verdict for it in found.contradicted} == {"decodes, numbers differ"}
    assert [
        ((it.label.removesuffix("-420"), it.image, it.quality), [that.name for that in it.differences])
        for it in found.contradicted
    ] == [(key, names) for key, (_, names) in edits.items()]
    assert not belongs(found, honest)


def test_two_lines_that_contradict_each_other_are_named(honest: Path, pictures: Path, tmp_path: Path) -> None:
    """The last line decides and holds; an earlier one of the same trial says something else."""
    run = copied(honest, tmp_path / "run")
    journal = lines(run)
    write(run, [journal[0] | {"bytes": 5}, *journal, journal[0]])
    found = found_in(run, pictures, trust=EVERYBODY)
    (row,) = found.contradicted
    assert [(it.name, it.found) for it in row.differences] == [("bytes, in an earlier line", 5)]


def test_what_cannot_be_checked_says_why(honest: Path, pictures: Path, tmp_path: Path) -> None:
    """No bitstream kept, no original, nothing measured, no metric here; pixels are compared all the same."""
    run = copied(honest, tmp_path / "run")
    journal = lines(run)
    gone = next(it for it in journal if it["codec"] == "webp")
    (run / BITSTREAM_FOLDER / gone["bitstream_sha256"]).unlink()
    failed = next(it for it in journal if it["codec"] == "qoi")
    failed |= {"status": "crash", "failure": {"phase": "decode", "message": "it fell over"}}
    unmeasured = next(it for it in journal if it["codec"] == "png")
    write(run, [it for it in journal if it is not unmeasured])
    found = found_in(run, pictures, trust=EVERYBODY)
    assert [(it.label, it.detail, it.claimed) for it in found.rows if it.verdict == "not checked"] == [
        ("webp", "no bitstream is kept", True),
        ("png", "never measured", False),
        ("qoi", "recorded without a result (crash)", False),
    ]
    assert any(
        "12 of 14 planned trials have a result (1 never measured, 1 crash)" in it for it in found.notes
    )
    assert headline(found).startswith("11 of 12 results verified, of 14 planned trials (")
    away = shutil.move(pictures, tmp_path / "away")
    try:
        blind = found_in(run, None, trust=EVERYBODY)
    finally:
        shutil.move(away, pictures)
    assert {it.verdict for it in blind.rows} == {"not checked"}
    assert "the original is not here" in {it.detail for it in blind.rows}
    assert any("originals are not here" in it for it in blind.notes)


def test_encoding_again_stands_in_for_a_bitstream_that_was_not_kept(
    honest: Path, pictures: Path, tmp_path: Path
) -> None:
    """The same bitstream comes again, and is decoded and scored as a kept one would be."""
    run = copied(honest, tmp_path / "run")
    shutil.rmtree(run / BITSTREAM_FOLDER)
    assert found_in(run, pictures, sample=1.0, trust=EVERYBODY).whole


def test_bitstreams_of_another_encoder_are_named(honest: Path, pictures: Path, tmp_path: Path) -> None:
    """They decode and their numbers hold, but the codec of that operating point does not write them."""
    run = copied(honest, tmp_path / "run")
    journal = lines(run)
    points = {(it["image"], it["quality"]): it for it in journal if it["codec"] == "jpeg"}
    worse, better = points["p0.png", 30], points["p0.png", 70]
    kept = {key: worse[key] for key in ("key", "quality")}
    write(run, [it if it is not worse else better | kept for it in journal])
    found = found_in(run, pictures, sample=1.0, trust=EVERYBODY)
    assert told(found) == {"jpeg-420 at 30 on p0.png": "decodes, numbers differ"}
    names = [it.name for it in found.contradicted[0].differences]
    assert "bytes, encoded again" in names
    assert all(it.endswith(", encoded again") for it in names)


@sealed_only
def test_decoders_that_look_elsewhere_give_other_pixels(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scratch files, the working directory, the run folder, the data set: none is there to be looked at."""
    run = tmp_path / "run"
    monkeypatch.setenv("RDBENCH_TEST_PICTURES", str(pictures))
    monkeypatch.setenv("RDBENCH_TEST_RUN_FOLDER", str(run))
    monkeypatch.chdir(tmp_path)
    names = ("InTemporaryFiles", "InWorkingDirectory", "InRunFolder", "ByHash", "ByDeclaredNeed")
    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{STRANGERS}:{it}" for it in names],
        metrics=["psnr_rgb"],
        out=run,
        options=bench.Options(jobs=2, keep_bitstreams=True, sealed=False),
    )
    assert bench.load(run)["exact"].all()
    found = found_in(run, pictures, trust=EVERYBODY)
    assert {it.verdict for it in found.rows} == {"decodes elsewhere differently"}
    assert {it.label for it in found.rows} == set(names)
    assert all(it.levels is not None and it.levels > 50 for it in found.rows)
    monkeypatch.setattr("bench.verifying.verify.can_seal", lambda: False)
    monkeypatch.setattr("bench.engines.zygote.Zygote.can_seal", lambda zygote: False)
    unsealed = found_in(run, pictures, trust=EVERYBODY)
    assert unsealed.whole
    assert not unsealed.sealed
    shutil.rmtree("/tmp/rdbench-verifying")


def test_a_decoder_that_keeps_pictures_is_named(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no matter of the machine: only the bitstreams that hold the picture decode alone."""
    monkeypatch.setattr("bench.engines.rechecks._FIRST", 1 << 40)
    run = tmp_path / "run"
    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{CHEATS}:InDecoder@1,2,3"],
        metrics=["psnr_rgb"],
        out=run,
        options=bench.Options(jobs=1, keep_bitstreams=True),
    )
    assert bench.load(run)["exact"].all()
    found = found_in(run, pictures, trust=EVERYBODY)
    assert {it.verdict for it in found.rows if it.quality == 1} == {"verified"}
    later = [it for it in found.rows if it.quality != 1]
    assert {(it.verdict, REMEMBERS in it.detail) for it in later} == {("does not decode", True)}


def test_other_pictures_under_a_catalogues_name_are_named(tmp_path: Path) -> None:
    """Everything holds but the name; and that few of the set's pictures are planned is told."""
    folder = tmp_path / "originals"
    folder.mkdir()
    Image.fromarray(photo(40, 44)).save(folder / "kodim01.png")
    run = measured(folder, tmp_path / "run", ["qoi"])
    for name in (RUN_FILE, JOURNAL_FILE):
        text = (run / name).read_text()
        (run / name).write_text(text.replace('"originals"', '"kodak"'))
    found = found_in(run, folder)
    (row,) = found.contradicted
    assert [(it.name, it.why) for it in row.differences] == [
        ("image_sha256", "kodim01.png of kodak is another")
    ]
    assert "1 of the 24 pictures of kodak are planned" in found.notes


def test_pictures_that_the_catalogue_knows_by_gits_id_are_not_told_apart(tmp_path: Path) -> None:
    """A record has their SHA-256, with which nothing can be compared: verifying says so."""
    (tmp_path / "originals").mkdir()
    name = "1e2f9d41529197f10d32bfa68a1e0bcc.png"
    Image.fromarray(photo(40, 44)).save(tmp_path / "originals" / name)
    run = measured(tmp_path / "originals", tmp_path / "run", ["qoi"])
    for file in (RUN_FILE, JOURNAL_FILE):
        (run / file).write_text((run / file).read_text().replace('"originals"', '"clic2025-val"'))
    found = found_in(run, tmp_path / "originals")
    assert not found.contradicted
    assert any(it.startswith(f"{name}: ") and "clic2025-val" in it for it in found.notes)


def test_a_metric_without_a_value_is_verified_where_it_has_none_here(
    honest: Path, pictures: Path, tmp_path: Path
) -> None:
    """With a reason of somebody's own it is not checked, and without one it is contradicted."""
    run = copied(honest, tmp_path / "run")
    reasons = {"reasons": {"psnr_rgb": "the library is not there"}}
    for image, why in (("p0.png", reasons), ("p1.png", {})):
        edit(
            run,
            {"codec": "jpeg", "image": image, "quality": 30},
            lambda it, why=why: it.update(metrics=it["metrics"] | {"psnr_rgb": None}, **why),
        )
    found = found_in(run, pictures, trust=EVERYBODY)
    assert told(found) == {
        "jpeg-420 at 30 on p0.png": "not checked",
        "jpeg-420 at 30 on p1.png": "decodes, numbers differ",
    }
    assert "psnr_rgb: no value recorded (the library is not there)" in found.rows[0].detail


def test_a_trusted_codec_may_lie_in_the_run_folder(pictures: Path, tmp_path: Path) -> None:
    """It is found by a relative path, and sees its own folder there."""
    run = measured(pictures, tmp_path / "run", [f"{ADAPTERS}:HonestLossless"])
    code = run / "code"
    code.mkdir()
    shutil.copy(ADAPTERS, code)
    info = msgspec.json.decode((run / RUN_FILE).read_bytes())
    for codec in info["codecs"]:
        codec["target"] = codec["target"].replace(str(ADAPTERS.parent), "code")
        codec["needs"] = [str(pictures)]
    (run / RUN_FILE).write_bytes(msgspec.json.encode(info))
    found = found_in(run, pictures, trust=EVERYBODY)
    assert found.whole
    assert found.flags == ()
    (code / "adapters.py").write_text(ADAPTERS.read_text() + "\n# another one")
    changed = found_in(run, pictures, trust=EVERYBODY)
    assert [(it.label, it.flag) for it in changed.flags] == [("HonestLossless", "other version")]


def test_other_pixels_are_measured_in_levels_where_the_recorded_ones_are_at_hand(
    honest: Path, pictures: Path, tmp_path: Path
) -> None:
    """A report made where the run was measured has stored them."""
    run = copied(honest, tmp_path / "run")
    decoded = photo(40, 44, 9)
    sha256 = hashlib.sha256(decoded.tobytes()).hexdigest()
    edit(
        run,
        {"codec": "webp", "image": "p0.png", "quality": 30},
        lambda it: it.update(pixels_sha256=sha256, metrics=it["metrics"] | {"psnr_rgb": 20.0}),
    )
    (run / "report" / "viewer").mkdir(parents=True)
    Image.fromarray(decoded).save(run / "report" / "viewer" / f"{sha256[:32]}.png")
    (row,) = found_in(run, pictures, trust=EVERYBODY).contradicted
    assert row.verdict == "decodes elsewhere differently"
    assert row.levels is not None
    assert 20 < row.levels < 256


def test_no_decoder_has_another_one_beside_it(
    honest: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of one configuration have ended before the next one's begin, and none is sent a picture twice."""
    rounds = []
    run = LocalEngine.run
    before = set(tree(os.getpid()))

    def watched(engine: LocalEngine, task: Any, work: Sequence[Look]) -> Iterator[Any]:
        yield from run(engine, task, work)
        left = len(set(tree(os.getpid())) - before) - 1  # the one that starts workers
        rounds.append((left, {it.codec.label for it in work}, sorted(it.image.name for it in work)))

    monkeypatch.setattr(LocalEngine, "run", watched)
    assert found_in(honest, pictures, trust=EVERYBODY).whole
    labels = ("jpeg-420", "jpeg-420", "webp", "webp", "png", "qoi", "HonestLossless")
    assert rounds == [(0, {it}, ["p0.png", "p1.png"]) for it in labels]

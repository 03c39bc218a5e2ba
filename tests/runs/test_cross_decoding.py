"""One codec encodes, another one decodes: its process, its record, its name, and what goes wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import bench
from bench.check.attribution import code_change, library_change
from bench.check.baseline import CodecResults, encoded, read_baseline, write_baseline
from bench.check.gates import limits_of
from bench.check.snapshot import snapshot
from bench.check.timing.subjects import subjects_of
from bench.engines.engine import EngineOptions
from bench.errors import ConfigError
from bench.inputs.datasets import ImageFile
from bench.inputs.gate import Gate
from bench.inputs.suite import Suite, load_suite
from bench.report import write_report
from bench.report.build import build_report_data
from bench.runs.store import read_info, read_journal
from bench.studies.robustness.study import RobustnessStudy
from bench.studies.session import StudyOptions, put
from bench.trials.measurement import RecordedDecoder
from bench.trials.plan import trials
from bench.trials.trust import Trust

ROOT = Path(__file__).parents[2]

CODECS = '''
import numpy as np, os, zlib


class Mine:
    """Packs samples behind the width."""

    version = "1+zlib"
    qualities, quality_range = (1.0, 2.0), (1.0, 8.0)

    def encode(self, image, quality):
        step = 2 ** int(quality)
        return image.shape[1].to_bytes(4, "big") + zlib.compress((image // step * step).tobytes())

    def decode(self, bitstream):
        raise AssertionError("the encoder's own decoder is not asked")


class Theirs:
    """Another decoder of the same format, brighter by some levels."""

    version = "7"

    def __init__(self, *, levels: int = 0):
        self.levels = levels

    def encode(self, image):
        raise AssertionError("the decoder's own encoder is not asked")

    def decode(self, bitstream):
        width = int.from_bytes(bitstream[:4], "big")
        samples = np.frombuffer(zlib.decompress(bitstream[4:]), np.uint8).reshape(-1, width, 3)
        return (samples.astype(int) + self.levels).clip(0, 255).astype(np.uint8)


class Grey:
    """Shows the same, whatever the bitstream."""

    version = "1"

    def encode(self, image):
        raise AssertionError("the decoder's own encoder is not asked")

    def decode(self, bitstream):
        return np.full((12, 14, 3), 90, np.uint8)


class Exact(Mine):
    lossless = True

    def encode(self, image):
        return super().encode(image, 0)
'''


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A working folder with a grey picture and two codecs in a file."""
    (tmp_path / "pictures").mkdir()
    Image.fromarray(np.full((12, 14, 3), 100, np.uint8)).save(tmp_path / "pictures" / "grey.png")
    (tmp_path / "codecs.py").write_text(CODECS)
    return tmp_path


def entry(desk: Path, encoder: str = "Mine", decoder: Any = "Theirs", **rest: Any) -> dict[str, Any]:
    """An entry of a suite; a name that is no file's stays what it is."""
    named = f"{desk}/codecs.py:{decoder}" if isinstance(decoder, str) and decoder[0].isupper() else decoder
    return {"codec": f"{desk}/codecs.py:{encoder}", "decoder": named, **rest}


def measured(desk: Path, *entries: Any) -> pd.DataFrame:
    """A run of some entries on the picture, in the folder ``run``."""
    folder, codecs = str(desk / "pictures"), list(entries)
    return bench.load(
        bench.run(datasets=[folder], codecs=codecs, metrics=["psnr_rgb"], out=desk / "run").folder
    )


def test_one_encodes_and_the_other_decodes(desk: Path) -> None:
    """Bytes are the encoder's, pixels the decoder's; the record names both, with version and options."""
    frame = measured(
        desk, entry(desk, decoder={"codec": f"{desk}/codecs.py:Theirs", "config": {"levels": 3}})
    )
    assert list(frame["status"]) == ["ok", "ok"]
    assert set(frame["label"]) == {"Mine decoded by Theirs"}
    assert frame["psnr_rgb"].tolist() == pytest.approx([20 * np.log10(255 / 3)] * 2)
    line = next(read_journal(desk / "run"))
    assert line.decoder is not None
    assert (line.codec, line.decoder.codec, line.decoder.config) == ("Mine", "Theirs", {"levels": 3})
    assert line.version.startswith("1+zlib")
    assert line.decoder.version.startswith("7")
    assert json.loads(frame["decoder"].iloc[0])["codec"] == "Theirs"


def test_a_class_may_decode(desk: Path) -> None:
    """A session gives the decoder as it gives a codec."""

    class Flat:
        version = "1"

        def encode(self, image: np.ndarray) -> bytes:
            raise NotImplementedError

        def decode(self, bitstream: bytes) -> np.ndarray:
            return np.full((12, 14, 3), 90, np.uint8)

    frame = measured(desk, {**entry(desk), "decoder": Flat})
    assert list(frame["status"]) == ["ok", "ok"]
    assert frame["psnr_rgb"].tolist() == pytest.approx([20 * np.log10(255 / 10)] * 2)


def test_the_decoder_is_part_of_the_key(desk: Path) -> None:
    """With another decoder, or another option of it, a trial is another one; the same is not run again."""
    several = [
        entry(desk, decoder={"codec": f"{desk}/codecs.py:Theirs", "config": {"levels": it}}, label=f"by {it}")
        for it in (0, 1, 2)
    ]
    frame = measured(desk, *several)
    assert frame["bitstream_sha256"].nunique() == 1
    assert frame["psnr_rgb"].nunique() == 2  # and identical pixels, without a number
    assert len({it.key for it in read_journal(desk / "run")}) == 6
    again = bench.run(
        datasets=[str(desk / "pictures")], codecs=several, metrics=["psnr_rgb"], out=desk / "run"
    )
    assert (again.measured, again.reused) == (0, 6)


def test_another_version_of_the_decoder_is_measured_again(desk: Path) -> None:
    """Results of the former one are history, as those of a former encoder are."""
    before = measured(desk, entry(desk))
    (desk / "codecs.py").write_text(CODECS.replace('version = "7"', 'version = "8"'))
    after = measured(desk, entry(desk))
    assert list(before["status"]) == list(after["status"]) == ["ok", "ok"]
    assert len([*read_journal(desk / "run")]) == 4


def test_keys_without_a_decoder_are_what_they_were() -> None:
    """Those of the kept run on Kodak follow from its plan, as it was written before there were others."""
    folder = ROOT / "results" / "kodak"
    if not folder.is_dir():
        pytest.skip("needs a checkout")
    plan = read_info(folder).plan
    files = {it: ImageFile(it.name, Path(it.name), it.sha256) for it in plan.images}
    known = {it.key for it in read_journal(folder)}
    assert {it.key for it in trials(plan, files)} <= known
    assert bench.load(folder)["status"].eq("ok").all()


@pytest.mark.parametrize("lossless", ["identical", "brighter"])
def test_a_claim_is_judged_by_what_was_decoded(lossless: str, desk: Path) -> None:
    """A lossless encoder has another decoder's pixels held against the original."""
    levels = 0 if lossless == "identical" else 1
    choice = {"codec": f"{desk}/codecs.py:Theirs", "config": {"levels": levels}}
    frame = measured(desk, entry(desk, "Exact", choice))
    assert list(frame["status"]) == ["ok" if lossless == "identical" else "mismatch"]


def test_a_decoder_that_can_not_says_whose_bitstream_it_was(desk: Path) -> None:
    """It ends as for a damaged bitstream, the bytes stay known, and the message names both."""
    frame = measured(desk, entry(desk, decoder="jpeg"))
    assert set(frame["status"]) == {"codec_error"}
    assert frame["bytes"].notna().all()
    assert frame["error"].str.startswith("decode: jpeg fails on a bitstream of Mine: ").all()


def test_an_absent_decoder_is_unsupported(desk: Path) -> None:
    """The trials say which of the two is missing."""
    absent = {"codec": "command", "config": {"decode": "no-such-program {input} {output}"}}
    frame = measured(desk, entry(desk, decoder=absent))
    assert set(frame["status"]) == {"unsupported"}
    assert frame["error"].str.contains("its decoder command: ").all()


def test_studies_and_reports_decode_with_it(desk: Path) -> None:
    """Kept bitstreams go to the decoder that the run had, and only with the trust that both need."""
    folder = desk / "run"
    summary = bench.run(
        datasets=[str(desk / "pictures")],
        codecs=[entry(desk), "jpeg@50"],
        metrics=["psnr_rgb"],
        out=folder,
        options=bench.Options(keep_bitstreams=True),
    )
    options = StudyOptions((str(desk / "pictures"),), Trust(named=summary.codecs), EngineOptions(jobs=1))
    answers = put(RobustnessStudy(draws=1), folder, options)
    by_mine = [it for question, it in answers if question.trial.codec.decoder is not None]
    assert {getattr(it, "status", "ok") for it in by_mine} == {"ok"}
    with pytest.raises(ConfigError, match="cannot run on this machine"):
        put(RobustnessStudy(bpp=8, draws=2), folder, StudyOptions((str(desk / "pictures"),)))
    write_report([folder], desk / "report")
    assert "Mine decoded by Theirs" in (desk / "report" / "report.md").read_text()


def test_a_report_tells_the_pair_from_the_codec(desk: Path) -> None:
    """The same encoder with its own decoder and with another one are two configurations, in pictures too."""
    codecs = ["jpeg@10,50", {"codec": "jpeg", "decoder": f"{desk}/codecs.py:Grey", "quality": [10, 50]}]
    folder = bench.run(
        datasets=[str(desk / "pictures")],
        codecs=codecs,
        metrics=["psnr_rgb"],
        out=desk / "run",
        options=bench.Options(keep_bitstreams=True),
    ).folder
    (data,) = build_report_data([folder])
    assert [it.label for it in data.entries] == ["jpeg-420", "jpeg-420 decoded by Grey"]
    assert not data.threads
    first, second = data.entries
    assert (first.decoder, second.decoder and second.decoder.codec) == (None, "Grey")


def test_trust_is_of_the_pair(desk: Path) -> None:
    """Who names a codec has not vouched for the decoder that a folder puts beside it."""
    measured(desk, entry(desk))
    (recorded,) = read_info(desk / "run").codecs
    other = bench.run(
        datasets=[str(desk / "pictures")],
        codecs=[f"{desk}/codecs.py:Mine"],
        metrics=["psnr_rgb"],
        out=desk / "other",
    )
    assert not Trust(named=other.codecs).codec(recorded).trusted
    assert Trust(folders=True).codec(recorded).decoder_ref.trusted


def test_a_folder_does_not_say_what_a_named_codec_needs(desk: Path) -> None:
    """It is given what it declares now, or is asked."""
    (named,) = bench.run(
        datasets=[str(desk / "pictures")],
        codecs=[f"{desk}/codecs.py:Mine"],
        metrics=["psnr_rgb"],
        out=desk / "other",
    ).codecs
    (recorded,) = read_info(desk / "other").codecs
    spoilt = msgspec.structs.replace(recorded, needs=(str(desk),))
    trusted = Trust(named=(named,)).codec(spoilt)
    assert (trusted.trusted, trusted.needs, trusted.ref.needs) == (True, (), ())
    assert Trust().codec(spoilt).ref.needs == ()


def test_a_baseline_has_the_decoder(desk: Path) -> None:
    """Of a codec with another one alone, so that files without stay as they were."""
    measured(desk, entry(desk), f"{desk}/codecs.py:Theirs")
    state = snapshot(desk / "run")
    data = json.loads(encoded(state))
    assert {it["label"]: "decoder" in it for it in data["codecs"]} == {
        "Mine decoded by Theirs": True,
        "Theirs": False,
    }
    write_baseline(desk / "baseline.json", state)
    assert read_baseline(desk / "baseline.json") == state


def results(version: str) -> CodecResults:
    """What a gate compares, with a decoder of a version."""
    decoder = RecordedDecoder(codec="theirs", version=version, config={})
    return CodecResults(label="mine", codec="mine", version="1+lib 2", decoder=decoder)


def test_a_change_of_the_decoder_is_attributed() -> None:
    """Its library is an outside cause, its adapter a change of code."""
    assert library_change(results("1+lib 3"), results("1+lib 4")) == (
        "lib 2 decoded by lib 3 -> lib 2 decoded by lib 4"
    )
    assert code_change(results("1+lib 3"), results("1+lib 4")) == ""
    assert code_change(results("1+lib 3"), results("2+lib 3")) == "decoder theirs 1+lib 3 -> theirs 2+lib 3"


def test_limits_are_of_the_entry_with_the_decoder() -> None:
    """An entry without a decoder does not stand for one with it."""
    strict = Gate(max_bytes=7.0)
    suite = Suite.model_validate({"codecs": ["mine", {"codec": "mine", "decoder": "theirs", "gate": strict}]})
    assert limits_of(suite)(results("1")).max_bytes == 7.0
    assert limits_of(suite)(CodecResults(label="mine", codec="mine", version="1")) == suite.gate


def test_interleaved_timing_refuses_it(desk: Path) -> None:
    """It compares a codec with its former self, and says so rather than time the wrong decoder."""
    suite = Suite.model_validate({"datasets": [str(desk / "pictures")], "codecs": [entry(desk)]})
    with pytest.raises(ConfigError, match="is decoded by"):
        subjects_of(suite)


def test_a_suite_names_it_as_a_spec_or_a_mapping(desk: Path) -> None:
    """Paths are relative to the file; operating points are the encoder's."""
    file = desk / "suite.yaml"
    file.write_text(
        "codecs:\n  - {codec: codecs.py:Mine, decoder: codecs.py:Theirs}\n"
        "  - {codec: jpeg, decoder: {codec: command, config: {decode: ./tool.sh}}}\n"
    )
    first, second = load_suite(file).codecs
    assert first.decoder is not None
    assert second.decoder is not None
    assert first.decoder.codec == f"{desk}/codecs.py:Theirs"
    assert second.decoder.config == {"decode": f"{desk}/tool.sh"}
    file.write_text("codecs: [{codec: jpeg, decoder: webp@50}]\n")
    with pytest.raises(ConfigError, match="a decoder has no operating points"):
        load_suite(file)


@pytest.mark.skipif(not shutil.which("djpeg"), reason="needs cjpeg and djpeg")
def test_libjpeg_decodes_for_pillow_and_the_other_way_round(pictures: Path) -> None:
    """Encoders and decoders of one format in any pair: the bytes are the one's, the pixels the other's."""
    encode, decode = "cjpeg -quality {quality} -outfile {output} {input}", "djpeg -outfile {output} {input}"
    tools = {"codec": "command", "config": {"encode": encode, "decode": decode}, "label": "tools"}
    frame = bench.load(
        bench.run(
            datasets=[str(pictures)],
            codecs=[
                "jpeg",
                tools,
                {"codec": "jpeg", "decoder": {"codec": "command", "config": {"decode": decode}}},
                {
                    "codec": "command",
                    "config": {"encode": encode},
                    "decoder": "jpeg",
                    "label": "tools decoded by jpeg",
                },
            ],
            quality=[75],
            metrics=["psnr_rgb"],
            limit=1,
            out=pictures.parent / "run",
        ).folder
    ).set_index("label")
    assert set(frame["status"]) == {"ok"}
    bitstreams, psnr = frame["bitstream_sha256"], frame["psnr_rgb"]
    for encoder, decoder in (("jpeg-420", "command"), ("tools", "jpeg")):
        assert bitstreams[f"{encoder} decoded by {decoder}"] == bitstreams[encoder]
        assert psnr[f"{encoder} decoded by {decoder}"] == pytest.approx(psnr[encoder], abs=0.1)

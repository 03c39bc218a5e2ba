"""Runs of pictures of every form: what each codec is given, what is recorded, and what can be resumed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import imagecodecs
import msgspec
import numpy as np
import pandas as pd
import pytest

import bench
from bench.check.timing.subjects import subjects_of
from bench.codec import completed
from bench.engines.description import described
from bench.errors import ConfigError
from bench.files.typed_json import decode_json
from bench.inputs.image import read_image
from bench.inputs.suite import Suite, load_suite
from bench.report import write_report
from bench.report.findings import of_other_forms
from bench.runs.store import read_journal
from bench.trials.measurement import Measurement
from bench.trials.plan import CodecPlan
from tests.conftest import photo

CODECS = """
class Raw:
    depths = (8, 10, 16)
    channels = ("rgb", "grey", "rgba")
    lossless = True

    def encode(self, image, quality, *, depth):
        head = bytes([depth, image.ndim, *image.shape])
        return head + image.tobytes()

    def decode(self, bitstream):
        depth, dimensions = bitstream[:2]
        kind = np.uint8 if depth == 8 else np.uint16
        return np.frombuffer(bitstream[2 + dimensions:], kind).reshape(bitstream[2:2 + dimensions])


class TooBright(Raw):
    lossless = False

    def decode(self, bitstream):
        pixels = super().decode(bitstream)
        return pixels | np.uint16(1 << 15) if pixels.dtype == np.uint16 else pixels


class Narrows(Raw):
    def decode(self, bitstream):
        return super().decode(bitstream).astype(np.uint8)


class Plain:
    lossless = True

    def encode(self, image):
        return bytes(image.shape[:2]) + image.tobytes()

    def decode(self, bitstream):
        return np.frombuffer(bitstream[2:], np.uint8).reshape(*bitstream[:2], 3)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of all forms, 20 by 24."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    rgb = photo(20, 24)
    deep = rgb * np.uint16(257)
    alpha = np.tile(np.linspace(0, 255, 24).astype(np.uint8), (20, 1))
    for name, samples in {
        "grey": rgb[..., 0],
        "rgb": rgb,
        "rgba": np.dstack([rgb, alpha]),
        "grey16": deep[..., 0],
        "rgb16": deep,
        "rgba16": np.dstack([deep, alpha * np.uint16(257)]),
    }.items():
        (pictures / f"{name}.png").write_bytes(imagecodecs.png_encode(np.ascontiguousarray(samples)))
    body = (deep >> 6).astype(">u2").tobytes()
    (pictures / "rgb10.ppm").write_bytes(b"P6 24 20 1023\n" + body)
    return pictures


@pytest.fixture
def codecs(tmp_path: Path) -> str:
    """The file of the codecs above."""
    path = tmp_path / "codecs.py"
    path.write_text("import numpy as np\n" + CODECS)
    return str(path)


def journal(run: Path) -> dict[str, Measurement]:
    """The last line of each picture."""
    return {it.image: it for it in read_journal(run)}


def run_suite(tmp_path: Path, folder: Path, codec: str, more: str = "", metrics: str = "psnr_rgb") -> Path:
    """A run of one codec, from a suite file."""
    suite = tmp_path / "suite.yaml"
    suite.write_text(f"datasets: [{folder}]\nmetrics: [{metrics}]\ncodecs: ['{codec}']\n{more}\n")
    return bench.run(suite, out=tmp_path / "run").folder


def test_each_picture_reaches_a_codec_that_declares_it(tmp_path: Path, folder: Path, codecs: str) -> None:
    """In its own shape and depth, told to the encoder, and recorded; rates stay bits a pixel."""
    done = journal(run_suite(tmp_path, folder, f"{codecs}:Raw", metrics="psnr_rgb, psnr_alpha, ciede2000"))
    assert {it.status for it in done.values()} == {"ok"}
    forms = {name: (it.channels, it.depth, it.treatment) for name, it in done.items()}
    assert forms == {
        "grey.png": ("grey", 8, ""),
        "rgb.png": ("rgb", 8, ""),
        "rgba.png": ("rgba", 8, ""),
        "grey16.png": ("grey", 16, ""),
        "rgb16.png": ("rgb", 16, ""),
        "rgba16.png": ("rgba", 16, ""),
        "rgb10.ppm": ("rgb", 10, ""),
    }
    assert all(it.exact for it in done.values())
    assert done["grey16.png"].bpp == pytest.approx(16 + 8 * 4 / 480)
    assert done["rgb16.png"].reasons["ciede2000"] == "ciede2000 is not defined for 16 bits a sample"
    assert done["grey.png"].metrics["ciede2000"] == 0
    assert done["rgba.png"].reasons["psnr_alpha"] == "identical pixels"
    frame = bench.load(tmp_path / "run")
    assert dict(zip(frame["image"], frame["depth"], strict=True))["rgb10.ppm"] == 10


def test_a_codec_that_declares_nothing_gets_what_it_always_got(
    tmp_path: Path, folder: Path, codecs: str
) -> None:
    """8-bit RGB, with grey replicated; the rest is unsupported, and the reason names the way out."""
    done = journal(run_suite(tmp_path, folder, f"{codecs}:Plain"))
    assert {name for name, it in done.items() if it.status == "ok"} == {"grey.png", "rgb.png"}
    assert done["grey.png"].treatment == "grey replicated to RGB"
    refused = {name: it.failure.message for name, it in done.items() if it.failure is not None}
    assert {it.status for name, it in done.items() if name in refused} == {"unsupported"}
    assert "convert: {depth: 8}" in refused["rgb16.png"]
    assert "convert: {alpha: over white}" in refused["rgba.png"]


def test_a_suite_converts_for_it_and_a_changed_conversion_is_measured_again(
    tmp_path: Path, folder: Path, codecs: str
) -> None:
    """Every picture is measured, with its conversion recorded; only those that change run again."""
    spec = f"{codecs}:Plain"
    white = journal(run_suite(tmp_path, folder, spec, "convert: [alpha: over white, depth: 8]"))
    assert {it.status for it in white.values()} == {"ok"}
    assert white["rgba16.png"].treatment == "alpha flattened over white; 16-bit samples scaled to 8"
    assert white["rgb10.ppm"].treatment == "10-bit samples scaled to 8"
    before = len(list(read_journal(tmp_path / "run")))
    black = journal(run_suite(tmp_path, folder, spec, "convert: [alpha: over black, depth: 8]"))
    assert len(list(read_journal(tmp_path / "run"))) == before + 2
    changed = {name for name in white if white[name].key != black[name].key}
    assert changed == {"rgba.png", "rgba16.png"}
    assert white["rgba.png"].pixels_sha256 != black["rgba.png"].pixels_sha256


def test_what_a_suite_converts_is_timed_as_converted(folder: Path) -> None:
    """``rdbench check --timing`` takes the pictures that its suite measures, as 8-bit RGB."""
    suite = Suite.model_validate(
        {
            "datasets": [str(folder)],
            "codecs": ["jpeg@50"],
            "convert": {"alpha": "over white", "depth": 8},
        }
    )
    pictures = subjects_of(suite).images.values()
    assert {(it.dtype.name, it.shape[2:]) for it in pictures} == {("uint8", (3,))}


@pytest.mark.parametrize(
    ("codec", "picture", "message"),
    [
        ("TooBright", "rgb10.ppm", "which has more than 10 bits"),
        ("Narrows", "rgb16.png", "decoded uint8, the original is uint16"),
    ],
)
def test_samples_of_another_type_or_beyond_the_depth_are_a_mismatch(
    tmp_path: Path, folder: Path, codecs: str, codec: str, picture: str, message: str
) -> None:
    """What a decoder returns is held against the form of the original."""
    found = journal(run_suite(tmp_path, folder, f"{codecs}:{codec}"))[picture]
    assert found.status == "mismatch"
    assert found.failure is not None
    assert message in found.failure.message


def test_every_codec_is_given_its_own_form_of_one_picture(tmp_path: Path, folder: Path, codecs: str) -> None:
    """Codecs that take a picture in different forms do not disturb each other, whatever their order."""
    specs = [f"{codecs}:Plain", f"{codecs}:Raw", "jpeg@90", "webp@90"]
    asked = {"codecs": specs, "datasets": [str(folder)], "metrics": ["psnr_rgb", "ssim_rgb"]}
    run = bench.run(**asked, out=tmp_path / "run", options=bench.Options(jobs=1))
    frame = bench.load(run.folder)
    grey = frame[(frame["image"] == "grey.png") & (frame["status"] == "ok")].set_index("codec")
    assert dict(grey["channels"]) == {"Plain": "rgb", "Raw": "grey", "jpeg": "grey", "webp": "rgb"}
    assert grey.loc[["jpeg", "webp"], "psnr_rgb"].min() > 30


def test_former_keys_of_rgb_stay(tmp_path: Path, folder: Path) -> None:
    """Results of 8-bit RGB from before codecs declared anything serve on; grey is measured again."""
    out = tmp_path / "run"
    bench.run(codecs=["png"], datasets=[str(folder)], metrics=["psnr_rgb"], out=out)
    first = journal(out)
    text = f"{first['rgb.png'].image_sha256}|"
    info = json.loads((out / "run.json").read_text())
    (codec,) = info["codecs"]
    identity = [codec["codec"], codec["version"], codec["config"], None, [["psnr_rgb", "1"]]]
    text += json.dumps(identity, sort_keys=True, separators=(",", ":")) + "|None"
    assert first["rgb.png"].key == hashlib.sha256(text.encode()).hexdigest()[:32]
    grey = text.replace(first["rgb.png"].image_sha256, first["grey.png"].image_sha256)
    assert first["grey.png"].key != hashlib.sha256(grey.encode()).hexdigest()[:32]


def test_a_plan_of_before_is_of_eight_bit_rgb() -> None:
    """``run.json`` of older versions says nothing of forms."""
    before = CodecPlan(
        label="a", codec="a", target="a:A", version="1", lossless=False, config={}, qualities=(1.0,)
    )
    written = json.loads(bench_json(before))
    del written["accepted"]
    read = decode_json(json.dumps(written).encode(), CodecPlan)
    assert read.accepted.depths == (8,)
    assert read.accepted.channels == ("rgb",)


def bench_json(value: Any) -> bytes:
    """As ``run.json`` has it."""
    return msgspec.json.encode(value)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"depths": (7, 8)}, "depths are numbers from 8 to 16"),
        ({"depths": ()}, "depths are numbers from 8 to 16"),
        ({"channels": ("rgb", "cmyk")}, "channels are some of grey, rgb, rgba"),
        ({"depths": (8, 10)}, "encode needs the keyword depth"),
    ],
)
def test_an_impossible_declaration_is_refused(attributes: dict[str, Any], message: str) -> None:
    """Before anything is measured, by the attribute's name."""
    methods = {"encode": lambda self, image, quality: b"", "decode": lambda self, bitstream: None}
    codec = completed(type("Odd", (), methods | attributes)())
    with pytest.raises(ConfigError, match=message):
        described(codec, {}, "module:Odd")


def test_suite_files_convert_nothing_by_default(tmp_path: Path) -> None:
    """As ever."""
    (tmp_path / "suite.yaml").write_text("datasets: [sample]\n")
    convert = load_suite(tmp_path / "suite.yaml").convert
    assert (convert.alpha, convert.depth) == (None, None)


def test_a_report_warns_of_values_of_different_originals() -> None:
    """One codec at 16 bits and another at 8 of the same picture are not compared like with like."""
    frame = pd.DataFrame(
        {
            "image": ["a", "a", "b", "b"],
            "label": ["deep", "plain"] * 2,
            "status": "ok",
            "depth": [16, 8, 8, 8],
            "channels": ["rgba", "rgb", "grey", "rgb"],
        }
    )
    (finding,) = of_other_forms(frame)
    assert finding.labels == ("plain",)
    assert finding.message.startswith("a picture was converted for plain, and not for others")
    assert not of_other_forms(frame[frame["image"] == "b"])
    assert not of_other_forms(frame.drop(columns=["depth", "channels"]))


def test_the_viewer_says_how_deep_pictures_are_shown(tmp_path: Path, folder: Path) -> None:
    """Its pictures are 8-bit RGB, and the note of each says what they were."""
    asked = {"codecs": ["jpegxl@50,80"], "datasets": [str(folder)], "metrics": ["psnr_rgb"]}
    run = bench.run(**asked, out=tmp_path / "run", options=bench.Options(keep_bitstreams=True))
    write_report([run.folder], tmp_path / "report")
    notes = {}
    for script in (tmp_path / "report" / "viewer").glob("*.js"):
        text = script.read_text()
        image = json.loads(text[text.index("(") + 1 : text.rindex(")")])
        shown = [image["original"], *(it[4] for it in image["reconstructions"])]
        assert all(read_image(tmp_path / "report" / it["url"]).pixels.shape == (20, 24, 3) for it in shown)
        notes[image["name"]] = image["note"]
    assert notes["rgb16.png"] == "Samples of 16 bits are shown at 8."
    assert notes["rgba.png"] == "Transparent pixels are shown over white."
    assert notes["rgb.png"] == notes["grey.png"] == ""

"""The command codec, with programs that exist."""

from __future__ import annotations

import io
import re
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench
from bench.errors import BadBitstream, BenchError, CodecUnavailable, ConfigError, Unsupported
from bench.inputs.suite import CodecEntry
from bench.testing import check_codec
from bench_codecs._common.ycbcr import from_planes, to_planes
from bench_codecs.command import Command
from bench_codecs.jpeg import Jpeg
from tests.conftest import photo

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "measure.md"

CJPEG = partial(
    Command,
    encode="cjpeg -quality {quality} -outfile {output} {input}",
    decode="djpeg -ppm -outfile {output} {input}",
    qualities="10, 50, 90",
    bitstream_suffix=".jpg",
    version_command="cjpeg -version",
)
OPENJPEG = partial(
    Command,
    encode="opj_compress -n 1 -r {quality} -i {input} -o {output}",
    decode="opj_decompress -i {input} -o {output}",
    qualities="40,10,2",
    lower_is_better=True,
    bitstream_suffix=".j2k",
    input_format="png",
    output_format="png",
)

WRITE_ARGUMENT = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"w\").write(sys.argv[2])'"


def need(*programs):
    """Skip where a program is not on PATH."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)} (Debian: libjpeg-turbo-progs, libopenjp2-tools)")


@pytest.mark.slow
def test_cjpeg_keeps_the_contract():
    """cjpeg and djpeg, as a user would describe them, pass the conformance kit."""
    need("cjpeg", "djpeg")
    check_codec(CJPEG)


@pytest.mark.slow
def test_opj_compress_keeps_the_contract():
    """opj_compress, whose setting falls as quality rises, passes the conformance kit."""
    need("opj_compress", "opj_decompress")
    check_codec(OPENJPEG)


def test_cjpeg_writes_what_the_library_writes():
    """The same codec through a program costs the same bytes: nothing is added to the bitstream."""
    need("cjpeg", "djpeg")
    image = photo(40, 50)
    assert len(CJPEG().encode(image, 50)) == len(Jpeg().encode(image, 50))


def test_version_follows_a_file_inside_an_option(tmp_path):
    """``--cfg=FILE`` names a file as ``--cfg FILE`` does."""
    configuration = tmp_path / "my.cfg"
    versions = []
    for content in ("1", "2"):
        configuration.write_text(content)
        line = f"cp --cfg={configuration} {{input}} {{output}}"
        versions.append(Command(encode=line, decode="cp {input} {output}", lossless=True).version)
    assert versions[0] != versions[1]
    with pytest.raises(ConfigError, match="no finite number"):
        Command(encode="cp {quality} {input} {output}", decode="cp {input} {output}", qualities="nan,1")


def test_version_names_program_and_hash():
    """Another build of a program is another version."""
    need("cjpeg", "djpeg")
    version = CJPEG().version
    assert "cjpeg sha256:" in version
    assert "djpeg sha256:" in version
    assert "libjpeg-turbo" in version


def test_lower_is_better_turns_the_scale():
    """Quality is minus the setting, so that higher is better; the program sees the setting."""
    codec = Command(
        encode=f"{WRITE_ARGUMENT} {{output}} {{quality}} {{input}}",
        decode="cp {input} {output}",
        qualities="37,22.5",
        lower_is_better=True,
    )
    assert codec.qualities == (-37, -22.5)
    assert codec.quality_range == (-37, -22.5)
    assert codec.encode(photo(4, 4), -37) == b"37"
    assert codec.encode(photo(4, 4), -22.5) == b"22.5"


def test_yuv444_carries_its_size():
    """Raw planes have no size of their own: eight bytes go before, and the colours survive within 1."""
    image = photo(21, 30)
    codec = Command(
        encode="cp {input} {output}",
        decode="cp {input} {output}",
        lossless=True,
        input_format="yuv444",
        output_format="yuv444",
    )
    bitstream = codec.encode(image, None)
    assert len(bitstream) == 8 + image.size
    assert np.abs(codec.decode(bitstream).astype(int) - image).max() <= 1
    with pytest.raises(BadBitstream, match="no 8-bit 4:4:4 picture"):
        codec.decode(bitstream[:-1])


@pytest.mark.parametrize(
    ("form", "samples"), [("yuv444p10", 3 * 21 * 31), ("yuv420p10", 21 * 31 + 2 * 11 * 16)]
)
def test_raw_planes_of_ten_bits_are_those_of_the_video_codecs(form, samples):
    """Two bytes a sample, chroma halved or not, and the picture is what the colour path makes of it."""
    image = photo(21, 31)
    copy = "cp {input} {output}"
    lossless = form == "yuv444p10"
    more = {"lossless": True} if lossless else {"qualities": "1", "decode": copy}
    encode = copy if lossless else "sh -c 'cp $0 $1' {input} {output} {quality}"
    options = {"encode": encode, "decode": copy, "input_format": form, "output_format": form, **more}
    codec = Command(**options)
    bitstream = codec.encode(image, None if lossless else 1)
    assert len(bitstream) == 8 + 2 * samples
    expected = from_planes(to_planes(image, 8, 10, form[3:6]), 10, 8)
    assert np.array_equal(codec.decode(bitstream), expected)
    assert np.array_equal(expected, image) == lossless
    with pytest.raises(BadBitstream, match="no picture of 31x21"):
        codec.decode(bitstream[:-1])


def written(picture: Image.Image, **options) -> bytes:
    """A PNG file."""
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


def deep(maximum: int) -> bytes:
    """A PPM file of samples up to ``maximum``, two bytes each."""
    samples = (photo(6, 5) * np.uint16(maximum // 255)).astype(">u2")
    return b"P6\n5 6\n%d\n" % maximum + samples.tobytes()


@pytest.mark.parametrize(
    ("file", "error", "message"),
    [
        (deep(1023), Unsupported, "the decoder's output.png: 10 bits a sample"),
        (deep(65535), Unsupported, "the decoder's output.png: 16 bits a sample"),
        (
            written(Image.fromarray(photo(6, 5)[..., 0].astype(np.uint16) * 257)),
            Unsupported,
            "16 bits a sample",
        ),
        (written(Image.fromarray(photo(6, 5)).convert("RGBA").rotate(45)), Unsupported, "transparent pixels"),
        (written(Image.fromarray(photo(60, 50)))[:-600], BadBitstream, "truncated in its chunk IDAT"),
        (b"no picture", BadBitstream, "the decoder's output.png: not a PNG"),
    ],
)
def test_what_a_decoder_writes_is_never_narrowed(file, error, message):
    """More than 8 bits, transparency and damage in a decoder's image are refused, each by its name."""
    codec = Command(
        encode="cp {input} {output}", decode="cp {input} {output}", output_format="png", lossless=True
    )
    with pytest.raises(error, match=message):
        codec.decode(file)


@pytest.mark.parametrize(
    ("convert", "treatment"),
    [
        (lambda it: it, ""),
        (lambda it: it.convert("RGBA"), "opaque alpha dropped"),
        (lambda it: it.convert("L"), "grey replicated to RGB"),
        (lambda it: it.quantize(16), "palette expanded"),
    ],
)
def test_what_a_decoder_writes_is_converted_as_an_original(convert, treatment):
    """Opaque alpha, grey and palettes are no fault of a decoder; the adapter tells what it did."""
    picture = convert(Image.fromarray(photo(6, 5)))
    codec = Command(
        encode="cp {input} {output}", decode="cp {input} {output}", output_format="png", lossless=True
    )
    np.testing.assert_array_equal(codec.decode(written(picture)), np.asarray(picture.convert("RGB")))
    assert codec.treatment == treatment


def test_conversions_of_the_decoder_are_in_the_journal(tmp_path, pictures):
    """Each trial's row says how the decoder's image was converted."""
    need("cp")
    script = "import sys, PIL.Image as P; P.open(sys.argv[1]).convert(chr(76)).save(sys.argv[2])"
    copy = "import shutil, sys; shutil.copy(*sys.argv[2:])"
    config = {
        "encode": f"{sys.executable} -c '{copy}' {{quality}} {{input}} {{output}}",
        "decode": f"{sys.executable} -c '{script}' {{input}} {{output}}",
    }
    entry = CodecEntry(
        codec="command", config=config | {"input_format": "png", "output_format": "png"}, quality=(1,)
    )
    bench.run(datasets=[str(pictures)], codecs=[entry], metrics=["psnr_rgb"], limit=1, out=tmp_path / "run")
    row = bench.load(tmp_path / "run").iloc[0]
    assert (row["status"], row["treatment"], row["decoded_treatment"]) == ("ok", "", "grey replicated to RGB")


def test_failing_program_reports_its_last_words():
    """The error has the exit status and the last lines that the program printed."""
    script = "import sys; print(chr(10).join(map(str, range(9)))); sys.exit(3)"
    codec = Command(
        encode=f'{sys.executable} -c "{script}" {{input}} {{output}}',
        decode="cp {input} {output}",
        lossless=True,
    )
    with pytest.raises(BenchError, match=r"exit status 3: 4 \| 5 \| 6 \| 7 \| 8"):
        codec.encode(photo(4, 4), None)


def test_nothing_is_run_by_a_shell():
    """Shell syntax is an argument like any other."""
    codec = Command(
        encode=f"{WRITE_ARGUMENT} {{output}} $(id);{{input}}",
        decode="cp {input} {output}",
        lossless=True,
    )
    assert codec.encode(photo(4, 4), None).startswith(b"$(id);")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ConfigError, "encode='' has no {input}, {output}"),
        ({"encode": "nosuch {input} {output}"}, CodecUnavailable, "nosuch"),
        ({"encode": "cp {input} {output}", "decode": "cp {input}"}, ConfigError, "decode=.* has no {output}"),
        ({"encode": "cp '{input} {output}"}, ConfigError, "quotation"),
        (
            {"encode": "cp {input} {output}", "decode": "cp {input} {output}", "qualities": "1,2"},
            ConfigError,
            "{quality}",
        ),
    ],
)
def test_bad_description_is_refused(options, error, message):
    """A description that cannot work is refused before anything runs."""
    with pytest.raises(error, match=message):
        Command(**options)


def test_the_suite_that_the_docs_show_is_measured(tmp_path, pictures):
    """Its external codec takes its operating points from the suite, and every trial succeeds."""
    need("cjpeg", "djpeg")
    if not PAGE.is_file():
        pytest.skip("docs are part of the checkout, not of the wheel")
    text = re.search(r'```yaml title="kodak.yaml"\n(.*?)```', PAGE.read_text(), re.DOTALL)[1]
    suite = tmp_path / "kodak.yaml"
    suite.write_text(text.replace("[kodak]", f"[{pictures}]"))
    bench.run(suite, out=tmp_path / "run")
    frame = bench.load(tmp_path / "run")
    assert set(frame["status"]) == {"ok"}
    mine = frame[frame["label"] == "cjpeg"]
    assert sorted(set(mine["quality"])) == [10, 30, 50, 70, 90]
    # the library behind both is the same one, but for the size of its quantisation tables' header
    theirs = frame[(frame["label"] == "JPEG 4:2:0") & frame["quality"].isin([10, 30, 50, 70, 90])]
    keys = ["image", "quality"]
    gap = mine.set_index(keys)["psnr_rgb"] - theirs.set_index(keys)["psnr_rgb"]
    assert gap.abs().max() < 0.5


def test_a_pair_that_is_lossless_is_measured_without_a_label(tmp_path, pictures):
    """A codec that can't be constructed without options is named by those that it was given."""
    need("cp")
    config = {"encode": "cp {input} {output}", "decode": "cp {input} {output}", "lossless": True}
    entry = CodecEntry(codec="command", config=config)
    bench.run(datasets=[str(pictures)], codecs=[entry], metrics=["psnr_rgb"], out=tmp_path / "run")
    frame = bench.load(tmp_path / "run")
    assert set(frame["status"]) == {"ok"}
    assert frame["exact"].all()

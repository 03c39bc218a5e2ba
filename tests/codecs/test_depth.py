"""Codecs at more than 8 bits, with grey and alpha, against the decoders of their own libraries."""

from __future__ import annotations

import subprocess
from functools import partial
from shutil import which
from typing import Any

import imagecodecs
import numpy as np
import pytest

from bench.codec import encoded
from bench.errors import BadBitstream, ConfigError, Unsupported
from bench_codecs.avif import Avif
from bench_codecs.command import Command
from bench_codecs.htj2k import Htj2k
from bench_codecs.huffman import Huffman
from bench_codecs.jpeg2000 import Jpeg2000
from bench_codecs.jpegls import JpegLs
from bench_codecs.jpegxl import JpegXl
from bench_codecs.lz import Lz
from bench_codecs.png import Png
from bench_codecs.webp import WebP
from tests.conftest import photo

SHAPES = {"grey": (), "rgb": (3,), "rgba": (4,)}


def picture(depth: int, channels: str = "rgb") -> Any:
    """A photograph with fine structure in its lower bits."""
    levels = photo(40, 52).astype(np.float64) / 255
    levels = levels + 0.002 * np.sin(np.arange(52))[:, None]
    if channels == "grey":
        levels = levels[..., 1]
    if channels == "rgba":
        levels = np.dstack([levels, 0.5 + levels[..., :1] / 2])
    samples = np.clip(np.rint(levels * ((1 << depth) - 1)), 0, (1 << depth) - 1)
    return samples.astype(np.uint8 if depth == 8 else np.uint16)


def psnr(one: Any, other: Any, depth: int) -> float:
    """In dB, with the peak of the depth."""
    return float(10 * np.log10(((1 << depth) - 1) ** 2 / np.mean((one.astype(float) - other) ** 2)))


DECODERS = {
    "jpegxl": (JpegXl(), 95.0, imagecodecs.jpegxl_decode),
    "avif": (Avif(subsampling="444"), 91.0, imagecodecs.avif_decode),
    "jpeg2000": (Jpeg2000(), 4.0, imagecodecs.jpeg2k_decode),
}


@pytest.mark.parametrize("depth", [10, 12, 16])
@pytest.mark.parametrize("name", DECODERS)
def test_lossy_codecs_at_depth_decode_as_their_libraries_do(name: str, depth: int) -> None:
    """The bitstream is the library's own at that depth: its decoder returns the same samples."""
    codec, quality, library = DECODERS[name]
    if depth not in codec.depths:
        pytest.skip(f"{name} ends at {max(codec.depths)} bits")
    original = picture(depth)
    bitstream = codec.encode(original, quality, depth=depth)
    decoded = codec.decode(bitstream)
    np.testing.assert_array_equal(decoded, library(bitstream))
    assert (decoded.dtype, decoded.shape) == (original.dtype, original.shape)
    assert decoded.max() < 1 << depth
    assert psnr(original, decoded, depth) > 38


def test_more_bits_are_better_than_eight() -> None:
    """A picture of 12 bits can be nearer to the original than 8 bits of it are."""
    original = picture(12)
    codec = Jpeg2000()
    decoded = codec.decode(codec.encode(original, 20.0, depth=12))
    of_eight_bits = np.rint(np.rint(original / 4095 * 255) / 255 * 4095)
    assert psnr(original, decoded, 12) > psnr(original, of_eight_bits, 12) + 3


@pytest.mark.parametrize("channels", SHAPES)
@pytest.mark.parametrize("depth", [8, 10, 12, 16])
@pytest.mark.parametrize(
    "make",
    [
        *(Png, partial(JpegXl, lossless=True), partial(Jpeg2000, lossless=True)),
        *(partial(Htj2k, lossless=True), JpegLs, Huffman, Lz),
    ],
    ids=["png", "jpegxl", "jpeg2000", "htj2k", "jpegls", "huffman", "lz"],
)
def test_lossless_codecs_return_every_bit(make: Any, depth: int, channels: str) -> None:
    """Photographs and noise, at all depths and channels that a codec declares."""
    codec = make()
    if depth not in codec.depths:
        pytest.skip("not declared")
    noise = np.random.default_rng(depth).integers(0, 1 << depth, (20, 30, *SHAPES[channels]))
    for original in (picture(depth, channels), noise.astype(np.uint8 if depth == 8 else np.uint16)):
        decoded = codec.decode(encoded(codec, original, None, depth))
        assert decoded.dtype == original.dtype
        np.testing.assert_array_equal(decoded, original)


def test_png_declares_significant_bits() -> None:
    """10 bits fill a PNG's 16, as other readers expect, and sBIT says how many there are."""
    original = picture(10)
    bitstream = Png().encode(original, depth=10)
    stored = imagecodecs.png_decode(bitstream)
    np.testing.assert_array_equal(stored, original << 6 | original >> 4)
    assert bitstream[37:44] == b"sBIT\x0a\x0a\x0a"
    np.testing.assert_array_equal(Png().decode(bitstream), original)


def test_jpeg2000_stays_below_its_rate_at_depth() -> None:
    """Rate is bits a pixel, whatever the depth, and OpenJPEG's precision that of the samples."""
    original = picture(12)
    for rate in (1.0, 4.0):
        bitstream = Jpeg2000().encode(original, rate, depth=12)
        assert 8 * len(bitstream) / (40 * 52) <= rate
    assert bitstream[42] == 11  # Ssiz: bits less one


def test_transparent_pixels_survive_webp() -> None:
    """Alpha is exact even where colours are lossy; without loss the hidden colours are too."""
    original = picture(8, "rgba")
    original[:10, :, 3] = 0
    lossy = WebP()
    np.testing.assert_array_equal(lossy.decode(lossy.encode(original, 50.0))[..., 3], original[..., 3])
    lossless = WebP(lossless=True)
    np.testing.assert_array_equal(lossless.decode(lossless.encode(original, None)), original)


@pytest.mark.parametrize("damaged", [b"\x07", b"\x03", b"\x00\x05abc", b"", b"\x02\x01a"])
def test_damaged_parts_are_bad_bitstreams(damaged: bytes) -> None:
    """An unknown form, and parts that are cut off or do not fill the payload."""
    from bench_codecs._lossless.parts import unpack_parts

    with pytest.raises(BadBitstream):
        unpack_parts(damaged, lambda payload: np.zeros((1, 1, 3), np.uint8))


COPY = {"encode": "cp {input} {output}", "decode": "cp {input} {output}", "lossless": True}


@pytest.mark.parametrize(
    ("form", "depths", "channels"),
    [
        ("png", "8,10,12,16", "grey,rgb,rgba"),
        ("ppm", "8,10,12,16", "grey,rgb"),
        ("tiff", "8,16", "grey,rgb,rgba"),
    ],
)
def test_programs_are_given_what_they_declare(form: str, depths: str, channels: str) -> None:
    """Through files of each format, every declared form comes back as it was."""
    codec = Command(**COPY, input_format=form, output_format=form, depths=depths, channels=channels)
    for depth in codec.depths:
        for kind in codec.channels:
            original = picture(depth, kind)
            np.testing.assert_array_equal(codec.decode(codec.encode(original, None, depth=depth)), original)


def test_the_depth_is_a_placeholder() -> None:
    """An encoder that has to be told is told."""
    codec = Command(
        encode="sh -c 'echo {depth} >{output}' {input}",
        decode="cp {input} {output}",
        lossless=True,
        depths="8,12",
    )
    assert codec.encode(picture(12), None, depth=12) == b"12\n"


def test_a_decoder_that_fills_sixteen_bits_is_scaled_to_the_one_depth_declared() -> None:
    """Many programs write 10 bits as a PNG of 16 and do not say so; that is recorded."""
    codec = Command(**COPY, output_format="png", depths="10")
    original = picture(10)
    filled = bytes(imagecodecs.png_encode(original << 6 | original >> 4))
    np.testing.assert_array_equal(codec.decode(filled), original)
    assert codec.treatment == "16-bit samples scaled to 10"
    with pytest.raises(Unsupported, match="16 bits a sample"):
        Command(**COPY, output_format="png", depths="10,12").decode(filled)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depths": "8,16", "output_format": "yuv444"}, "yuv444 files hold no pictures of 16"),
        ({"channels": "rgba"}, "ppm files hold no pictures of rgba"),
        (
            {"depths": "12", "input_format": "tiff", "output_format": "png"},
            "tiff files hold no pictures of 12",
        ),
        ({"depths": "many"}, "not a list of numbers from 8 to 16"),
        ({"channels": "cmyk"}, "not a list of grey, rgb, rgba"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(options: dict[str, str], message: str) -> None:
    """At once, rather than in every trial."""
    with pytest.raises(ConfigError, match=message):
        Command(**COPY, **options)


@pytest.mark.skipif(which("opj_compress") is None, reason="no opj_compress")
@pytest.mark.parametrize("depth", [12, 16])
def test_openjpegs_own_programs_agree(tmp_path: Any, depth: int) -> None:
    """opj_decompress makes the same samples of a codestream as the adapter does, to the last step."""
    original = picture(depth)
    bitstream = Jpeg2000().encode(original, 4.0, depth=depth)
    (tmp_path / "a.j2k").write_bytes(bitstream)
    subprocess.run(
        ["opj_decompress", "-i", "a.j2k", "-o", "a.ppm"], cwd=tmp_path, check=True, capture_output=True
    )
    from bench.image import Accepted, read_image

    theirs = read_image(tmp_path / "a.ppm", accepted=Accepted((depth,)))
    # another version of the library may round another way
    np.testing.assert_allclose(Jpeg2000().decode(bitstream).astype(int), theirs.pixels.astype(int), atol=1)

"""What the adapters promise beyond the contract: options, scales, errors."""

from __future__ import annotations

import io
import sys

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from bench.errors import BadBitstream, CodecUnavailable, ConfigError, Unsupported
from bench_codecs.avif import Avif
from bench_codecs.heic import Heic
from bench_codecs.huffman import Huffman
from bench_codecs.jpeg import Jpeg
from bench_codecs.jpeg2000 import Jpeg2000
from bench_codecs.jpegli import Jpegli
from bench_codecs.jpegls import JpegLs
from bench_codecs.jpegxl import JpegXl, distance
from bench_codecs.jpegxr import JpegXr
from bench_codecs.lz import Lz
from bench_codecs.png import Png
from bench_codecs.qoi import Qoi
from bench_codecs.webp import WebP
from tests.conftest import photo


@pytest.mark.parametrize(
    ("codec", "options", "named"),
    [
        (Jpeg, {"subsampling": "411"}, "420, 422, 444"),
        (Avif, {"speed": 11}, "0 to 10"),
        (Huffman, {"predictor": "up"}, "none, left, paeth, med"),
        (Lz, {"method": "zip"}, "deflate, lzw"),
        (Lz, {"method": "lzw", "level": 8}, "9 to 16"),
        (Png, {"filter": "best"}, "adaptive"),
        (WebP, {"effort": 7}, "0 to 6"),
        (JpegXl, {"effort": 0}, "1 to 10"),
        (JpegXl, {"decoding_speed": 5}, "0 to 4"),
        (Avif, {"tune": "vmaf"}, "psnr, ssim, iq"),
        (Avif, {"bits": 10, "tune": "psnr"}, "bits=10"),
    ],
)
def test_bad_option_names_the_choices(codec, options, named):
    """A value that an option does not have is a configuration error that lists those it has."""
    with pytest.raises(ConfigError, match=named):
        codec(**options)


@pytest.mark.parametrize(("codec", "quality"), [(Jpeg(), 75.5), (Avif(), 50.5)])
def test_fraction_on_a_scale_of_whole_numbers_is_refused(codec, quality):
    """Rounding in silence would file two operating points under one setting."""
    with pytest.raises(ValueError, match="whole number"):
        codec.encode(photo(8, 8), quality)


@pytest.mark.parametrize("options", [{}, {"subsampling": "422"}, {"subsampling": "444", "optimize": True}])
def test_jpeg_is_byte_for_byte_pillows(options):
    """The defaults are Pillow's own: 4:2:0, standard tables, no optimisation."""
    image = photo(37, 50)
    buffer = io.BytesIO()
    notation = ":".join(options.get("subsampling", "420"))
    Image.fromarray(image).save(
        buffer, "JPEG", quality=75, subsampling=notation, optimize=options.get("optimize", False)
    )
    assert Jpeg(**options).encode(image, 75) == buffer.getvalue()


def test_jpeg_decodes_with_fancy_upsampling():
    """Chroma is interpolated, as by Pillow, and not repeated."""
    image = photo(37, 50)
    bitstream = Jpeg().encode(image, 95)
    assert np.array_equal(Jpeg().decode(bitstream), np.array(Image.open(io.BytesIO(bitstream))))


def test_progressive_jpeg_has_progressive_scans():
    """The frame header is SOF2."""
    assert b"\xff\xc2" in Jpeg(progressive=True).encode(photo(37, 50), 75)


def test_jpeg2000_keeps_to_its_rate():
    """Quality is bits per pixel: the bitstream is at most that long, and nearly so."""
    image = photo(256, 256)
    for rate in (0.25, 1.0, 4.0):
        bpp = 8 * len(Jpeg2000().encode(image, rate)) / 256**2
        assert 0.9 * rate <= bpp <= rate


def test_jpegxl_quality_is_libjxls():
    """Values of JxlEncoderDistanceFromQuality in libjxl 0.11: cjxl --help and lib/jxl/encode.cc."""
    assert distance(90) == pytest.approx(1.0)
    assert distance(75) == pytest.approx(2.35)
    assert distance(30) == pytest.approx(6.4)
    assert distance(0) == 25
    assert distance(29.999) == pytest.approx(distance(30), abs=0.01)


@pytest.mark.parametrize("quality", [100, 97, 80])
def test_jpegls_error_is_bounded(quality):
    """At quality 100 − n no sample is more than n off."""
    codec = JpegLs(lossless=False)
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    error = np.abs(codec.decode(codec.encode(image, quality)).astype(int) - image).max()
    assert error <= 100 - quality


def test_jpegls_near_lossless_costs_less():
    """A larger permitted error makes a smaller bitstream."""
    codec = JpegLs(lossless=False)
    sizes = [len(codec.encode(photo(60, 80), quality)) for quality in (80, 97, 100)]
    assert sizes == sorted(set(sizes))


def test_jpegls_without_colour_transform_reads_what_was_written_with_it():
    """The transform is in the bitstream, not in the options of the decoder."""
    image = photo(37, 50)
    transformed = JpegLs().encode(image, None)
    assert np.array_equal(JpegLs(color="none").decode(transformed), image)
    assert len(transformed) != len(JpegLs(color="none").encode(image, None))


def test_lz_reads_every_method():
    """The method is in the bitstream, not in the options of the decoder."""
    image = photo(19, 23)
    for method in ("deflate", "lzw", "lz4", "zstd", "lzma", "brotli"):
        assert np.array_equal(Lz().decode(Lz(method=method).encode(image, None)), image)


@pytest.mark.parametrize("codec", [Jpeg(), WebP(), JpegLs()])
def test_side_beyond_the_format_is_unsupported(codec):
    """The refusal names the size and where the format ends."""
    with pytest.raises(Unsupported, match="70000x1"):
        codec.encode(np.zeros((1, 70000, 3), np.uint8), codec.qualities[0] if codec.qualities else None)


@pytest.mark.parametrize(
    "codec", [Avif(), Huffman(), Jpeg(), Jpeg2000(), JpegLs(), JpegXl(), Lz(), Png(), Qoi(), WebP()]
)
def test_foreign_and_truncated_bitstreams_are_bad_bitstreams(codec):
    """Whatever the library raises, the adapter says BadBitstream and names itself."""
    quality = codec.qualities[-1] if codec.qualities else None
    bitstream = codec.encode(photo(40, 50), quality)
    for wrong in (b"", b"no bitstream of anybody's, at all", bitstream[: len(bitstream) // 2]):
        with pytest.raises(BadBitstream):
            codec.decode(wrong)


@pytest.mark.parametrize(
    "codec",
    [
        JpegLs(),
        JpegLs(color="none"),
        JpegLs(lossless=False),
        *(Jpeg(progressive=True, subsampling=it) for it in ("420", "422", "444")),
        Png(),
        Png(level=0),
        Png(level=9),
    ],
    ids=lambda codec: f"{codec.name}",
)
@pytest.mark.parametrize("shape", [(200, 300), (2000, 1), (1000, 2), (1, 2000)])
def test_noise_finds_room(codec, shape):
    """What can't be compressed takes more than its samples, and is coded all the same."""
    noise = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    for quality in (94.0, 100.0) if codec.quality_range else (None,):
        decoded = codec.decode(codec.encode(noise, quality))
        assert decoded.shape == noise.shape
        assert not codec.lossless or np.array_equal(decoded, noise)


def test_webp_says_which_side_is_too_long():
    """16383 is the format's limit, and one more than the library takes."""
    picture = np.zeros((2, 16382, 3), np.uint8)
    assert WebP().decode(WebP().encode(picture, 50.0)).shape == picture.shape
    with pytest.raises(Unsupported, match="16382"):
        WebP().encode(np.zeros((2, 16383, 3), np.uint8), 50.0)


def test_grey_bitstream_is_not_reinterpreted():
    """A decoder that meets one channel returns it, or refuses it; it does not repeat it three times."""
    png = io.BytesIO()
    grey = photo(20, 20)[..., 0]
    Image.fromarray(grey).save(png, "PNG")
    np.testing.assert_array_equal(Png().decode(png.getvalue()), grey)
    Image.fromarray(np.dstack([grey, grey])).save(png := io.BytesIO(), "PNG")
    with pytest.raises(BadBitstream, match="not a picture that it codes"):
        Png().decode(png.getvalue())


@pytest.mark.parametrize(("codec", "module"), [(Jpeg, "imagecodecs"), (Jpeg2000, "PIL"), (Lz, "numba")])
def test_missing_library_names_the_install_line(monkeypatch, codec, module):
    """Without its library a codec is unavailable, and says what to install."""
    for loaded in list(sys.modules):
        if loaded.split(".")[0] == module:
            monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CodecUnavailable, match="pip install"):
        codec()


def test_avif_codes_pictures_of_eight_bits_with_more():
    """The file has 10 bits a sample, the picture 8, and rounding costs less."""
    image = photo(48, 64)
    plain, deep = Avif(subsampling="444"), Avif(subsampling="444", bits=10)
    bitstream = deep.encode(image, 95)
    assert imagecodecs.avif_decode(bitstream).dtype == np.uint16
    decoded = deep.decode(bitstream)
    assert decoded.dtype == np.uint8
    errors = [
        np.mean((it.astype(float) - image) ** 2) for it in (decoded, plain.decode(plain.encode(image, 95)))
    ]
    assert errors[0] < errors[1]


def test_avif_is_tuned_for_what_it_is_told():
    """Each tuning writes another bitstream, and the decoder is the same."""
    image = photo(48, 64)
    bitstreams = {tune: Avif(tune=tune).encode(image, 60) for tune in ("default", "psnr", "iq")}
    assert len({*bitstreams.values()}) == 3
    for bitstream in bitstreams.values():
        assert Avif().decode(bitstream).shape == image.shape


def test_jpegxl_gives_size_for_a_faster_decoder():
    """decoding_speed reaches the library; 0 is its default."""
    image = photo(64, 96)
    plain = bytes(
        imagecodecs.jpegxl_encode(image, effort=7, distance=distance(80), usecontainer=False, numthreads=1)
    )
    assert JpegXl().encode(image, 80) == plain
    assert JpegXl(decoding_speed=4).encode(image, 80) != plain


def test_jpegxr_halves_chroma_below_quality_50_and_refuses_what_is_too_narrow_for_it():
    """Bars of one pixel in red are blurred below 50; a width of 16 is too little there, and enough above."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, ::2, 0] = 255
    low, high = (JpegXr().decode(JpegXr().encode(image, quality)) for quality in (49, 50))
    assert np.ptp(low[32, 20:24, 0]) < 128 < np.ptp(high[32, 20:24, 0])
    with pytest.raises(Unsupported, match="17"):
        JpegXr().encode(image[:, :16], 49)
    assert JpegXr().decode(JpegXr().encode(image[:, :16], 50)).shape == (64, 16, 3)


def test_jpegli_writes_what_every_decoder_reads():
    """Pillow's libjpeg-turbo gives the same picture within rounding, and chroma is halved."""
    pytest.importorskip("pyjpegli")
    image = photo(40, 56)
    bitstream = Jpegli().encode(image, 90)
    other = Image.open(io.BytesIO(bitstream))
    assert other.layer[0][1:3] == (2, 2)
    assert np.abs(np.asarray(other).astype(int) - Jpegli().decode(bitstream)).mean() < 2


def test_a_heic_is_no_larger_for_what_x265_says_of_itself():
    """No text of the encoder counts, and threads change nothing of what is decoded."""
    pytest.importorskip("pillow_heif")
    image = photo(40, 56)
    bitstream = Heic().encode(image, 50)
    assert b"x265" not in bitstream
    assert np.array_equal(Heic().decode(bitstream), Heic(threads=2).decode(bitstream))

"""Pictures of more than 8 bits, grey and alpha: read as they are, converted only where it is asked for."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from bench.errors import BadImage, ConfigError, UnsupportedImage
from bench.inputs.image import decode_image, read_image, stored_form
from bench.inputs.pixels import ON_SCREEN, RGB8, Accepted, Conversions, StoredForm, display_note, key_suffix
from bench.inputs.suite import load_suite
from tests.inputs import odd

ALL = Accepted(tuple(range(8, 17)), ("rgb", "grey", "rgba"))
RANDOM = np.random.default_rng(3)
DEEP = RANDOM.integers(0, 65536, (odd.HEIGHT, odd.WIDTH, 4), dtype=np.uint16)
DEEP[0, 0] = (0, 1, 65534, 65535)
LEVELS = {"grey": DEEP[..., 0], "rgb": DEEP[..., :3], "rgba": DEEP}
COLOUR_TYPE = {"grey": 0, "rgb": 2, "rgba": 6}


def big_endian(samples: Any) -> Any:
    """Samples as the rows of a PNG or PPM hold them, byte by byte."""
    return np.ascontiguousarray(samples.astype(">u2")).view(np.uint8)


def read(data: bytes, accepted: Accepted = ALL) -> Any:
    """A file's bytes as a picture."""
    return decode_image(data, "a", accepted)


@pytest.mark.parametrize("channels", ["grey", "rgb", "rgba"])
@pytest.mark.parametrize("form", ["png", "tiff"])
def test_sixteen_bits_are_read_as_stored(channels: str, form: str) -> None:
    """Every sample arrives, in its own type and shape, and nothing is noted."""
    samples = LEVELS[channels]
    data = odd.png(big_endian(samples), bits=16, colour=COLOUR_TYPE[channels])
    if form == "tiff":
        data = bytes(
            imagecodecs.tiff_encode(samples, photometric="minisblack" if channels == "grey" else "rgb")
        )
    picture = read(data)
    np.testing.assert_array_equal(picture.pixels, samples)
    assert (picture.pixels.dtype, picture.depth, picture.treatment) == (np.uint16, 16, "")
    assert picture.pixels.flags.c_contiguous


@pytest.mark.parametrize("depth", [9, 10, 12, 16])
@pytest.mark.parametrize("plain", [False, True])
def test_a_ppm_has_the_depth_of_its_maximum(depth: int, plain: bool) -> None:
    """PGM and PPM, raw and plain, hold 2^depth - 1 levels above 255."""
    for kind, samples in ((b"5", DEEP[..., 0] >> (16 - depth)), (b"6", DEEP[..., :3] >> (16 - depth))):
        body = big_endian(samples).tobytes()
        if plain:
            kind, body = bytes([kind[0] - 3]), " ".join(map(str, samples.ravel().tolist())).encode()
        head = b"P%s\n%d %d\n%d\n" % (kind, odd.WIDTH, odd.HEIGHT, (1 << depth) - 1)
        picture = read(head + body)
        np.testing.assert_array_equal(picture.pixels, samples)
        assert picture.depth == depth


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P5 2 1 1023\n\0\1\4\0", "above the maximum of 1023"),
        (b"P5 2 1 1023\n\0\1\4", "truncated"),
        (b"P2 2 1 1023\n12", "truncated"),
        (odd.png(big_endian(DEEP[..., 0])[:3], bits=16, colour=0), "corrupt or truncated"),
    ],
)
def test_damage_of_deep_files_is_bad_input(data: bytes, message: str) -> None:
    """Samples that are missing or impossible are never filled in."""
    with pytest.raises(BadImage, match=message):
        read(data)


def test_a_maximum_that_is_no_depth_is_refused() -> None:
    """1000 levels are no whole number of bits."""
    with pytest.raises(UnsupportedImage, match="sample maximum 1000"):
        read(b"P5 1 1 1000\n\0\1")


@pytest.mark.parametrize("padded", ["repeated", "zero"])
def test_significant_bits_of_a_png_are_its_depth(padded: str) -> None:
    """10 bits that an encoder scaled up to 16 come back as 10, by either way of scaling."""
    levels = DEEP[..., :3] >> 6
    scaled = levels << 6 | (levels >> 4 if padded == "repeated" else 0)
    picture = read(odd.png(big_endian(scaled), (b"sBIT", bytes((10, 10, 10))), bits=16))
    np.testing.assert_array_equal(picture.pixels, levels)
    assert (picture.depth, picture.treatment) == (10, "10 significant bits of 16 (sBIT)")


def test_significant_bits_that_would_lose_something_are_not_applied() -> None:
    """Where the other bits hold something after all, or channels differ, all 16 are read."""
    data = big_endian(DEEP[..., :3])
    picture = read(odd.png(data, (b"sBIT", bytes((10, 10, 10))), bits=16))
    assert (picture.depth, picture.treatment) == (16, "sBIT 10 not applied")
    assert read(odd.png(data, (b"sBIT", bytes((10, 11, 10))), bits=16)).depth == 16


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_colour_becomes_alpha(bits: int) -> None:
    """Grey of every depth with a key that is used is RGBA, transparent exactly there."""
    levels = DEEP[..., 0] >> (16 - bits)
    rows = big_endian(levels) if bits == 16 else odd.packed(levels, bits)
    picture = read(odd.png(rows, (b"tRNS", struct.pack(">H", levels[2, 3])), bits=bits, colour=0))
    assert picture.pixels.shape == (odd.HEIGHT, odd.WIDTH, 4)
    scale = 1 if bits >= 8 else 255 // ((1 << bits) - 1)
    np.testing.assert_array_equal(picture.pixels[..., 1], levels * scale)
    most = 65535 if bits == 16 else 255
    np.testing.assert_array_equal(picture.pixels[..., 3], np.where(levels == levels[2, 3], 0, most))
    assert picture.treatment.endswith("transparent colour made alpha; grey replicated to RGB")


def test_grey_with_alpha_is_read_as_rgba() -> None:
    """Nothing is lost: three equal channels and the alpha; an opaque one is grey."""
    both = np.dstack([odd.GREY, odd.RGB[..., 0]])
    picture = read(odd.png(both, colour=4))
    np.testing.assert_array_equal(picture.pixels, np.dstack([odd.GREY_RGB, odd.RGB[..., 0]]))
    opaque = read(odd.png(np.dstack([odd.GREY, odd.ALPHA]), colour=4))
    np.testing.assert_array_equal(opaque.pixels, odd.GREY)
    assert opaque.treatment == "opaque alpha dropped"


def test_a_transparent_palette_becomes_rgba() -> None:
    """Each entry has its own alpha."""
    chunks = (b"PLTE", odd.COLOURS), (b"tRNS", bytes((0, 128)))
    picture = read(odd.png(odd.INDICES, *chunks, colour=3))
    np.testing.assert_array_equal(picture.pixels[..., 3], np.array([0, 128] + [255] * 14)[odd.INDICES])


def test_premultiplied_colours_are_refused() -> None:
    """What associated alpha did to the colours cannot be undone."""
    data = odd.tiff({338: (1,)}, samples=np.dstack([odd.RGB, odd.GREY]))
    with pytest.raises(UnsupportedImage, match="premultiplied"):
        read(data)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_deep_pictures_stand_upright(orientation: int) -> None:
    """EXIF's orientation turns 16 bits as it turns 8."""
    exif = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x112, 3, 1, orientation, 0)
    deep = read(odd.png(big_endian(odd.RGB * np.uint16(257)), (b"eXIf", exif), bits=16))
    plain = read(odd.png(odd.RGB, (b"eXIf", exif)))
    np.testing.assert_array_equal(deep.pixels, plain.pixels * np.uint16(257))
    assert deep.treatment == f"EXIF orientation {orientation} applied"


def test_conversions_happen_only_where_they_are_asked_for() -> None:
    """Alpha and depth stop a codec of 8-bit RGB, unless the suite names a conversion, which is recorded."""
    data = odd.png(big_endian(DEEP), bits=16, colour=6)
    with pytest.raises(UnsupportedImage, match=r"transparent pixels; .*alpha: over white"):
        read(data, RGB8)
    with pytest.raises(UnsupportedImage, match=r"16 bits a sample, .*depth: 8"):
        read(data, Accepted(convert=Conversions(alpha="over white")))
    picture = read(data, Accepted(convert=Conversions("over white", 8)))
    assert picture.treatment == "alpha flattened over white; 16-bit samples scaled to 8"
    colour, alpha = DEEP[..., :3] / 65535, DEEP[..., 3:] / 65535
    expected = np.rint((colour * alpha + 1 - alpha) * 65535) / 257
    np.testing.assert_allclose(picture.pixels, expected, atol=0.5)
    black = read(data, Accepted((16,), convert=Conversions("over black")))
    np.testing.assert_allclose(black.pixels, colour * alpha * 65535, atol=0.51)


def test_nothing_is_converted_for_a_codec_that_takes_the_picture() -> None:
    """The suite's conversions are for those that can't."""
    data = odd.png(big_endian(DEEP), bits=16, colour=6)
    accepted = Accepted(ALL.depths, ALL.channels, Conversions("over white", 8))
    np.testing.assert_array_equal(read(data, accepted).pixels, DEEP)


def test_colour_is_not_made_grey() -> None:
    """A codec of grey alone gets no colour picture."""
    with pytest.raises(UnsupportedImage, match="in colour, where grey"):
        read(odd.png(odd.RGB), Accepted(channels=("grey",)))


def test_a_palette_of_greys_is_no_grey_picture() -> None:
    """What is grey is what the format calls so, whatever a decoder makes of a palette."""
    ramp = bytes(value for level in range(256) for value in (level, level, level))
    picture = read(odd.png(odd.GREY, (b"PLTE", ramp), colour=3))
    assert picture.pixels.shape == (odd.HEIGHT, odd.WIDTH, 3)
    gif = read(odd.encoded("GIF", odd.Image.fromarray(odd.GREY)))
    assert gif.pixels.shape == (odd.HEIGHT, odd.WIDTH, 3)


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (odd.png(odd.RGB), StoredForm()),
        (odd.png(odd.GREY, colour=0), StoredForm(grey=True)),
        (odd.encoded("JPEG", odd.Image.fromarray(odd.GREY)), StoredForm(grey=True)),
        (odd.png(big_endian(DEEP), bits=16, colour=6), StoredForm(alpha=True, depth=16)),
        (b"P5 1 1 1023\n\0\1", StoredForm(grey=True, depth=10)),
        (b"no picture", StoredForm()),
    ],
)
def test_the_header_tells_the_form(tmp_path: Path, data: bytes, form: StoredForm) -> None:
    """Without decoding a pixel."""
    (tmp_path / "a").write_bytes(data)
    assert stored_form(tmp_path / "a") == form


def test_keys_change_only_where_the_pixels_do() -> None:
    """RGB, and whatever was refused before, keep the keys that they had."""
    convert = Conversions("over white", 8)
    assert key_suffix(ALL, StoredForm()) == key_suffix(ALL, StoredForm(alpha=True, depth=16)) == ""
    assert key_suffix(RGB8, StoredForm(grey=True)) == ""
    assert key_suffix(ALL, StoredForm(grey=True)) == "|grey"
    assert key_suffix(Accepted(convert=convert), StoredForm()) == ""
    assert key_suffix(Accepted(convert=convert), StoredForm(depth=16)) == "|depth 8"
    assert key_suffix(Accepted(convert=convert), StoredForm(alpha=True)) == "|alpha over white"


def test_a_suite_says_what_to_convert(tmp_path: Path) -> None:
    """As a mapping or a list of mappings; anything else is named."""
    suite = tmp_path / "suite.yaml"
    for text in ("{alpha: over white, depth: 8}", "[alpha: over white, depth: 8]"):
        suite.write_text(f"convert: {text}\n")
        assert load_suite(suite).convert.conversions == Conversions("over white", 8)
    for text, message in (
        ("{alfa: over white}", "did you mean 'alpha'"),
        ("{alpha: over pink}", "over white or over black"),
        ("{depth: 7}", "depth"),
        ("[alpha]", "convert"),
    ):
        suite.write_text(f"convert: {text}\n")
        with pytest.raises(ConfigError, match=message):
            load_suite(suite)


def test_a_picture_on_screen_is_eight_bit_rgb(tmp_path: Path) -> None:
    """Whatever it is, it can be shown, and the note says how."""
    (tmp_path / "a.png").write_bytes(odd.png(big_endian(DEEP), bits=16, colour=6))
    shown = read_image(tmp_path / "a.png", accepted=ON_SCREEN)
    assert (shown.pixels.dtype, shown.pixels.shape[2]) == (np.uint8, 3)
    assert display_note("rgba", 16) == (
        "Samples of 16 bits are shown at 8. Transparent pixels are shown over white."
    )
    assert display_note("grey", 8) == ""


def test_a_foreign_decoder_takes_what_both_take() -> None:
    """A codec that is decoded by another one gets no picture that the other can't return."""
    both = Accepted((8, 10, 16), ("rgb", "grey"), Conversions(depth=8)).shared_with(
        Accepted((8, 16), ("rgb",))
    )
    assert both == Accepted((8, 16), ("rgb",), Conversions(depth=8))
    assert Accepted((16,)).shared_with(RGB8) == RGB8

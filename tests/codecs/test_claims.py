"""Sizes that headers claim: a few bytes must not make a decoder allocate gigabytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from bench import registry
from bench.errors import BadBitstream
from bench_codecs._common.claims import MAX_PIXELS, check_claim
from bench_codecs._common.sizes import heif_size, jpegxl_size, jpegxr_size, png_size, webp_size
from tests.conftest import photo

HUGE = (1_704_032).to_bytes(4, "big") + (64).to_bytes(4, "big")


def _at(place: int, data: bytes) -> Callable[[bytes], bytes]:
    return lambda bitstream: bitstream[:place] + data + bitstream[place + len(data) :]


def _ispe(bitstream: bytes) -> bytes:
    return _at(bitstream.find(b"ispe") + 8, HUGE)(bitstream)


def _jxr(bitstream: bytes) -> bytes:
    return _at(bitstream.find(b"WMPHOTO") + 12, b"\xff\xff\xff\xff")(bitstream)


_SIDES = 0b110 | (2**30 - 1) << 3 | 0b11 << 36 | (2**30 - 1) << 38
"""Of JPEG XL, from the lowest bit: sides of 30 bits each, without a ratio between them."""
FORGED: dict[str, tuple[str, dict[str, object], Callable[[bytes], bytes]]] = {
    "jpeg2000": ("jpeg2000", {}, _at(8, HUGE)),
    "jpeg2000 components": ("jpeg2000", {}, _at(40, b"\x40\x00")),
    "png": ("png", {}, _at(16, HUGE)),
    "qoi": ("qoi", {}, _at(4, HUGE)),
    "webp": ("webp", {}, _at(26, b"\xff\x3f\xff\x3f")),
    "webp lossless": ("webp", {"lossless": True}, lambda it: _at(21, b"\xff\xff\xff\x0f")(it)[:200]),
    "avif": ("avif", {}, _ispe),
    "heic": ("heic", {}, _ispe),
    "jpegxr": ("jpegxr", {}, _jxr),
    "jpegxl": ("jpegxl", {}, _at(2, _SIDES.to_bytes(9, "little"))),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_size_is_refused_before_anything_is_allocated(name: str) -> None:
    """The header's size is held against the bytes that follow it."""
    codec_name, options, forge = FORGED[name]
    if codec_name == "heic":
        pytest.importorskip("pillow_heif")
    codec = registry.load(registry.find(registry.CODECS, codec_name))(**options)
    bitstream = codec.encode(photo(64, 48), None if codec.lossless else codec.qualities[0])
    assert codec.decode(bitstream).shape == (64, 48, 3)
    with pytest.raises(BadBitstream, match=r"claim|components"):
        codec.decode(forge(bitstream))


@pytest.mark.parametrize(
    "size", [(1, 1), (9, 8), (64, 64), (400, 300), (160, 90), (1, 700), (700, 1), (1025, 513)]
)
def test_headers_are_read_as_they_were_written(size: tuple[int, int]) -> None:
    """All the ways in which the formats state a size give the image's."""
    import imagecodecs

    width, height = size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    for lossless in (True, False):
        assert webp_size(bytes(imagecodecs.webp_encode(noise, lossless=lossless))) == size
        coded = imagecodecs.jpegxl_encode(noise, lossless=lossless, usecontainer=False, effort=1)
        assert jpegxl_size(bytes(coded)) == size
    assert heif_size("avif", bytes(imagecodecs.avif_encode(noise, speed=10))) == size
    assert jpegxr_size(bytes(imagecodecs.jpegxr_encode(noise, level=0.9))) == size
    assert png_size(registry.load(registry.find(registry.CODECS, "png"))().encode(noise)) == size


@pytest.mark.parametrize("name", ["jpeg2000", "webp", "jpegxl"])
def test_a_flat_picture_of_a_camera_is_no_forgery(name: str) -> None:
    """Images alike throughout take next to no bytes; up to 67 megapixels that is believed."""
    check_claim(name, (8192, 8192), 18)
    with pytest.raises(BadBitstream):
        check_claim(name, (8192, 8193), 18)
    with pytest.raises(BadBitstream):
        check_claim(name, (MAX_PIXELS + 1, 1), 1 << 30)


@pytest.mark.parametrize("read", [png_size, webp_size, partial(heif_size, "avif"), jpegxl_size, jpegxr_size])
def test_what_is_no_such_file_has_no_size(read: Callable[[bytes], tuple[int, int]]) -> None:
    """Empty, short and foreign data are damaged bitstreams."""
    for data in (b"", b"\xff\x0a", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ", b"ispe", bytes(40)):
        with pytest.raises(BadBitstream):
            read(data)

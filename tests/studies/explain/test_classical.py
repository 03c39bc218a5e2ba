"""Bits followed through JPEG, PNG, QOI and our own lossless formats, and estimated from outside."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.codec import Codec
from bench.engines.explain import explained
from bench.errors import BadBitstream, Unsupported
from bench.explanation import Explainer, Explanation
from bench.studies.explain.figure import density
from bench_codecs._jpeg_stream.bits import explain as explain_jpeg
from bench_codecs.huffman import Huffman
from bench_codecs.jpeg import Jpeg
from bench_codecs.lz import Lz
from bench_codecs.png import Png
from bench_codecs.qoi import Qoi
from bench_codecs.webp import WebP
from tests.conftest import photo

SIZES = [(1, 1), (5, 70), (64, 48)]
EXACT = {
    "jpeg": Jpeg,
    "jpeg-444-optimized": lambda: Jpeg(subsampling="444", optimize=True),
    "jpeg-422": lambda: Jpeg(subsampling="422"),
    "huffman": Huffman,
    "huffman-plain": lambda: Huffman(color="none", predictor="none"),
    "lz": Lz,
    "lz-stored": lambda: Lz(level=0),
    "lz-best": lambda: Lz(level=12),
    "lz-lzw": lambda: Lz(method="lzw"),
    "png": Png,
    "png-stored": lambda: Png(level=0),
    "qoi": Qoi,
}


def explain(codec: Codec, image: NDArray[np.uint8]) -> tuple[Explanation, bytes]:
    quality = None if codec.lossless else 60
    bitstream = codec.encode(image, quality)
    assert isinstance(codec, Explainer)
    return codec.explain(image, quality, bitstream), bitstream


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EXACT)
def test_every_bit_is_found(name: str, size: tuple[int, int]) -> None:
    """Map and overhead together are the bitstream, and padding is less than a byte a stream."""
    found, bitstream = explain(EXACT[name](), photo(*size))
    assert found.method == "exact"
    assert found.map_bits + sum(found.overhead.values()) == pytest.approx(8 * len(bitstream))
    padding = sum(bits for what, bits in found.overhead.items() if "padding" in what)
    assert 0 <= padding < 8 * 3
    for channels in found.channels:
        assert np.isfinite(channels.energy).all()
    if found.channels:
        assert sum(it.bits.sum() for it in found.channels) == pytest.approx(found.map_bits)


@pytest.mark.parametrize("name", EXACT)
def test_bits_lie_where_the_detail_is(name: str) -> None:
    """A flat picture with noise in one corner has most of its bits there, unless nothing is coded."""
    image = np.full((128, 128, 3), 90, np.uint8)
    image[96:, 96:] = np.random.default_rng(1).integers(0, 256, (32, 32, 3))
    found, _ = explain(EXACT[name](), image)
    bits = density(found.grids, 128, 128)
    if "stored" in name:
        assert bits.std() == pytest.approx(0, abs=1e-3)
    else:
        assert bits[96:, 96:].mean() > 6 * bits[:64, :64].mean()


def test_jpeg_energy_is_that_of_the_decoded_coefficients() -> None:
    """Energy by zigzag place agrees with the DCT of the decoded luma."""
    from scipy.fft import dctn

    image = photo(128, 128)
    codec = Jpeg(subsampling="444")
    bitstream = codec.encode(image, 90)
    luma = codec.decode(bitstream) @ np.array([0.299, 0.587, 0.114]) - 128
    blocks = dctn(luma.reshape(16, 8, 16, 8).swapaxes(1, 2), axes=(2, 3), norm="ortho")
    expected = [np.mean(blocks[..., row, column] ** 2) for row, column in ((0, 0), (0, 1), (1, 0))]
    np.testing.assert_allclose(explain_jpeg(bitstream).channels[0].energy[:3], expected, rtol=0.03)


def test_jpeg_of_one_component() -> None:
    """A grey JPEG has one grid of 8 × 8 blocks, in whatever order its frame declares them."""
    buffer = io.BytesIO()
    Image.fromarray(photo(33, 40)[..., 0]).save(buffer, "JPEG")
    found = explain_jpeg(buffer.getvalue())
    assert [it.bits.shape for it in found.grids] == [(5, 5)]
    assert 0 <= found.overhead["padding of the last byte"] < 8


def test_a_scan_may_end_in_a_stuffed_byte() -> None:
    """Where the last byte of the codes is 0xFF, the zero stuffed after it is accounted for, not damage."""
    random = np.random.default_rng(0)
    streams = (Jpeg().encode(random.integers(0, 256, (16, 16, 3), np.uint8), 50) for _ in range(2000))
    bitstream = next(it for it in streams if it.endswith(b"\xff\x00\xff\xd9"))
    found = explain_jpeg(bitstream)
    assert found.map_bits + sum(found.overhead.values()) == pytest.approx(8 * len(bitstream))
    assert 8 <= found.overhead["padding of the last byte"] < 16


def test_damaged_jpeg_is_refused() -> None:
    """A scan whose codes do not end where it does has no map."""
    bitstream = bytearray(Jpeg().encode(photo(64, 64), 60))
    del bitstream[-40:-2]
    with pytest.raises(BadBitstream, match="damaged"):
        explain_jpeg(bytes(bitstream))


@pytest.mark.parametrize("codec", [Jpeg(progressive=True), Lz(method="zstd"), WebP()])
def test_estimate_where_the_format_does_not_tell(codec: Codec) -> None:
    """Other formats are estimated, with the reason: a block that costs much saves much when blanked."""
    image = np.full((128, 128, 3), 90, np.uint8)
    image[96:, 96:] = np.random.default_rng(1).integers(0, 256, (32, 32, 3))
    found = explained(codec, image, None if codec.lossless else 60)
    assert found.explanation.method == "estimate"
    assert found.not_exact
    bits = density(found.explanation.grids, 128, 128)
    assert bits[96:, 96:].sum() > 0.8 * bits.sum()


def test_no_estimate_at_a_target_rate() -> None:
    """A codec that fills a given size is not estimated: its sizes say nothing of single blocks."""
    from bench_codecs.jpeg2000 import Jpeg2000

    with pytest.raises(Unsupported, match="target rate"):
        explained(Jpeg2000(), photo(128, 128), 1.0)

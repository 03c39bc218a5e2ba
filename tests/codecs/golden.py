"""Committed bitstreams that must decode for ever, and the script that makes those that are missing.

``python -m tests.codecs.golden`` writes to ``data/`` a bitstream for each entry that has none yet,
and beside a lossy one its decoded image. An existing file is never written over: a format that
changes gets a new format version and a new entry, and still decodes the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from bench.codec import Codec, Samples, encoded
from bench_codecs.av1 import Av1
from bench_codecs.avif import Avif
from bench_codecs.heic import Heic
from bench_codecs.hevc import Hevc
from bench_codecs.htj2k import Htj2k
from bench_codecs.huffman import Huffman
from bench_codecs.jpeg import Jpeg
from bench_codecs.jpeg2000 import Jpeg2000
from bench_codecs.jpegli import Jpegli
from bench_codecs.jpegls import JpegLs
from bench_codecs.jpegxl import JpegXl
from bench_codecs.jpegxr import JpegXr
from bench_codecs.lz import Lz
from bench_codecs.png import Png
from bench_codecs.qoi import Qoi
from bench_codecs.vvc import Vvc
from bench_codecs.webp import WebP
from tests.conftest import photo

DATA = Path(__file__).with_name("data")
ORIGINAL = DATA / "original.png"


@dataclass(frozen=True)
class Golden:
    """One bitstream; ``tolerance`` is how far a sample may lie from the committed image.

    1 where the decoder ends in floating-point arithmetic, which differs between processors.
    """

    codec: Callable[[], Codec]
    quality: float | None = None
    tolerance: int = 0
    form: Callable[[Samples], Samples] = np.asarray
    """Makes what is coded of the original, which is 8-bit RGB."""
    needs: str = ""
    """The module of an extra without which there is no codec."""


def grey10(original: Samples) -> Samples:
    """Ten bits of grey, with something in the lower ones."""
    return original[..., 1].astype(np.uint16) * 4 + original[..., 0] // 64


def grey12(original: Samples) -> Samples:
    """Twelve bits of grey, with something in the lower ones."""
    return original[..., 1].astype(np.uint16) * 16 + original[..., 0] // 16


def rgba16(original: Samples) -> Samples:
    """Sixteen bits, with alpha."""
    return np.dstack([original, original[..., 2]]).astype(np.uint16) * 256 + 7


DEPTHS = {grey10: 10, grey12: 12, rgba16: 16}
GOLDEN = {
    "huffman": Golden(Huffman),
    "huffman-plain": Golden(partial(Huffman, color="none", predictor="none")),
    "huffman-rgba16": Golden(Huffman, form=rgba16),
    "huffman-left": Golden(partial(Huffman, color="none", predictor="left")),
    "huffman-med": Golden(partial(Huffman, predictor="med")),
    "lz-deflate": Golden(Lz),
    "lz-grey12": Golden(Lz, form=grey12),
    "lz-lzw": Golden(partial(Lz, method="lzw", level=9, predictor="none")),
    "lz-lz4": Golden(partial(Lz, method="lz4")),
    "lz-zstd": Golden(partial(Lz, method="zstd")),
    "lz-lzma": Golden(partial(Lz, method="lzma")),
    "lz-brotli": Golden(partial(Lz, method="brotli")),
    "jpeg2000-lossless": Golden(partial(Jpeg2000, lossless=True)),
    "jpegls": Golden(JpegLs),
    "jpegxl-lossless": Golden(partial(JpegXl, lossless=True)),
    "jpegxr-lossless": Golden(partial(JpegXr, lossless=True)),
    "htj2k-lossless": Golden(partial(Htj2k, lossless=True)),
    "png": Golden(Png),
    "png-grey12": Golden(Png, form=grey12),
    "qoi": Golden(Qoi),
    "webp-lossless": Golden(partial(WebP, lossless=True)),
    "jpeg": Golden(Jpeg, 75),
    "jpeg-progressive": Golden(partial(Jpeg, progressive=True, subsampling="444"), 75),
    "jpegls-near": Golden(partial(JpegLs, lossless=False), 95),
    "webp": Golden(WebP, 75),
    "avif": Golden(Avif, 62, tolerance=1),
    "avif-10": Golden(partial(Avif, bits=10, subsampling="444"), 62, tolerance=1),
    "jpeg2000": Golden(Jpeg2000, 4, tolerance=1),
    "jpegxl": Golden(JpegXl, 90, tolerance=1),
    "jpegxr": Golden(JpegXr, 75),
    "jpegli": Golden(Jpegli, 75, tolerance=1, needs="pyjpegli"),
    "heic": Golden(Heic, 55, tolerance=1, needs="pillow_heif"),
    "vvc": Golden(Vvc, -27, needs="imageio_ffmpeg"),
    "vvc-grey10": Golden(Vvc, -27, form=grey10, needs="imageio_ffmpeg"),
    "hevc": Golden(Hevc, -27, needs="imageio_ffmpeg"),
    "hevc-444-8": Golden(partial(Hevc, subsampling="444", bits=8), -27, needs="imageio_ffmpeg"),
    "hevc-grey10": Golden(Hevc, -27, form=grey10, needs="imageio_ffmpeg"),
    "av1-svt": Golden(Av1, -30, needs="imageio_ffmpeg"),
    "av1-aom-444": Golden(partial(Av1, encoder="aom", subsampling="444"), -30, needs="imageio_ffmpeg"),
    "av1-rav1e-8": Golden(partial(Av1, encoder="rav1e", bits=8), -120, needs="imageio_ffmpeg"),
}


def main() -> None:
    """Write what is missing."""
    DATA.mkdir(exist_ok=True)
    if not ORIGINAL.exists():
        Image.fromarray(photo(21, 30)).save(ORIGINAL, optimize=True)
    original = np.array(Image.open(ORIGINAL))
    for name, golden in GOLDEN.items():
        path = DATA / f"{name}.bin"
        if path.exists():
            continue
        codec = golden.codec()
        path.write_bytes(encoded(codec, golden.form(original), golden.quality, DEPTHS.get(golden.form, 8)))
        if not codec.lossless:
            Image.fromarray(codec.decode(path.read_bytes())).save(path.with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main()

"""The conformance list: every codec, in every configuration that takes another path through it."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

from bench_codecs.av1 import Av1
from bench_codecs.avif import Avif
from bench_codecs.command import Command
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

CONFORMANCE = {
    "avif": Avif,
    "avif 444": partial(Avif, subsampling="444", speed=10),
    "avif 10 bits": partial(Avif, bits=10, speed=10),
    "avif tuned": partial(Avif, tune="psnr", speed=10),
    "command cp": partial(
        Command,
        encode="cp {input} {output}",
        decode="cp {input} {output}",
        lossless=True,
        output_format="ppm",
    ),
    "htj2k": Htj2k,
    "htj2k lossless": partial(Htj2k, lossless=True),
    "huffman": Huffman,
    "huffman plain": partial(Huffman, color="none", predictor="none"),
    "huffman left": partial(Huffman, predictor="left"),
    "huffman med": partial(Huffman, color="none", predictor="med"),
    "jpeg": Jpeg,
    "jpeg 444 optimize": partial(Jpeg, subsampling="444", optimize=True),
    "jpeg 422 progressive": partial(Jpeg, subsampling="422", progressive=True),
    "jpeg2000": Jpeg2000,
    "jpeg2000 lossless": partial(Jpeg2000, lossless=True),
    "jpegls": JpegLs,
    "jpegls plain": partial(JpegLs, color="none"),
    "jpegls near": partial(JpegLs, lossless=False),
    "jpegxl": JpegXl,
    "jpegxl lossless": partial(JpegXl, lossless=True, effort=3),
    "jpegxl fast": partial(JpegXl, effort=1, decoding_speed=4),
    "jpegxr": JpegXr,
    "jpegxr lossless": partial(JpegXr, lossless=True),
    "lz deflate": Lz,
    "lz lzw": partial(Lz, method="lzw"),
    "lz lz4": partial(Lz, method="lz4"),
    "lz zstd": partial(Lz, method="zstd"),
    "lz lzma": partial(Lz, method="lzma"),
    "lz brotli": partial(Lz, method="brotli"),
    "png": Png,
    "qoi": Qoi,
    "webp": WebP,
    "webp lossless": partial(WebP, lossless=True),
}

VIDEO = {
    "av1": partial(Av1, speed=10),
    "av1 aom 444": partial(Av1, encoder="aom", subsampling="444", speed=8),
    "av1 rav1e 8 bits": partial(Av1, encoder="rav1e", bits=8, speed=10),
    "hevc": Hevc,
    "hevc 444 8 bits": partial(Hevc, subsampling="444", bits=8),
    "vvc": partial(Vvc, preset="faster"),
}
"""Those that start a program for each picture, which makes their damaged bitstreams slow."""
if find_spec("imageio_ffmpeg"):
    CONFORMANCE |= VIDEO
if find_spec("pillow_heif"):
    CONFORMANCE |= {"heic": Heic, "heic 444 psnr": partial(Heic, subsampling="444", tune="psnr")}
if find_spec("pyjpegli"):
    CONFORMANCE["jpegli"] = Jpegli

if find_spec("torch") and find_spec("safetensors"):
    from bench_codecs.vae import Vae
    from bench_codecs.vae_gan import VaeGan

    CONFORMANCE |= {"vae": Vae, "vae-gan": VaeGan}

NOT_HERE = {
    # without its published weights, which are downloaded, it reconstructs noise: it has tests of its own
    "bench_codecs.compressai_zoo:CompressAi",
    *(
        ()
        if "vvc" in CONFORMANCE
        else ("bench_codecs.av1:Av1", "bench_codecs.hevc:Hevc", "bench_codecs.vvc:Vvc")
    ),
    *(() if "heic" in CONFORMANCE else ("bench_codecs.heic:Heic",)),
    *(() if "jpegli" in CONFORMANCE else ("bench_codecs.jpegli:Jpegli",)),
    *(() if "vae" in CONFORMANCE else ("bench_codecs.vae:Vae", "bench_codecs.vae_gan:VaeGan")),
}

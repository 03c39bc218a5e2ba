"""Speed and rate of the lossless codecs on a folder of images, in one run.

    python -m tests.benchmarks.lossless FOLDER [REPEATS]

Best of the repeats for each image, one thread, MB of samples (3 bytes a pixel) per second; the last
columns are the ratio to libpng at its default level, measured in the same run.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from bench_codecs.huffman import Huffman
from bench_codecs.jpegls import JpegLs
from bench_codecs.lz import Lz
from bench_codecs.png import Png
from bench_codecs.qoi import Qoi

CODECS = {
    "png": Png,
    "huffman": Huffman,
    "huffman none none": partial(Huffman, color="none", predictor="none"),
    "huffman med": partial(Huffman, predictor="med"),
    "lz deflate": Lz,
    "lz lzw": partial(Lz, method="lzw"),
    "lz zstd": partial(Lz, method="zstd"),
    "qoi": Qoi,
    "jpegls": JpegLs,
}


def measure(codec, images, repeats):
    """Bits per pixel, and MB/s of encoding and decoding."""
    n_bytes = encoding = decoding = 0.0
    for image in images:
        encode_times, decode_times = [], []
        for _ in range(repeats):
            start = time.perf_counter()
            bitstream = codec.encode(image, None)
            middle = time.perf_counter()
            decoded = codec.decode(bitstream)
            decode_times.append(time.perf_counter() - middle)
            encode_times.append(middle - start)
        assert np.array_equal(decoded, image)
        n_bytes += len(bitstream)
        encoding += min(encode_times)
        decoding += min(decode_times)
    samples = sum(image.size for image in images)
    return 24 * n_bytes / samples, samples / encoding / 1e6, samples / decoding / 1e6


def main() -> None:
    """Print one line for each codec."""
    folder = Path(sys.argv[1])
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    images = [np.array(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.png"))]
    print(f"{len(images)} images, best of {repeats}")
    print(f"{'codec':20}{'bpp':>8}{'enc MB/s':>10}{'dec MB/s':>10}{'enc/png':>9}{'dec/png':>9}")
    base: tuple[float, float] | None = None
    for label, factory in CODECS.items():
        bpp, encode, decode = measure(factory(), images, repeats)
        base = base or (encode, decode)
        print(
            f"{label:20}{bpp:8.3f}{encode:10.1f}{decode:10.1f}{encode / base[0]:9.2f}{decode / base[1]:9.2f}"
        )


if __name__ == "__main__":
    main()

"""Time and peak memory of a large picture through ``vae``: ``python -m tests.benchmarks.vae_large 50 2``.

Both directions run in processes of their own. The arguments are megapixels, and threads if not one.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def picture(megapixels: float) -> np.ndarray:
    """Smooth noise, mirrored to the size: compresses to about what photographs do."""
    side = round((megapixels * 1e6) ** 0.5)
    random = np.random.default_rng(0)
    small = random.normal(0, 1, (256, 256, 3)).cumsum(0).cumsum(1)
    small = 255 * (small - small.min()) / (small.max() - small.min())
    tile = np.concatenate([small, small[::-1]])
    tile = np.concatenate([tile, tile[:, ::-1]], 1).astype(np.uint8)
    repeats = -(-side // tile.shape[0])
    return np.tile(tile, (repeats, repeats, 1))[:side, :side].copy()


def work(direction: str, megapixels: float, threads: int, stream: Path) -> None:
    """One direction, in this process."""
    from bench_codecs.vae import Vae

    codec = Vae(threads=threads)
    image = picture(megapixels) if direction == "encode" else None
    started = time.perf_counter()
    if direction == "encode":
        stream.write_bytes(codec.encode(image, 3.0))
    else:
        decoded = codec.decode(stream.read_bytes())
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    if image is not None:
        result = f"{8 * stream.stat().st_size / image[..., 0].size:.3f} bpp"
    else:
        error = decoded.astype(np.float32) - picture(megapixels)
        result = f"{10 * np.log10(255**2 / np.mean(error**2)):.2f} dB"
    print(f"{direction}: {megapixels:g} MP, {seconds:.1f} s, peak {peak:.2f} GiB, {result}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 5:
        work(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            for way in ("encode", "decode"):
                arguments = (way, *[*sys.argv[1:], "1"][:2], str(Path(folder) / "large.rdv"))
                subprocess.run([sys.executable, "-m", "tests.benchmarks.vae_large", *arguments], check=True)

"""Grain of ``vae-gan`` where the original is smooth, beside that of ``vae``, as in its model card.

    python -m tests.benchmarks.grain FOLDER [EVERY] [GENERATOR]

In blocks of 32×32 samples whose fine detail is below one level (root mean square, luma): the energy above
half the Nyquist frequency, decoded ÷ original, of luma and of both chroma planes (BT.601); and the largest
peak, in the spectrum of what the generator adds to the picture of ``vae``, at a frequency that a network
working on every 4th or 8th sample repeats at: power there ÷ the median of the 24 bins around it. Without
repetition that is 1 or a little more.
LPIPS and DISTS are means over the pictures. Samples are decoded from real bitstreams.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.image import read_image
from bench.metrics.base import Pair, Reference
from bench.metrics.dists import Dists
from bench.metrics.lpips import LpipsAlex
from bench.metrics.psnr import PsnrRgb
from bench.metrics.spectrum import BT601

QUALITIES = (1.0, 2.0, 3.0)
BLOCK = 32
SMOOTH = 1.0
"""Root mean square of the fine detail of smooth luma, in levels."""
_YCBCR = np.array([BT601, [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])

Spectra = NDArray[np.float64]
"""Power of blocks: (3, blocks, 32, 32)."""


def spectra(image: NDArray[np.float64]) -> Spectra:
    """The power spectra of the blocks of luma, Cb and Cr, under a Hann window."""
    planes = np.einsum("hwc,pc->phw", image, _YCBCR)
    height, width = (side // BLOCK * BLOCK for side in planes.shape[1:])
    blocks = planes[:, :height, :width].reshape(3, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    blocks = blocks.transpose(0, 1, 3, 2, 4).reshape(3, -1, BLOCK, BLOCK)
    window = np.hanning(BLOCK + 1)[:-1]
    weights = window[:, None] * window
    mean = (blocks * weights).sum((2, 3), keepdims=True) / weights.sum()
    power: Spectra = np.abs(np.fft.fft2((blocks - mean) * weights)) ** 2 / (weights**2).sum()
    return power


def fine() -> NDArray[np.bool_]:
    """The bins above half the Nyquist frequency."""
    frequency = np.abs(np.fft.fftfreq(BLOCK))
    return np.maximum(frequency[:, None], frequency) > 0.25


def peak(power: NDArray[np.float64]) -> float:
    """The largest power at a multiple of 1/8 cycle a sample ÷ the median around it, means over blocks."""
    mean = power.mean(0)
    ratios = []
    for row in range(0, BLOCK, BLOCK // 8):
        for column in range(0, BLOCK, BLOCK // 8):
            if max(min(row, BLOCK - row), min(column, BLOCK - column)) < BLOCK // 8:
                continue  # around 0, where the spectrum is steep
            around = np.roll(mean, (2 - row, 2 - column), (0, 1))[:5, :5].flatten()
            ratios.append(around[12] / np.median(np.delete(around, 12)))
    return float(max(ratios))


def measured(paths: list[Path], generator: str) -> Iterator[str]:
    """A line for each quality and decoder."""
    from bench_codecs.vae.codec import Vae
    from bench_codecs.vae_gan.codec import VaeGan

    codecs = Vae(), VaeGan(generator=generator)
    metrics = PsnrRgb(), LpipsAlex(), Dists()
    high = fine()
    for quality in QUALITIES:
        energies: dict[str, list[NDArray[np.float64]]] = {it.name: [] for it in codecs}
        added: list[Spectra] = []
        scores: dict[str, list[list[float]]] = {it.name: [] for it in codecs}
        rate = []
        for path in paths:
            reference = Reference(read_image(path).pixels)
            original = spectra(reference.image.astype(np.float64))
            smooth = original[0][:, high].sum(1) / BLOCK**2 < SMOOTH**2
            bitstream = codecs[0].encode(reference.image, quality)
            rate.append(8 * len(bitstream) / reference.image[..., 0].size)
            pictures: list[Image] = [it.decode(bitstream) for it in codecs]
            added.append(spectra(pictures[1].astype(np.float64) - pictures[0])[:, smooth])
            for codec, decoded in zip(codecs, pictures, strict=True):
                scores[codec.name].append([metric(Pair(reference, decoded)) for metric in metrics])
                power = spectra(decoded.astype(np.float64))
                pairs = [it[:, smooth][..., high].sum((1, 2)) / BLOCK**2 for it in (power, original)]
                energies[codec.name].append(np.array(pairs))
        for codec in codecs:
            found, there = np.sum(energies[codec.name], 0) / sum(it.shape[1] for it in added)
            luma, chroma = found[0] / there[0], found[1:].sum() / there[1:].sum()
            psnr, lpips, dists = np.mean(scores[codec.name], 0)
            yield (
                f"quality {quality:.0f}  {np.mean(rate):.3f} bpp  {codec.name:8s} {psnr:6.2f} dB"
                f"  LPIPS {lpips:.4f}  DISTS {dists:.4f}  energy luma {luma:5.2f} chroma {chroma:5.2f}"
                f" ({found[0] ** 0.5:.2f} and {found[1:].mean() ** 0.5:.2f} levels)"
            )
        peaks = [peak(it) for it in np.concatenate(added, 1)]
        yield f"quality {quality:.0f}  largest peak: luma {peaks[0]:.2f}, chroma {max(peaks[1:]):.2f}"


def main() -> None:
    """Print the lines."""
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    paths = sorted(Path(sys.argv[1]).glob("*.[pw][ne][gb]*"))[::every]
    print(f"{len(paths)} pictures", flush=True)
    for line in measured(paths, sys.argv[3] if len(sys.argv) > 3 else ""):
        print(line, flush=True)


if __name__ == "__main__":
    main()

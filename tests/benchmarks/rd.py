"""Intervals of BD-rates: the batched integrals against one scipy interpolation per image left out.

Run with ``python tests/benchmarks/rd.py``; both sides run in this process on the same curves, agree on the
differences, and the last line is the ratio of their times for one pair of codecs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy.interpolate import PchipInterpolator

from bench.rd import ImageCurves, mean_curve, paired_bd_rate
from bench.rd.bd import mean_gap
from bench.rd.curve import mean_curves_without_one

IMAGES, POINTS = 24, 10


def synthetic(label: str, seed: int) -> ImageCurves:
    """Curves of 24 images at 10 operating points."""
    content, codec = np.random.default_rng(1), np.random.default_rng(seed)
    s = np.linspace(0.0, 1.0, POINTS)
    rate = content.uniform(0.5, 2.0, (IMAGES, 1)) * 0.1 * np.exp(3.2 * s)
    quality = 26.0 + 15.0 * s ** content.uniform(0.7, 1.2, (IMAGES, 1))
    rate = rate * np.exp(0.2 * codec.normal(size=(IMAGES, 1)))
    return ImageCurves(label, "psnr_rgb", tuple(map(str, range(IMAGES))), rate, quality)


def by_scipy(anchor: ImageCurves, test: ImageCurves) -> np.ndarray:
    """The log-rate differences that the jackknife needs, with two PCHIP objects for every image left out."""
    values = []
    for left_out in range(IMAGES):
        rows = np.delete(np.arange(IMAGES), left_out)
        qa, qt = anchor.quality[rows].mean(axis=0), test.quality[rows].mean(axis=0)
        ra, rt = (np.log10(curves.rate[rows].mean(axis=0)) for curves in (anchor, test))
        low, high = max(qa[0], qt[0]), min(qa[-1], qt[-1])
        areas = [PchipInterpolator(x, y).integrate(low, high) for x, y in ((qa, ra), (qt, rt))]
        values.append((areas[1] - areas[0]) / (high - low))
    return np.array(values)


def batched(anchor: ImageCurves, test: ImageCurves) -> np.ndarray:
    """The same differences, all integrals at once."""
    sides = [mean_curves_without_one(it, mean_curve(it)) for it in (anchor, test)]
    return mean_gap(sides[0], sides[1], "pchip")[0]


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Best of ``repeats``."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    anchor, test = synthetic("anchor", 2), synthetic("test", 3)
    np.testing.assert_allclose(batched(anchor, test), by_scipy(anchor, test), atol=1e-12)
    fast = seconds(lambda: batched(anchor, test), 20)
    slow = seconds(lambda: by_scipy(anchor, test), 5)
    whole = seconds(lambda: paired_bd_rate(anchor, test), 20)
    print(f"{IMAGES} images, {POINTS} points, jackknife of one pair of codecs")
    print(f"batched  {fast * 1e3:8.2f} ms   (the whole comparison, image by image too: {whole * 1e3:.2f} ms)")
    print(f"scipy    {slow * 1e3:8.2f} ms")
    print(f"ratio    {slow / fast:8.1f}")


if __name__ == "__main__":
    main()

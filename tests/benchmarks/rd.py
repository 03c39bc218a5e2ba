"""Bootstrap of BD-rates: the batched integrals against one scipy interpolation per resample.

Run with ``python tests/benchmarks/rd.py``; both sides run in this process on the same curves, agree on the
interval, and the last line is the ratio of their times for one pair of codecs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy.interpolate import PchipInterpolator

from bench.rd import ImageCurves, bootstrap_bd_rate

IMAGES, POINTS, RESAMPLES, CODECS = 24, 10, 1000, 20


def synthetic(label: str, seed: int) -> ImageCurves:
    """Curves of 24 images at 10 operating points."""
    content, codec = np.random.default_rng(1), np.random.default_rng(seed)
    s = np.linspace(0.0, 1.0, POINTS)
    rate = content.uniform(0.5, 2.0, (IMAGES, 1)) * 0.1 * np.exp(3.2 * s)
    quality = 26.0 + 15.0 * s ** content.uniform(0.7, 1.2, (IMAGES, 1))
    rate = rate * np.exp(0.2 * codec.normal(size=(IMAGES, 1)))
    return ImageCurves(label, "psnr_rgb", tuple(map(str, range(IMAGES))), rate, quality)


def by_scipy(anchor: ImageCurves, test: ImageCurves) -> tuple[float, float]:
    """The same interval with two PCHIP objects for every resample."""
    drawn = np.random.default_rng(0).integers(0, IMAGES, (RESAMPLES, IMAGES))
    values = []
    for rows in drawn:
        qa, qt = anchor.quality[rows].mean(axis=0), test.quality[rows].mean(axis=0)
        ra, rt = (np.log10(curves.rate[rows].mean(axis=0)) for curves in (anchor, test))
        low, high = max(qa[0], qt[0]), min(qa[-1], qt[-1])
        areas = [PchipInterpolator(x, y).integrate(low, high) for x, y in ((qa, ra), (qt, rt))]
        values.append((10 ** ((areas[1] - areas[0]) / (high - low)) - 1) * 100)
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


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
    ours = bootstrap_bd_rate(anchor, test, resamples=RESAMPLES).ci95
    np.testing.assert_allclose(ours, by_scipy(anchor, test), atol=1e-9)
    fast = seconds(lambda: bootstrap_bd_rate(anchor, test, resamples=RESAMPLES), 5)
    slow = seconds(lambda: by_scipy(anchor, test), 3)
    print(f"{IMAGES} images, {POINTS} points, {RESAMPLES} resamples, one pair of codecs")
    print(f"batched  {fast * 1e3:8.1f} ms   ({CODECS} codecs: {fast * CODECS:.2f} s)")
    print(f"scipy    {slow * 1e3:8.1f} ms   ({CODECS} codecs: {slow * CODECS:.2f} s)")
    print(f"ratio    {slow / fast:8.1f}")


if __name__ == "__main__":
    main()

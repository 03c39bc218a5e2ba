"""How often the intervals of BD-rates cover the truth, on samples of real pictures.

    rdbench run -d FOLDER -c jpeg -c webp -c jpeg2000 -c avif -m psnr_rgb --out RUN --no-report
    python tests/benchmarks/coverage.py RUN [--draws 2000]

All pictures of RUN are the population, and the BD-rate over all of them is the truth. Samples of n pictures
are drawn from it with replacement, and each interval is asked whether it holds the truth; "too high" and "too
low" are the misses above and below it. The percentile bootstrap stands beside the intervals in use for
comparison.

Seen with the 209 pictures of CID22's training set, 4,000 draws (the standard error of a share is 0.4%), and
300 of the bootstrap:

    webp against jpeg: by image -43.50%, mean curve -39.50%
    images interval                     covers   high    low
         5 by image                       95.5    4.2    0.3
         5 mean curve                     98.8    0.7    0.4
         5 mean curve, percentiles        77.7    8.3   14.0
        10 by image                       93.9    5.7    0.4
        10 mean curve                     97.2    2.0    0.8
        10 mean curve, percentiles        85.7    4.3   10.0
        24 by image                       93.6    5.5    0.8
        24 mean curve                     95.7    3.1    1.1
        24 mean curve, percentiles        92.0    3.7    4.3
       100 by image                       95.3    3.3    1.4
       100 mean curve                     95.5    2.3    2.1
       100 mean curve, percentiles        90.3    3.3    6.3

    avif against jpeg2000: by image -3.77%, mean curve +18.33%
    images interval                     covers   high    low
         5 by image                       98.8    0.5    0.7
         5 mean curve                     95.3    0.1    4.7
         5 mean curve, percentiles        71.7    0.0   28.3
        10 by image                       98.0    0.7    1.3
        10 mean curve                     93.8    0.1    6.2
        10 mean curve, percentiles        80.0    0.0   20.0
        24 by image                       95.9    1.1    3.1
        24 mean curve                     94.2    0.2    5.6
        24 mean curve, percentiles        88.7    0.7   10.7
       100 by image                       95.5    1.6    2.9
       100 mean curve                     94.6    1.1    4.3
       100 mean curve, percentiles        92.3    4.0    3.7
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.rd import (
    DetailedBd,
    ImageCurves,
    Interval,
    bd_rate,
    common_images,
    image_curves,
    mean_curve,
    paired_bd_rate,
)
from bench.runs.frame import load

PAIRS = (("jpeg", "webp"), ("jpeg2000", "avif"))
SIZES = (5, 10, 24, 100)
RESAMPLES = 100


def drawn(curves: ImageCurves, rows: np.ndarray) -> ImageCurves:
    """The curves of some rows, which may repeat."""
    names = tuple(map(str, range(len(rows))))
    return replace(curves, images=names, rate=curves.rate[rows], quality=curves.quality[rows], pixels=None)


def percentile_bootstrap(anchor: ImageCurves, test: ImageCurves, rng: np.random.Generator) -> Interval:
    """The interval that is usual for mean curves: percentiles over resampled images."""
    count = len(anchor.images)
    values = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, count, count)
        value = bd_rate(mean_curve(drawn(anchor, rows)), mean_curve(drawn(test, rows))).value
        if value is not None:
            values.append(value)
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def shares(intervals: list[Interval | None], truth: float) -> str:
    """How many cover, and how many lie above and below, in percent."""
    known = [it for it in intervals if it is not None]
    above = sum(low > truth for low, _ in known)
    below = sum(high < truth for _, high in known)
    whole = len(known) or 1
    counts = (len(known) - above - below, above, below)
    text = " ".join(f"{100 * count / whole:6.1f}" for count in counts)
    missing = len(intervals) - len(known)
    return text + (f"   ({missing} without an interval)" if missing else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--bootstrap-draws", type=int, default=300)
    arguments = parser.parse_args()
    curves = image_curves(load(arguments.run), "psnr_rgb")
    by_codec = {label.split("-")[0]: it for label, it in curves.items()}
    images = common_images(list(by_codec.values()))
    by_codec = {label: it.only(images) for label, it in by_codec.items()}
    rng = np.random.default_rng(0)
    print(f"{len(images)} pictures, {arguments.draws} draws")
    kinds: dict[str, Callable[[DetailedBd], Interval | None]] = {
        "by image": lambda bd: bd.per_image.ci95,
        "mean curve": lambda bd: bd.ci95,
    }
    for anchor, test in PAIRS:
        pair = by_codec[anchor], by_codec[test]
        whole = paired_bd_rate(*pair)
        truths = {"by image": whole.per_image.value, "mean curve": whole.mean_curve.value}
        print(f"\n{test} against {anchor}: " + ", ".join(f"{kind} {it:+.2f}%" for kind, it in truths.items()))
        print(f"{'images':>6} {'interval':28} covers   high    low")
        for size in SIZES:
            draws = [rng.integers(0, len(images), size) for _ in range(arguments.draws)]
            found = [paired_bd_rate(*(drawn(it, rows) for it in pair)) for rows in draws]
            for kind, interval in kinds.items():
                line = shares([interval(it) for it in found], truths[kind] or 0.0)
                print(f"{size:6} {kind:28} {line}", flush=True)
            if not arguments.bootstrap_draws:
                continue
            few = [
                percentile_bootstrap(*(drawn(it, rows) for it in pair), rng)
                for rows in draws[: arguments.bootstrap_draws]
            ]
            print(f"{size:6} {'mean curve, percentiles':28} {shares(few, truths['mean curve'] or 0.0)}")


if __name__ == "__main__":
    main()

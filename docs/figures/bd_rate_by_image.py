"""The figure of docs/bd-rate.md, from the kept run on Kodak: ``python docs/figures/bd_rate_by_image.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bench.rd import common_images, image_curves, paired_bd_rate
from bench.runs.frame import load

HERE = Path(__file__).parent
RUN = HERE.parents[1] / "results" / "kodak"
ANCHOR, TEST = "jpeg2000", "avif"
COLOURS = {ANCHOR: "#8c564b", TEST: "#d62728"}
SETTINGS = {ANCHOR: 3, TEST: 3}
"""Which operating point of each is shown image by image."""


def main() -> None:
    curves = image_curves(load(RUN), "psnr_rgb")
    images = common_images([curves[ANCHOR], curves[TEST]])
    pair = {label: curves[label].only(images) for label in (ANCHOR, TEST)}
    result = paired_bd_rate(pair[ANCHOR], pair[TEST])
    figure = Figure(figsize=(7.2, 2.9), layout="constrained", dpi=150)
    left, right = figure.subplots(1, 2)

    for label, its in pair.items():
        point, colour = SETTINGS[label], COLOURS[label]
        left.plot(its.rate.mean(axis=0), its.quality.mean(axis=0), color=colour, linewidth=1.2)
        left.plot(its.rate[:, point], its.quality[:, point], "o", color=colour, markersize=3.5, alpha=0.55)
        mean = (its.rate[:, point].mean(), its.quality[:, point].mean())
        left.plot(*mean, "D", color=colour, markersize=7, markeredgecolor="white", label=label)
    left.set_xscale("log")
    left.set_xticks([0.1, 0.2, 0.5, 1, 2], labels=["0.1", "0.2", "0.5", "1", "2"])
    left.set_xlabel("bits per pixel")
    left.set_ylabel("PSNR (dB)")
    left.set_title("24 images at one setting, and their mean", fontsize=9)
    left.legend(frameon=False, fontsize=8)

    values = np.sort([bd.value for bd in result.images if bd.value is not None])
    right.bar(range(len(values)), values, color=[COLOURS[TEST if value < 0 else ANCHOR] for value in values])
    lines = (("image by image", result.per_image.value, "-"), ("mean curves", result.mean_curve.value, "--"))
    for name, value, dash in lines:
        label = f"{name}: {value:+.1f}%".replace("-", "−")
        right.axhline(value, color="#222222", linewidth=1, linestyle=dash, label=label)
    right.set_xticks([])
    right.set_xlabel("24 images, sorted")
    right.set_ylabel("BD-rate (%)")
    right.set_title(
        f"{TEST} against {ANCHOR}: fewer bits on {result.per_image.wins} of {result.per_image.n}", fontsize=9
    )
    right.legend(frameon=False, fontsize=8, loc="upper left")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(HERE / "bd_rate_by_image.png")


if __name__ == "__main__":
    main()

"""Mean curves, common images, matched rate and quality, tables, Pareto fronts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bench.errors import ConfigError
from bench.rd import (
    Curve,
    ImageCurves,
    common_images,
    from_db,
    image_curves,
    mean_curve,
    pareto,
    quality_at,
    rate_at,
    to_db,
)
from tests.rd.curves import curve, images


def test_decibels_of_a_similarity() -> None:
    """0.9 is 10 dB, 0.99 is 20 dB, 1 is infinite, and the way back is exact."""
    assert to_db([0.0, 0.9, 0.99, 1.0]).tolist() == pytest.approx([0.0, 10.0, 20.0, math.inf])
    assert from_db(to_db([0.3, 0.95])).tolist() == pytest.approx([0.3, 0.95], abs=1e-15)


def test_mean_curve_averages_images_at_each_point() -> None:
    """The mean curve is the mean of bpp and of the metric, similarities before decibels."""
    both = ImageCurves(
        "a",
        "ms_ssim_rgb",
        ("1", "2"),
        np.array([[0.1, 0.3], [0.3, 0.5]]),
        np.array([[0.8, 0.9], [0.9, 0.98]]),
    )
    mean = mean_curve(both)
    assert mean.rate == pytest.approx((0.2, 0.4))
    assert mean.quality == pytest.approx((0.85, 0.94))


def test_a_missing_trial_is_never_averaged_over() -> None:
    """An image that lacks a point is refused by the mean, and common_images leaves it out for all."""
    a, b = images(count=4), images("b", count=4)
    b.quality[1, 3] = math.nan
    with pytest.raises(ValueError, match="lacks a point"):
        mean_curve(b)
    shared = common_images([a, b])
    assert shared == ("000.png", "002.png", "003.png")
    assert a.only(shared).rate.shape == (3, 8)
    assert common_images([b, a]) == shared
    mean_curve(b.only(shared))


def test_matched_values_are_inverse_and_inside_the_range_only() -> None:
    """Interpolation passes through the points, inverts itself, and never extrapolates."""
    a = curve()
    assert quality_at(a, a.rate[3]) == pytest.approx(a.quality[3])
    assert rate_at(a, a.quality[5]) == pytest.approx(a.rate[5])
    assert quality_at(a, a.rate[0]) == pytest.approx(a.quality[0])
    assert quality_at(a, a.rate[-1]) == pytest.approx(a.quality[-1])
    middle = quality_at(a, 0.5)
    assert middle is not None
    assert rate_at(a, middle) == pytest.approx(0.5, rel=1e-3)
    assert quality_at(a, a.rate[0] * 0.99) is None
    assert rate_at(a, a.quality[-1] + 0.01) is None
    assert quality_at(a, 0.0) is None


def test_matched_ms_ssim_stays_a_similarity() -> None:
    """For MS-SSIM the interpolation runs in dB, but what goes in and out is in [0, 1]."""
    a = Curve("a", (0.1, 0.2, 0.4, 0.8), (0.9, 0.95, 0.98, 0.99), "ms_ssim_rgb")
    assert quality_at(a, 0.4) == pytest.approx(0.98)
    assert rate_at(a, 0.95) == pytest.approx(0.2)


def test_matched_values_need_a_monotone_curve() -> None:
    """On a folded curve there is no single rate for a quality."""
    folded = Curve("a", (0.1, 0.2, 0.3, 0.4), (30.0, 32.0, 31.0, 34.0))
    assert rate_at(folded, 31.5) is None
    assert quality_at(folded, 0.25) == pytest.approx(31.5, abs=0.5)


def test_pareto_front() -> None:
    """Only points beaten in neither cost are on the front; ties stay, NaN never does."""
    points = [
        (1.0, 5.0),
        (2.0, 3.0),
        (2.0, 3.0),
        (3.0, 4.0),
        (0.5, 9.0),
        (math.nan, 0.0),
        (2.0, 8.0),
        (5.0, 3.0),
    ]
    assert pareto(points) == (4, 0, 1, 2)
    assert pareto([]) == ()


def table(**changes: object) -> pd.DataFrame:
    rows = [
        {
            "dataset": "d",
            "image": image,
            "label": "jpeg",
            "quality": q,
            "status": "ok",
            "bpp": q / 10,
            "psnr_rgb": 30 + q,
        }
        for q in (9.0, 1.0, 5.0)
        for image in ("b.png", "a.png")
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(**changes)


def test_a_table_becomes_curves_in_order_of_quality() -> None:
    """Points follow the quality setting whatever the order of rows, failures are NaN, exact is inf."""
    frame = table()
    frame.loc[0, "psnr_rgb"] = math.nan  # b.png at 9: measured, no finite PSNR
    frame.loc[3, "status"] = "crash"  # a.png at 1
    found = image_curves(frame, "psnr_rgb")["jpeg"]
    assert found.images == ("a.png", "b.png")
    assert found.rate[1].tolist() == [0.1, 0.5, 0.9]
    assert found.quality[1].tolist() == [31.0, 35.0, math.inf]
    assert math.isnan(found.rate[0, 0])
    assert found.complete() == ("b.png",)
    told = image_curves(frame.assign(exact=[False] * 6), "psnr_rgb")["jpeg"]
    assert math.isnan(told.quality[1, 2]), "not identical, so the PSNR was not measured"
    assert image_curves(frame.assign(exact=[True] * 6), "psnr_rgb")["jpeg"].quality[1, 2] == math.inf


def test_ambiguous_tables_are_refused() -> None:
    """Several data sets, two rows for one trial, and unknown metrics are errors that name the fault."""
    with pytest.raises(ConfigError, match="several data sets"):
        image_curves(table(dataset=["d", "e"] * 3), "psnr_rgb")
    with pytest.raises(ConfigError, match="'jpeg' measures one image twice"):
        image_curves(pd.concat([table(), table()]), "psnr_rgb")
    with pytest.raises(ConfigError, match="'lpips' is not in this run; it has psnr_rgb"):
        image_curves(table(), "lpips")
    assert image_curves(table(quality=math.nan), "psnr_rgb") == {}


def test_a_lossy_codec_without_a_quality_has_one_point() -> None:
    """Its trials are one operating point, and a lossless codec's are none."""
    frame = pd.DataFrame(
        {
            "dataset": "d",
            "label": ["plain", "plain", "packed", "packed"],
            "image": ["a", "b", "a", "b"],
            "quality": np.nan,
            "status": "ok",
            "bpp": [1.0, 2.0, 9.0, 9.0],
            "psnr_rgb": [30.0, 32.0, np.nan, np.nan],
            "lossless": [False, False, True, True],
        }
    )
    curves = image_curves(frame, "psnr_rgb")
    assert [*curves] == ["plain"]
    assert curves["plain"].rate.tolist() == [[1.0], [2.0]]
    assert curves["plain"].quality.tolist() == [[30.0], [32.0]]

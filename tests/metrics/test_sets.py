"""Data-set metrics: patches, KID, FID and their features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics._mmd import squared_mmd
from bench.metrics._patches import patches
from bench.metrics.dataset import interval_around
from bench.metrics.fid import Fid, frechet_distance
from tests.conftest import photo
from tests.metrics.trunks import random_trunks


def samples(seed: int, images: int, each: int = 3, dimensions: int = 8, shift: float = 0) -> list[Any]:
    random = np.random.default_rng(seed)
    return [
        (random.normal(shift, 1, (each, dimensions)) + random.normal(0, 0.3, dimensions)).astype(np.float32)
        for _ in range(images)
    ]


def test_kodak_has_192_patches() -> None:
    """Both grids of the HiFiC protocol: 6 + 2 patches of a 768 × 512 image, so 192 on Kodak's 24."""
    image = np.random.default_rng(0).integers(0, 256, (512, 768, 3), np.uint8)
    cut = patches(image)
    assert cut.shape == (8, 256, 256, 3)
    np.testing.assert_array_equal(cut[4], image[256:512, 256:512])
    np.testing.assert_array_equal(cut[7], image[128:384, 384:640])
    assert patches(image.transpose(1, 0, 2)).shape[0] == 8
    assert patches(image[:255]).shape == (0, 256, 256, 3)


@pytest.mark.parametrize(
    ("each", "across_images", "estimator"),
    [(3, False, "unbiased"), (1, False, "unbiased"), (1, True, "u-statistic")],
)
def test_mmd_equals_torch_fidelity(each: int, across_images: bool, estimator: str) -> None:
    """KID is torch-fidelity's default estimator; across images, with one patch each, its u-statistic."""
    peer = pytest.importorskip("torch_fidelity.metric_kid", reason="torch-fidelity is not installed")
    x, y = samples(0, 20, each), samples(1, 20, each, shift=0.4)
    one, other = (np.concatenate(it).astype(np.float64) for it in (x, y))
    kernels = [(a @ b.T / 8 + 1) ** 3 for a, b in ((one, one), (one, other), (other, other))]
    expected = peer.mmd2(*kernels, mmd_est=estimator)
    assert squared_mmd(x, y, across_images=across_images).value == pytest.approx(expected, rel=1e-9)


def test_mmd_across_images_leaves_out_pairs_within_one() -> None:
    """Every mean of the kernel is over pairs of patches of two different images, whatever their numbers."""
    x, y = ([*samples(seed, 3, 1), *samples(seed + 1, 2, 4)] for seed in (10, 20))
    image = np.repeat(np.arange(5), [len(it) for it in x])
    different = image[:, None] != image
    stacked = [np.concatenate(it).astype(np.float64) for it in (x, y)]
    xx, yy, xy = (
        ((stacked[i] @ stacked[j].T / 8 + 1) ** 3)[different].mean() for i, j in ((0, 0), (1, 1), (0, 1))
    )
    assert squared_mmd(x, y, across_images=True).value == pytest.approx(xx + yy - 2 * xy, rel=1e-9)


def test_distance_of_equal_sets() -> None:
    """Across images a lossless codec has the distance 0 and an interval of no width; KID is below 0."""
    x = samples(2, 12)
    equal = [it.copy() for it in x]
    estimate = squared_mmd(x, equal, across_images=True)
    assert estimate.value == pytest.approx(0, abs=1e-12)
    assert estimate.interval == pytest.approx((0, 0), abs=1e-12)
    assert estimate.patches == 36
    assert squared_mmd(x, equal).value < 0


def test_interval_covers_the_estimators_mean() -> None:
    """The interval of KID is about its own expectation: in 85% of 60 draws it holds the mean of all draws."""
    population_x = samples(13, 1500, 2)
    population_y = [it + 0.5 for it in population_x]
    random = np.random.default_rng(5)
    draws = []
    for _ in range(60):
        chosen = random.choice(1500, 60, replace=False)
        draws.append(squared_mmd([population_x[i] for i in chosen], [population_y[i] for i in chosen]))
    mean = np.mean([it.value for it in draws])
    intervals = [it.interval for it in draws if it.interval is not None]
    assert sum(low <= mean <= high for low, high in intervals) >= 51


def test_interval_covers_the_truth() -> None:
    """In at least 85% of 60 draws the 95% interval holds the distance of the whole population."""
    population_x, population_y = samples(3, 1500, 1), samples(4, 1500, 1, shift=0.5)
    truth = squared_mmd(population_x, population_y, across_images=True).value
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(60):
        chosen = random.choice(1500, 60, replace=False)
        sets = ([population[i] for i in chosen] for population in (population_x, population_y))
        interval = squared_mmd(*sets, across_images=True).interval
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert covered >= 51


def test_errors_of_two_distances_are_of_the_same_images() -> None:
    """Of two that differ little by much the same errors, the difference is known better than either."""
    x, coarse = samples(8, 40), samples(9, 40, shift=0.5)
    fine = [0.9 * it + 0.1 * original for it, original in zip(coarse, x, strict=True)]
    first, second = squared_mmd(x, coarse), squared_mmd(x, fine)
    assert first.errors is not None
    assert second.errors is not None
    assert first.interval is not None
    assert interval_around(first.value, first.errors) == first.interval
    low, high = interval_around(second.value - first.value, second.errors - first.errors)
    assert low < second.value - first.value < high < 0
    assert high - low < 0.5 * (first.interval[1] - first.interval[0])


def test_pictures_without_patches_are_left_out() -> None:
    """Images that are too small count for nothing; without pairs of the others there is no distance."""
    empty = np.empty((0, 8), np.float32)
    x, y = samples(6, 5), samples(7, 5, shift=1)
    for across_images in (False, True):
        estimate = squared_mmd(x, y, across_images=across_images)
        assert squared_mmd([empty, *x], [empty, *y], across_images=across_images) == estimate
        assert estimate.interval is None
    with pytest.raises(MetricUndefined, match="1 of 2"):
        squared_mmd([empty, x[0]], [empty, y[0]], across_images=True)
    with pytest.raises(MetricUndefined, match="1 of 2"):
        squared_mmd([empty, x[0][:1]], [empty, y[0][:1]])
    assert squared_mmd([empty, x[0]], [empty, y[0]]).patches == 3


def test_frechet_distance_equals_torch_fidelity() -> None:
    """The distance of two Gaussians is torch-fidelity's; that of a set to itself is 0."""
    peer = pytest.importorskip("torch_fidelity.metric_fid", reason="torch-fidelity is not installed")
    import torch

    x, y = (np.concatenate(samples(seed, 40, shift=seed)).astype(np.float64) for seed in (0, 1))
    moments = [peer.fid_features_to_statistics(torch.from_numpy(it)) for it in (x, y)]
    expected = peer.fid_statistics_to_metric(*moments, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-8)


def test_fid_refuses_few_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A covariance of 2048 dimensions needs more patches than that; the reason names the alternative."""
    few = [np.zeros((100, 2048), np.float32)]
    with pytest.raises(MetricUndefined, match=r"2048 patches, and there are 100; kid"):
        Fid.distance(Fid.__new__(Fid), few, few)


def test_alexnet_features_of_patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each patch has the mean over places of torchvision's AlexNet features of the normalised image."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transforms = pytest.importorskip("torchvision.transforms", reason="torchvision is not installed")
    from bench.metrics.kid import KidAlexnet

    net = random_trunks(tmp_path)["alexnet"]
    monkeypatch.setenv("RDBENCH_WEIGHTS", str(tmp_path))
    metric = KidAlexnet()
    image = photo(400, 560)
    normalise = transforms.Compose(
        [
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    with torch.no_grad():
        expected = [net.features(normalise(it)[None]).mean((2, 3))[0].numpy() for it in patches(image)]
    np.testing.assert_allclose(metric.features(image), expected, rtol=1e-4, atol=1e-5)
    assert metric.features(image[:100]).shape == (0, 256)


@pytest.mark.parametrize("name", ["kid:Kid", "fid:Fid"])
def test_missing_inception_is_unavailable(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Inception's weights nothing is downloaded; the error has the line and the alternative."""
    pytest.importorskip("torch_fidelity", reason="torch-fidelity is not installed")
    from bench import registry

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(CodecUnavailable, match=r"python -c .*URL_INCEPTION_V3(.|\n)*kid_alexnet"):
        registry.load(f"bench.metrics.{name}")()


def test_too_few_patches_name_the_metric_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AlexNet's distance is never called KID, not in an error either."""
    pytest.importorskip("torchvision", reason="torchvision is not installed")
    from bench.metrics.kid import KidAlexnet

    random_trunks(tmp_path)
    monkeypatch.setenv("RDBENCH_WEIGHTS", str(tmp_path))
    metric = KidAlexnet()
    none = [metric.features(photo(40, 40))] * 2
    with pytest.raises(MetricUndefined, match=r"^kid_alexnet needs two images"):
        metric.distance(none, none)

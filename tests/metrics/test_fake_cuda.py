"""Metrics on a GPU that has no values: a tensor left on the CPU fails here, without a GPU."""

from __future__ import annotations

import inspect
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", minversion="2.6", reason="fake tensors of older PyTorch cannot do it")

from bench import registry  # noqa: E402
from bench.errors import CodecUnavailable, MetricUndefined  # noqa: E402
from bench.metrics import _trunk  # noqa: E402
from bench.metrics.base import Pair, Reference  # noqa: E402
from bench.metrics.dataset import DATASET_METRICS  # noqa: E402
from tests.conftest import photo  # noqa: E402
from tests.fake_cuda import fake_cuda  # noqa: E402
from tests.metrics.trunks import random_trunks  # noqa: E402

VALUES_MATTER = {"cvvdp"}
"""Metrics of libraries that stop where intermediate values make no sense."""


@pytest.fixture(scope="module")
def trunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of random weights."""
    pytest.importorskip("torchvision", reason='needs pip install "rdbench[perceptual]"')
    folder = tmp_path_factory.mktemp("weights")
    random_trunks(folder)
    return folder


def metrics_with_device(group: str) -> list[str]:
    """The installed metrics that can be told where to run."""
    found = []
    for name, target in registry.targets(group).items():
        try:
            parameters = inspect.signature(registry.load(target)).parameters
        except ImportError:
            continue
        found += [name] if "device" in parameters and name not in VALUES_MATTER else []
    return found


def made(group: str, name: str) -> Any:
    try:
        return registry.load(registry.find(group, name))(device="cuda")
    except CodecUnavailable as error:  # a package, or weights that are downloaded
        pytest.skip(str(error))


@pytest.mark.parametrize("name", metrics_with_device(registry.METRICS))
def test_metrics_of_pairs_run_on_a_gpu(name: str, trunks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the constructor to the value, the original's share kept for the next reconstruction."""
    monkeypatch.setenv("RDBENCH_WEIGHTS", str(trunks))
    original = photo(170, 180)
    reference = Reference(original)
    with fake_cuda(monkeypatch, (_trunk, "_state")):
        metric = made(registry.METRICS, name)
        for distance in (3, 9):
            decoded = np.clip(original.astype(int) + distance, 0, 255).astype(np.uint8)
            with suppress(MetricUndefined):  # of some of the values that are read back
                float(metric(Pair(reference, decoded)))


@pytest.mark.parametrize("name", metrics_with_device(DATASET_METRICS))
def test_metrics_of_sets_run_on_a_gpu(name: str, trunks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The features of a picture."""
    monkeypatch.setenv("RDBENCH_WEIGHTS", str(trunks))
    with fake_cuda(monkeypatch, (_trunk, "_state")):
        assert made(DATASET_METRICS, name).features(photo(300, 310)).ndim == 2

"""Codecs and images shared by the tests of learned codecs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch", reason='learned codecs need pip install "rdbench[learned]"')

from bench_codecs.vae import Vae  # noqa: E402
from bench_codecs.vae.training.config import preset  # noqa: E402
from bench_codecs.vae.training.export import export  # noqa: E402
from bench_codecs.vae.training.train import train  # noqa: E402


def natural(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """An image with the spectrum of photographs, edges and some noise."""
    random = np.random.default_rng(seed)
    tall, wide = max(height, 8), max(width, 8)
    frequency = np.hypot(np.fft.fftfreq(tall)[:, None], np.fft.rfftfreq(wide)[None]) + 1 / max(tall, wide)
    shared = np.fft.irfft2(np.fft.rfft2(random.standard_normal((tall, wide))) / frequency**1.6, (tall, wide))
    planes = [shared + 0.3 * np.roll(shared, 3 * c, 1) + shared.std() * (shared > 0) for c in range(3)]
    picture = np.stack(planes, -1)
    picture = 128 + 50 * (picture - picture.mean()) / (picture.std() + 1e-9)
    return (picture[:height, :width] + random.normal(0, 1, (height, width, 3))).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks gain nothing from threads, and lose much on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def vae() -> Vae:
    """The shipped model."""
    return Vae()


@pytest.fixture(scope="session")
def training_images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three small images on disk."""
    folder = tmp_path_factory.mktemp("images")
    paths = [folder / f"{i}.png" for i in range(3)]
    for index, path in enumerate(paths):
        Image.fromarray(natural(160, 192, index)).save(path)
    return paths


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, training_images: list[Path]) -> Path:
    """The folder of a finished run of the tiny preset."""
    out = tmp_path_factory.mktemp("tiny")
    train(preset("tiny", out), training_images, training_images[:1])
    return out


@pytest.fixture(scope="session")
def tiny_weights(
    tmp_path_factory: pytest.TempPathFactory, tiny_run: Path, training_images: list[Path]
) -> Path:
    """The exported weights of the tiny run."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    export(tiny_run, training_images, path, {"data": "generated"})
    return path

"""Training and sampling from the command line."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pandas as pd
from PIL import Image


def rdbench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "bench.cli", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_a_model_is_trained_exported_and_measured(pictures: Path, tmp_path: Path) -> None:
    """The tiny preset trains in seconds, its loss falls, and its weights make a codec for `run`."""
    weights = tmp_path / "tiny.safetensors"
    training = ("train", "vae", "--preset", "tiny", "--data", pictures, "--out", tmp_path / "runs")
    done = rdbench(*training, "--device", "cpu", "--export", weights)
    assert done.returncode == 0, done.stderr
    assert "ELBO" in done.stderr
    with (tmp_path / "runs" / "log.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < losses[0]
    assert rdbench(*training).returncode == 2, "a run is not overwritten"

    spec = f"vae:weights={weights}@1,3,6"
    measured = rdbench(
        "run", "-d", pictures, "-c", spec, "-m", "psnr_rgb", "-o", tmp_path / "run", "--no-report"
    )
    assert measured.returncode == 0, measured.stderr
    assert rdbench("export", tmp_path / "run", "-o", tmp_path / "t.csv").returncode == 0
    rates = pd.read_csv(tmp_path / "t.csv").groupby("quality")["bpp"].mean()
    assert rates.is_monotonic_increasing


def test_samples_are_drawn_and_explained(tmp_path: Path) -> None:
    """`sample` writes a grid of pictures from the shipped prior and says what they are."""
    done = rdbench(
        "sample", "vae", "-n", "3", "--quality", "3", "--seed", "1", "--out", tmp_path / "grid.png"
    )
    assert done.returncode == 0, done.stderr
    assert "without objects" in done.stdout
    assert Image.open(tmp_path / "grid.png").size == (512, 512)


def test_unknown_trainer_and_preset_are_named(pictures: Path, tmp_path: Path) -> None:
    """What can't be trained is said, with what can."""
    wrong = rdbench("train", "jpeg", "--data", pictures, "--out", tmp_path)
    assert wrong.returncode == 2
    assert "vae" in wrong.stderr
    preset = rdbench("train", "vae", "--data", pictures, "--out", tmp_path, "--preset", "huge")
    assert preset.returncode == 2
    assert "tiny, base" in preset.stderr


def test_absent_gpu_is_an_error(pictures: Path, tmp_path: Path) -> None:
    """Asked-for CUDA that is absent ends in a usage error, never in a run on the CPU."""
    import pytest
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    arguments = ("-d", pictures, "-c", "vae@3", "-m", "psnr_rgb", "-o", tmp_path / "run")
    done = rdbench("run", *arguments, "--device", "cuda")
    assert done.returncode == 2
    assert "CUDA" in done.stderr
    assert not (tmp_path / "run" / "measurements.jsonl").exists()

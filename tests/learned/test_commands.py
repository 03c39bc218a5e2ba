"""Training and sampling from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason='learned codecs need pip install "rdbench[learned]"')


def rdbench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "bench.cli", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_a_model_is_trained_exported_and_measured(pictures: Path, tmp_path: Path) -> None:
    """The tiny preset trains in seconds, shows how far it is, and its weights make a codec for `run`."""
    weights = tmp_path / "tiny.safetensors"
    training = ("train", "vae", "--preset", "tiny", "--data", pictures, "--out", tmp_path / "runs")
    done = rdbench(*training, "--device", "cpu", "--export", weights)
    assert done.returncode == 0, done.stderr
    assert "ELBO" in done.stderr
    assert (tmp_path / "runs" / "training.png").stat().st_size > 0
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
    """`sample` writes a grid of images from the shipped prior and says what they are."""
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


ABSENT_GPU = {
    "run": ("run", "-d", "PICTURES", "-c", "vae@3", "-o", "OUT", "--device", "cuda"),
    "run of metrics alone": ("run", "-d", "PICTURES", "-c", "jpeg@30", "-o", "OUT", "--device", "cuda"),
    "a codec's option": ("run", "-d", "PICTURES", "-c", "vae:device=cuda@3", "-o", "OUT"),
    "the zoo": ("run", "-d", "PICTURES", "-c", "compressai:untrained=true,device=cuda@1", "-o", "OUT"),
    "encode": ("encode", "vae:device=cuda@3", "PICTURES/p0.png", "OUT"),
    "train": ("train", "vae", "--preset", "tiny", "-d", "PICTURES", "-o", "OUT", "--device", "cuda"),
    "distribution": ("distribution", "OUT", "--device", "cuda"),
}


@pytest.mark.parametrize("case", ABSENT_GPU)
def test_absent_gpu_is_an_error(case: str, pictures: Path, tmp_path: Path) -> None:
    """Asked-for CUDA that is absent ends in a usage error with a remedy, never in work on the CPU."""
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    if case == "the zoo":
        pytest.importorskip("compressai", reason='needs pip install "rdbench[zoo]"')
    places = {"PICTURES": str(pictures), "OUT": str(tmp_path / "out")}
    arguments = [places.get(it, it).replace("PICTURES", str(pictures)) for it in ABSENT_GPU[case]]
    done = rdbench(*arguments)
    assert done.returncode == 2, done.stderr
    assert "CUDA" in done.stderr
    assert "cpu" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [it for it in (tmp_path / "out").rglob("*") if it.is_file() and it.name != ".lock"]


@pytest.mark.gpu
def test_a_gpu_run_equals_the_cpus(pictures: Path, tmp_path: Path) -> None:
    """The same bitstreams, images but for single levels; the record says where it ran, with what memory."""
    from bench.runs.store import read_info, read_journal

    found = {}
    for device in ("cpu", "cuda"):
        out = tmp_path / device
        done = rdbench("run", "-d", pictures, "-c", "vae@1,4", "-o", out, "--device", device, "--no-report")
        assert done.returncode == 0, done.stderr
        found[device] = sorted(read_journal(out), key=lambda it: (it.image, it.quality))
    for on_cpu, on_gpu in zip(found["cpu"], found["cuda"], strict=True):
        assert on_gpu.bitstream_sha256 == on_cpu.bitstream_sha256
        assert (on_cpu.device, on_gpu.device, on_gpu.metrics_device) == ("cpu", "cuda", "cuda")
        assert on_cpu.gpu_bytes is None
        assert on_gpu.gpu_bytes
        assert on_gpu.metrics["psnr_rgb"] == pytest.approx(on_cpu.metrics["psnr_rgb"], abs=1e-2)
    assert "gpu" in read_info(tmp_path / "cuda").environment.machine


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder, or a place below a file: nothing is trained or drawn for it."""
    from bench.cli import training
    from bench.cli.app import app
    from bench.errors import ConfigError

    def load(name: str) -> None:
        raise AssertionError(f"{name} was asked to work")

    monkeypatch.setattr(training, "_trainer", load)
    (tmp_path / "grid.png").mkdir()
    (tmp_path / "file").touch()
    train = ("train", "vae", "-d", str(pictures), "-o", str(tmp_path / "run"), "--export")
    for out in (tmp_path / "grid.png", tmp_path / "file" / "x.png"):
        for command in (train, ("sample", "vae", "-o")):
            with pytest.raises(ConfigError, match="folder"):
                app([*command, str(out)], standalone_mode=False)

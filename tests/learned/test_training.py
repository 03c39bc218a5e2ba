"""Training: it learns, survives being killed, and notices when it diverges."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import ConfigError, UnsupportedImage
from bench.trainer import Observer
from bench_codecs.vae import Vae
from bench_codecs.vae.fixed import MAX_WEIGHT
from bench_codecs.vae.sample import Samples, draw, sample
from bench_codecs.vae.training.checkpoint import latest_checkpoint, load_checkpoint
from bench_codecs.vae.training.config import preset
from bench_codecs.vae.training.data import Crops
from bench_codecs.vae.training.loop import Intervals, TrainingDiverged, run
from bench_codecs.vae.training.train import train
from bench_codecs.vae.training.trainer import Trainer
from bench_codecs.vae.weights import load_weights
from tests.conftest import until
from tests.learned.conftest import natural


def losses(run: Path) -> list[float]:
    """The logged losses of a run."""
    with (run / "log.csv").open() as handle:
        return [float(row["loss"]) for row in csv.DictReader(handle)]


def test_the_tiny_preset_learns(tmp_path: Path, tiny_run: Path, training_images: list[Path]) -> None:
    """On the same crops, R + λD is below that of the closed-form start, and the branches help."""
    fresh = Trainer(preset("tiny", tmp_path), training_images)
    trained = Trainer(replace(preset("tiny", tiny_run), resume=True), training_images)

    def cost(trainer: Trainer, *, joint: bool) -> float:
        return -np.mean([trainer.figures_at(step, joint=joint)["elbo_bpp"] for step in range(0, 160, 8)])

    assert cost(trained, joint=True) < 0.95 * cost(fresh, joint=True)
    assert cost(trained, joint=True) < 0.9995 * cost(trained, joint=False)


def test_training_keeps_weights_within_what_16_bits_hold(tmp_path: Path, training_images: list[Path]) -> None:
    """Of layers in fixed point; a weight beyond that is back at the limit after a step."""
    trainer = Trainer(preset("tiny", tmp_path), training_images)
    weight = trainer.model.get_parameter("fine.context.slices.0.mix.weight")
    weight.data[0, 0, 0, 0] = 3.0
    trainer.advance()
    assert float(weight.detach().abs().max()) == MAX_WEIGHT


def test_its_bitstreams_decode_and_its_validation_is_kept(tiny_run: Path, tiny_weights: Path) -> None:
    """The exported model codes images; the figure and the points of real bitstreams are there."""
    codec = Vae(weights=str(tiny_weights))
    picture = natural(96, 100)
    assert codec.decode(codec.encode(picture, 3.0)).shape == picture.shape
    assert (tiny_run / "training.png").stat().st_size > 0
    assert len((tiny_run / "validation.csv").read_text().splitlines()) == 1 + len(codec.qualities)


def test_a_killed_run_resumes_to_the_same_weights(
    tmp_path: Path, tiny_run: Path, training_images: list[Path]
) -> None:
    """SIGKILL at any time, then resume: parameters and log end exactly as if nothing had happened."""
    script = (
        "import sys; from pathlib import Path; from bench_codecs.vae.training.config import preset;"
        "from bench_codecs.vae.training.train import train;"
        "train(preset('tiny', Path(sys.argv[1])), [Path(p) for p in sys.argv[2:]])"
    )
    out = tmp_path / "killed"
    command = [sys.executable, "-c", script, str(out), *map(str, training_images)]
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    until(lambda: latest_checkpoint(out) is not None, seconds=120)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    interrupted = latest_checkpoint(out)
    assert interrupted is not None
    assert load_checkpoint(interrupted)[1]["step"] < 150
    train(replace(preset("tiny", out), resume=True), training_images)
    finished, undisturbed = latest_checkpoint(out), latest_checkpoint(tiny_run)
    assert finished is not None
    assert undisturbed is not None
    ours, theirs = load_checkpoint(finished)[0], load_checkpoint(undisturbed)[0]
    for group, tensors in theirs.items():
        for name, value in tensors.items():
            assert np.array_equal(ours[group][name].numpy(), value.numpy()), name
    assert losses(out) == losses(tiny_run)


def test_divergence_stops_and_keeps_the_last_good_state(
    tmp_path: Path, training_images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An infinite loss raises, and what is on disk is from before it."""
    from bench_codecs.vae.training import trainer

    healthy = trainer.typical_rate
    config = replace(preset("tiny", tmp_path), checkpoint_every=4, log_every=2)
    calls = 0

    def breaking(quality: float) -> float:
        nonlocal calls
        calls += 1
        return healthy(quality) if calls <= 2 * 6 else float("nan")

    monkeypatch.setattr(trainer, "typical_rate", breaking)
    with pytest.raises(TrainingDiverged, match=r"step 7.*step-00000004.*--seed"):
        train(config, training_images)
    kept = latest_checkpoint(tmp_path)
    assert kept is not None
    groups, meta = load_checkpoint(kept)
    assert meta["step"] == 4
    assert all(bool(value.isfinite().all()) for value in groups["model"].values())


class Scripted:
    """A run whose losses are given."""

    def __init__(self, out: Path, losses: list[float]) -> None:
        self.out, self.losses, self.steps = out, losses, len(losses)
        self.step, self.seconds = 0, 0.0
        self.saved: list[int] = []

    def left(self) -> float:
        return 0.0

    def advance(self) -> float:
        self.step += 1
        return self.losses[self.step - 1]

    def log(self) -> dict[str, float]:
        return {}

    def shown(self, row: dict[str, float]) -> dict[str, float]:
        return row

    def save(self) -> Path:
        self.saved.append(self.step)
        return self.out


def test_a_single_bad_step_is_no_divergence(tmp_path: Path) -> None:
    """A loss that grows fourfold and comes back goes on, unsaved; one that stays there stops the run."""
    intervals = Intervals(log=100, checkpoint=5, validate=0)
    spiky = Scripted(tmp_path, [1.0] * 9 + [8.0] + [1.0] * 10)
    run(spiky, intervals, lambda: None, Observer())
    assert spiky.saved == [5, 15, 20], "the state after a bad step is not kept"
    lost = Scripted(tmp_path, [1.0] * 9 + [8.0 + k for k in range(100)])
    with pytest.raises(TrainingDiverged, match=r"step 19: the loss is 17, for 10 steps far above the 1 "):
        run(lost, intervals, lambda: None, Observer())
    assert lost.saved == [5]


def test_a_folder_with_a_run_is_not_overwritten(tiny_run: Path, training_images: list[Path]) -> None:
    """Without resume, an existing run is an error."""
    with pytest.raises(ConfigError, match="resume"):
        train(preset("tiny", tiny_run), training_images)


def test_samples_depend_on_the_seed_alone(tiny_weights: Path) -> None:
    """The same seed draws the same images, another one others."""
    first, again, other = (sample(tiny_weights, Samples(2, 3.0, seed, 64)) for seed in (1, 1, 2))
    assert first.shape == (2, 64, 64, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_samples_use_the_coders_row_of_the_prior(tiny_weights: Path) -> None:
    """Half-way between two levels, that is the upper: no other row has a part in the images."""
    package = load_weights(tiny_weights)
    tables = package.tables
    rows = np.repeat(tables.hyper_rows[2:3], len(tables.hyper_rows), 0)
    same = replace(tables, hyper_rows=rows)
    expected, drawn = (draw(package.model, it, Samples(1, 2.5, 1, 64)) for it in (tables, same))
    assert np.array_equal(drawn, expected)


@pytest.mark.parametrize("depth", ["I;16", "RGBA"])
def test_pictures_that_the_benchmark_refuses_are_no_training_data(depth: str, tmp_path: Path) -> None:
    """Samples are never clipped and transparency never dropped; the message has the file."""
    path = tmp_path / "strange.png"
    deep = np.full((80, 80), 40_000, np.uint16)
    clear = np.full((80, 80, 4), 100, np.uint8)
    Image.fromarray(deep if depth == "I;16" else clear).save(path)
    with pytest.raises(UnsupportedImage, match=r"strange\.png"):
        Crops([path], 64, 1, 160).batch(0, 1)


@pytest.mark.gpu
def test_a_model_on_a_gpu_is_validated(tmp_path: Path, training_images: list[Path]) -> None:
    """Calibration and validation copy it to the processor."""
    config = replace(preset("tiny", tmp_path), steps=4, entropy_steps=2, device="cuda")
    train(config, training_images, training_images[:1])
    assert len((tmp_path / "validation.csv").read_text().splitlines()) == 1 + 8

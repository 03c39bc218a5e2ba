"""Going on with a training: as the run it was, or with a clear word; an interrupt loses nothing."""

from __future__ import annotations

import csv
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from bench.errors import BadImage, ConfigError
from bench.trainer import Observer, TrainRequest
from bench_codecs.vae.codec import Vae
from bench_codecs.vae.plugin import VaeTrainer
from bench_codecs.vae.training import optim, validate
from bench_codecs.vae.training.checkpoint import latest_checkpoint, load_checkpoint
from bench_codecs.vae.training.config import preset
from bench_codecs.vae.training.loop import TrainingDiverged
from bench_codecs.vae.training.resume import configured
from bench_codecs.vae.training.train import train
from bench_codecs.vae.training.trainer import Trainer
from bench_codecs.vae_gan.plugin import VaeGanTrainer
from bench_codecs.vae_gan.training.config import preset as gan_preset
from tests.learned.conftest import natural


class Notes(Observer):
    """Keeps the notes that it receives."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def finished(tmp_path: Path, tiny_run: Path) -> Path:
    """A copy of a finished run of the tiny preset."""
    return Path(shutil.copytree(tiny_run, tmp_path / "copy"))


def newest(run: Path) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, Any]]:
    """The newest checkpoint of a run."""
    path = latest_checkpoint(run)
    assert path is not None
    return load_checkpoint(path)


def steps_of(file: Path) -> list[int]:
    """The first column of a CSV file."""
    with file.open() as handle:
        return [int(row["step"]) for row in csv.DictReader(handle)]


def test_more_steps_are_joint_ones(finished: Path, training_images: list[Path]) -> None:
    """A finished run with more steps keeps its first stage; preset, seed and crop need no saying."""
    VaeTrainer().train(TrainRequest(finished, steps=154, resume=True), training_images, (), Observer())
    meta = newest(finished)[1]
    assert (meta["step"], meta["config"]["entropy_steps"], meta["config"]["preset"]) == (154, 110, "tiny")
    assert steps_of(finished / "log.csv")[-2:] == [150, 154]


def test_a_timed_run_goes_on_to_its_own_end(tmp_path: Path, training_images: list[Path]) -> None:
    """Resumed without a word, with the same minutes, or with steps, it never starts its stages anew."""
    asked = TrainRequest(tmp_path, preset="tiny", minutes=0.02)
    VaeTrainer().train(asked, training_images, (), Observer())
    config = newest(tmp_path)[1]["config"]
    for again in (replace(asked, preset=None, minutes=None, resume=True), replace(asked, resume=True)):
        notes = Notes()
        VaeTrainer().train(again, training_images, (), notes)
        assert newest(tmp_path)[1]["config"] == config
        assert "finished" in notes.notes[0]
    more = replace(asked, minutes=None, steps=config["steps"] + 1, resume=True)
    VaeTrainer().train(more, training_images, (), Observer())
    meta = newest(tmp_path)[1]
    assert (meta["step"], meta["config"]["entropy_steps"]) == (config["steps"] + 1, config["entropy_steps"])


CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 2}, "seed 1, not 2"),
    "preset": ({"preset": "base"}, "preset tiny, not base"),
    "minutes": ({"minutes": 5.0}, "minutes 0.0, not 5.0"),
    "fewer steps": ({"steps": 149}, "at least 150"),
    "both": ({"steps": 200, "minutes": 5.0}, "give one"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_another_run_is_not_gone_on_with(case: str, tiny_run: Path, training_images: list[Path]) -> None:
    """What contradicts the run in the folder is refused with both values."""
    fields, message = CONTRADICTIONS[case]
    with pytest.raises(ConfigError, match=message):
        VaeTrainer().train(TrainRequest(tiny_run, resume=True, **fields), training_images, (), Observer())


def test_other_pictures_and_codecs_are_refused(tiny_run: Path, training_images: list[Path]) -> None:
    """A run goes on with the images and the codec that it was started with."""
    request = TrainRequest(tiny_run, resume=True)
    with pytest.raises(ConfigError, match="3 pictures"):
        VaeTrainer().train(request, training_images[:2], (), Observer())
    with pytest.raises(ConfigError, match="checkpoint of vae, not of vae-gan"):
        VaeGanTrainer().train(request, training_images, (), Observer())


@pytest.mark.parametrize("trainer", [VaeTrainer, VaeGanTrainer])
def test_a_folder_that_is_not_there_is_not_resumed(
    tmp_path: Path, trainer: type[VaeTrainer | VaeGanTrainer], training_images: list[Path]
) -> None:
    """A mistyped --out does not start hours of training under another name."""
    request = TrainRequest(tmp_path / "mistyped", preset="tiny", resume=True, device="cpu")
    with pytest.raises(ConfigError, match=r"mistyped: nothing to resume.*leave out --resume"):
        trainer().train(request, training_images, (), Notes())
    assert not request.out.exists()


@pytest.mark.parametrize("kind", ["train", "validation"])
def test_a_bad_picture_is_named_before_the_first_step(
    kind: str, tmp_path: Path, training_images: list[Path]
) -> None:
    """Not when chance comes to it, hours later."""
    bad = tmp_path / "bad.png"
    bad.write_bytes(training_images[0].read_bytes()[:-200])
    images, validation = ([*training_images, bad], []) if kind == "train" else (training_images, [bad])
    with pytest.raises(BadImage, match=r"bad\.png"):
        train(preset("tiny", tmp_path / "run"), images, validation)
    assert not (tmp_path / "run" / "log.csv").exists()


def test_what_a_run_that_died_early_logged_is_dropped(tmp_path: Path, training_images: list[Path]) -> None:
    """Without a checkpoint a run starts anew, and its files with it."""
    config = replace(preset("tiny", tmp_path), steps=20, entropy_steps=15, validate_every=10)
    train(config, training_images, training_images[:1])
    true = [(tmp_path / it).read_text() for it in ("log.csv", "validation.csv")]
    for it in tmp_path.glob("step-*"):
        shutil.rmtree(it)
    head, *rows = true[1].splitlines(keepends=True)
    (tmp_path / "validation.csv").write_text(head + "".join(it.replace(",", ",9") for it in rows))
    train(config, training_images, training_images[:1])
    assert (tmp_path / "validation.csv").read_text().splitlines()[1:] == true[1].splitlines()[1:]
    steps = [int(it.split(",")[0]) for it in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert steps == sorted(set(steps))


def test_a_run_remembers_where_its_weights_are(
    tmp_path: Path, training_images: list[Path], tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may go on from another working directory."""
    monkeypatch.chdir(tiny_weights.parent)
    request = TrainRequest(tmp_path, weights=Path(tiny_weights.name))
    assert configured(request, "vae-gan", lambda name: gan_preset(name, tmp_path)).weights == tiny_weights


@pytest.mark.parametrize(
    "harm", [lambda it: it.write_bytes(it.read_bytes()[:1000]), Path.unlink], ids=["truncated", "missing"]
)
def test_a_damaged_checkpoint_is_named(
    harm: Callable[[Path], None], finished: Path, training_images: list[Path]
) -> None:
    """The message has the file, and the one before is used once it is gone."""
    broken = latest_checkpoint(finished)
    assert broken is not None
    harm(broken / "model.safetensors")
    config = replace(preset("tiny", finished), resume=True)
    with pytest.raises(ConfigError, match=r"model\.safetensors.*remove"):
        train(config, training_images)
    shutil.rmtree(broken)
    assert Trainer(config, training_images).step == 120


def test_a_finished_run_is_not_written_again(finished: Path, training_images: list[Path]) -> None:
    """A complete checkpoint is never replaced, so no kill can take it."""
    path = latest_checkpoint(finished)
    assert path is not None
    before = {it.name: it.stat().st_ino for it in path.iterdir()}
    assert train(replace(preset("tiny", finished), resume=True), training_images) == path
    assert {it.name: it.stat().st_ino for it in path.iterdir()} == before


def test_ctrl_c_ends_the_step_and_saves(
    tmp_path: Path, tiny_run: Path, training_images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of step 23, it is finished and saved; the resumed run ends as an undisturbed one."""
    advance = Trainer.advance

    def interrupted(self: Trainer) -> float:
        if self.step == 22:
            signal.raise_signal(signal.SIGINT)
        return advance(self)

    monkeypatch.setattr(Trainer, "advance", interrupted)
    notes = Notes()
    with pytest.raises(KeyboardInterrupt):
        train(preset("tiny", tmp_path), training_images, observer=notes)
    assert "step-00000023" in notes.notes[-1]
    assert "--resume" in notes.notes[-1]
    train(replace(preset("tiny", tmp_path), resume=True), training_images)
    ours, theirs = newest(tmp_path)[0], newest(tiny_run)[0]
    for group, tensors in theirs.items():
        for name, value in tensors.items():
            assert np.array_equal(ours[group][name].numpy(), value.numpy()), name
    assert steps_of(tmp_path / "log.csv") == steps_of(tiny_run / "log.csv")


def test_an_interrupted_validation_is_made_up_for(
    finished: Path, training_images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last validation, cut off, is done on resume, once; steps after the checkpoint are dropped first."""
    whole = validate.validate

    def cut_off(*_: Any) -> None:
        raise KeyboardInterrupt

    last = latest_checkpoint(finished)
    assert last is not None
    shutil.rmtree(last)
    config = replace(preset("tiny", finished), resume=True, validate_every=130)
    monkeypatch.setattr(validate, "validate", cut_off)
    with pytest.raises(KeyboardInterrupt):
        train(config, training_images, training_images[:1])
    assert steps_of(finished / "validation.csv") == []
    monkeypatch.setattr(validate, "validate", whole)
    for _ in range(2):
        train(config, training_images, training_images[:1])
    points = len(Vae.qualities)
    assert steps_of(finished / "validation.csv") == [130] * points + [150] * points


def test_gradients_that_are_not_finite_stop_it(
    tmp_path: Path, training_images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a finite loss as well; before the first checkpoint, none is promised."""
    loss_of = Trainer._loss

    def broken(self: Trainer, step: int, joint: bool) -> Any:
        loss, figures = loss_of(self, step, joint)
        if step >= 5:
            loss.register_hook(lambda it: it * float("nan"))
        return loss, figures

    monkeypatch.setattr(Trainer, "_loss", broken)
    with pytest.raises(TrainingDiverged, match=r"step 6: loss or gradient.*no checkpoint"):
        train(preset("tiny", tmp_path), training_images)


@pytest.mark.parametrize("able", [True, False])
def test_bfloat16_is_the_processors_choice_and_kept(
    able: bool, tmp_path: Path, training_images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor without the instructions trains in float32, and a run keeps what it began with."""
    from bench_codecs.vae.training import resume

    monkeypatch.setattr(resume, "bfloat16_is_fast", lambda _: able)
    config = replace(preset("tiny", tmp_path), steps=2, entropy_steps=1)
    started = Trainer(config, training_images)
    started.advance()
    started.save()
    monkeypatch.setattr(resume, "bfloat16_is_fast", lambda _: not able)
    resumed = Trainer(replace(config, resume=True), training_images)
    assert started.model.mixed is resumed.model.mixed is able
    assert ("bfloat16" in resumed.summary()) is able


def test_the_time_left_knows_that_joint_steps_are_longer() -> None:
    """In the first stage those of the second count as more; in the second all are alike."""
    it = optim.Schedule(100, 300)
    assert it.left(50) > 50 + 1.5 * 200
    assert it.left(250) == 50


def test_large_pictures_do_not_fill_the_memory(tmp_path: Path) -> None:
    """The closed-form start takes the middle of a large image, and all of a small one but its rest."""
    from bench_codecs.vae.training.trainer import _fit_images

    large, small = tmp_path / "large.png", tmp_path / "small.png"
    Image.fromarray(np.zeros((1200, 2000, 3), np.uint8)).save(large)
    Image.fromarray(natural(130, 192)).save(small)
    assert [tuple(it.shape) for it in _fit_images([large, small])] == [(1, 3, 1024, 1024), (1, 3, 128, 192)]

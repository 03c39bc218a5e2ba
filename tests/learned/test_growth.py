"""Training on from weights that exist, in a model with more channels, blocks and levels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.errors import BadBitstream, ConfigError, Unsupported
from bench.trainer import Observer, TrainRequest
from bench_codecs.vae import Vae
from bench_codecs.vae.context import GridSpec
from bench_codecs.vae.levels import step_size
from bench_codecs.vae.model import ModelSpec, VaeModel
from bench_codecs.vae.networks import BranchSpec
from bench_codecs.vae.plugin import VaeTrainer
from bench_codecs.vae.rate import RateEstimator, gaussian_bits
from bench_codecs.vae.training.checkpoint import load_meta
from bench_codecs.vae.training.config import model_spec
from bench_codecs.vae.training.export import write_calibrated
from bench_codecs.vae.training.growth import grow
from bench_codecs.vae.weights import load_weights
from tests.learned.conftest import natural

GRID = GridSpec((3, 7, 14), 3, hyper_channels=4, hyper_stages=2, features=8, hidden=6, wide=5)
SMALL = ModelSpec(
    coarse=GRID,
    fine=replace(GRID, slices=(6, 8, 16, 36, 62), hyper_stages=3, given=True),
    branches=BranchSpec(analysis=6, latent=7, pixel=6, blocks=0, shared=3),
)
"""Smaller than the tiny preset in everything that may grow."""


def drawn(spec: ModelSpec) -> VaeModel:
    """A model without a parameter that is zero: what a branch adds must count."""
    torch.manual_seed(3)
    model = VaeModel(spec)
    for parameter in model.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    std = torch.linspace(60, 4, 128)
    model.fine.context.set_statistics(std, std.expand(2, -1) / 2)
    model.coarse.context.set_statistics(std[:24], std[:24].expand(2, -1) / 2)
    return model


@pytest.fixture(scope="module")
def small_weights(tmp_path_factory: pytest.TempPathFactory, training_images: list[Path]) -> Path:
    """Weights of :data:`SMALL`, which covers six qualities."""
    path = tmp_path_factory.mktemp("small") / "small.safetensors"
    write_calibrated(drawn(SMALL), training_images[:1], path, {"branches": True, "seconds": 60.0})
    return path


def test_a_grown_model_computes_what_the_small_one_did() -> None:
    """Bits and samples are those of the small one at its levels, and everything new has a gradient."""
    small, large = drawn(SMALL), drawn(model_spec("tiny"))
    grow(large, small)
    x = torch.from_numpy(natural(64, 128)).permute(2, 0, 1)[None].float().expand(2, -1, -1, -1) - 128
    codes = torch.tensor([7, 160])
    expected, found = small(x, codes), large(x, codes)
    torch.testing.assert_close(found.bits, expected.bits, rtol=1e-4, atol=0.1)
    torch.testing.assert_close(found.samples, expected.samples, rtol=0, atol=0.02)
    (found.bits.sum() + found.samples.square().sum()).backward()
    for blocks in (large.analysis_branch.blocks, large.synthesis_branch.latent_blocks):
        assert blocks[0][1].weight.grad.abs().max() > 0
    old_width = small.synthesis_branch.latent.out_channels
    assert large.synthesis_branch.correction.weight.grad[:, old_width:].abs().max() > 0


def test_new_levels_continue_the_old_ones() -> None:
    """Statistics follow the step size; what was learned starts as at the highest old level."""
    small, large = drawn(SMALL), drawn(model_spec("tiny"))
    grow(large, small)
    norm = large.fine.context.norm
    deviation = (1 / norm - 1) * torch.tensor([step_size(row + 1.0) for row in range(len(norm))])[:, None]
    torch.testing.assert_close(deviation, deviation[:1].expand_as(deviation), rtol=1e-3, atol=1e-3)
    logits = large.fine.prior.logits
    assert len(logits) == 8
    assert torch.equal(logits[7], small.fine.prior.logits[5])


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        (replace(SMALL, levels=8, fine=replace(SMALL.fine, hyper_channels=6)), "fine.hyper_channels"),
        (replace(SMALL, branches=replace(SMALL.branches, pixel=4)), "branches.pixel"),
    ],
)
def test_what_cannot_grow_is_refused(spec: ModelSpec, named: str) -> None:
    """Channels that would enter the bitstream, and narrower layers; the message names the field."""
    with pytest.raises(ConfigError, match=named):
        grow(VaeModel(spec), VaeModel(SMALL))


def test_training_goes_on_from_weights(
    tmp_path: Path, small_weights: Path, training_images: list[Path]
) -> None:
    """Everything is trained from the first step on, and the checkpoint has the hash of the start."""
    request = TrainRequest(tmp_path / "run", preset="tiny", steps=2, weights=small_weights)
    checkpoint = VaeTrainer().train(request, training_images, (), Observer())
    meta = load_meta(checkpoint)
    assert meta["start"] == load_weights(small_weights).sha256
    assert meta["config"]["entropy_steps"] == 0
    assert meta["seconds_before"] == 60.0
    resumed = TrainRequest(tmp_path / "run", steps=3, resume=True)
    small = small_weights.rename(tmp_path / "moved.safetensors")
    try:
        again = VaeTrainer().train(resumed, training_images, (), Observer())
    finally:
        small.rename(small_weights)
    assert load_meta(again)["start"] == meta["start"], "a resumed run does not need them"
    assert load_meta(again)["seconds_before"] == 60.0
    with pytest.raises(ConfigError, match="leave out one"):
        VaeTrainer().train(replace(resumed, weights=small_weights), training_images, (), Observer())


def test_weights_of_six_qualities_still_code(small_weights: Path) -> None:
    """They say so themselves; a quality beyond is refused by the encoder, and in a header."""
    codec = Vae(weights=str(small_weights))
    picture = natural(64, 64)
    assert codec.quality_range == (1.0, 6.0)
    assert codec.qualities[-1] == 6.0
    stream = bytearray(codec.encode(picture, 6.0))
    assert codec.decode(bytes(stream)).shape == picture.shape
    with pytest.raises(Unsupported, match="1 to 6"):
        codec.encode(picture, 6.5)
    assert stream[8] == 160
    stream[8] = 161
    with pytest.raises(BadBitstream, match="impossible quality"):
        codec.decode(bytes(stream))


def test_the_rates_gradient_is_that_under_uniform_noise() -> None:
    """Closed form against the mean over drawn noise; a latent that is quantised to 0 has one too."""
    residual = torch.tensor([[-0.3, 0.1, 0.4, 1.2]])[..., None, None].requires_grad_()
    log_scale = torch.full_like(residual, -0.2)
    coder = RateEstimator(residual)
    coder(0, torch.ones(1, 1, 1, 1), torch.zeros_like(residual), log_scale)
    (found,) = torch.autograd.grad(coder.bits.sum(), residual)
    torch.manual_seed(1)
    noisy = residual + torch.rand(200_000, 4, 1, 1) - 0.5
    (expected,) = torch.autograd.grad(gaussian_bits(noisy, log_scale.exp()).mean(0).sum(), residual)
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.01)
    assert found.abs().min() > 0.1

"""The VAE-GAN: the VAE's bitstreams, other images, and a training that starts from the VAE."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bench.cli.app import app
from bench.errors import CodecUnavailable, ConfigError
from bench_codecs.vae import Vae
from bench_codecs.vae.training.checkpoint import latest_checkpoint, load_checkpoint
from bench_codecs.vae.training.loop import TrainingDiverged
from bench_codecs.vae_gan import VaeGan
from bench_codecs.vae_gan.training.config import preset
from bench_codecs.vae_gan.training.export import export
from bench_codecs.vae_gan.training.train import train
from bench_codecs.vae_gan.weights import save_generator, shipped_generator
from tests.learned.conftest import natural
from tests.metrics.trunks import random_trunks

if TYPE_CHECKING:
    from torch import Tensor

    from bench_codecs.vae.networks import BranchSpec


def call(*arguments: str) -> None:
    """Run a command of ``rdbench`` in this process."""
    app(arguments, standalone_mode=False)


@pytest.fixture(scope="module")
def gan() -> VaeGan:
    """The shipped generator."""
    return VaeGan()


@pytest.fixture(scope="module")
def trunks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A perceptual loss over random features, which needs no download and trains all the same."""
    pytest.importorskip("lpips", reason='the loss needs pip install "rdbench[perceptual]"')
    folder = tmp_path_factory.mktemp("trunks")
    random_trunks(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RDBENCH_WEIGHTS", str(folder))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, training_images: list[Path], trunks: None) -> Path:
    """The folder of a finished run of the tiny preset."""
    out = tmp_path_factory.mktemp("gan")
    train(preset("tiny", out), training_images, training_images[:1])
    return out


@pytest.mark.parametrize("quality", [1.0, 2.53125, 5.0])
def test_bitstreams_are_those_of_the_vae(vae: Vae, gan: VaeGan, quality: float) -> None:
    """To the byte; each decoder decodes what the other's encoder made."""
    picture = natural(100, 130)
    bitstream = gan.encode(picture, quality)
    assert bitstream == vae.encode(picture, quality)
    assert gan.decode(bitstream).shape == vae.decode(bitstream).shape == picture.shape


def test_the_strength_leads_from_the_vae_to_the_generator(vae: Vae, gan: VaeGan) -> None:
    """0 decodes as the VAE does, 1 differently, 0.5 lies between; whatever was decoded before."""
    bitstream = vae.encode(natural(96, 96), 2.0)
    plain, trained = (it.decode(bitstream).astype(int) for it in (vae, gan))
    half = VaeGan(strength=0.5).decode(bitstream).astype(int)
    assert np.array_equal(VaeGan(strength=0.0).decode(bitstream), plain)
    distance = np.abs(trained - plain).mean()
    assert distance > 0.5
    assert np.abs(half - plain).mean() < distance
    assert np.abs(half - trained).mean() < distance
    gan.decode(vae.encode(natural(64, 64), 5.0))
    assert np.array_equal(gan.decode(bitstream), trained)


def test_high_qualities_are_decoded_by_the_vae(vae: Vae, gan: VaeGan) -> None:
    """From quality 4 on the images are the VAE's, so no default goes there; just below they are close."""
    assert max(gan.qualities) < 4
    picture = natural(96, 96)
    for quality in (4.0, 6.0):
        bitstream = vae.encode(picture, quality)
        assert np.array_equal(gan.decode(bitstream), vae.decode(bitstream))
    near, far = (vae.encode(picture, quality) for quality in (3.96875, 3.0))
    changes = [np.abs(gan.decode(it).astype(int) - vae.decode(it)).mean() for it in (near, far)]
    assert 0 < changes[0] < 0.2 * changes[1]


def test_strange_files_and_strengths_are_refused(gan: VaeGan, tmp_path: Path) -> None:
    """No file, no generator, a generator of another VAE, a strength out of range: each says what to do."""
    with pytest.raises(CodecUnavailable, match="rdbench train vae-gan"):
        VaeGan(generator=str(tmp_path / "none.safetensors"))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(shipped_generator().read_bytes()[:1000])
    with pytest.raises(CodecUnavailable, match="not a generator"):
        VaeGan(generator=str(broken))
    other = tmp_path / "other.safetensors"
    tensors = dict(gan.vae.model.synthesis_branch.state_dict())
    save_generator(other, tensors, "0" * 64, {})
    with pytest.raises(CodecUnavailable, match="weights=FILE"):
        VaeGan(generator=str(other))
    save_generator(other, {"entry.weight": tensors["entry.weight"]}, gan.vae.weights_sha256, {})
    with pytest.raises(CodecUnavailable, match="another network"):
        VaeGan(generator=str(other))
    tensors["entry.weight"] = tensors["entry.weight"] * float("nan")
    save_generator(other, tensors, gan.vae.weights_sha256, {})
    with pytest.raises(CodecUnavailable, match="not finite"):
        VaeGan(generator=str(other))
    with pytest.raises(ConfigError, match="strength"):
        VaeGan(strength=1.5)


def test_the_losses_know_texture_from_a_grid() -> None:
    """Noise as strong as the original's is near, blur far; a grid repeats, and costs most on walls."""
    import torch

    from bench_codecs.vae_gan.training.losses import grid_energy, texture_distance

    noise, other = torch.randn(2, 1, 3, 128, 128, generator=torch.Generator().manual_seed(0)) * 5
    blurred = 0.1 * noise
    assert float(texture_distance(noise, noise)) == 0
    assert float(texture_distance(other, noise)) < 0.25 * float(texture_distance(blurred, noise))
    cell = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(1)) * 5
    # a cell beside its negative repeats every 8 samples, and is nothing on average over every fourth
    for block in (cell.tile(1, 1, 2, 2), torch.cat([cell, -cell], 3).tile(1, 1, 2, 1)):
        repeated = block.tile(1, 1, 16, 16)
        assert float(grid_energy(other, noise)) < 0.2 * float(grid_energy(noise + repeated, noise))
        on_smooth, on_rough = (float(grid_energy(it * noise + repeated, it * noise)) for it in (0.2, 2.0))
        assert on_smooth > 20 * on_rough


def test_the_losses_know_grey_texture_from_coloured() -> None:
    """Noise that is as strong in each colour, but not the same in all, is no match for grey noise."""
    import torch

    from bench_codecs.vae_gan.training.losses import texture_distance

    random = torch.Generator().manual_seed(0)
    grey, other = (torch.randn(1, 1, 128, 128, generator=random).tile(1, 3, 1, 1) * 5 for _ in range(2))
    coloured = torch.randn(1, 3, 128, 128, generator=random) * 5
    assert float(texture_distance(other, grey)) < 0.25 * float(texture_distance(coloured, grey))


def test_grain_on_a_smooth_place_costs_more_than_on_a_rough_one() -> None:
    """The same grain too much, where the original has little detail and where it has much."""
    import torch

    from bench_codecs.vae_gan.training.losses import texture_distance

    noise = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    smooth, rough = (
        float(texture_distance((level + 1) * noise, level * noise, excess=2.0)) for level in (1.0, 10.0)
    )
    assert smooth > 2 * rough
    with_less = float(texture_distance(noise, 2 * noise, excess=2.0))
    assert with_less == pytest.approx(float(texture_distance(noise, 2 * noise)))


def test_a_pattern_of_the_network_does_not_reach_the_image() -> None:
    """What repeats every 4 or 8 samples is removed; a ramp, an image's edge and noise are not."""
    import torch

    from bench_codecs.vae_gan.generator import _repeated

    random = torch.Generator().manual_seed(0)
    for period in (4, 8):
        pattern = torch.randn(1, 3, period, period, generator=random).tile(1, 1, 96 // period, 96 // period)
        left = (pattern - _repeated(pattern))[..., 16:-16, 16:-16]
        assert float(left.std((2, 3)).max()) < 1e-4
    noise = torch.randn(1, 3, 96, 96, generator=random)
    assert float(_repeated(noise).square().mean()) < 0.08
    ramp = torch.arange(96.0).expand(1, 3, 96, 96)
    assert float(_repeated(ramp)[..., 24:-24].abs().max()) < 1e-4


def test_a_trained_pattern_is_added_to_every_block() -> None:
    """Each picture of a batch has the pattern of its quality in every 8×8 samples, the right way round."""
    import torch

    from bench_codecs.vae.levels import quality_to_code
    from bench_codecs.vae_gan.generator import TexturedSynthesis

    spec, linear, shared = _small()
    branch = TexturedSynthesis(spec, side_channels=2, levels=8)
    cell = torch.arange(64.0).reshape(8, 8)
    with torch.no_grad():
        for row in range(3):
            branch.pattern[row] = (row * cell).flatten().tile(3) / 8
        codes = torch.tensor([quality_to_code(it) for it in (1.0, 2.5, 3.0, 3.5)])
        found = branch.samples(linear.tile(4, 1, 1, 1), shared.tile(4, 1, 1, 1), codes)
    for picture, times in zip(found, (0, 1.5, 2, 2), strict=True):
        assert torch.allclose(picture, (times * cell).tile(3, 2, 3))


def test_the_pattern_has_the_generators_share() -> None:
    """At half the strength half of it, at quality 3.5 half of that, and from quality 4 on nothing."""
    import torch

    from bench_codecs.vae.levels import quality_to_code
    from bench_codecs.vae.networks import SynthesisBranch
    from bench_codecs.vae_gan.generator import Generator, TexturedSynthesis

    spec, linear, shared = _small()
    plain = SynthesisBranch(spec, 2, 8)
    trained = TexturedSynthesis(spec, 2, 8).state_dict() | {"pattern": torch.ones(3, 192)}
    with torch.no_grad():
        branch = Generator(spec, plain, trained | plain.state_dict(), strength=0.5)
        for quality, share in ((2.0, 0.5), (3.0, 0.5), (3.5, 0.25), (4.0, 0.0)):
            code = torch.tensor([quality_to_code(quality)])
            branch.coefficients(torch.zeros(1, 128, 2, 3), torch.zeros(1, 130, 2, 3), code)
            found = branch.samples(linear, shared, code)
            assert torch.allclose(found, torch.full_like(found, 8 * share)), quality


def _small() -> tuple[BranchSpec, Tensor, Tensor]:
    """Widths of small branches, and the samples and features that their pixel part takes."""
    import torch

    from bench_codecs.vae.networks import BranchSpec

    return (
        BranchSpec(latent=4, pixel=4, blocks=1, shared=2),
        torch.zeros(1, 3, 16, 24),
        torch.zeros(1, 2, 4, 6),
    )


def test_training_logs_both_sides_and_exports(run: Path, vae: Vae, tmp_path: Path) -> None:
    """The log has the losses of generator and discriminator, samples are drawn, the export decodes."""
    with (run / "log.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [int(row["step"]) for row in rows] == [4, 8, 12, 16, 20, 24]
    assert float(rows[0]["adversarial"]) == 0
    assert float(rows[-1]["adversarial"]) > 0
    assert float(rows[-1]["discriminator"]) > 0
    assert sorted(path.name for path in (run / "samples").iterdir()) == ["12.png", "24.png"]
    weights = tmp_path / "generator.safetensors"
    export(run, weights, {})
    bitstream = vae.encode(natural(64, 80), 2.0)
    trained = VaeGan(generator=str(weights)).decode(bitstream)
    assert not np.array_equal(trained, vae.decode(bitstream))


def test_an_interrupted_run_ends_as_if_nothing_had_happened(
    run: Path, training_images: list[Path], trunks: None, tmp_path: Path
) -> None:
    """Resumed from a checkpoint, both networks, their averages and the log end the same."""
    again = tmp_path / "again"
    shutil.copytree(run, again)
    finished = latest_checkpoint(again)
    assert finished is not None
    shutil.rmtree(finished)
    train(replace(preset("tiny", again), resume=True), training_images)
    ours, theirs = (load_checkpoint(it / finished.name)[0] for it in (again, run))
    for group, tensors in theirs.items():
        for name, value in tensors.items():
            assert np.array_equal(ours[group][name].numpy(), value.numpy()), (group, name)
    without_time = [[row[:1] + row[2:] for row in csv.reader((it / "log.csv").open())] for it in (again, run)]
    assert without_time[0] == without_time[1]


def test_validation_measures_both_decoders(run: Path, training_images: list[Path]) -> None:
    """Each interval has the rates of real bitstreams, with PSNR and LPIPS of both; and a figure."""
    with (run / "validation.csv").open() as handle:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(handle)]
    assert [(row["step"], row["quality"]) for row in rows] == [(s, q) for s in (12, 24) for q in (1, 2, 3)]
    pixels = np.asarray(Image.open(training_images[0]))
    for row in rows[3:]:
        bitstream = Vae().encode(pixels, row["quality"])
        assert row["bpp"] == pytest.approx(8 * len(bitstream) / (pixels.size / 3), abs=1e-5)
        error = Vae().decode(bitstream).astype(float) - pixels
        assert row["psnr_vae"] == pytest.approx(10 * np.log10(255**2 / np.mean(error**2)), abs=1e-4)
        assert row["lpips_alex"] != row["lpips_alex_vae"]
    assert (run / "training.png").stat().st_size > 0


def test_small_pictures_are_drawn_too(tmp_path: Path) -> None:
    """An image smaller than a hyper-latent is extended, not cut to nothing."""
    from bench_codecs.vae.weights import load_weights, shipped_weights
    from bench_codecs.vae_gan.training.samples import draw_samples

    model = load_weights(shipped_weights(), exact=False).model
    for name, shape in (("small", (40, 100)), ("other", (70, 64))):
        Image.fromarray(natural(*shape)).save(tmp_path / f"{name}.png")
    drawn = tmp_path / "samples.png"
    draw_samples(model, model, [tmp_path / "small.png", tmp_path / "other.png"], drawn)
    assert Image.open(drawn).size == (3 * 64, 6 * 64)


@pytest.mark.parametrize("side", ["_generating", "_judging"])
def test_gradients_of_either_side_stop_it(
    side: str, training_images: list[Path], trunks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generator or discriminator: a gradient that is not finite is a divergence."""
    from bench_codecs.vae.training.optim import Optimised

    apply = Optimised.apply

    def broken(self: Optimised, step: int) -> bool:
        if step == 5 and self._prefix == {"_generating": "generator_", "_judging": "discriminator_"}[side]:
            next(iter(self.parameters.values())).grad *= float("nan")
        return apply(self, step)

    monkeypatch.setattr(Optimised, "apply", broken)
    with pytest.raises(TrainingDiverged, match="step 6"):
        train(preset("tiny", tmp_path), training_images)


def test_a_generator_for_a_vae_of_ones_own(
    tiny_weights: Path, training_images: list[Path], trunks: None, tmp_path: Path
) -> None:
    """By command: trained from it, resumed without naming it again, exported, and sampled with it."""
    folder = str(training_images[0].parent)
    generator, grid = tmp_path / "g.safetensors", tmp_path / "new" / "g.png"
    training = ["train", "vae-gan", "-d", folder, "-o", str(tmp_path / "run"), "--device", "cpu"]
    call(*training, "--preset", "tiny", "--steps", "3", "--weights", str(tiny_weights))
    call(*training, "--resume", "--steps", "4", "--export", str(generator))
    with pytest.raises(CodecUnavailable, match="weights=FILE"):
        call("sample", "vae-gan", "-o", str(grid), "-n", "1", "--generator", str(generator))
    call(
        *("sample", "vae-gan", "-o", str(grid), "-n", "1", "-q", "2"),
        *("--weights", str(tiny_weights), "--generator", str(generator)),
    )
    assert Image.open(grid).size == (256, 256)


def test_samples_say_whose_they_are(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Above quality 3, where the generator has no part or half of one, that is said."""
    for quality, said in (("3", "The generator was trained"), ("3.5", "50%"), ("5", "these are the vae's")):
        call("sample", "vae-gan", "-o", str(tmp_path / "g.png"), "-n", "1", "-q", quality)
        assert said in capsys.readouterr().out

"""The generator: the VAE's synthesis branch with its own weights, with noise as a source of texture."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_codecs.vae.fixed import at_level
from bench_codecs.vae.levels import STEPS_PER_LEVEL, quality_to_code
from bench_codecs.vae.networks import CORRECTION_SCALE, REDUCTION, BranchSpec, SynthesisBranch

TRAINED_QUALITY = 3.0
"""Highest quality that the generator is trained at; the VAE's own synthesis is reached one level above."""

PERIOD = 8
"""Period in samples of the pattern that appears if the network does the same at every position of its
coarsest resolution."""
_CELLS = 5
_FIRST_NOISE = 0.02


class TexturedSynthesis(SynthesisBranch):
    """The synthesis branch with noise among the features of its pixel part, from which it can make texture.

    Without noise, the only texture that a convolution can add to a smooth area repeats every 4 or 8 samples,
    which is visible as a grid. Repeating patterns are therefore removed from the correction of the pixel
    part. With them goes what the VAE's pixel part does about the faint pattern, nearly the same in every
    block, that the transform and the latent part leave; a trained pattern for each level stands in for it.
    The latent part, whose corrections pass through the transform, remains that of the VAE.
    """

    def __init__(self, spec: BranchSpec, side_channels: int, levels: int) -> None:
        super().__init__(spec, side_channels, levels)
        self.noise = nn.Conv2d(REDUCTION**2, spec.pixel, 3, padding=1, bias=False)
        # The benefit of noise is quadratic in its amplitude, so that at zero there would be no gradient.
        nn.init.normal_(self.noise.weight, std=_FIRST_NOISE)
        self.pattern = nn.Parameter(torch.zeros(round(TRAINED_QUALITY), 3 * PERIOD**2))
        """What every 8×8 samples have added, for qualities 1, 2 and 3; above 3 that of 3."""
        self.seed = 0
        """Seed of the noise; a decoder always uses 0."""
        self.suppression = 1.0
        """Fraction of a repeating pattern that is removed, 0 to 1."""

    def enter(self, x: Tensor) -> Tensor:
        """:meth:`SynthesisBranch.enter`, with white noise added, one value a sample."""
        batch, _, rows, columns = x.shape
        random = np.random.default_rng(self.seed)
        noise = random.standard_normal((batch, REDUCTION**2, rows, columns), np.float32)
        textured: Tensor = self.noise(torch.from_numpy(noise).to(x))
        return super().enter(x) + textured

    def samples(self, linear: Tensor, shared: Tensor, code: Tensor) -> Tensor:
        """:meth:`SynthesisBranch.samples`, with the pattern of the level added."""
        trained = code.clamp(max=quality_to_code(TRAINED_QUALITY))
        cell = F.pixel_shuffle(at_level(self.pattern, trained, exact=False).to(linear.dtype), PERIOD)
        cells = cell.tile(1, 1, linear.shape[2] // PERIOD, linear.shape[3] // PERIOD)
        corrected = super().samples(linear, shared, code)
        return torch.add(corrected, cells, alpha=CORRECTION_SCALE)

    def finish(self, x: Tensor) -> Tensor:
        """:meth:`SynthesisBranch.finish`, without repeating patterns."""
        correction = super().finish(x)
        return correction - self.suppression * _repeated(correction)


def _repeated(samples: Tensor) -> Tensor:
    """The part of (batch, channels, H, W) that 5×5 cells of 8×8 samples share, minus its smooth part.

    Subtracting it acts as a comb of narrow notches at the multiples of 1/8 cycles per sample, and changes
    little elsewhere.
    """
    cells = F.pixel_unshuffle(samples, PERIOD)
    cells = F.avg_pool2d(cells, _CELLS, 1, _CELLS // 2, count_include_pad=False)
    average = F.pixel_shuffle(cells, PERIOD)
    # Two means in succession are symmetric, and have no response at exactly the multiples of 1/8.
    smooth = F.pad(average, (PERIOD // 2,) * 4, mode="replicate")
    for window in (PERIOD, 2):
        smooth = F.avg_pool2d(F.avg_pool2d(smooth, (window, 1), 1), (1, window), 1)
    return average - smooth


def start_from(plain: SynthesisBranch, spec: BranchSpec) -> TexturedSynthesis:
    """A generator that starts with the weights of the VAE's synthesis and a little noise."""
    side_channels = plain.entry.in_channels - plain.correction.out_channels
    branch = TexturedSynthesis(spec, side_channels, len(plain.level_bias))
    branch.load_state_dict(plain.state_dict(), strict=False)
    for part in (branch.entry, branch.latent, branch.latent_blocks, branch.correction):
        part.requires_grad_(False)
    branch.level_bias.requires_grad_(False)
    return branch.to(next(plain.parameters()).device)


class Generator(TexturedSynthesis):
    """A synthesis branch whose parameters are interpolated between those of the VAE and the trained ones.

    Networks that were trained from the same weights can be averaged (X. Wang et al., "Deep network
    interpolation for continuous imagery effect transition", CVPR 2019): ``strength`` 0 gives the image of the
    VAE, 1 that of the trained generator. Between quality 3, the highest that is trained, and 4 the strength
    falls to 0.

    The model calls :meth:`coefficients` before :meth:`samples`, for images of one quality.

    Raises
    ------
    RuntimeError
        ``trained`` holds other parameters than these.
    """

    def __init__(
        self, spec: BranchSpec, plain: SynthesisBranch, trained: dict[str, Tensor], strength: float
    ) -> None:
        side_channels = plain.entry.in_channels - plain.correction.out_channels
        super().__init__(spec, side_channels, len(plain.level_bias))
        self.load_state_dict(trained)
        nothing = {name: torch.zeros_like(value) for name, value in trained.items()}
        self._plain = nothing | {name: value.clone() for name, value in plain.state_dict().items()}
        self._trained = trained
        self._strength = strength
        self._present = 1.0

    def coefficients(self, decoded: Tensor, side: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """:meth:`SynthesisBranch.coefficients`, after setting the parameters for the quality ``code``."""
        self._move(self._strength * share(int(code[0])))
        return super().coefficients(decoded, side, code)

    @torch.no_grad()
    def _move(self, strength: float) -> None:
        if strength == self._present:
            return
        for name, value in self.state_dict().items():
            value.copy_(torch.lerp(self._plain[name], self._trained[name], strength))
        self.suppression = strength
        self._present = strength


def share(code: int) -> float:
    """The share of the generator at a quality code, from 1 to 0."""
    quality = 1.0 + code / STEPS_PER_LEVEL
    return min(1.0, max(0.0, TRAINED_QUALITY + 1.0 - quality))

"""The generator: the VAE's synthesis branch with weights of its own, and grain where the VAE has blur."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from bench_codecs.vae.levels import STEPS_PER_LEVEL
from bench_codecs.vae.networks import REDUCTION, BranchSpec, SynthesisBranch
from torch import Tensor, nn

TRAINED_QUALITY = 3.0
"""Highest quality that the generator is trained at; the VAE's own synthesis is reached one level above."""

_OCTAVES = 2
_FIRST_AMPLITUDE = 0.05


class TexturedSynthesis(SynthesisBranch):
    """The synthesis branch with grain: noise at two resolutions, its amplitude decided place by place.

    Without noise the only texture that a convolution can add to a smooth place repeats every 4 samples,
    which is a visible grid.
    """

    def __init__(self, spec: BranchSpec, side_channels: int) -> None:
        super().__init__(spec, side_channels)
        channels = 3 * REDUCTION**2
        self.amplitude = nn.Conv2d(spec.pixel, _OCTAVES * channels, 3, padding=1)
        nn.init.zeros_(self.amplitude.weight)
        assert self.amplitude.bias is not None
        # the gain of noise is in its square: at zero there would be no slope to learn along
        nn.init.constant_(self.amplitude.bias, _FIRST_AMPLITUDE)
        self.seed = 0
        """Of the noise; a decoder always uses 0."""

    def finish(self, x: Tensor) -> Tensor:
        """See :meth:`SynthesisBranch.finish`; grey noise, scaled for each colour and sample."""
        corrections = super().finish(x)
        amplitudes = self.amplitude(x).chunk(_OCTAVES, 1)
        batch, _, rows, columns = x.shape
        random = np.random.default_rng(self.seed)
        for octave, amplitude in enumerate(amplitudes):
            step = 2**octave
            shape = (batch, 1, rows * REDUCTION // step, columns * REDUCTION // step)
            noise = torch.from_numpy(random.standard_normal(shape, np.float32)).to(x.device)
            if octave:
                noise = F.interpolate(noise, scale_factor=step, mode="nearest")
            # pixel_shuffle has the colours outermost
            corrections = corrections + amplitude * F.pixel_unshuffle(noise, REDUCTION).repeat(1, 3, 1, 1)
        return corrections


def start_from(plain: SynthesisBranch, spec: BranchSpec) -> TexturedSynthesis:
    """A generator that begins as the VAE's synthesis, with a trace of grain."""
    side_channels = plain.entry.in_channels - plain.correction.out_channels
    branch = TexturedSynthesis(spec, side_channels)
    branch.load_state_dict(plain.state_dict(), strict=False)
    return branch.to(next(plain.parameters()).device)


class Generator(TexturedSynthesis):
    """A synthesis branch whose parameters lie on the line between the VAE's and the trained ones.

    Networks that start from the same weights can be averaged (Wang et al., "Deep network interpolation for
    continuous imagery effect transition", CVPR 2019): ``strength`` 0 is the VAE's picture, 1 the trained one.
    Between quality 3, the last that is trained, and 4 the strength falls to 0.

    The model calls :meth:`coefficients` before :meth:`samples`, for pictures of one quality.

    Raises
    ------
    RuntimeError
        ``trained`` holds other parameters than these.
    """

    def __init__(
        self, spec: BranchSpec, plain: SynthesisBranch, trained: dict[str, Tensor], strength: float
    ) -> None:
        super().__init__(spec, plain.entry.in_channels - plain.correction.out_channels)
        self.load_state_dict(trained)
        nothing = {name: torch.zeros_like(value) for name, value in trained.items()}
        self._plain = nothing | {name: value.clone() for name, value in plain.state_dict().items()}
        self._trained = trained
        self._strength = strength
        self._present = 1.0

    def coefficients(self, decoded: Tensor, side: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`SynthesisBranch.coefficients`; sets the parameters for the quality ``code``."""
        self._move(self._strength * share(int(code[0])))
        return super().coefficients(decoded, side, code)

    @torch.no_grad()
    def _move(self, wanted: float) -> None:
        if wanted == self._present:
            return
        for name, value in self.state_dict().items():
            value.copy_(torch.lerp(self._plain[name], self._trained[name], wanted))
        self._present = wanted


def share(code: int) -> float:
    """How much of the generator is used at a quality code, 1 to 0."""
    quality = 1.0 + code / STEPS_PER_LEVEL
    return min(1.0, max(0.0, TRAINED_QUALITY + 1.0 - quality))

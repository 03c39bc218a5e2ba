"""The variational autoencoder: transforms, networks and entropy models put together.

The loss R + λ·D is the negative evidence lower bound (ELBO) of a VAE with a Gaussian likelihood and
a uniform posterior around each latent (Ballé et al., "Variational image compression with a scale
hyperprior", ICLR 2018); quantisation is rounding with a straight-through gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bench_codecs.vae.context import ContextModel, GridSpec, fit_linear
from bench_codecs.vae.fixed import (
    FixedModule,
    Levels,
    at_level,
    make_exact,
    require_exact,
    snap_weight,
)
from bench_codecs.vae.levels import code_to_quality, step_size
from bench_codecs.vae.networks import AnalysisBranch, BranchSpec, SynthesisBranch
from bench_codecs.vae.prior import HyperAnalysis, HyperPrior, level_row
from bench_codecs.vae.rate import RDOQ_STRENGTH, RateEstimator
from bench_codecs.vae.transform import LOW, CoarseTransform, FineTransform, fit_transforms

if TYPE_CHECKING:
    from bench_codecs.vae.integer import IntegerNetworks

PATCH = 64
"""Pictures are padded to a multiple of this many samples: one hyper-latent."""


@dataclass(frozen=True)
class ModelSpec:
    """Architecture; stored with the weights."""

    coarse: GridSpec = field(
        default_factory=lambda: GridSpec(slices=(3, 7, 14), checkerboards=3, hyper_channels=8, hyper_stages=2)
    )
    fine: GridSpec = field(
        default_factory=lambda: GridSpec(
            slices=(LOW, 8, 16, 36, 62), checkerboards=3, hyper_channels=24, hyper_stages=3, given=True
        )
    )
    branches: BranchSpec = field(default_factory=BranchSpec)
    levels: Levels = 6
    """Qualities that the model covers, from 1."""


@dataclass(frozen=True)
class Pass:
    """One training pass."""

    bits: Tensor
    """Estimated bits of each picture, (batch,)."""
    hyper_bits: Tensor
    """The part of them spent on hyper-latents."""
    samples: Tensor
    """Reconstruction, (batch, 3, H, W), centred on 0."""


@dataclass(frozen=True)
class Estimate:
    """Latents as a decoder would have them, and what they cost."""

    fine: Tensor
    """Fine latents before quantisation, in steps, (batch, 128, h, w)."""
    decoded: Tensor
    """The same after it; no gradient."""
    log_scales: Tensor
    features: Tensor
    bits: Tensor
    """Estimated bits of each picture, (batch,)."""
    hyper_bits: Tensor
    """The part of them spent on hyper-latents."""


class GridModel(nn.Module):
    """Everything that codes one latent grid."""

    def __init__(self, spec: GridSpec, levels: int) -> None:
        super().__init__()
        self.analysis = HyperAnalysis(spec.channels, spec.features, spec.hyper_channels, spec.hyper_stages)
        self.prior = HyperPrior(levels, spec.hyper_channels)
        self.context = ContextModel(spec, levels)


class VaeModel(nn.Module):
    """The whole model. ``use_branches`` off leaves the linear transform alone."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.use_branches = True
        self.mixed = False
        self.integer: IntegerNetworks | None = None
        """The same networks in fixed point, several times as fast, on a CPU."""
        self.fine_transform = FineTransform()
        self.coarse_transform = CoarseTransform()
        self.analysis_branch = AnalysisBranch(spec.branches, spec.levels)
        side = spec.fine.features + spec.fine.channels - LOW
        self.synthesis_branch = SynthesisBranch(spec.branches, side, spec.levels)
        self.coarse = GridModel(spec.coarse, spec.levels)
        self.fine = GridModel(spec.fine, spec.levels)

    @torch.no_grad()
    def initialise(self, images: list[Tensor]) -> None:
        """Closed-form start from ``images``, (1, 3, H, W) each, centred on 0, multiples of 64."""
        fine_std, coarse_std = fit_transforms(self.fine_transform, self.coarse_transform, images)
        self.analysis_branch.std.copy_(fine_std)
        fine = [self.fine_transform(x) for x in images]
        coarse = [self.coarse_transform(y)[0] for y in fine]
        for grid, latents, std in (
            (self.coarse, coarse, coarse_std),
            (self.fine, [y[0] for y in fine], fine_std),
        ):
            grid.context.set_statistics(std, fit_linear(grid.context, latents, std))

    def train_mixed(self, mixed: bool) -> None:
        """Let training convolve in bfloat16; gradients, likelihoods and linear paths stay in float32."""
        self.mixed = mixed
        for part in self.modules():
            if isinstance(part, FixedModule):
                part.mixed = mixed

    @contextmanager
    def _mixed_precision(self, like: Tensor) -> Iterator[None]:
        wanted = self.mixed and torch.is_grad_enabled()
        with torch.autocast(like.device.type, torch.bfloat16, enabled=wanted):
            yield

    def _decodes_in_bfloat16(self) -> bool:
        """Whether a decoder's synthesis does: on a CPU whose processor multiplies it."""
        return self.integer is not None and not torch.is_grad_enabled() and fast_bfloat16()

    @contextmanager
    def _synthesis_precision(self, like: Tensor) -> Iterator[None]:
        """As training has it, or a decoder."""
        if self._decodes_in_bfloat16():
            with torch.autocast("cpu", torch.bfloat16):
                yield
        else:
            with self._mixed_precision(like):
                yield

    def make_exact(self) -> None:
        """Turn all that decides on symbols into its fixed-point form, in place: not the synthesis.

        Raises
        ------
        ValueError
            Weights too large for the arithmetic to be exact: such a model cannot be shipped.
        """
        for name, weight in (
            ("the fine transform", self.fine_transform.analysis),
            ("the coarse transform", self.coarse_transform.basis),
        ):
            require_exact(name, snap_weight(weight))
        self.fine_transform.exact = True
        for grid in (self.coarse, self.fine):
            make_exact(grid.analysis)
            make_exact(grid.context)
        make_exact(self.coarse_transform)
        make_exact(self.analysis_branch)

    def coefficients(self, x: Tensor, code: Tensor) -> Tensor:
        """Samples (batch, 3, H, W) centred on 0 -> fine coefficients (batch, 128, h, w), in samples."""
        y: Tensor = self.fine_transform(x)
        if self.use_branches:
            with self._mixed_precision(x):
                y = self.analysis_branch(y, code)
        return y

    def analyse(self, x: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (batch, 3, H, W) centred on 0 -> coarse (24) and fine (128) latents, in steps."""
        y = self.coefficients(x, code)
        step = steps(code, y)
        return self.coarse_transform(y) / step, y / step

    def synthesise(self, decoded: Tensor, log_scales: Tensor, features: Tensor, code: Tensor) -> Tensor:
        """Decoded fine latents and the entropy model's side information -> samples centred on 0."""
        return self.finish(*self.linear(decoded, log_scales, features, code), code)

    def linear(
        self, decoded: Tensor, log_scales: Tensor, features: Tensor, code: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """The first half of :meth:`synthesise`, after which its arguments can be let go.

        Returns samples of the linear transform and, where branches are used, features for :meth:`finish`.
        """
        step = steps(code, decoded)
        if not self.use_branches:
            return self.fine_transform.inverse(decoded * step), None
        norm = at_level(self.fine.context.norm, code, exact=False).to(decoded.dtype)
        with self._synthesis_precision(decoded):
            kind = torch.bfloat16 if self._decodes_in_bfloat16() else decoded.dtype
            side = torch.cat([it.to(kind) for it in (decoded * norm, 0.5 * log_scales, features)], 1)
            corrected, shared = self.synthesis_branch.coefficients(decoded, side, code)
        del side
        inverse = self.fine_transform.inverse if self.integer is None else self.integer.inverse
        return inverse(corrected * step), shared

    def finish(self, linear: Tensor, shared: Tensor | None, code: Tensor) -> Tensor:
        """The second half of :meth:`synthesise`."""
        if shared is None:
            return linear
        with self._synthesis_precision(linear):
            return self.synthesis_branch.samples(linear, shared, code)

    def estimate(self, x: Tensor, code: Tensor, strength: float = RDOQ_STRENGTH) -> Estimate:
        """Quantise the latents of ``x`` (batch, 3, H, W), centred on 0, and estimate their rate."""
        coarse, fine = self.analyse(x, code)
        decoded_coarse, _, _, coarse_bits = _estimate(self.coarse, coarse, code, strength)
        given = self.coarse_transform.inverse(decoded_coarse)
        decoded, log_scales, features, fine_bits = _estimate(self.fine, fine, code, strength, given)
        bits = [coarse_bits[i] + fine_bits[i] for i in (0, 1)]
        return Estimate(fine, decoded, log_scales, features, bits[0], bits[1])

    def forward(self, x: Tensor, code: Tensor, strength: float = RDOQ_STRENGTH) -> Pass:
        """Estimate rate and reconstruction of ``x`` (batch, 3, H, W), centred on 0."""
        it = self.estimate(x, code, strength)
        straight_through = it.fine + (it.decoded - it.fine).detach()
        samples = self.synthesise(straight_through, it.log_scales.detach(), it.features.detach(), code)
        return Pass(bits=it.bits, hyper_bits=it.hyper_bits, samples=samples)


def fast_bfloat16() -> bool:
    """Whether oneDNN, if it may be used, has the processor's own products of bfloat16."""
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return bool(torch.backends.mkldnn.enabled) and any(getattr(torch.cpu, it, bool)() for it in names)


def steps(code: Tensor, like: Tensor) -> Tensor:
    """Quantisation steps of quality codes (batch,), as (batch, 1, 1, 1)."""
    values = [step_size(code_to_quality(int(c))) for c in code.tolist()]
    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None, None, None]


def _estimate(
    grid: GridModel, latents: Tensor, code: Tensor, strength: float, given: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
    hyper = grid.analysis(grid.context.normalise(latents, code))
    hyper = hyper + (torch.round(hyper) - hyper).detach()
    hyper_bits = grid.prior.bits(hyper, level_row(code))
    features = grid.context.features(hyper)
    coder = RateEstimator(latents, strength)
    decoded, log_scales = grid.context.walk(features, code, coder, given)
    return decoded, log_scales, features, (hyper_bits + coder.bits, hyper_bits)

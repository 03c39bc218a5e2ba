"""PSNR-HVS and PSNR-HVS-M, PSNR of the DCT as far as the eye sees it.

K. Egiazarian et al., "New full-reference quality metrics based on HVS", VPQM 2006, and N. Ponomarenko et al.,
"On between-coefficient contrast masking of DCT basis functions", VPQM 2007.

Programs differ in what they call PSNR-HVS. This is the authors' definition: blocks of 8×8 do not overlap, and
errors are weighted by JPEG's quantisation table of luma. The package ``psnr-hvsm``, by which JPEG AI defines
its PSNR-HVS, has it too. libvmaf's feature ``psnr_hvs``, from the Daala tools, is another metric: its blocks
overlap, its weights are others, and it masks errors as PSNR-HVS-M does. Of kodim05 as JPEG of quality 50 they
give 33.7 dB (PSNR-HVS), 43.3 dB (PSNR-HVS-M) and 40.7 dB (libvmaf).

JPEG AI takes PSNR-HVS on BT.709 luma of 10 bits, which is repeated at the right and at the bottom up to a
multiple of 8. So are both metrics here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Samples
from bench.metrics._luma import DEPTHS, Luma, Plane, lumas, of_original
from bench.metrics.base import Pair

_SIDE = 8
_QUANTISERS = np.array(
    [
        *((16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55)),
        *((14, 13, 16, 24, 40, 57, 69, 56), (14, 17, 22, 29, 51, 87, 80, 62)),
        *((18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92)),
        *((49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99)),
    ]
).reshape(-1)
"""Of luma in ITU-T T.81, annex K, row by row."""
_SENSITIVITY = 25.73509 / _QUANTISERS
"""Of the eye to each coefficient: with it a JPEG of that table has errors of one and the same weight."""
_THRESHOLDS = (_QUANTISERS / 10) ** 2
_THRESHOLDS[0] = 0
"""Of each coefficient's error, as multiples of what the block masks; the mean of a block is never masked."""

Blocks: TypeAlias = NDArray[np.float64]
"""float64, shape (blocks, 64): samples, or coefficients of the DCT, row by row."""


class PsnrHvs:
    """PSNR of luma whose DCT coefficients are weighted by the eye's sensitivity to contrast."""

    name = "psnr_hvs"
    title = "PSNR-HVS"
    role = "perception"
    version = "1"
    unit = "dB"
    higher_is_better = True
    depths = DEPTHS

    def __call__(self, pair: Pair) -> float:
        """The value for one pair, in dB; infinite where luma is identical."""
        original, decoded = lumas(pair)
        return _decibels(_coefficients(_blocks(original - decoded)))  # the DCT is linear


class PsnrHvsM:
    """PSNR-HVS without the part of each error that the contrast of its block masks."""

    name = "psnr_hvs_m"
    title = "PSNR-HVS-M"
    role = "perception"
    version = "1"
    unit = "dB"
    higher_is_better = True
    depths = DEPTHS

    def __call__(self, pair: Pair) -> float:
        """The value for one pair, in dB; infinite where no error of luma is seen."""
        spectra = _Spectra(Luma(pair.reference.depth))
        original, masked = of_original(pair, spectra)
        decoded, masked_too = pair.cached(spectra.decoded)
        masked = np.maximum(masked, masked_too)[:, None]
        return _decibels(np.maximum(np.abs(original - decoded) - masked * _THRESHOLDS, 0))


@dataclass(frozen=True)
class _Spectra:
    """The coefficients of each block, and the error that its contrast masks."""

    luma: Luma

    def __call__(self, image: Samples) -> tuple[Blocks, NDArray[np.float64]]:
        return _spectra(self.luma(image))

    def decoded(self, pair: Pair) -> tuple[Blocks, NDArray[np.float64]]:
        return _spectra(pair.cached(self.luma.decoded))


def _spectra(plane: Plane) -> tuple[Blocks, NDArray[np.float64]]:
    """The coefficients, and the masked error of a coefficient whose threshold is 1, (blocks,).

    The energy of the coefficients masks, each divided by its threshold; less of it at an edge, where the four
    quarters of the block vary less than the whole.
    """
    blocks = _blocks(plane)
    coefficients = _coefficients(blocks)
    energy = (np.square(coefficients[:, 1:]) / _THRESHOLDS[1:]).sum(axis=1)
    whole = _SIDE**2 * blocks.var(axis=1, ddof=1)
    half = _SIDE // 2
    quarters = blocks.reshape(-1, 2, half, 2, half).var(axis=(2, 4), ddof=1).sum(axis=(1, 2)) * half**2
    varied = np.divide(quarters, whole, out=np.zeros_like(whole), where=whole > 0)
    return coefficients, np.sqrt(energy * varied) / 32


def _blocks(plane: Plane) -> Blocks:
    """Blocks of 8×8; the last row and column are repeated up to a whole number of them."""
    padded = np.pad(plane, [(0, -side % _SIDE) for side in plane.shape], mode="edge")
    rows, columns = (side // _SIDE for side in padded.shape)
    return padded.reshape(rows, _SIDE, columns, _SIDE).swapaxes(1, 2).reshape(-1, _SIDE**2)


def _coefficients(blocks: Blocks) -> Blocks:
    """The orthonormal DCT of each block."""
    return blocks @ _dct().T


@cache
def _dct() -> NDArray[np.float64]:
    """The DCT of a block as one matrix, (64, 64)."""
    from scipy.fft import dct

    basis = dct(np.eye(_SIDE), axis=0, norm="ortho")
    return np.kron(basis, basis)


def _decibels(errors: Blocks) -> float:
    """PSNR of weighted errors of the coefficients, which the DCT leaves as large as those of samples."""
    squared = float(np.square(errors * _SENSITIVITY).mean())
    return -10 * math.log10(squared) if squared else math.inf

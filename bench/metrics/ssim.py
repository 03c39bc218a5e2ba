"""SSIM and MS-SSIM over RGB, from one pass over a pair of images, and MS-SSIM of luma.

Z. Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Trans. Image
Process. 13(4), 2004, and Z. Wang, E. P. Simoncelli and A. C. Bovik, "Multiscale structural similarity for
image quality assessment", Asilomar 2003.

Details (valid window, population variance, padding of odd sides, negative values) follow pytorch_msssim
1.0.0. The values agree with its float64 computation to 1e-7 on photographs and noise. The CPU kernels use
float32, and deviate by up to 2e-4 in MS-SSIM where flat areas without noise differ by more than a hundred
levels, such as black and white. Samples of more than 8 bits are brought to a range of 255, to which the
constants of the formula belong, and not rounded. On a GPU the computation is in float64; the two agree to
1e-6 on photographs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.codec import Samples
from bench.errors import MetricUndefined
from bench.metrics._luma import DEPTHS, Luma
from bench.metrics._planes import ALL_CHANNELS, ALL_DEPTHS, Levels, preload, seen
from bench.metrics.base import Pair, Reference

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales of MS-SSIM, the finest first."""

SSIM_SMALLEST = 11
MS_SSIM_SMALLEST = 161
"""Shortest side, in pixels, on which the window fits (at the coarsest scale)."""

_KEPT_PIXELS = 4_000_000
"""Largest original whose maps are kept, at 32 bytes a pixel. Those of larger ones are computed again for each
reconstruction."""

_BAND = 256
"""Rows of the map that are computed at a time where maps are not kept."""

Planes: TypeAlias = NDArray[Any]
Maps: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class _Scores:
    """Means over the maps of each plane and scale; both arrays have the shape (planes, scales)."""

    contrast: NDArray[np.float64]
    """The product of the contrast and structure terms."""
    ssim: NDArray[np.float64]
    """The product of all three terms."""

    @property
    def of_all_scales(self) -> float:
        """MS-SSIM: the mean over the planes of the weighted product of the scales."""
        factors = np.concatenate([self.contrast[:, :-1], self.ssim[:, -1:]], axis=1)
        return float(np.prod(np.maximum(factors, 0) ** np.array(WEIGHTS), axis=1).mean())

    def of_seen(self, reference: Reference) -> _Scores:
        """Without the windows in which nothing is seen: the planes are 0 there, and both terms exactly 1."""
        shares = reference.cached(_seen_windows)
        if not shares.all():
            return self
        return _Scores(1 - (1 - self.contrast) / shares, 1 - (1 - self.ssim) / shares)


def _pyramid(planes: Planes) -> list[Planes]:
    """Planes (planes, height, width) at the scales on which they are compared: five, or one if small."""
    from bench.metrics._kernels import pooled

    scales = [planes]
    if min(planes.shape[1:]) >= MS_SSIM_SMALLEST:
        for _ in WEIGHTS[1:]:
            scales.append(pooled(scales[-1]))
    return scales


def _seen_windows(image: Samples) -> NDArray[np.float64]:
    """The share of windows, by scale, that hold a pixel which is not fully transparent."""
    if image.ndim < 3 or image.shape[2] < 4:
        return np.ones(1)
    shares = []
    for (scale,) in _pyramid(seen(image).astype(np.float32)[None]):
        sums = np.pad((scale > 0).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        size = SSIM_SMALLEST
        inside = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
        shares.append((inside > 0).mean())
    return np.array(shares)


@dataclass(frozen=True)
class _LumaLevels:
    """Luma in levels of 8 bits as the only plane; what :class:`Levels` is for RGB."""

    luma: Luma

    def __call__(self, image: Samples) -> Planes:
        """Of an original, for :meth:`Reference.cached`: float32, shape (1, height, width)."""
        return _as_plane(self.luma(image))

    def decoded(self, pair: Pair) -> Planes:
        """Of a reconstruction, for :meth:`Pair.cached`."""
        return _as_plane(pair.cached(self.luma.decoded))


def _as_plane(luma: Planes) -> Planes:
    return (255 * luma[None]).astype(np.float32)


@dataclass(frozen=True)
class _OriginalMaps:
    """Maps by scale, for :meth:`Reference.cached`; ``None`` if too large to be kept."""

    levels: Levels | _LumaLevels

    def __call__(self, image: Samples) -> tuple[Maps, ...] | None:
        from bench.metrics._kernels import reference_maps

        if image.shape[0] * image.shape[1] > _KEPT_PIXELS:
            return None
        return tuple(map(reference_maps, _pyramid(self.levels(image))))


def _compare(x: Planes, y: Planes, maps: Maps | None) -> NDArray[np.float64]:
    """Mean contrast–structure and mean SSIM of each plane at one scale, shape (planes, 2).

    Parameters
    ----------
    x, y : the original's and the reconstruction's planes, (planes, height, width), uint8 or float32
    maps : the original's maps; None computes them band by band
    """
    from bench.metrics._kernels import WINDOW, reference_maps, ssim_losses

    _, rows, cols = (it - WINDOW + 1 for it in x.shape)
    if maps is not None:
        losses = ssim_losses(x, y, *maps)
    else:
        losses = np.zeros((len(x), 2))
        for index, top in product(range(len(x)), range(0, rows, _BAND)):
            band = slice(index, index + 1), slice(top, top + _BAND + WINDOW - 1)
            losses[index] += ssim_losses(x[band], y[band], *reference_maps(x[band]))[0]
    return 1 - losses / (rows * cols)


def _scores_on(metric: str, device: str) -> Callable[[Pair], _Scores]:
    """The function that computes the scores on a device, for :meth:`Pair.cached`.

    Raises
    ------
    bench.errors.CodecUnavailable
        The device is absent.
    """
    if device == "cpu":
        preload()
        return _scores
    from bench.host.device import require

    require(metric, device)
    return _OnDevice(device)


@dataclass(frozen=True)
class _OnDevice:
    """:func:`_scores` by torch; instances of one device are equal, so that metrics share the work."""

    device: str

    def __call__(self, pair: Pair) -> _Scores:
        from bench.metrics._device_kernels import SsimMeans

        _require(pair, SSIM_SMALLEST, "SSIM")
        scales = len(WEIGHTS) if min(pair.decoded.shape[:2]) >= MS_SSIM_SMALLEST else 1
        contrast, ssim = SsimMeans(self.device, scales, pair.reference.depth)(pair)
        return _Scores(contrast=contrast, ssim=ssim).of_seen(pair.reference)


def _scores(pair: Pair) -> _Scores:
    """The scores of a pair by the compiled kernels, for :meth:`Pair.cached`.

    Raises
    ------
    bench.errors.MetricUndefined
        A side is shorter than the window.
    """
    _require(pair, SSIM_SMALLEST, "SSIM")
    return _scores_of(pair, Levels(pair.reference.depth)).of_seen(pair.reference)


def _scores_of(pair: Pair, levels: Levels | _LumaLevels) -> _Scores:
    """The scores of each plane."""
    decoded = pair.cached(levels.decoded)
    reference = pair.reference.cached(levels)
    maps = pair.reference.cached(_OriginalMaps(levels))
    scales = enumerate(zip(_pyramid(reference), _pyramid(decoded), strict=True))
    table = np.array([_compare(*scale, maps[level] if maps else None) for level, scale in scales])
    return _Scores(contrast=table[:, :, 0].T, ssim=table[:, :, 1].T)


def _require(pair: Pair, smallest: int, metric: str) -> None:
    height, width = pair.decoded.shape[:2]
    if min(height, width) < smallest:
        raise MetricUndefined(
            f"{metric} needs {smallest} pixels on each side; the picture is {width}×{height}"
        )


class SsimRgb:
    """Mean SSIM of the R, G and B planes, with an 11-tap Gaussian window of σ 1.5 and K = (0.01, 0.03)."""

    name = "ssim_rgb"
    title = "SSIM"
    role = "distortion"
    version = "1"
    unit = ""
    higher_is_better = True
    depths = ALL_DEPTHS
    channels = ALL_CHANNELS

    def __init__(self, *, device: str = "cpu") -> None:
        self._scores = _scores_on(self.name, device)

    def __call__(self, pair: Pair) -> float:
        """The value for one pair, at most 1.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 11 pixels.
        """
        return float(pair.cached(self._scores).ssim[:, 0].mean())


class MsSsimRgb:
    """The mean of the five-scale SSIM of the R, G and B planes.

    For a value in decibels, −10·log10(1 − value), average over images first and then take the logarithm.
    """

    name = "ms_ssim_rgb"
    title = "MS-SSIM"
    role = "distortion"
    version = "1"
    unit = ""
    higher_is_better = True
    depths = ALL_DEPTHS
    channels = ALL_CHANNELS

    def __init__(self, *, device: str = "cpu") -> None:
        self._scores = _scores_on(self.name, device)

    def __call__(self, pair: Pair) -> float:
        """The value for one pair, from 0 to 1; a negative mean at some scale counts as 0.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 161 pixels: the window does not fit the fifth scale.
        """
        _require(pair, MS_SSIM_SMALLEST, "MS-SSIM")
        return pair.cached(self._scores).of_all_scales


class MsSsimY:
    """The five-scale SSIM of BT.709 luma of 10 bits, as JPEG AI defines it.

    JPEG AI's software fills sides below 164 pixels with black; here a picture is compared as it is.
    """

    name = "ms_ssim_y"
    title = "MS-SSIM-Y"
    role = "distortion"
    version = "1"
    unit = ""
    higher_is_better = True
    depths = DEPTHS

    def __init__(self) -> None:
        preload()

    def __call__(self, pair: Pair) -> float:
        """The value for one pair, from 0 to 1; a negative mean at some scale counts as 0.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 161 pixels: the window does not fit the fifth scale.
        """
        _require(pair, MS_SSIM_SMALLEST, "MS-SSIM")
        return _scores_of(pair, _LumaLevels(Luma(pair.reference.depth))).of_all_scales

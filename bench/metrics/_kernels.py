"""Compiled kernels of the pixel metrics, which are loaded without numba, see :mod:`bench.metrics._native`.

Each kernel uses one thread, since worker processes provide the parallelism, and releases the GIL. Kernels are
compiled at the first call on a machine. Sizes of arrays are not checked.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.metrics._native import Kernels, aligned, scratch

KERNELS = Kernels(globals())

Bytes: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]

WINDOW = 11
"""Taps of the SSIM window, a Gaussian of σ 1.5."""

# The taps of pytorch_msssim 1.0.0, to the last bit of its float32. Their sum differs from 1 by 3e-8, which
# becomes about 3e-5 in SSIM on a bright flat area.
_W0 = np.float32(0.0010283803567290306)
_W1 = np.float32(0.0075987582094967365)
_W2 = np.float32(0.036000773310661316)
_W3 = np.float32(0.10936068743467331)
_W4 = np.float32(0.21300552785396576)
_W5 = np.float32(0.26601171493530273)
_TAPS = tuple(float(tap) for tap in (_W0, _W1, _W2, _W3, _W4, _W5, _W4, _W3, _W2, _W1, _W0))
_SUM = sum(_TAPS) ** 2
_SUM_F = np.float32(_SUM)
_LACK = np.float32(1 - _SUM)

_C1 = np.float32((0.01 * 255) ** 2)
_C2 = np.float32((0.03 * 255) ** 2)
_QUARTER = np.float32(0.25)

_TILE = 512
"""Columns of the SSIM map that are computed at a time, so that the rows in use stay in the L1 and L2
caches."""

_STEP = _TILE + 16
"""Samples from one row of a tile to the next; a constant, so that LLVM can see that rows do not overlap."""

_BAND = 32
"""Rows of the SSIM map that are computed at a time; an even number."""

_BAND_SAMPLES, _SIX_ROWS = (_BAND + WINDOW) * _STEP, 6 * _STEP


def planar(image: Bytes) -> Bytes:
    """Split an image, uint8 (height, width, 3), into planes, uint8 (3, height, width)."""
    height, width, _ = image.shape
    planes = aligned((3, height * width), np.uint8)
    _planar(image.reshape(-1), planes)
    return planes.reshape(3, height, width)


@KERNELS.compiled("uint8[::1], uint8[:,::1]")
def _planar(samples: Bytes, planes: Bytes) -> None:
    red, green, blue = planes[0], planes[1], planes[2]
    for i in range(red.size):
        red[i] = samples[3 * i]
        green[i] = samples[3 * i + 1]
        blue[i] = samples[3 * i + 2]


def difference_products(a: Bytes, b: Bytes) -> tuple[Any, ...]:
    """Sums over all pixels of the products of the channels' differences: RR, GG, BB, RG, RB, GB.

    The squared error in every colour space that is linear in RGB follows from these six. They are exact: all
    are integers, and below 2⁵³ for up to 10¹¹ pixels.

    Parameters
    ----------
    a, b : uint8, shape (3, height, width)
    """
    products = np.empty(6)
    _difference_products(a.reshape(3, -1), b.reshape(3, -1), products)
    return tuple(products)


@KERNELS.compiled("uint8[:,::1], uint8[:,::1], float64[::1]")
def _difference_products(a: Bytes, b: Bytes, products: NDArray[np.float64]) -> None:
    r0, g0, b0 = a[0], a[1], a[2]
    r1, g1, b1 = b[0], b[1], b[2]
    rr = gg = bb = rg = rb = gb = np.float64(0)
    for i in range(r0.size):
        dr = np.float64(r0[i]) - np.float64(r1[i])
        dg = np.float64(g0[i]) - np.float64(g1[i])
        db = np.float64(b0[i]) - np.float64(b1[i])
        rr += dr * dr
        gg += dg * dg
        bb += db * db
        rg += dr * dg
        rb += dr * db
        gb += dg * db
    products[0], products[1], products[2] = rr, gg, bb
    products[3], products[4], products[5] = rg, rb, gb


def pooled(planes: Samples) -> Floats:
    """Average 2×2 samples; an odd side is padded with a zero before its first sample.

    The result is that of torch's ``avg_pool2d(kernel_size=2, padding=size % 2)`` with its default
    ``count_include_pad=True``: the padding counts in the divisor, and padding at the far side is never
    reached. It is exact, since a mean of 4ⁿ 8-bit samples has at most 8 + 2n significant bits.

    Parameters
    ----------
    planes : uint8 or float32, shape (planes, height, width)

    Returns
    -------
    float32, shape (planes, ⌈height ÷ 2⌉, ⌈width ÷ 2⌉).
    """
    count, height, width = planes.shape
    out = aligned((count, (height + 1) // 2, (width + 1) // 2), np.float32)
    _pooled(planes, np.zeros(width, planes.dtype), out)
    return out


@KERNELS.compiled(
    "uint8[:,:,::1], uint8[::1], float32[:,:,::1]",
    "float32[:,:,::1], float32[::1], float32[:,:,::1]",
)
def _pooled(planes: Samples, blank: Samples, out: Floats) -> None:
    _, height, width = planes.shape
    top, left = height % 2, width % 2
    for index in range(out.shape[0]):
        plane = planes[index]
        for row in range(out.shape[1]):
            first = 2 * row - top
            upper = plane[first] if first >= 0 else blank
            lower = plane[first + 1]
            target = out[index, row]
            if left:
                target[0] = _QUARTER * (np.float32(upper[0]) + np.float32(lower[0]))
            upper, lower, target = upper[left:], lower[left:], target[left:]
            for col in range(target.size):
                above = np.float32(upper[2 * col]) + np.float32(upper[2 * col + 1])
                below = np.float32(lower[2 * col]) + np.float32(lower[2 * col + 1])
                target[col] = _QUARTER * (above + below)


def reference_maps(planes: Samples) -> tuple[Floats, Floats]:
    """The maps that SSIM needs of the original alone, summed in float64 since this is done once.

    Parameters
    ----------
    planes : uint8 or float32, shape (planes, height, width)

    Returns
    -------
    The windowed mean, and 2·variance + C2: float32, shape (planes, height − 10, width − 10).
    """
    count, height, width = planes.shape
    shape = count, height - WINDOW + 1, width - WINDOW + 1
    mean, spread = aligned(shape, np.float32), aligned(shape, np.float32)
    for index in range(count):
        _reference_maps(planes[index], mean[index], spread[index], np.empty(width), np.empty(width))
    return mean, spread


@KERNELS.compiled(
    "uint8[:,::1], float32[:,::1], float32[:,::1], float64[::1], float64[::1]",
    "float32[:,::1], float32[:,::1], float32[:,::1], float64[::1], float64[::1]",
)
def _reference_maps(
    plane: Samples,
    mean: Floats,
    spread: Floats,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
) -> None:
    rows, cols = mean.shape
    for row in range(rows):
        first[:] = 0.0
        second[:] = 0.0
        for k in range(WINDOW):
            line = plane[row + k]
            tap = _TAPS[k]
            for col in range(line.size):
                value = np.float64(np.float32(line[col]))
                first[col] += tap * value
                second[col] += tap * value * value
        mean_row, spread_row = mean[row], spread[row]
        for col in range(cols):
            m = 0.0
            s = 0.0
            for k in range(WINDOW):
                m += _TAPS[k] * first[col + k]
                s += _TAPS[k] * second[col + k]
            mean_row[col] = m
            spread_row[col] = 2.0 * (s - m * m) + _C2


@KERNELS.part
def _weighted(
    a0: Any, a1: Any, a2: Any, a3: Any, a4: Any, a5: Any, a6: Any, a7: Any, a8: Any, a9: Any, a10: Any
) -> Any:
    outer = _W0 * (a0 + a10) + _W1 * (a1 + a9) + _W2 * (a2 + a8)
    return outer + _W3 * (a3 + a7) + _W4 * (a4 + a6) + _W5 * a5


@KERNELS.part
def _filter_columns(x: Floats, d: Floats, out: Floats, width: int) -> None:
    """Filter d, d² and x·d down the columns of a tile, for two rows of output.

    Parameters
    ----------
    x, d : float32, flat; at least 12 rows of ``_STEP`` samples
    out : float32, flat; six rows of ``_STEP`` samples, d, d² and x·d of the first row and then of the second
    width : columns to compute, at most ``_STEP``
    """
    for i in range(width):
        d0, d1, d2 = d[i], d[i + _STEP], d[i + 2 * _STEP]
        d3, d4, d5 = d[i + 3 * _STEP], d[i + 4 * _STEP], d[i + 5 * _STEP]
        d6, d7, d8 = d[i + 6 * _STEP], d[i + 7 * _STEP], d[i + 8 * _STEP]
        d9, d10, d11 = d[i + 9 * _STEP], d[i + 10 * _STEP], d[i + 11 * _STEP]
        out[i] = _weighted(d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10)
        out[i + 3 * _STEP] = _weighted(d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11)
        x0, x1, x2 = x[i] * d0, x[i + _STEP] * d1, x[i + 2 * _STEP] * d2
        x3, x4, x5 = x[i + 3 * _STEP] * d3, x[i + 4 * _STEP] * d4, x[i + 5 * _STEP] * d5
        x6, x7, x8 = x[i + 6 * _STEP] * d6, x[i + 7 * _STEP] * d7, x[i + 8 * _STEP] * d8
        x9, x10, x11 = x[i + 9 * _STEP] * d9, x[i + 10 * _STEP] * d10, x[i + 11 * _STEP] * d11
        out[i + 2 * _STEP] = _weighted(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10)
        out[i + 5 * _STEP] = _weighted(x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11)
        d0, d1, d2, d3, d4, d5 = d0 * d0, d1 * d1, d2 * d2, d3 * d3, d4 * d4, d5 * d5
        d6, d7, d8, d9, d10, d11 = d6 * d6, d7 * d7, d8 * d8, d9 * d9, d10 * d10, d11 * d11
        out[i + _STEP] = _weighted(d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10)
        out[i + 4 * _STEP] = _weighted(d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11)


@KERNELS.part
def _across(row: Floats, i: int) -> Any:
    outer = _W0 * (row[i] + row[i + 10]) + _W1 * (row[i + 1] + row[i + 9]) + _W2 * (row[i + 2] + row[i + 8])
    inner = _W3 * (row[i + 3] + row[i + 7]) + _W4 * (row[i + 4] + row[i + 6])
    return outer + inner + _W5 * row[i + 5]


@KERNELS.part
def _row_losses(filtered: Floats, mean: Floats, spread: Floats, offset: np.float32) -> tuple[Any, Any]:
    """Sums over one row of the map of 1 − contrast–structure and of 1 − SSIM.

    With d = y − x, var x + var y − 2 cov(x, y) = var d and mean² x + mean² y − 2 mean x · mean y = mean² d.
    Each factor of SSIM is therefore 1 − a/b, in which ``a`` does not suffer from the cancellation that
    float32 has in the textbook form.

    Parameters
    ----------
    filtered : float32, flat; d, d² and x·d, each ``_STEP`` samples
    mean, spread : float32, shape (columns,); a row of what :func:`reference_maps` returns
    offset : was subtracted from d before filtering; the terms with ``lack`` add it back, under taps whose sum
        is not quite 1
    """
    v_d, v_dd, v_xd = filtered[:_STEP], filtered[_STEP : 2 * _STEP], filtered[2 * _STEP : 3 * _STEP]
    shift = _SUM_F * offset
    lack = _LACK * offset
    contrast = np.float32(0)
    total = np.float32(0)
    for i in range(mean.size):
        m_d = _across(v_d, i)
        m_dd = _across(v_dd, i)
        m_xd = _across(v_xd, i)
        mean_x = mean[i]
        mean_d = m_d + shift
        mean_y = mean_x + mean_d
        var_d = m_dd - m_d * m_d + lack * (mean_d + m_d)
        cov_xd = m_xd - mean_x * m_d + lack * mean_x
        c = var_d / (spread[i] + cov_xd + cov_xd + var_d)
        luminance = mean_d * mean_d / (mean_x * mean_x + mean_y * mean_y + _C1)
        contrast += c
        total += c + luminance - c * luminance
    return contrast, total


def ssim_losses(reference: Samples, decoded: Samples, mean: Floats, spread: Floats) -> NDArray[np.float64]:
    """Sums over the map of each plane of 1 − contrast–structure and of 1 − SSIM.

    Parameters
    ----------
    reference, decoded : both uint8 or both float32, shape (planes, height, width)
    mean, spread : what :func:`reference_maps` returned for ``reference``

    Returns
    -------
    Shape (planes, 2).
    """
    losses = np.empty((len(reference), 2))
    _ssim_losses(reference, decoded, mean, spread, losses)
    return losses


@KERNELS.compiled(
    "uint8[:,:,::1], uint8[:,:,::1], float32[:,:,::1], float32[:,:,::1], float64[:,::1]",
    "float32[:,:,::1], float32[:,:,::1], float32[:,:,::1], float32[:,:,::1], float64[:,::1]",
)
def _ssim_losses(
    reference: Samples, decoded: Samples, mean: Floats, spread: Floats, sums: NDArray[np.float64]
) -> None:
    count, rows, cols = mean.shape
    x, d, filtered = scratch(_BAND_SAMPLES), scratch(_BAND_SAMPLES), scratch(_SIX_ROWS)
    for index in range(count):
        x_plane, y_plane, means, spreads = reference[index], decoded[index], mean[index], spread[index]
        contrast = 0.0
        total = 0.0
        for left in range(0, cols, _TILE):
            n = min(_TILE, cols - left)
            width = n + WINDOW - 1
            # Whole vectors: samples beyond the width are stale but finite, and their results are never used.
            padded = (width + 15) // 16 * 16
            for top in range(0, rows, _BAND):
                height = min(_BAND, rows - top)
                # Any difference within the tile would do; where the tile is flat, exactly 0 is left of d.
                y, column = top + height // 2, left + n // 2
                offset = np.float32(y_plane[y, column]) - np.float32(x_plane[y, column])
                for row in range(height + WINDOW - 1):
                    source = x_plane[top + row, left : left + width]
                    target = y_plane[top + row, left : left + width]
                    x_row, d_row = x[row * _STEP :], d[row * _STEP :]
                    for i in range(width):
                        value = np.float32(source[i])
                        x_row[i] = value
                        d_row[i] = np.float32(target[i]) - value - offset
                for row in range(0, height, 2):
                    _filter_columns(x[row * _STEP :], d[row * _STEP :], filtered, padded)
                    for j in range(min(2, height - row)):
                        y = top + row + j
                        mean_row, spread_row = means[y, left : left + n], spreads[y, left : left + n]
                        losses = _row_losses(filtered[3 * j * _STEP :], mean_row, spread_row, offset)
                        contrast += losses[0]
                        total += losses[1]
        sums[index, 0], sums[index, 1] = contrast, total

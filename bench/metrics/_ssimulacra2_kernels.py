"""Compiled kernels of SSIMULACRA 2. Importing this module imports numba and loads them.

The score depends on how float32 rounds, because in flat areas the rounding of the blur counts as an error of
structure. Every operation therefore has the order and the rounding that it has in the author's program on a
processor with fused multiply-add (libjxl's ``gauss_blur.cc``, ``enc_xyb.cc`` and ``fast_math-inl.h``):
``_fma`` where that program fuses, and nowhere else. One thread, the GIL released; arrays must be
C-contiguous, and nothing is checked.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import types
from numpy.typing import NDArray

from bench.metrics._jit import AS_WRITTEN, compiled, instruction

Floats: TypeAlias = NDArray[np.float32]
Planes: TypeAlias = NDArray[np.float32]
"""float32, shape (3, height, width)."""

_SIGMA = 1.5


def _recursion() -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
    """The radius N of the blur, and the input weights and cosines of its three filters, each of shape (3,).

    D. Charalampidis, "Recursive implementation of the Gaussian filter using truncated cosine functions", IEEE
    Trans. Signal Process. 64(14), 2016. The Gaussian is taken as a sum of cosines of 1, 3 and 5 quarter
    periods in N; their amplitudes follow from the taps' sum, from their variance, and from the best fit of
    the frequency response. Each cosine is a recursion,
    y[n] = a (x[n-N-1] + x[n+N-1]) + 2 cos ω y[n-1] - y[n-2].
    """
    radius = round(3.2795 * _SIGMA + 0.2546)
    omega = np.array([1, 3, 5]) * np.pi / (2 * radius)
    sums = np.array([1, -1, 1]) / np.tan(omega / 2)
    variances = np.array([1, -1, 1]) * sums**2 / np.sin(omega)
    response = np.exp(-(_SIGMA**2) * omega**2 / 2) / radius
    normal = np.cross(sums, variances)
    normal /= normal[2]
    targets = [1, radius**2 - _SIGMA**2, normal @ response]
    amplitudes = np.linalg.solve(np.array([sums, variances, normal]), targets)
    return radius, -amplitudes * np.cos(omega * (radius + 1)), np.cos(omega)


def _singles(values: Any) -> tuple[Any, ...]:
    """Rows of numbers as tuples of float32: compile-time constants."""
    return tuple(tuple(np.float32(value) for value in row) for row in values)


_RADIUS, _WEIGHTS, _COSINES = _recursion()

# Along x the program writes the recursion out for four samples at once. The coefficients are Chebyshev
# polynomials of the second kind, U0 to U4 at cos ω; one row for each filter.
_B = 2 * _COSINES
_U = np.array([np.ones(3), _B, _B**2 - 1, _B**3 - 2 * _B, _B**4 - 3 * _B**2 + 1])
_INPUT = _singles((_WEIGHTS * _U[:4]).T)
_LAST = _singles(_U[1:].T)
_BEFORE = _singles(-_U[:4].T)

_LANES = 16
"""Rows that are blurred along x together; a constant, so that LLVM uses vector instructions."""

_LEAD = 2 * _RADIUS
"""Samples before and after a row that count as 0."""

_TILE = 256
"""Columns that are blurred along y at a time, so that the state of the filters stays in the L1 cache."""

_ABSORBANCE = _singles(
    [
        (0.30, 1 - np.float32(0.078) - np.float32(0.30), 0.078),
        (0.23, 1 - np.float32(0.078) - np.float32(0.23), 0.078),
        (
            0.24342268924547819,
            0.20476744424496821,
            1 - np.float32(0.24342268924547819) - np.float32(0.20476744424496821),
        ),
    ]
)
"""JPEG XL's opsin model: the response of long, middle and short cones to linear RGB."""

_BIAS = np.float32(0.0037930732552754493)
_MINUS_ROOT_OF_BIAS = np.float32(-np.cbrt(_BIAS))

_HALF = np.float32(0.5)
_THIRD = np.float32(1 / 3)
_FOUR_THIRDS = np.float32(4 / 3)
_ZERO = np.float32(0)
_ONE = np.float32(1)
_TWO = np.float32(2)
_C2 = np.float32(0.0009)
_QUARTER = np.float32(0.25)
_X_SCALE, _X_SHIFT = np.float32(14), np.float32(0.42)
_Y_SHIFT, _B_SHIFT = np.float32(0.01), np.float32(0.55)


@instruction
def _fma(_typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a·b + c of float32, rounded once: the processor's instruction, or the C library's ``fmaf``."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.fma(*values)

    return types.float32(types.float32, types.float32, types.float32), generate


@instruction
def _bits(_typing: Any, value: Any) -> Any:
    """The bits of a float32 as an int32."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.bitcast(values[0], context.get_value_type(types.int32))

    return types.int32(types.float32), generate


@instruction
def _float(_typing: Any, bits: Any) -> Any:
    """The float32 that an int32 holds the bits of."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.bitcast(values[0], context.get_value_type(types.float32))

    return types.float32(types.int32), generate


@compiled(arithmetic=AS_WRITTEN)
def _root(x: Any) -> Any:
    """Cube root of a positive float32, minus the cube root of the bias.

    A first reciprocal cube root from the exponent, three Newton steps, and a last step of higher precision,
    as in A. Fog's vector class library.
    """
    third = _THIRD * x
    r = _float(np.int32(np.int32(0x54800000) - np.int32((_bits(x) >> 23) * np.int32(0x002AAAAA))))
    for _ in range(3):
        square = r * r
        r = _fma(-third, square * square, _FOUR_THIRDS * r)
    square = r * r
    r = _fma(_THIRD, _fma(-x, square * square, r), r)
    return _fma(r * r, x, _MINUS_ROOT_OF_BIAS)


@compiled(arithmetic=AS_WRITTEN)
def _cone(r: Any, g: Any, b: Any, absorbance: Any) -> Any:
    return _root(_fma(absorbance[0], r, _fma(absorbance[1], g, _fma(absorbance[2], b, _BIAS))))


@compiled("float32[:,:,::1](float32[:,:,::1])", arithmetic=AS_WRITTEN)
def positive_xyb(linear: Planes) -> Planes:
    """XYB of linear RGB, (3, height, width) float32, each channel scaled into the range 0 to 1."""
    xyb = np.empty_like(linear)
    source, target = linear.reshape(-1), xyb.reshape(-1)
    size = linear[0].size
    for i in range(size):
        r, g, b = source[i], source[size + i], source[2 * size + i]
        long, middle = _cone(r, g, b, _ABSORBANCE[0]), _cone(r, g, b, _ABSORBANCE[1])
        y = _HALF * (long + middle)
        target[i] = _HALF * (long - middle) * _X_SCALE + _X_SHIFT
        target[size + i] = y + _Y_SHIFT
        target[2 * size + i] = (_cone(r, g, b, _ABSORBANCE[2]) - y) + _B_SHIFT
    return xyb


@compiled("float32[:,:,::1](float32[:,:,::1])", arithmetic=AS_WRITTEN)
def halved(planes: Planes) -> Planes:
    """Average 2×2 samples of (3, height, width) float32; an odd side repeats its last row or column."""
    _, height, width = planes.shape
    out = np.empty((3, (height + 1) // 2, (width + 1) // 2), np.float32)
    for channel in range(3):
        for row in range(out.shape[1]):
            upper = planes[channel, 2 * row]
            lower = planes[channel, min(2 * row + 1, height - 1)]
            target = out[channel, row]
            for col in range(width // 2):
                left, right = 2 * col, 2 * col + 1
                target[col] = (upper[left] + upper[right] + lower[left] + lower[right]) * _QUARTER
            if width % 2:
                above, below = upper[width - 1], lower[width - 1]
                target[width // 2] = (above + above + below + below) * _QUARTER
    return out


@compiled(arithmetic=AS_WRITTEN)
def _blur_sample(line: Floats, memory: Floats) -> None:
    """One step along x in 16 rows; the result replaces the leftmost sample.

    Parameters
    ----------
    line : float32, flat; samples interleaved over ``_LANES`` rows, from the leftmost that the step reads
    memory : float32, flat; the last two outputs of the three filters, 6 × ``_TILE``
    """
    for i in range(_LANES):
        total = line[i] + line[i + 2 * _RADIUS * _LANES]
        y0 = _fma(_LAST[0][0], memory[i], total * _INPUT[0][0] - memory[i + 3 * _TILE])
        y1 = _fma(_LAST[1][0], memory[i + _TILE], total * _INPUT[1][0] - memory[i + 4 * _TILE])
        y2 = _fma(_LAST[2][0], memory[i + 2 * _TILE], total * _INPUT[2][0] - memory[i + 5 * _TILE])
        memory[i + 3 * _TILE], memory[i] = memory[i], y0
        memory[i + 4 * _TILE], memory[i + _TILE] = memory[i + _TILE], y1
        memory[i + 5 * _TILE], memory[i + 2 * _TILE] = memory[i + 2 * _TILE], y2
        line[i] = y0 + (y1 + y2)


@compiled(arithmetic=AS_WRITTEN)
def _four_outputs(s: Any, last: Any, before: Any, a: Any, b: Any, c: Any) -> tuple[Any, ...]:
    """Four outputs of one filter from four inputs and its two previous outputs."""
    y0 = _fma(b[0], last, s[0] * a[0] - before)
    y1 = _fma(b[1], last, _fma(c[1], before, _fma(a[0], s[1], s[0] * a[1])))
    y2 = _fma(b[2], last, _fma(c[2], before, _fma(a[0], s[2], _fma(a[1], s[1], s[0] * a[2]))))
    y3 = _fma(a[0], s[3], _fma(a[1], s[2], _fma(a[2], s[1], s[0] * a[3])))
    return y0, y1, y2, _fma(b[3], last, _fma(c[3], before, y3))


@compiled(arithmetic=AS_WRITTEN)
def _blur_four_samples(line: Floats, memory: Floats) -> None:
    """Four steps along x in 16 rows; arrays as for :func:`_blur_sample`."""
    far = 2 * _RADIUS * _LANES
    for i in range(_LANES):
        j, k, m = i + _LANES, i + 2 * _LANES, i + 3 * _LANES
        s = (
            line[i] + line[i + far],
            line[j] + line[j + far],
            line[k] + line[k + far],
            line[m] + line[m + far],
        )
        y = _four_outputs(s, memory[i], memory[i + 3 * _TILE], _INPUT[0], _LAST[0], _BEFORE[0])
        z = _four_outputs(s, memory[i + _TILE], memory[i + 4 * _TILE], _INPUT[1], _LAST[1], _BEFORE[1])
        w = _four_outputs(s, memory[i + 2 * _TILE], memory[i + 5 * _TILE], _INPUT[2], _LAST[2], _BEFORE[2])
        memory[i + 3 * _TILE], memory[i] = y[2], y[3]
        memory[i + 4 * _TILE], memory[i + _TILE] = z[2], z[3]
        memory[i + 5 * _TILE], memory[i + 2 * _TILE] = w[2], w[3]
        line[i] = y[0] + (z[0] + w[0])
        line[j] = y[1] + (z[1] + w[1])
        line[k] = y[2] + (z[2] + w[2])
        line[m] = y[3] + (z[3] + w[3])


@compiled(arithmetic=AS_WRITTEN)
def _blur_row(above: Floats, below: Floats, memory: Floats, out: Floats) -> None:
    """One step along y in up to ``_TILE`` columns.

    Parameters
    ----------
    above, below, out : float32, shape (columns,)
    memory : float32, flat; the last two outputs of the three filters, 6 × ``_TILE``
    """
    for i in range(out.size):
        total = above[i] + below[i]
        y0 = _fma(_INPUT[0][0], total, _fma(_LAST[0][0], memory[i], -memory[i + 3 * _TILE]))
        y1 = _fma(_INPUT[1][0], total, _fma(_LAST[1][0], memory[i + _TILE], -memory[i + 4 * _TILE]))
        y2 = _fma(_INPUT[2][0], total, _fma(_LAST[2][0], memory[i + 2 * _TILE], -memory[i + 5 * _TILE]))
        memory[i + 3 * _TILE], memory[i] = memory[i], y0
        memory[i + 4 * _TILE], memory[i + _TILE] = memory[i + _TILE], y1
        memory[i + 5 * _TILE], memory[i + 2 * _TILE] = memory[i + 2 * _TILE], y2
        out[i] = y0 + (y1 + y2)


@compiled("float32[:,:,::1](float32[:,:,::1])", arithmetic=AS_WRITTEN)
def blurred(planes: Planes) -> Planes:
    """Local means under a Gaussian of σ 1.5, where samples outside the image count as 0.

    Along x, samples start at ``_LEAD``, after zeros, and results at ``_RADIUS - 1``: each replaces a sample
    that no later step reads.

    Parameters
    ----------
    planes : float32, shape (3, height, width); so is the result
    """
    _, height, width = planes.shape
    out = np.empty_like(planes)
    lines = np.empty((width + 2 * _LEAD) * _LANES, np.float32)
    across = np.zeros((height + 2 * _LEAD, width), np.float32)
    memory = np.empty(6 * _TILE, np.float32)
    for channel in range(3):
        for top in range(0, height, _LANES):
            rows = min(_LANES, height - top)
            lines[:] = _ZERO
            for lane in range(rows):
                source = planes[channel, top + lane]
                for col in range(width):
                    lines[(col + _LEAD) * _LANES + lane] = source[col]
            memory[:] = _ZERO
            col = 1 - _RADIUS
            while col < width:
                line = lines[(col + _RADIUS - 1) * _LANES :]
                if 8 <= col < width - 7:  # where the program computes four samples at once
                    _blur_four_samples(line, memory)
                    col += 4
                else:
                    _blur_sample(line, memory)
                    col += 1
            for lane in range(rows):
                target = across[top + lane + _LEAD]
                for col in range(width):
                    target[col] = lines[(col + _RADIUS - 1) * _LANES + lane]
        for left in range(0, width, _TILE):
            right = min(left + _TILE, width)
            memory[:] = _ZERO
            for row in range(1 - _RADIUS, height):
                above = across[row + _RADIUS - 1, left:right]
                below = across[row + 3 * _RADIUS - 1, left:right]
                # What the run-up puts into row 0 is overwritten.
                _blur_row(above, below, memory, out[channel, max(row, 0), left:right])
    return out


@compiled()
def _mean_and_norm(values: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Add to ``out``, (2,), the sum of the errors ``values``, (n,), and the sum of their fourth powers."""
    first = 0.0
    fourth = 0.0
    for i in range(values.size):
        square = values[i] * values[i]
        first += values[i]
        fourth += square * square
    out[0] += first
    out[1] += fourth


_SCALE = "float32[:,:,::1], float32[:,:,::1], float32[:,:,::1]"


@compiled(f"float64[:,:,::1]({_SCALE}, {_SCALE}, float32[:,:,::1])", arithmetic=AS_WRITTEN)
def error_norms(
    x: Planes, mean_x: Planes, square_x: Planes, y: Planes, mean_y: Planes, square_y: Planes, shared: Planes
) -> NDArray[np.float64]:
    """The errors of each channel at one scale: mean and 4-norm of each kind.

    Parameters
    ----------
    x, y : XYB of the original and of the reconstruction; all arrays are float32, shape (3, height, width)
    mean_x, mean_y : their local means
    square_x, square_y : the local means of their squares
    shared : the local mean of their product

    Returns
    -------
    float64, shape (3 channels, 2 norms, 3 kinds): errors of structure, new edges, lost edges.
    """
    _, height, width = x.shape
    sums = np.zeros((3, 3, 2))
    structure, gained, lost = np.empty(width), np.empty(width), np.empty(width)
    for channel in range(3):
        for row in range(height):
            x_row, y_row = x[channel, row], y[channel, row]
            mean_x_row, mean_y_row = mean_x[channel, row], mean_y[channel, row]
            square_x_row, square_y_row = square_x[channel, row], square_y[channel, row]
            shared_row = shared[channel, row]
            for i in range(width):
                a, b = mean_x_row[i], mean_y_row[i]
                # SSIM without the denominator of its luminance term, since XYB is perceptually uniform.
                luminance = _ONE - (a - b) * (a - b)
                covariance = _TWO * (shared_row[i] - a * b) + _C2
                variances = (square_x_row[i] - a * a) + (square_y_row[i] - b * b) + _C2
                error = 1.0 - np.float64(luminance * covariance / variances)
                structure[i] = error if error > 0.0 else 0.0
            for i in range(width):
                detail_x = np.float64(abs(x_row[i] - mean_x_row[i]))
                detail_y = np.float64(abs(y_row[i] - mean_y_row[i]))
                change = (1.0 + detail_y) / (1.0 + detail_x) - 1.0
                gained[i] = change if change > 0.0 else 0.0
                lost[i] = -change if change < 0.0 else 0.0
            _mean_and_norm(structure, sums[channel, 0])
            _mean_and_norm(gained, sums[channel, 1])
            _mean_and_norm(lost, sums[channel, 2])
    norms = np.empty((3, 2, 3))
    for channel in range(3):
        for kind in range(3):
            norms[channel, 0, kind] = sums[channel, kind, 0] / (height * width)
            norms[channel, 1, kind] = (sums[channel, kind, 1] / (height * width)) ** 0.25
    return norms

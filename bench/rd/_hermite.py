"""Piecewise cubic Hermite curves and the classic cubic fit, for many curves at once.

Arrays have the shape (curves, points); ``x`` rises strictly along the last axis. Working on a batch
is what makes a bootstrap with a thousand resamples take milliseconds.
"""

from __future__ import annotations

import numpy as np

from .curve import Array


def pchip_slopes(x: Array, y: Array) -> Array:
    """Monotone slopes of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 1984) with one-sided ends.

    The same as ``scipy.interpolate.PchipInterpolator``.
    """
    h = np.diff(x, axis=1)
    m = np.diff(y, axis=1) / h
    if m.shape[1] == 1:
        return np.repeat(m, 2, axis=1)
    left, right = m[:, :-1], m[:, 1:]
    w_left, w_right = h[:, :-1] + 2 * h[:, 1:], 2 * h[:, :-1] + h[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        harmonic = (w_left + w_right) / (w_left / left + w_right / right)
    slopes = np.empty_like(y)
    slopes[:, 1:-1] = np.where(left * right > 0, harmonic, 0.0)
    slopes[:, 0] = _end_slope(h[:, 0], h[:, 1], m[:, 0], m[:, 1])
    slopes[:, -1] = _end_slope(h[:, -1], h[:, -2], m[:, -1], m[:, -2])
    return slopes


def _end_slope(h0: Array, h1: Array, m0: Array, m1: Array) -> Array:
    """Three-point slope at an end, limited so that the end segment keeps its shape."""
    slope = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    turned = np.sign(slope) != np.sign(m0)
    steep = (np.sign(m0) != np.sign(m1)) & (np.abs(slope) > 3 * np.abs(m0))
    return np.asarray(np.where(turned, 0.0, np.where(steep, 3 * m0, slope)))


def akima_slopes(x: Array, y: Array) -> Array:
    """Slopes of Akima (J. ACM 17, 1970), as in ``scipy.interpolate.Akima1DInterpolator``."""
    inner = np.diff(y, axis=1) / np.diff(x, axis=1)
    if inner.shape[1] == 1:
        return np.repeat(inner, 2, axis=1)
    before = 2 * inner[:, :1] - inner[:, 1:2]
    after = 2 * inner[:, -1:] - inner[:, -2:-1]
    m = np.concatenate([2 * before - inner[:, :1], before, inner, after, 2 * after - inner[:, -1:]], axis=1)
    change = np.abs(np.diff(m, axis=1))
    ahead, behind = change[:, 2:], change[:, :-2]
    total = ahead + behind
    # Where the slopes on either side are constant the weights vanish; scipy's cut-off is kept.
    defined = total > 1e-9 * total.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        weighted = m[:, 1:-2] + behind / total * (m[:, 2:-1] - m[:, 1:-2])
    return np.asarray(np.where(defined, weighted, 0.5 * (m[:, 3:] + m[:, :-3])))


def hermite_integral(x: Array, y: Array, slopes: Array, limits: tuple[Array, Array]) -> Array:
    """∫ of the piecewise cubic between ``limits`` (two arrays of shape (curves,)) inside its range."""
    low, high = limits
    start, width = x[:, :-1], np.diff(x, axis=1)
    # np.minimum and np.maximum: np.clip checks more and takes twice the time
    a = (np.maximum(start, np.minimum(low[:, None], x[:, 1:])) - start) / width
    b = (np.maximum(start, np.minimum(high[:, None], x[:, 1:])) - start) / width
    y0, y1 = y[:, :-1], y[:, 1:]
    d0, d1 = slopes[:, :-1] * width, slopes[:, 1:] * width
    c3, c2 = 2 * (y0 - y1) + d0 + d1, 3 * (y1 - y0) - 2 * d0 - d1

    def antiderivative(t: Array) -> Array:
        # From the power form y0 + d0·t + c2·t² + c3·t³ of each segment.
        return np.asarray(t * (y0 + t * (d0 / 2 + t * (c2 / 3 + t * c3 / 4))))

    return np.asarray(((antiderivative(b) - antiderivative(a)) * width).sum(axis=1))


def hermite_value(x: Array, y: Array, slopes: Array, at: float) -> float:
    """The value of a single curve (arrays of shape (points,)) at ``at``, inside its range."""
    k = int(np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2))
    width = x[k + 1] - x[k]
    t = (at - x[k]) / width
    d0, d1 = slopes[k] * width, slopes[k + 1] * width
    c3, c2 = 2 * (y[k] - y[k + 1]) + d0 + d1, 3 * (y[k + 1] - y[k]) - 2 * d0 - d1
    return float(y[k] + t * (d0 + t * (c2 + t * c3)))


def cubic_integral(x: Array, y: Array, limits: tuple[Array, Array]) -> Array:
    """∫ of the least-squares cubic polynomial (VCEG-M33) between ``limits``.

    Fitted in a centred, scaled variable: the same polynomial as ``numpy.polyfit(x, y, 3)``, better
    conditioned. Orthonormal columns (QR) solve all curves at once.
    """
    low, high = limits
    centre = 0.5 * (x[:, :1] + x[:, -1:])
    scale = 0.5 * (x[:, -1:] - x[:, :1])
    t = (x - centre) / scale
    q, r = np.linalg.qr(np.stack([np.ones_like(t), t, t**2, t**3], axis=2))
    coefficients = np.linalg.solve(r, np.einsum("bnk,bn->bk", q, y)[..., None])[..., 0]
    a, b = (low[:, None] - centre) / scale, (high[:, None] - centre) / scale
    powers = np.arange(1, 5)
    return np.asarray((coefficients * (b**powers - a**powers) / powers).sum(axis=1) * scale[:, 0])

"""Curves that somebody else measured, and the checks that every importer shares."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.errors import ConfigError
from bench.rd import Curve, from_db, higher_is_better

_METRICS = {
    "psnr": "psnr_rgb",
    "ssim": "ssim_rgb",
    "ms_ssim": "ms_ssim_rgb",
    "msssim": "ms_ssim_rgb",
    "msssim_rgb": "ms_ssim_rgb",
    "ms_ssim_db": "ms_ssim_rgb",
    "ms_ssim_rgb_db": "ms_ssim_rgb",
    "ms_ssim_db_rgb": "ms_ssim_rgb",
}


@dataclass(frozen=True)
class Published:
    """The published curves of one codec, one for each metric."""

    label: str
    curves: tuple[Curve, ...]
    description: str = ""
    source: str = ""
    """Whom to credit: a URL, a citation, or the path of the file."""
    dataset: str | None = None
    """None if the file does not say."""
    remark: str = ""
    """How the points of the file were changed."""
    codec: str = ""
    """The codec that it is of, where several people have published curves of one and these ought to agree."""
    traps: tuple[str, ...] = ()
    """What makes comparisons with the curve unfair, a sentence each."""

    def curve(self, metric: str) -> Curve | None:
        """The curve in ``metric``, or None."""
        return next((curve for curve in self.curves if curve.metric == metric), None)


def metric_name(key: str) -> str:
    """The name here of a metric as other tools spell it, such as ``psnr-rgb``, ``PSNR`` or ``ms-ssim``."""
    name = key.strip().lower().replace("-", "_").replace(" ", "_")
    return _METRICS.get(name, name)


def published(
    label: str,
    bpp: Sequence[float],
    metrics: Mapping[str, Sequence[float]],
    where: str,
    lower_is_better: Collection[str] = (),
) -> tuple[Curve, ...]:
    """Check values from a file, and make curves of them.

    MS-SSIM in decibels (all values above 1, or a key that ends in ``db``) is converted to a number in [0, 1].

    Parameters
    ----------
    label : name of the codec
    bpp : rates in bits per pixel
    metrics : the values of each metric, parallel to ``bpp``, by the key in the file
    where : file and place, which begin error messages
    lower_is_better : names of metrics whose direction :func:`~bench.rd.higher_is_better` does not know

    Raises
    ------
    ConfigError
        A value is out of range, or a list has another length.
    """
    curves: dict[str, Curve] = {}
    bad = next((value for value in bpp if not (math.isfinite(value) and value > 0)), None)
    if bad is not None:
        raise ConfigError(f"{where}: bpp holds {bad}; bits per pixel must be finite and above 0")
    for key, values in metrics.items():
        name = metric_name(key)
        if len(values) != len(bpp):
            raise ConfigError(f"{where}: {key!r} holds {len(values)} values but bpp holds {len(bpp)}")
        if name in curves:
            raise ConfigError(f"{where}: {key!r} gives {name} a second time; keep one of the two")
        if name == "ms_ssim_rgb":
            values = _similarity(key, values, where)
        bad = next((value for value in values if not math.isfinite(value)), None)
        if bad is not None:
            raise ConfigError(f"{where}: {key!r} holds {bad}; leave such a point out")
        better = name not in lower_is_better and higher_is_better(name)
        rate, quality = _in_order(bpp, values)
        curves[name] = Curve(label, rate, quality, name, better, "published")
    return tuple(curves.values())


def remark_on_order(curves: Sequence[Curve], bpp: Sequence[float], where: str) -> str:
    """The remark about curves whose points were sorted; empty if they are in the order of the file."""
    if all(it.rate == tuple(bpp) for it in curves):
        return ""
    return f"{where}: the points were sorted by rate, since the file has them in no order"


def _in_order(bpp: Sequence[float], values: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The points in their order if rate or quality is monotone along them, else sorted by rate.

    Points that are listed along a codec's setting may have a dip in one of the two, which must not be hidden.
    """
    if _is_monotone(bpp) or _is_monotone(values):
        return tuple(bpp), tuple(values)
    order = sorted(range(len(bpp)), key=bpp.__getitem__)
    return tuple(bpp[k] for k in order), tuple(values[k] for k in order)


def _is_monotone(values: Sequence[float]) -> bool:
    steps = [after - before for before, after in pairwise(values)]
    return all(it >= 0 for it in steps) or all(it <= 0 for it in steps)


def _similarity(key: str, values: Sequence[float], where: str) -> tuple[float, ...]:
    if key.lower().endswith("db") or (values and min(values) > 1):
        return tuple(from_db(values).tolist())
    wrong = next((value for value in values if not 0 <= value <= 1), None)
    if wrong is not None:
        raise ConfigError(
            f"{where}: {key!r} holds {wrong}; MS-SSIM lies in [0, 1], or all values are decibels above 1"
        )
    return tuple(values)

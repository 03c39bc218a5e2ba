"""What the page shows of a data set, as JSON values; labels are replaced by positions in ``entries``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bench.plotting.series_style import SeriesStyle
from bench.rd import DB_METRICS, MIN_IMAGES, BdResult, to_db
from bench.report.data import ReportData
from bench.report.entries import Entry
from bench.report.mean_bd import MeanBd
from bench.report.measures import Measure
from bench.report.page.colours import on_dark, on_light
from bench.report.tables.lossless import raw_pixel

if TYPE_CHECKING:
    import pandas as pd

MAX_FAILURES = 200
"""Groups of failures on the page; ``tables/failures.csv`` has every one."""
MAX_ERROR_TEXT = 600
MAX_EXAMPLES = 3


def page_data(data: ReportData) -> dict[str, Any]:
    """One data set's part of the page."""
    published = sorted({label for by_label in data.published.values() for label in by_label})
    labels = [it.label for it in data.entries] + published
    position = {label: index for index, label in enumerate(labels)}
    entries = [_entry(it, data) for it in data.entries]
    entries += [_published_entry(label, data) for label in published]
    return {
        "dataset": data.dataset,
        "anchor": None if data.anchor is None else position[data.anchor],
        "images": data.n_images,
        "average": data.average,
        "rawPixel": raw_pixel(data),
        "headline": [*data.headline],
        "metrics": [_metric(it, data) for it in data.metrics],
        "meanBd": None if data.mean_bd is None else _mean_bd(data.mean_bd, position),
        "entries": entries,
        "environments": {
            run: [{"id": it.id, "machine": it.machine, "software": it.software} for it in environments]
            for run, environments in data.environments.items()
        },
        "curves": _curves(data, position),
        "bd": {metric: _comparisons(data, metric, position) for metric in data.curves if metric in data.bd},
        "losses": {metric: _losses(data, metric, position) for metric in data.headline},
        "points": _points(data, position),
        "findings": [
            {
                "severity": it.severity,
                "kind": it.kind,
                "message": it.message,
                "entries": [position[label] for label in it.labels if label in position],
            }
            for it in data.findings
        ],
        "failures": _failures(data.frame, position),
    }


def rounded(value: float | None, digits: int = 6) -> float | None:
    """A number of ``digits`` significant digits, short enough for the page; None where it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def _metric(metric: Measure, data: ReportData) -> dict[str, Any]:
    images = len(data.images.get(metric.name, ()))
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "decibels": metric.decibel,
        "higher": metric.higher_is_better,
        "ideal": metric.ideal,
        "version": metric.version,
        "images": images,
        "few": images < MIN_IMAGES,
    }


def _entry(entry: Entry, data: ReportData) -> dict[str, Any]:
    return {
        "label": entry.label,
        "family": entry.codec,
        "provenance": "measured",
        "version": entry.version,
        **({} if entry.decoder is None else {"decoder": str(entry.decoder)}),
        "options": {key: str(value) for key, value in entry.options.items()},
        "lossless": entry.lossless,
        "run": entry.run,
        "timing": entry.timing,
        "machines": entry.machines,
        "ok": entry.n_ok,
        "planned": entry.n_planned,
        "links": msgspec.to_builtins(entry.links),
        **_needs(entry),
        **_style(data.styles[entry.label]),
        **(_lossless_facts(entry, data) if entry.lossless else _lossy_facts(entry, data)),
    }


def _needs(entry: Entry) -> dict[str, Any]:
    """Memory in MB and start of programs in ms, of encoder and decoder, as far as they were measured."""
    needs = {
        "memory": (entry.encode_peak_mb, entry.decode_peak_mb),
        "startup": (entry.encode_startup_ms, entry.decode_startup_ms),
    }
    known = {key: [rounded(it) for it in sides] for key, sides in needs.items() if None not in sides}
    return known | ({"startupLeftOut": True} if entry.startup_left_out else {})


def _published_entry(label: str, data: ReportData) -> dict[str, Any]:
    curve = next(by_label[label] for by_label in data.published.values() if label in by_label)
    return {
        "label": label,
        "family": curve.provenance,
        "provenance": curve.provenance,
        "lossless": False,
        "low": rounded(min(curve.rate)),
        "high": rounded(max(curve.rate)),
        **_style(data.styles[label]),
    }


def _style(style: SeriesStyle) -> dict[str, Any]:
    return {
        "colour": on_light(style.colour),
        "colourOnDark": on_dark(style.colour),
        "marker": style.marker,
        "dash": [3 * it for it in style.dash],
        "hollow": style.hollow,
    }


def _lossy_facts(entry: Entry, data: ReportData) -> dict[str, float | None]:
    low, high = data.rate_range(entry.label) or (None, None)
    speeds = {"encode": rounded(entry.encode_mps), "decode": rounded(entry.decode_mps)}
    return {"low": rounded(low), "high": rounded(high), **speeds}


def _lossless_facts(entry: Entry, data: ReportData) -> dict[str, float | None]:
    bpp = data.lossless_bpp.get(entry.label, {}).get(data.average)
    speeds = {"encode": rounded(entry.encode_mbs), "decode": rounded(entry.decode_mbs)}
    return {"bpp": rounded(bpp), "ratio": None if bpp is None else rounded(data.lossless_raw / bpp), **speeds}


def _curves(data: ReportData, position: dict[str, int]) -> dict[str, dict[int, list[list[float | None]]]]:
    """By metric and entry, the operating points as (quality setting, bpp, value on the plotted axis)."""
    settings: dict[str, list[float | None]] = {}
    for point in sorted(data.points, key=lambda it: it.quality or 0.0):
        settings.setdefault(point.label, []).append(point.quality)
    result: dict[str, dict[int, list[list[float | None]]]] = {}
    for metric, measured in data.curves.items():
        for label, curve in {**measured, **data.published.get(metric, {})}.items():
            values = to_db(curve.quality).tolist() if metric in DB_METRICS else curve.quality
            qualities: Sequence[float | None] = (
                settings[label] if curve.provenance == "measured" else [None] * len(curve.rate)
            )
            result.setdefault(metric, {})[position[label]] = [
                [quality, rounded(rate), rounded(value)]
                for quality, rate, value in zip(qualities, curve.rate, values, strict=True)
            ]
    return result


def _comparisons(data: ReportData, metric: str, position: dict[str, int]) -> dict[int, dict[int, list[Any]]]:
    """The comparisons by anchor and test, as lists in the order of ``COMPARISON`` in ``state.js``.

    Rates are in percent, overlap is from 0 to 1.
    """
    result: dict[int, dict[int, list[Any]]] = {}
    for (anchor, test), pair in data.pairs.get(metric, {}).items():
        its, averaged = pair.per_image, pair.mean_curve
        result.setdefault(position[anchor], {})[position[test]] = [
            rounded(its.value),
            *(rounded(end) for end in its.ci95 or (None, None)),
            rounded(its.median),
            its.wins,
            its.n,
            rounded(its.overlap, 3),
            int(its.partial),
            rounded(averaged.value),
            *(rounded(end) for end in pair.ci95 or (None, None)),
            _remark(its.reason, dict.fromkeys([*its.warnings, *_of_mean(averaged)])),
        ]
    for (anchor, label), theirs in data.published_pairs.get(metric, {}).items():
        result.setdefault(position[anchor], {})[position[label]] = _published_cells(theirs)
    return result


def _mean_bd(mean: MeanBd, position: dict[str, int]) -> dict[str, Any]:
    """The mean over several metrics by anchor and test, as lists in the order of ``MEAN`` in ``state.js``."""
    bd: dict[int, dict[int, list[Any]]] = {}
    for (anchor, test), its in mean.pairs.items():
        bd.setdefault(position[anchor], {})[position[test]] = [
            rounded(its.value),
            *(rounded(end) for end in its.ci95 or (None, None)),
            int(its.partial),
            _remark(its.reason, its.warnings),
        ]
    return {
        "title": mean.title,
        "metrics": [*mean.metrics],
        "images": mean.n_shared,
        "bd": bd,
        "lacking": {position[label]: f"n/a ({why})" for label, why in mean.lacking.items()},
    }


def _losses(data: ReportData, metric: str, position: dict[str, int]) -> dict[str, Any]:
    """The names of images, and by entry the BD-rate of each against the report's anchor, in percent."""
    by_label = data.bd.get(metric, {})
    return {
        "images": [*data.images[metric]],
        "entries": {
            position[label]: [rounded(it.value, 4) for it in bd.images] for label, bd in by_label.items()
        },
    }


def _published_cells(its: BdResult) -> list[Any]:
    nothing = [None] * 6
    return [
        *nothing,
        rounded(its.overlap, 3),
        rounded(its.value),
        None,
        None,
        _remark(its.reason, its.warnings),
    ]


def _of_mean(result: BdResult) -> list[str]:
    """What there is to say of the BD-rate of mean curves."""
    return [*([f"mean curve n/a ({result.reason})"] if result.reason else []), *result.warnings]


def _remark(reason: str | None, warnings: Iterable[str]) -> str:
    return "; ".join(filter(None, (reason, *warnings)))


def _points(data: ReportData, position: dict[str, int]) -> dict[int, list[list[Any]]]:
    """By entry: (quality setting, n_ok/n, bpp, a value for each metric, encode s, decode s)."""
    result: dict[int, list[list[Any]]] = {}
    for point in data.points:
        means = [(metric, point.values[metric.name]) for metric in data.metrics]
        values = [None if mean is None else metric.shown(mean) for metric, mean in means]
        numbers = [point.bpp[data.average], *values, point.encode_s, point.decode_s]
        cells = [rounded(point.quality), f"{point.n_ok}/{point.n_planned}", *map(rounded, numbers)]
        result.setdefault(position[point.label], []).append(cells)
    return result


def _failures(frame: pd.DataFrame, position: dict[str, int]) -> dict[str, Any]:
    """Trials without a result, alike ones together, the most frequent first."""
    failed = frame[frame["status"] != "ok"]
    groups: list[dict[str, Any]] = []
    for (label, status, error), rows in failed.groupby(
        ["label", "status", "error"], sort=False, observed=True
    ):
        phase, _, message = str(error).partition(": ")
        examples = [
            {"image": str(image), "quality": rounded(quality)}
            for image, quality in zip(rows["image"][:MAX_EXAMPLES], rows["quality"], strict=False)
        ]
        groups.append(
            {
                "entry": position[str(label)],
                "status": str(status),
                "phase": phase if message else "",
                "error": (message or phase)[:MAX_ERROR_TEXT],
                "count": len(rows),
                "examples": examples,
            }
        )
    groups.sort(key=lambda it: it["count"], reverse=True)
    return {"total": len(failed), "groups": groups[:MAX_FAILURES], "hidden": len(groups[MAX_FAILURES:])}

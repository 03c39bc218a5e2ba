"""The tables of a board."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.rd import (
    DB_METRICS,
    MIN_FINISHED,
    MIN_IMAGES,
    RANKED_OVERLAP,
    Average,
    Standing,
    quality_at,
    rate_at,
    to_db,
)
from bench.rd.curve import Array
from bench.report.board import HEADLINE_METRICS, Board, headline_of
from bench.report.entry import Entry
from bench.tables.table import Column, Table, Value
from bench.trials.measurement import PeakOf

if TYPE_CHECKING:
    import pandas as pd

MATCHED_RATES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Bits per pixel at which quality is compared."""
MATCHED_QUALITIES = {
    "psnr": (28.0, 30.0, 32.0, 34.0, 36.0, 38.0, 40.0),
    "ms_ssim": (10.0, 12.0, 14.0, 16.0, 18.0, 20.0),
}
"""Qualities at which rate is compared, by the beginning of the metric's name; in dB."""
RAW_BITS = 24
UNRANKED = str(Standing(""))
"""The place of who has none."""
TRAINING_HOURS = "training_hours"
"""What a learned codec may say of its training; see :class:`bench.codec.Codec`."""

_TITLES = {
    "psnr_rgb": "PSNR",
    "psnr_y": "PSNR-Y",
    "psnr_yuv": "PSNR-YUV",
    "ssim_rgb": "SSIM",
    "ms_ssim_rgb": "MS-SSIM",
    "lpips_alex": "LPIPS",
    "lpips_vgg": "LPIPS-VGG",
    "dists": "DISTS",
    "ssimulacra2": "SSIMULACRA 2",
    "butteraugli": "Butteraugli",
    "butteraugli_3norm": "Butteraugli 3-norm",
    "flip": "FLIP",
    "ciede2000": "CIEDE2000",
    "vif": "VIF",
    "gmsd": "GMSD",
    "haarpsi": "HaarPSI",
    "high_band_energy": "High-band energy",
    "kid": "KID",
    "kid_across_images": "KID across images",
    "kid_alexnet": "KID (AlexNet)",
    "kid_alexnet_across_images": "KID across images (AlexNet)",
    "fid": "FID",
}


def metric_title(name: str) -> str:
    """A metric's name in print."""
    return _TITLES.get(name, name)


def headline_metrics(board: Board) -> tuple[str, ...]:
    """PSNR and MS-SSIM as far as they were measured, or else the first metric that has BD-rates."""
    return headline_of(board.bd)


def tables(board: Board) -> tuple[Table, ...]:
    """All tables that a board has rows for."""
    made = [ranking(board), points(board), comparison(board), matched_rate(board), matched_quality(board)]
    made += [lossless(board), complexity(board), failures(board)]
    return tuple(table for table in made if table is not None and table.rows)


def ranking(board: Board) -> Table | None:
    """Lossy configurations by BD-rate image by image: the leaderboard.

    Places follow :func:`bench.rd.standings` in the first headline metric.
    """
    if not board.lossy:
        return None
    metrics = list(headline_metrics(board))
    speeds = _speeds(board)
    order = board.standings.get(metrics[0], ()) if metrics else ()
    places = {its.label: its for its in order}
    entries = {entry.label: entry for entry in board.lossy}
    rows = []
    for label in dict.fromkeys([*places, *entries]):
        entry = entries[label]
        rate = [curve.rate for curve in (board.curves.get(it, {}).get(label) for it in metrics) if curve]
        values: list[Value] = [str(places.get(label, Standing(label))), label]
        values.append(f"{entry.n_ok}/{entry.n_planned}")
        values += [min(rate[0]), max(rate[0])] if rate else [None, None]
        for metric in metrics:
            values += _bd_cells(board, metric, label)
        values += [*speeds[label], entry.timing]
        rows.append(tuple(values))
    columns = [Column("rank", "#"), Column("label", "codec"), Column("n_ok", "ok")]
    columns += [Column("bpp_min", "from bpp", 3), Column("bpp_max", "to bpp", 3)]
    for metric in metrics:
        columns += [
            Column(f"bd_rate_per_image_{metric}", f"BD-rate {metric_title(metric)} %", 1, "low", signed=True),
            Column(f"ci95_per_image_{metric}", "95% interval"),
            Column(f"wins_{metric}", "wins"),
            Column(f"overlap_per_image_{metric}", "overlap %", 0),
            Column(f"bd_rate_{metric}", "mean curve %", 1, signed=True),
        ]
    columns += [Column("encode_mps", "enc MP/s", 2, "high"), Column("decode_mps", "dec MP/s", 2, "high")]
    columns.append(Column("timing", "timed"))
    return Table(
        "ranking",
        f"Ranking on {board.dataset}, "
        + ("no BD-rates" if board.anchor is None else f"BD-rate against {board.anchor}"),
        tuple(columns),
        tuple(rows),
        (
            *_comparison_notes(board, metrics),
            *_rank_notes(order, len(board.images[metrics[0]]) if metrics else 0),
            _timing_note(board.lossy),
        ),
        frozenset(place for place, row in enumerate(rows) if row[0] == UNRANKED),
    )


def summary(board: Board) -> Table | None:
    """The ranking in a form that fits a terminal of 80 columns."""
    full = ranking(board)
    if full is None:
        return None
    at = {column.key: index for index, column in enumerate(full.columns)}
    metrics = list(headline_metrics(board))
    rows = []
    for row in full.rows:
        low, high = row[at["bpp_min"]], row[at["bpp_max"]]
        rate = f"{low:.2f}–{high:.2f}" if isinstance(low, float) and isinstance(high, float) else None
        cells: list[Value] = [row[at["rank"]], row[at["label"]], row[at["n_ok"]], rate]
        for metric in metrics:
            cells.append(row[at[f"bd_rate_per_image_{metric}"]])
            if metric == metrics[0]:
                cells += [row[at[f"wins_{metric}"]], row[at[f"bd_rate_{metric}"]]]
        rows.append((*cells, row[at["encode_mps"]], row[at["decode_mps"]]))
    columns = [Column("rank", "#"), Column("label", "codec"), Column("n_ok", "ok"), Column("bpp", "bpp")]
    for metric in metrics:
        columns.append(Column(f"bd_rate_{metric}", f"{metric_title(metric)} %", 1, "low", signed=True))
        if metric == metrics[0]:
            columns += [Column("wins", "wins"), Column("mean_curve", "mean curve %", 1, signed=True)]
    columns += [Column("encode_mps", "enc MP/s", 1, "high"), Column("decode_mps", "dec MP/s", 1, "high")]
    return Table(
        "summary", _bd_title(board), tuple(columns), tuple(rows), names=2, dispensable=("wins", "ok")
    )


def _bd_title(board: Board) -> str:
    if board.anchor is None:
        return f"No BD-rates on {board.dataset}: no lossy codec finished enough images"
    return f"BD-rate on {board.dataset} against {board.anchor}, image by image"


def points(board: Board) -> Table:
    """Every operating point: means over the images that were measured."""
    other = _other_average(board)
    columns = [
        Column("label", "codec"),
        Column("quality", "quality"),
        Column("n_ok", "ok"),
        Column("bpp", "bpp", 4),
    ]
    columns += [] if other is None else [Column(f"bpp_by_{other}", f"bpp by {other}", 4)]
    for metric in board.metrics:
        columns.append(Column(metric.name, metric_title(metric.name), 3 if metric.unit == "dB" else 5))
        if metric.name in DB_METRICS:
            columns.append(Column(f"{metric.name}_db", f"{metric_title(metric.name)} dB", 3))
    columns += [Column("encode_s", "enc s", 4), Column("decode_s", "dec s", 4)]
    columns += [Column("encode_spread", "enc spread %", 1), Column("decode_spread", "dec spread %", 1)]
    rows = []
    names = ["width", "height", "bpp", *(it.name for it in board.metrics)]
    names += [f"{phase}_{kind}" for phase in ("encode", "decode") for kind in ("s", "iqr_s")]
    wanted = ~board.frame["lossless"] & board.frame["quality"].notna()
    lossy = board.frame.loc[wanted, ["label", "quality", "status", "image", *names]]
    finished = (lossy["status"] == "ok").to_numpy(bool)
    of_trial = {name: lossy[name].to_numpy(float) for name in names}
    counted = {
        name: ~lossy["image"].isin(left_out).to_numpy(bool) for name, left_out in board.exact_images.items()
    }
    for label, quality, trials in _points(lossy):
        chosen = trials[finished[trials]]
        ok = {name: values[chosen] for name, values in of_trial.items()}
        pixels = ok["width"] * ok["height"]
        weights = {"images": np.ones(len(chosen)), "pixels": pixels}
        shares = weights[board.average]
        cells: list[Value] = [label, quality, f"{len(chosen)}/{len(trials)}", _mean(ok["bpp"], shares)]
        cells += [] if other is None else [_mean(ok["bpp"], weights[other])]
        for metric in board.metrics:
            its = counted.get(metric.name, finished)[chosen]
            mean = _mean(ok[metric.name][its], shares[its], complete=True)
            cells.append(mean)
            if metric.name in DB_METRICS:
                cells.append(None if mean is None else float(to_db(mean)))
        cells += [_mean(ok[f"{phase}_s"], weights["images"]) for phase in ("encode", "decode")]
        cells += [_spread(ok, "encode"), _spread(ok, "decode")]
        rows.append(tuple(cells))
    notes = (
        f"Means over {_AVERAGED[board.average]}, of all images that were measured; ok counts them. A metric"
        " is given only where every one of these images has a finite value, but for those that a note names.",
        "MS-SSIM dB is −10·log10(1 − mean).",
        *_direction_notes(board),
        "spread: interquartile range of a trial's timed repetitions ÷ their median, median over the images.",
    )
    return Table("points", f"Operating points on {board.dataset}", tuple(columns), tuple(rows), notes)


def comparison(board: Board) -> Table | None:
    """BD-rate in every metric, measured and published curves."""
    if board.anchor is None:
        return None
    rows: list[tuple[Value, ...]] = []
    for metric, by_label in board.bd.items():
        for label, bd in by_label.items():
            its, averaged = bd.per_image, bd.mean_curve
            remarks = [f"n/a ({its.reason})" if its.reason else "", *its.warnings]
            remarks += [f"mean curve n/a ({averaged.reason})" if averaged.reason else "", *averaged.warnings]
            rows.append(
                (
                    *(metric, label, "measured", its.value, *(its.ci95 or (None, None)), its.median),
                    *(its.wins, its.n, its.n_images, its.overlap),
                    *(averaged.value, *(bd.ci95 or (None, None)), averaged.overlap),
                    "; ".join(dict.fromkeys(filter(None, remarks))),
                )
            )
        for label, curve in board.published_bd.get(metric, {}).items():
            remark = f"n/a ({curve.reason})" if curve.reason else "; ".join(curve.warnings)
            nothing = (None,) * 8
            values = (curve.value, None, None, curve.overlap, remark)
            rows.append((metric, label, "published", *nothing, *values))
    columns = (
        Column("metric", "metric"),
        Column("label", "codec"),
        Column("provenance", "curve"),
        Column("bd_rate_per_image", "BD-rate %", 2, signed=True),
        Column("ci95_per_image_low", "95% from", 2, signed=True),
        Column("ci95_per_image_high", "to", 2, signed=True),
        Column("median_per_image", "median %", 2, signed=True),
        Column("wins", "wins"),
        Column("n_per_image", "of"),
        Column("n_images", "images"),
        Column("overlap_per_image", "mean overlap", 2),
        Column("bd_rate", "mean curve %", 2, signed=True),
        Column("ci95_low", "95% from", 2, signed=True),
        Column("ci95_high", "to", 2, signed=True),
        Column("overlap", "its overlap", 2),
        Column("remark", "remark"),
    )
    return Table("bd_rate", _bd_title(board), columns, tuple(rows), _comparison_notes(board, list(board.bd)))


def matched_rate(board: Board) -> Table | None:
    """Quality at given rates, interpolated inside the measured range only."""
    rows: list[tuple[Value, ...]] = []
    for metric in board.metrics:
        for label, curve in board.curves.get(metric.name, {}).items():
            values = [quality_at(curve, rate) for rate in MATCHED_RATES]
            if metric.name in DB_METRICS:
                values = [None if it is None else float(to_db(it)) for it in values]
            if any(it is not None for it in values):
                rows.append((metric.name, label, *values))
    columns = (
        Column("metric", "metric"),
        Column("label", "codec"),
        *(Column(f"at_{rate:g}_bpp", f"{rate:g} bpp", 3) for rate in MATCHED_RATES),
    )
    notes = (
        f"Interpolated on the mean curve over {_AVERAGED[board.average]} (PCHIP), never beyond its ends;"
        " MS-SSIM in dB.",
        *_direction_notes(board),
    )
    return Table("matched_rate", f"Quality at matched rate on {board.dataset}", columns, tuple(rows), notes)


def matched_quality(board: Board) -> Table | None:
    """Rate at given qualities, interpolated inside the measured range only."""
    rows: list[tuple[Value, ...]] = []
    for metric in HEADLINE_METRICS:
        levels = next(levels for prefix, levels in MATCHED_QUALITIES.items() if metric.startswith(prefix))
        for label, curve in board.curves.get(metric, {}).items():
            for level in levels:
                target = 1 - 10 ** (-level / 10) if metric in DB_METRICS else level
                rate = rate_at(curve, target)
                if rate is not None:
                    rows.append((metric, label, level, rate))
    columns = (
        Column("metric", "metric"),
        Column("label", "codec"),
        Column("quality_db", "at dB", 1),
        Column("bpp", "bpp", 4),
    )
    notes = (
        f"Interpolated on the mean curve over {_AVERAGED[board.average]} (PCHIP), never beyond its ends;"
        " MS-SSIM in dB.",
    )
    return Table(
        "matched_quality", f"Rate at matched quality on {board.dataset}", columns, tuple(rows), notes
    )


def lossless(board: Board) -> Table | None:
    """Configurations that reproduce every pixel, by rate."""
    rows: list[tuple[Value, ...]] = []
    speeds = _speeds(board)
    other = _other_average(board)
    for entry in board.lossless:
        rates = board.lossless_bpp.get(entry.label, {})
        rate = rates.get(board.average)
        ratio = None if rate is None else RAW_BITS / rate
        # 3 bytes a pixel: the customary MB/s of lossless coders counts raw samples
        speed = [None if it is None else 3 * it for it in speeds[entry.label]]
        also = [] if other is None else [rates.get(other)]
        rows.append(
            (entry.label, f"{entry.n_ok}/{entry.n_planned}", rate, *also, ratio, *speed, entry.timing)
        )
    rows.sort(key=lambda row: (row[2] is None, row[2] or 0.0))
    columns = (
        Column("label", "codec"),
        Column("n_ok", "ok"),
        Column("bpp", "bpp", 3, "low"),
        *([] if other is None else [Column(f"bpp_by_{other}", f"bpp by {other}", 3, "low")]),
        Column("ratio", "ratio", 3, "high"),
        Column("encode_mbs", "enc MB/s", 1, "high"),
        Column("decode_mbs", "dec MB/s", 1, "high"),
        Column("timing", "timed"),
    )
    notes = (
        f"bpp is the mean over {_AVERAGED[board.average]}, of {len(board.lossless_images)} of"
        f" {board.n_images} images, those that every configuration with a value finished; ratio is 24 ÷ that"
        " mean; MB are millions of raw sample bytes."
        " Every decoded pixel was compared with the original.",
        _timing_note(board.lossless),
    )
    return Table("lossless", f"Lossless coding of {board.dataset}", columns, tuple(rows), notes)


def complexity(board: Board) -> Table | None:
    """What learned codecs cost, beside what they gain."""
    speeds = _speeds(board)
    learned = [entry for entry in board.entries if entry.complexity]
    metrics = headline_metrics(board)[:1]
    trained = any(TRAINING_HOURS in entry.complexity for entry in learned)
    memory = {entry.label: _peaks(board, entry.label) for entry in learned}
    known = any(it is not None for its in memory.values() for it in its)
    rows: list[tuple[Value, ...]] = []
    for entry in learned:
        cost = entry.complexity
        values: list[Value] = [entry.label]
        values += [cost.get(key, math.nan) / 1e6 for key in ("parameters", "weight_bytes")]
        values += [cost.get(f"{side}_kmac_per_pixel") for side in ("encoder", "decoder")]
        values += memory[entry.label] if known else []
        values += [cost.get(TRAINING_HOURS)] if trained else []
        values += [_bd_cells(board, metric, entry.label)[0] for metric in metrics]
        rows.append((*values, *speeds[entry.label]))
    columns = (
        Column("label", "codec"),
        Column("parameters_m", "parameters, M", 2, "low"),
        Column("weights_mb", "weights, MB", 2, "low"),
        Column("encoder_kmac_px", "enc kMAC/px", 1, "low"),
        Column("decoder_kmac_px", "dec kMAC/px", 1, "low"),
        *([Column("encode_peak_mb", "enc memory, MB", 0, "low")] if known else []),
        *([Column("decode_peak_mb", "dec memory, MB", 0, "low")] if known else []),
        *([Column(TRAINING_HOURS, "training, h", 1, "low")] if trained else []),
        *(
            Column(f"bd_rate_per_image_{it}", f"BD-rate {metric_title(it)} %", 1, "low", signed=True)
            for it in metrics
        ),
        Column("encode_mps", "enc MP/s", 2, "high"),
        Column("decode_mps", "dec MP/s", 2, "high"),
    )
    notes = (
        "kMAC/px: thousands of multiply–accumulates per pixel of all convolutions, counted by hooks. A dash:"
        " the codec does not report it.",
        *([_PEAK_NOTES[_peak_kind(board)]] if known else []),
    )
    return Table(
        "complexity", f"Complexity of learned codecs on {board.dataset}", columns, tuple(rows), notes
    )


_PEAK_NOTES: dict[PeakOf, str] = {
    "process": "memory: the most that the process held on any picture, libraries included.",
    "codec": "memory: the most that the codec took on any picture, its libraries and weights included.",
}


def _peak_kind(board: Board) -> PeakOf:
    """What the memory figures of a table are of: those of older journals stand in none with new ones."""
    frame = board.frame
    new = "peak_of" in frame and bool((frame["peak_of"] == "codec").any())
    return "codec" if new else "process"


def _peaks(board: Board, label: str) -> list[float | None]:
    """The most of encoder and decoder over the finished trials, in MB; None where not measured."""
    rows = board.frame[(board.frame["label"] == label) & (board.frame["status"] == "ok")]
    if _peak_kind(board) == "codec":
        rows = rows[rows["peak_of"] == "codec"]
    measured = [rows[it].dropna() if it in rows else () for it in ("encode_peak_bytes", "decode_peak_bytes")]
    return [float(max(it)) / 1e6 if len(it) else None for it in measured]


def failures(board: Board) -> Table:
    """Every trial that is not ``ok``."""
    failed = board.frame[board.frame["status"] != "ok"]
    names = ("label", "image", "quality", "status", "error")
    rows = tuple(
        (
            str(it.label),
            str(it.image),
            None if it.quality != it.quality else it.quality,
            str(it.status),
            it.error,
        )
        for it in failed[list(names)].itertuples()
    )
    columns = tuple(Column(name, name) for name in names)
    return Table("failures", f"Trials without a result on {board.dataset}", columns, rows)


def _timing_note(entries: Sequence[Entry]) -> str:
    """How the times behind the speeds were taken: what the records say, not what is usual."""
    modes = {it.timing for it in entries}
    said = []
    if "load" in modes:
        said.append("`load`: taken while other trials ran (throughput, no basis for a comparison)")
    if repeats := [count for it in entries if it.timing in ("alone", "disturbed") for count in it.repeats]:
        fewest, most = min(repeats), max(repeats)
        counted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        how = "one repetition" if most == 1 else f"median of {counted} repetitions"
        said.append(f"`alone`: pinned, warmed up, {how} of each trial")
    if disturbed := [it for it in entries if it.timing == "disturbed"]:
        shares = ", ".join(f"{it.label} {it.cpu_share:.0%}" for it in disturbed)
        said.append(f"`disturbed`: alone, but with only a part of the processor ({shares}), so too slow")
    measure = "MP/s: megapixels of all images ÷ seconds for all of them, one thread"
    return f"{measure}; timed {', '.join(said)}." if said else f"{measure}."


def _direction_notes(board: Board) -> tuple[str, ...]:
    """Which metrics are not better the higher they are."""
    lower = [metric_title(it.name) for it in board.metrics if not it.higher_is_better and it.ideal is None]
    notes = [f"Lower is better: {', '.join(lower)}."] if lower else []
    notes += [
        f"{metric_title(it.name)}: {it.ideal:g} is ideal." for it in board.metrics if it.ideal is not None
    ]
    return tuple(notes)


def _comparison_notes(board: Board, metrics: list[str]) -> tuple[str, ...]:
    counts = {len(board.images[it]) for it in metrics}
    images = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else f"{counts.pop() if counts else 0}"
    return (
        "BD-rate: bits at equal quality against the anchor, negative = fewer, image by image (PCHIP, each"
        " over the range of quality that its two curves share) and averaged in log-rate; 95% interval over"
        " images; wins: images with fewer bits, of those with a value.",
        f"mean curve: the BD-rate of curves averaged over {_AVERAGED[board.average]}, as most papers"
        " report it. It also depends on how a codec divides its bits among the images.",
        f"Over {images} of {board.n_images} images, those that every compared configuration finished.",
    )


def _rank_notes(order: Sequence[Standing], images: int) -> tuple[str, ...]:
    notes = ["overlap: share of the range of quality of both curves that they share, mean over images."]
    below = [its.label for its in order if not its.ranked]
    if below:
        notes[0] += (
            f" Below {RANKED_OVERLAP:.0%}, of under {MIN_FINISHED:.0%} of the images, or without a value, not"
            f" ranked: {', '.join(below)}."
        )
    if any(its.best != its.worst for its in order):
        notes.append(
            "#: places are shared (1–2) unless the 95% interval of the direct comparison agrees with the"
            " order."
        )
    if 0 < images < MIN_IMAGES:
        notes.append("#: too few images to tell places apart; the order is that of these images alone.")
    return tuple(notes)


def _bd_cells(board: Board, metric: str, label: str) -> tuple[Value, Value, Value, Value, Value]:
    """BD-rate by image, its interval in words, wins, overlap in percent, and BD-rate of the mean curves."""
    if label == board.anchor and metric in board.bd:
        return 0.0, "anchor", None, None, 0.0
    bd = board.bd.get(metric, {}).get(label)
    if bd is None:
        return None, "", None, None, None
    its = bd.per_image
    wins = f"{its.wins}/{its.n}"
    overlap = None if its.overlap is None else 100 * its.overlap
    if its.value is None:
        return None, f"n/a ({its.reason})", None, overlap, bd.mean_curve.value
    words = "" if its.ci95 is None else f"{its.ci95[0]:+.1f} to {its.ci95[1]:+.1f}".replace("-", "−")
    return its.value, words, wins, overlap, bd.mean_curve.value


_AVERAGED = {
    "images": "images (every image counts the same)",
    "pixels": "pixels (total bits ÷ total pixels)",
}


def _speeds(board: Board) -> dict[str, tuple[Value, Value]]:
    """Encoder and decoder megapixels per second of each configuration."""
    return {entry.label: (entry.encode_mps, entry.decode_mps) for entry in board.entries}


def _points(lossy: pd.DataFrame) -> Iterator[tuple[str, float, NDArray[np.intp]]]:
    """Label, quality and rows of each operating point, in the order of their first appearance."""
    point = lossy.groupby(["label", "quality"], sort=False, observed=True).ngroup().to_numpy()
    order = np.argsort(point, kind="stable")
    ends = np.searchsorted(point[order], np.arange(point.max(initial=-1) + 2))
    points = [order[start:end] for start, end in itertools.pairwise(ends.tolist())]
    first = lossy[["label", "quality"]].iloc[[rows[0] for rows in points]]
    for label, quality, rows in zip(first["label"], first["quality"], points, strict=True):
        yield str(label), float(quality), rows


def _spread(ok: Mapping[str, Array], phase: str) -> float | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = ok[f"{phase}_iqr_s"] / ok[f"{phase}_s"]
    shares = shares[~np.isnan(shares)]
    return 100 * float(np.median(shares)) if len(shares) else None


def _mean(values: Array, weights: Array, *, complete: bool = False) -> float | None:
    absent = np.isnan(values)
    if not len(values) or (complete and absent.any()):
        return None
    total = weights[~absent].sum()
    return float(np.where(absent, 0.0, values) @ weights / total) if total else math.nan


def _other_average(board: Board) -> Average | None:
    """How rates could be averaged as well, where the images' sizes make a difference."""
    sizes = board.frame.loc[board.frame["status"] == "ok", ["width", "height"]].drop_duplicates()
    if (sizes["width"] * sizes["height"]).nunique() < 2:
        return None
    return "pixels" if board.average == "images" else "images"

"""A run as a table: one row for each planned trial."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.errors import StoreError
from bench.host.helper_process import Helper, HelperLost, can_help
from bench.inputs.goals import BUDGET
from bench.runs.columns import (
    COLDS,
    PEAKS,
    REPEATS,
    SEARCHED,
    SHARES,
    SPREADS,
    STARTUPS,
    WHY_NOT,
    Part,
    Trials,
    in_order_of_plan,
    read_part,
)
from bench.runs.store import RunInfo, journal, read_info
from bench.trials.measurement import RecordedDecoder

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

METRIC_COLUMNS = ("psnr_rgb", "psnr_y", "psnr_yuv", "ssim_rgb", "ms_ssim_rgb")

COLUMNS = (
    *("dataset", "image", "codec", "label", "config", "quality", "status", "width", "height", "bytes", "bpp"),
    *METRIC_COLUMNS,
    *("encode_s", "decode_s", "error"),
)
"""The columns that every table begins with, in this order."""

_MEMORY = ("gpu_bytes", *PEAKS)
_IDENTITY = (
    "estimated_bpp",
    "version",
    "decoder",
    "lossless",
    "exact",
    "timing",
    REPEATS,
    "encode_iqr_s",
    "decode_iqr_s",
    *STARTUPS,
    *COLDS,
    *SHARES,
    "device",
    *_MEMORY,
    "peak_of",
    "metrics_device",
    "depth",
    "channels",
    "treatment",
    "decoded_treatment",
    "bitstream_sha256",
    "pixels_sha256",
    "image_sha256",
    "isolation",
    "environment",
    "target",
    *SEARCHED,
    WHY_NOT,
)

_WORTH_A_HELPER = 1 << 26
"""Bytes of a journal."""


def is_column(name: str) -> bool:
    """Whether a table has a column of this name that is no metric's."""
    return name not in METRIC_COLUMNS and name in (*COLUMNS, *_IDENTITY, "run")


def load(run: Path | str) -> pd.DataFrame:
    """Load a run folder.

    Returns
    -------
    pandas.DataFrame
        One row for each planned trial, in the order of the plan's codecs, qualities and images; trials
        that were never measured have the status ``cancelled``. The columns of :data:`COLUMNS` come first,
        then metrics beyond the built-in ones, then identity. ``config`` is JSON, and so is ``decoder``, which
        is empty where a codec's own decoder ran; ``bpp`` is bits per pixel of the bitstream and
        ``estimated_bpp`` what the codec's own model says of it,
        ``encode_s`` and ``decode_s`` the median in seconds (``encode_iqr_s`` and ``decode_iqr_s`` the
        interquartile range, where there are three samples or more) of ``repeats`` samples, and
        ``encode_startup_s`` what of that the start of a codec's programs takes, with their files,
        ``encode_cold_s`` the time of the first call of a process, for the trial that it began with,
        ``encode_cpu_share`` the share of the processor that timed work had; ``error`` is empty where there
        is none. ``depth`` and ``channels`` are those of the picture as it was coded.
        ``device`` and ``metrics_device`` are where codec and metrics ran, ``gpu_bytes`` the most GPU memory
        that the codec held, ``encode_peak_bytes`` and ``decode_peak_bytes`` the most memory that a
        codec took; ``peak_of`` says what that is of (:data:`bench.trials.measurement.PeakOf`); ``isolation``
        is ``none`` for what was measured in rdbench's own process, ``environment`` the machine that
        measured: the ``id`` of an environment in ``run.json``, empty for what was not measured. Where
        ``target`` names a rate or a metric, ``quality`` is what each image was to reach, ``setting`` the
        quality that the codec was given for it, ``within`` whether that is within the tolerance, else
        ``target_reason`` says why not, and ``encodes`` counts the trials that were made for it; elsewhere
        ``setting`` is ``quality``. A metric
        without a value is NaN. Columns that repeat few values are categorical.
        ``frame.attrs["metrics"]`` names the columns of metrics, ``frame.attrs["metric_versions"]`` has the
        versions of those that were asked for, ``frame.attrs["lower_is_better"]`` names those that measure
        difference rather than likeness, ``frame.attrs["ideal"]`` has the best value of those that are worse
        on both sides of it.

    Raises
    ------
    StoreError
        The folder holds no run, or one that this version can't read.
    """
    folder = Path(run)
    info = read_info(folder)
    metrics = [*METRIC_COLUMNS, *(it.name for it in info.metrics if it.name not in METRIC_COLUMNS)]
    for name in metrics[len(METRIC_COLUMNS) :]:
        if is_column(name):
            raise StoreError(f"{folder}: a metric is called {name!r}, as another column of the table is")
    planned = len(info.images) * sum(len(it.qualities) for it in info.codecs)
    return _frame(info, metrics, in_order_of_plan(_parts(folder, metrics), planned))


def is_read_by_two(folder: Path) -> bool:
    """Whether a second process reads a part of the journal."""
    return journal(folder).halves()[1][1] >= _WORTH_A_HELPER and can_help()


def _parts(folder: Path, metrics: list[str]) -> list[Part]:
    """The two parts of the journal, read at the same time where that is worth a process."""
    first, second = journal(folder).halves()
    if not is_read_by_two(folder):
        return [read_part(folder, metrics, (0, second[1]))]
    with Helper() as helper:
        rest = helper.submit(read_part, folder, metrics, second)
        parts = [read_part(folder, metrics, first)]
        try:
            parts.append(rest.result())
        except HelperLost:
            parts.append(read_part(folder, metrics, second))
    return parts


def _frame(info: RunInfo, metrics: list[str], trials: Trials) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    images, codecs, numbers = info.images, info.codecs, trials.numbers
    points = [(index, quality) for index, codec in enumerate(codecs) for quality in codec.qualities]
    of_image = np.tile(np.arange(len(images)), len(points))
    of_codec = np.repeat(np.array([index for index, _ in points], np.intp), len(images))
    qualities = np.array([np.nan if quality is None else quality for _, quality in points], dtype=float)
    pixels = numbers["width"] * numbers["height"]
    quality = np.repeat(qualities, len(images))
    searched = np.array([it.goal is not None for it in codecs], bool)[of_codec]

    def by_image(values: list[str]) -> pd.Categorical:
        return _categorical(values, of_image)

    def by_codec(values: list[str]) -> pd.Categorical:
        return _categorical(values, of_codec)

    columns: dict[str, Any] = {
        "dataset": by_image([it.dataset for it in images]),
        "image": by_image([it.name for it in images]),
        "codec": by_codec([it.codec for it in codecs]),
        "label": by_codec([it.label for it in codecs]),
        "config": by_codec([json.dumps(it.config, sort_keys=True) for it in codecs]),
        "quality": quality,
        "status": trials.categories["status"],
        "width": pd.array(numbers["width"], dtype="Int64"),
        "height": pd.array(numbers["height"], dtype="Int64"),
        "bytes": pd.array(numbers["bytes"], dtype="Int64"),
        "bpp": 8 * numbers["bytes"] / pixels,
        **{name: numbers[name] for name in metrics},
        "encode_s": numbers["encode_s"],
        "decode_s": numbers["decode_s"],
        "error": trials.texts["error"],
        "estimated_bpp": numbers["estimated_bits"] / pixels,
        "version": by_codec([it.version for it in codecs]),
        "decoder": by_codec([as_json(it.recorded_decoder) for it in codecs]),
        "lossless": np.array([it.lossless for it in codecs], bool)[of_codec],
        "exact": trials.exact,
        "timing": trials.categories["timing"],
        REPEATS: pd.array(numbers[REPEATS], dtype="Int64"),
        **{name: numbers[name] for name in (*STARTUPS, *COLDS, *SHARES)},
        "device": trials.categories["device"],
        **{name: pd.array(numbers[name], dtype="Int64") for name in _MEMORY},
        "peak_of": trials.categories["peak_of"],
        "metrics_device": trials.categories["metrics_device"],
        **{name: numbers[name] for name in SPREADS.values()},
        "depth": pd.array(numbers["depth"], dtype="Int64"),
        "channels": trials.categories["channels"],
        "treatment": trials.categories["treatment"],
        "decoded_treatment": trials.categories["decoded_treatment"],
        "bitstream_sha256": trials.texts["bitstream_sha256"],
        "pixels_sha256": trials.texts["pixels_sha256"],
        "image_sha256": by_image([it.sha256 for it in images]),
        "isolation": trials.categories["isolation"],
        "environment": trials.categories["environment"],
        "target": by_codec(["" if it.goal is None else it.goal.of for it in codecs]),
        "setting": np.where(searched, numbers["setting"], quality),
        "within": pd.array(numbers["within"], dtype="boolean"),
        "encodes": pd.array(numbers["encodes"], dtype="Int64"),
        WHY_NOT: trials.texts[WHY_NOT],
    }
    further = metrics[len(METRIC_COLUMNS) :]
    order = (*COLUMNS, *further, *_IDENTITY)
    frame = pd.DataFrame({name: columns[name] for name in order}, copy=False)
    frame.attrs["metrics"] = metrics
    frame.attrs["metric_versions"] = {it.name: it.version for it in info.metrics}
    frame.attrs["lower_is_better"] = [it.name for it in info.metrics if not it.higher_is_better]
    frame.attrs["ideal"] = {it.name: it.ideal for it in info.metrics if it.ideal is not None}
    return frame


def without_attrs(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table for taking apart: pandas copies ``attrs`` for each part of one."""
    bare = frame.copy(deep=False)
    bare.attrs = {}
    return bare


def searched_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows whose quality was searched; none of a table that does not say."""
    if "target" not in frame:
        return frame.iloc[:0].assign(target="", setting=0.0, within=False, encodes=0, target_reason="")
    return frame[frame["target"].fillna("").astype(str) != ""]


def reached_values(rows: pd.DataFrame, target: str) -> pd.Series[float]:
    """What rows have reached of a target; NaN where nothing was measured of it."""
    column = "bpp" if target == BUDGET else target
    if column not in rows or rows[column].dtype.kind not in "fiu":
        return rows["bpp"] * float("nan")
    return rows[column].astype(float)


def as_json(decoder: RecordedDecoder | None) -> str:
    """A cell of the column ``decoder``."""
    return "" if decoder is None else msgspec.json.encode(decoder, order="sorted").decode()


def decoder_of(cell: str) -> RecordedDecoder | None:
    """What a cell of the column ``decoder`` says."""
    return msgspec.json.decode(cell, type=RecordedDecoder) if cell else None


def _categorical(values: list[str], rows: NDArray[np.int_]) -> pd.Categorical:
    import numpy as np
    import pandas as pd

    known = {value: code for code, value in enumerate(dict.fromkeys(values))}
    codes = np.array([known[value] for value in values], np.int32)
    return pd.Categorical.from_codes(codes[rows], categories=list(known))

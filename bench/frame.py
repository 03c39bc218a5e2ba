"""A run as a table: one row for each planned trial."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.record import Measurement, median
from bench.store import RunInfo, Selector, read_info, read_journal

if TYPE_CHECKING:
    import pandas as pd

METRIC_COLUMNS = ("psnr_rgb", "psnr_y", "psnr_yuv", "ssim_rgb", "ms_ssim_rgb")

COLUMNS = (
    *("dataset", "image", "codec", "label", "config", "quality", "status", "width", "height", "bytes", "bpp"),
    *METRIC_COLUMNS,
    *("encode_s", "decode_s", "error"),
)
"""The columns that every table begins with, in this order."""

_FURTHER = ("version", "lossless", "exact", "timing", "treatment", "bitstream_sha256", "pixels_sha256", "image_sha256")


def load(run: Path | str) -> pd.DataFrame:
    """Load a run folder.

    Returns
    -------
    pandas.DataFrame
        One row for each planned trial, in the order of the plan's codecs, qualities and images; trials
        that were never measured have the status ``cancelled``. The columns of :data:`COLUMNS` come first,
        then metrics beyond the built-in ones, then identity. ``config`` is JSON, ``bpp`` bits per pixel,
        ``encode_s`` and ``decode_s`` the median in seconds, ``error`` empty where there is none.
        Metrics without a value are NaN.

    Raises
    ------
    StoreError
        The folder holds no run, or one that this version can't read.
    """
    import pandas as pd

    folder = Path(run)
    info = read_info(folder)
    latest = _latest(folder, info)
    further_metrics = [it.name for it in info.metrics if it.name not in METRIC_COLUMNS]
    rows = _rows(info, latest)
    names = (*COLUMNS, *further_metrics, *_FURTHER)
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for row in rows:
        for name in names:
            columns[name].append(row.get(name))
    frame = pd.DataFrame(columns)
    for name in (*METRIC_COLUMNS, *further_metrics, "quality", "bpp", "encode_s", "decode_s"):
        frame[name] = pd.to_numeric(frame[name])
    for name in ("width", "height", "bytes"):
        frame[name] = frame[name].astype("Int64")
    return frame

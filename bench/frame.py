"""A run as a table: one row for each planned trial."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.plan import ImagePlan
from bench.record import Measurement, median
from bench.store import RunInfo, Selector, read_info, read_journal

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

_IDENTITY = (
    "version",
    "lossless",
    "exact",
    "timing",
    "treatment",
    "bitstream_sha256",
    "pixels_sha256",
    "image_sha256",
)


def load(run: Path | str) -> pd.DataFrame:
    """Load a run folder.

    Returns
    -------
    pandas.DataFrame
        One row for each planned trial, in the order of the plan's codecs, qualities and images; trials
        that were never measured have the status ``cancelled``. The columns of :data:`COLUMNS` come first,
        then metrics beyond the built-in ones, then identity. ``config`` is JSON, ``bpp`` bits per pixel,
        ``encode_s`` and ``decode_s`` the median in seconds, ``error`` empty where there is none.
        A metric without a value is NaN. Columns that repeat few values are categorical.
        ``frame.attrs["lower_is_better"]`` names the metrics that measure difference rather than likeness.

    Raises
    ------
    StoreError
        The folder holds no run, or one that this version can't read.
    """
    folder = Path(run)
    info = read_info(folder)
    table = _Table(info)
    for measurement in read_journal(folder):
        table.put(measurement)
    return table.frame()


class _Table:
    """Columns with a place for every planned trial; a later line of the journal replaces an earlier one.

    The plan is a product, so a trial's row is computed, not looked up, and a million measurements never
    exist as objects at the same time.
    """

    def __init__(self, info: RunInfo) -> None:
        import numpy as np

        self._np = np
        self._info = info
        self._selector = Selector(info)
        self._image_rows = {it: row for row, it in enumerate(info.images)}
        self._point_rows: dict[tuple[str, float | None], int] = {}
        for codec in info.codecs:
            for quality in codec.qualities:
                self._point_rows[codec.label, quality] = len(self._point_rows) * len(info.images)
        rows = len(self._point_rows) * len(info.images)
        further = [it.name for it in info.metrics if it.name not in METRIC_COLUMNS]
        self._metrics = {name: self._numbers(rows) for name in (*METRIC_COLUMNS, *further)}
        self._numeric = {
            name: self._numbers(rows) for name in ("width", "height", "bytes", "encode_s", "decode_s")
        }
        self._categories = {
            "status": _Category(rows),
            "timing": _Category(rows),
            "treatment": _Category(rows),
        }
        self._categories["status"].fill("cancelled")
        self._objects: dict[str, list[Any]] = {
            "error": [""] * rows,
            "exact": [False] * rows,
            "bitstream_sha256": [None] * rows,
            "pixels_sha256": [None] * rows,
        }
        self._rows = rows

    def _numbers(self, rows: int) -> NDArray[np.float64]:
        return self._np.full(rows, self._np.nan)

    def put(self, it: Measurement) -> None:
        codec = self._selector.codec_of(it)
        if codec is None:
            return
        row = (
            self._point_rows[codec.label, it.quality]
            + self._image_rows[ImagePlan(it.dataset, it.image, it.image_sha256)]
        )
        nan = self._np.nan
        for name, column in self._metrics.items():
            value = it.metrics.get(name)
            column[row] = nan if value is None else value
        numbers = (it.width, it.height, it.bytes, median(it.encode_s), median(it.decode_s))
        for column, number in zip(self._numeric.values(), numbers, strict=True):
            column[row] = nan if number is None else number
        self._categories["status"].put(row, it.status)
        self._categories["timing"].put(row, it.timing)
        self._categories["treatment"].put(row, it.treatment)
        self._objects["error"][row] = "" if it.failure is None else str(it.failure)
        self._objects["exact"][row] = it.exact
        self._objects["bitstream_sha256"][row] = it.bitstream_sha256
        self._objects["pixels_sha256"][row] = it.pixels_sha256

    def frame(self) -> pd.DataFrame:
        import numpy as np
        import pandas as pd

        images, codecs = self._info.images, self._info.codecs
        points = [(index, quality) for index, codec in enumerate(codecs) for quality in codec.qualities]
        of_image = np.tile(np.arange(len(images)), len(points))
        of_codec = np.repeat([index for index, _ in points], len(images))
        qualities = np.array([np.nan if quality is None else quality for _, quality in points], dtype=float)
        pixels = self._numeric["width"] * self._numeric["height"]

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
            "quality": np.repeat(qualities, len(images)),
            "status": self._categories["status"].column(),
            "width": pd.array(self._numeric["width"], dtype="Int64"),
            "height": pd.array(self._numeric["height"], dtype="Int64"),
            "bytes": pd.array(self._numeric["bytes"], dtype="Int64"),
            "bpp": 8 * self._numeric["bytes"] / pixels,
            **self._metrics,
            "encode_s": self._numeric["encode_s"],
            "decode_s": self._numeric["decode_s"],
            "error": self._objects["error"],
            "version": by_codec([it.version for it in codecs]),
            "lossless": np.array([it.lossless for it in codecs])[of_codec],
            "exact": self._objects["exact"],
            "timing": self._categories["timing"].column(),
            "treatment": self._categories["treatment"].column(),
            "bitstream_sha256": self._objects["bitstream_sha256"],
            "pixels_sha256": self._objects["pixels_sha256"],
            "image_sha256": by_image([it.sha256 for it in images]),
        }
        further = [name for name in self._metrics if name not in METRIC_COLUMNS]
        frame = pd.DataFrame(columns)[[*COLUMNS, *further, *_IDENTITY]]
        frame.attrs["lower_is_better"] = [it.name for it in self._info.metrics if not it.higher_is_better]
        return frame


class _Category:
    """A column that repeats few texts."""

    def __init__(self, rows: int) -> None:
        import numpy as np

        self._codes = np.zeros(rows, np.int32)
        self._known: dict[str, int] = {"": 0}

    def fill(self, value: str) -> None:
        self._codes[:] = self._known.setdefault(value, len(self._known))

    def put(self, row: int, value: str) -> None:
        self._codes[row] = self._known.setdefault(value, len(self._known))

    def column(self) -> pd.Categorical:
        import pandas as pd

        return pd.Categorical.from_codes(self._codes, categories=list(self._known)).remove_unused_categories()


def _categorical(values: list[str], rows: NDArray[np.int_]) -> pd.Categorical:
    import numpy as np
    import pandas as pd

    known = {value: code for code, value in enumerate(dict.fromkeys(values))}
    codes = np.array([known[value] for value in values], np.int32)
    return pd.Categorical.from_codes(codes[rows], categories=list(known))

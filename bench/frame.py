"""A run as a table: one row for each planned trial."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.record import Failure, Status, TimingMode, median, spread
from bench.store import RunInfo, Selector, read_batches, read_info

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
    "encode_iqr_s",
    "decode_iqr_s",
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
        ``encode_s`` and ``decode_s`` the median in seconds (``encode_iqr_s`` and ``decode_iqr_s`` the
        interquartile range, where there are three samples or more), ``error`` empty where there is none.
        A metric without a value is NaN. Columns that repeat few values are categorical.
        ``frame.attrs["lower_is_better"]`` names the metrics that measure difference rather than likeness.

    Raises
    ------
    StoreError
        The folder holds no run, or one that this version can't read.
    """
    folder = Path(run)
    table = _Table(read_info(folder))
    for lines in read_batches(folder, _Line):
        table.put(lines)
    return table.frame()


class _Line(msgspec.Struct, frozen=True, gc=False):
    """A :class:`~bench.record.Measurement` as far as the table needs it; the configuration stays unparsed."""

    environment: str
    dataset: str
    image: str
    image_sha256: str
    codec: str
    version: str
    config: msgspec.Raw
    status: Status
    quality: float | None = None
    weights_sha256: str | None = None
    width: float | None = None
    height: float | None = None
    treatment: str = ""
    bytes: float | None = None
    bitstream_sha256: str | None = None
    pixels_sha256: str | None = None
    exact: bool = False
    timing: TimingMode = "load"
    encode_s: tuple[float, ...] = ()
    decode_s: tuple[float, ...] = ()
    metrics: dict[str, float | None] = {}
    failure: Failure | None = None


_NUMBERS = ("width", "height", "bytes")
_TIMES = ("encode_s", "decode_s")
_SPREADS = {"encode_iqr_s": "encode_s", "decode_iqr_s": "decode_s"}
_TEXTS = ("bitstream_sha256", "pixels_sha256", "exact")
_REPEATING = ("status", "timing", "treatment")


class _Table:
    """Columns with a place for every planned trial; a later line of the journal replaces an earlier one.

    The plan is a product, so a trial's row is computed, not looked up; lines are taken in batches, so that
    a million of them never exist as objects at the same time.
    """

    def __init__(self, info: RunInfo) -> None:
        import numpy as np

        self._info = info
        self._selector = Selector(info)
        points = sum(len(codec.qualities) for codec in info.codecs)
        rows = points * len(info.images)
        further = [it.name for it in info.metrics if it.name not in METRIC_COLUMNS]
        self._metrics = {name: np.full(rows, np.nan) for name in (*METRIC_COLUMNS, *further)}
        self._numeric = {name: np.full(rows, np.nan) for name in (*_NUMBERS, *_TIMES, *_SPREADS)}
        self._categories = {name: _Category(rows) for name in _REPEATING}
        self._categories["status"].fill("cancelled")
        self._objects = {name: np.full(rows, None, dtype=object) for name in _TEXTS}
        self._objects["exact"][:] = False
        self._objects["error"] = np.full(rows, "", dtype=object)

    def put(self, lines: list[_Line]) -> None:
        import numpy as np

        place = self._selector.row
        # A batch may hold one trial twice, and of a repeated index numpy keeps any: the last must win.
        rows_of = {
            row: it
            for it in lines
            if (row := place(it, bytes(it.config), partial(msgspec.json.decode, it.config))) is not None
        }
        if not rows_of:
            return
        rows, chosen = np.fromiter(rows_of, np.int64, len(rows_of)), list(rows_of.values())
        for name, column in self._metrics.items():
            column[rows] = np.array([it.metrics.get(name) for it in chosen], dtype=float)
        for name in _NUMBERS:
            self._numeric[name][rows] = np.array([getattr(it, name) for it in chosen], dtype=float)
        for name in _TIMES:
            self._numeric[name][rows] = np.array([median(getattr(it, name)) for it in chosen], dtype=float)
        for name, times in _SPREADS.items():
            spreads = [spread(getattr(it, times)) for it in chosen]
            self._numeric[name][rows] = np.array(spreads, dtype=float)
        for name in _TEXTS:
            self._objects[name][rows] = [getattr(it, name) for it in chosen]
        for name in _REPEATING:
            self._categories[name].put(rows, [getattr(it, name) for it in chosen])
        self._objects["error"][rows] = ["" if it.failure is None else str(it.failure) for it in chosen]

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
            "exact": self._objects["exact"].astype(bool),
            "timing": self._categories["timing"].column(),
            **{name: self._numeric[name] for name in _SPREADS},
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

    def put(self, rows: NDArray[np.int64], values: list[str]) -> None:
        for value in set(values) - self._known.keys():
            self._known[value] = len(self._known)
        self._codes[rows] = [self._known[value] for value in values]

    def column(self) -> pd.Categorical:
        import pandas as pd

        return pd.Categorical.from_codes(self._codes, categories=list(self._known)).remove_unused_categories()


def _categorical(values: list[str], rows: NDArray[np.int_]) -> pd.Categorical:
    import numpy as np
    import pandas as pd

    known = {value: code for code, value in enumerate(dict.fromkeys(values))}
    codes = np.array([known[value] for value in values], np.int32)
    return pd.Categorical.from_codes(codes[rows], categories=list(known))

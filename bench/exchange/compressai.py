"""CompressAI's results JSON, both ways.

There is one file for each codec configuration: ``{"name": ..., "description": ..., "results": {"bpp": [...],
"psnr-rgb": [...], "ms-ssim-rgb": [...], "encoding_time": [...], "decoding_time": [...]}}``. All lists are
parallel, with one entry for each operating point, the mean over the data set. MS-SSIM is a number in [0, 1].
``meta`` is free to use. ``python -m compressai.utils.plot -f FILE...`` draws such files.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import ConfigError
from bench.exchange._files import configurations, read_json, safe_name, write_json
from bench.exchange.published import Published, published, remark_on_order
from bench.rd import metric_columns

if TYPE_CHECKING:
    import pandas as pd

_TIMES = ("encoding_time", "decoding_time")


def read_compressai(path: str | Path) -> Published:
    """The published curves in a CompressAI results file, labelled with its ``name``.

    Every list of numbers in ``results`` except ``bpp`` and the times is a metric. ``psnr`` and ``psnr-rgb``
    become ``psnr_rgb``; ``ms-ssim`` and ``ms-ssim-rgb`` become ``ms_ssim_rgb``.

    Raises
    ------
    ConfigError
        The file is absent, not in this format, or has impossible values; the message names the file and the
        key.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected an object with 'name' and 'results', found {_kind(document)}")
    results = document.get("results", document)
    if not isinstance(results, dict) or "bpp" not in results:
        raise ConfigError(f"{path}: no 'results' with a list 'bpp'; is this CompressAI's results format?")
    series = {
        key: _numbers(value, f"{path}: results.{key}")
        for key, value in results.items()
        if key not in _TIMES and isinstance(value, list)
    }
    bpp = series.pop("bpp", [])
    if not bpp or not series:
        raise ConfigError(f"{path}: 'results' holds no {'metric' if bpp else 'operating point in bpp'}")
    label = document.get("name") or Path(path).stem
    if not isinstance(label, str):
        raise ConfigError(f"{path}: 'name' must be text, found {_kind(label)}")
    meta = document.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    listed = meta.get("lower_is_better")
    lower = [it for it in listed if isinstance(it, str)] if isinstance(listed, list) else []
    curves = published(label, bpp, series, str(path), lower)
    return Published(
        label,
        curves,
        str(document.get("description") or ""),
        str(meta.get("url") or meta.get("source") or path),
        str(meta["dataset"]) if meta.get("dataset") else None,
        remark_on_order(curves, bpp, str(path)),
    )


def export_compressai(frame: pd.DataFrame, folder: str | Path) -> tuple[Path, ...]:
    """Write a CompressAI file for each lossy configuration of a run.

    Values are means over the images that the configuration finished at every quality. ``meta`` has the number
    of these images and of all, codec, version, configuration, data set, qualities, and what was left out:
    metrics without a finite mean at any quality, and then points at which one of the other metrics has none.
    Lossless configurations have no RD curve and are left out.

    Parameters
    ----------
    frame : the table of a run
    folder : where to write

    Returns
    -------
    The files that were written.
    """
    written = []
    for config in configurations(frame):
        if config.rows["quality"].isna().all():
            continue
        document = _document(config.label, config.dataset, config.rows)
        if document is not None:
            written.append(write_json(Path(folder) / f"{safe_name(config)}.json", document))
    return tuple(written)


def _document(label: str, dataset: str, rows: pd.DataFrame) -> dict[str, Any] | None:
    qualities = np.sort(rows["quality"].unique())
    ok = rows[rows["status"] == "ok"]
    points = ok.groupby("image")["quality"].nunique()
    images = points.index[points == len(qualities)]
    ok = ok[ok["image"].isin(images)]
    measured = [name for name in metric_columns(rows) if ok[name].notna().any()]
    if ok.empty:
        return None
    # If one image lacks a value, the point has no mean: averages are never over fewer images.
    by_quality = ok.groupby("quality")[["bpp", *measured, "encode_s", "decode_s"]]
    mean = by_quality.agg(lambda column: column.mean(skipna=False))
    metrics = [name for name in measured if np.isfinite(mean[name].to_numpy(float)).any()]
    finite = np.isfinite(mean[["bpp", *metrics]].to_numpy(float)).all(axis=1)
    kept = mean[finite]
    if kept.empty or not metrics:
        return None
    results = {"bpp": kept["bpp"].tolist()}
    results |= {name.replace("_", "-"): kept[name].tolist() for name in metrics}
    for column, key in (("encode_s", _TIMES[0]), ("decode_s", _TIMES[1])):
        if kept[column].notna().all():
            results[key] = kept[column].tolist()
    first = rows.iloc[0]
    meta: dict[str, Any] = {
        "source": "rdbench",
        "dataset": dataset,
        "codec": str(first["codec"]),
        "config": json.loads(first["config"]) if isinstance(first["config"], str) else first["config"],
        "n_images": len(images),
        "n_images_planned": int(rows["image"].nunique()),
        "qualities": kept.index.tolist(),
        "qualities_left_out": mean.index[~finite].tolist(),
    }
    if len(metrics) < len(measured):
        meta["metrics_left_out"] = [name for name in measured if name not in metrics]
    if lower := [name for name in rows.attrs.get("lower_is_better", ()) if name in metrics]:
        meta["lower_is_better"] = lower
    if "conditions" in rows.columns:
        meta["conditions"] = str(first["conditions"])
    if "version" in rows.columns:
        meta["version"] = str(first["version"])
    description = f"{first['codec']} on {dataset}, mean over {len(images)} images, measured by rdbench"
    return {"name": label, "description": description, "meta": meta, "results": results}


def _numbers(value: list[Any], where: str) -> list[float]:
    for position, item in enumerate(value):
        if isinstance(item, bool) or not isinstance(item, int | float) or not math.isfinite(item):
            raise ConfigError(f"{where}[{position}] is {item!r}; expected a finite number")
    return [float(item) for item in value]


def _kind(value: object) -> str:
    return {list: "a list", str: "text", dict: "an object", type(None): "null"}.get(type(value), "a number")

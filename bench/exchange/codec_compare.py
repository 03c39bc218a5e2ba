"""webmproject's codec-compare JSON: per-image measurements for its viewer.

The format is described in the README of https://github.com/webmproject/codec-compare, "Plug data at serve
time". There is one batch for each configuration, with four parallel lists: ``constant_descriptions`` (one-key
objects, name: text) and ``constant_values`` (text), ``field_descriptions`` and ``field_values`` (one list for
each row). A list of batch files, ``[["a.json"], ["b.json"]]``, is what ``index.html?load=LIST`` refers to.

Three things follow from how the viewer loads a batch. It reads ``null`` as 0, so that a metric without a
value in some row is left out of the batch and named in the constant ``omitted_fields``. It interprets
``ssim`` and ``msssim`` as decibels, so that the pure numbers keep their own names, ``ssim_rgb`` and
``ms_ssim_rgb``, which it shows as custom fields; ``psnr`` is PSNR over RGB in both. And it substitutes
``${name}`` in constants, so that ``${`` in a label or configuration is written ``$ {``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import ConfigError
from bench.exchange._files import Configuration, configurations, read_json, safe_name, write_json
from bench.rd import metric_columns

if TYPE_CHECKING:
    import pandas as pd

INDEX = "batches.json"
"""The list of lossy configurations."""
LOSSLESS_INDEX = "batches_lossless.json"
BATCHES = "batches"

_FIELDS = {
    "original_name": ("image", "Original image file name"),
    "width": ("width", "Pixel columns in the original image"),
    "height": ("height", "Pixel rows in the original image"),
    "quality": ("quality", "Compression quality parameter"),
    "encoded_size": ("bytes", "Size of the bitstream in bytes"),
    "encoding_time": ("encode_s", "Encoding duration in seconds (median)"),
    "decoding_time": ("decode_s", "Decoding duration in seconds (median)"),
    "psnr": ("psnr_rgb", "PSNR in dB over the RGB samples of 8-bit pixels"),
}
_METRICS = {
    "psnr_y": "PSNR in dB of BT.601 full-range luma",
    "psnr_yuv": "PSNR in dB, luma and chroma weighted 6:1:1",
    "ssim_rgb": "SSIM, mean over RGB, in [0, 1] (not dB)",
    "ms_ssim_rgb": "MS-SSIM, mean over RGB, in [0, 1] (not dB)",
}


def export_codec_compare(frame: pd.DataFrame, folder: str | Path, time: str = "") -> tuple[Path, ...]:
    """Write a run as codec-compare batches and their lists.

    ``batches.json`` lists the lossy configurations, and ``batches_lossless.json`` those whose decoded pixels
    are all identical to the original's; an empty list is not written. Failed trials are left out, and the
    constant ``n_ok`` says how many of the planned ones remain.

    Parameters
    ----------
    frame : the table of a run
    folder : where to write
    time : ISO 8601 timestamp of the run

    Returns
    -------
    All files that were written, the lists last.
    """
    lists: dict[str, list[Path]] = {INDEX: [], LOSSLESS_INDEX: []}
    for config in configurations(frame):
        rows = config.rows[config.rows["status"] == "ok"].sort_values(["image", "quality"])
        if rows.empty:
            continue
        if "setting" in rows:
            rows = rows.assign(quality=rows["setting"])
        file = Path(folder) / BATCHES / f"{safe_name(config)}.json"
        index = LOSSLESS_INDEX if rows["exact"].all() else INDEX
        lists[index].append(write_json(file, _batch(config, rows, time)))
    batches = [path for paths in lists.values() for path in paths]
    indices = [
        write_json(Path(folder) / name, [[f"{BATCHES}/{path.name}"] for path in paths])
        for name, paths in lists.items()
        if paths
    ]
    return (*batches, *indices)


def read_codec_compare(path: str | Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The constants and the rows of one batch file, by name.

    Raises
    ------
    ConfigError
        The file is absent or not in this format; the message names the file and the key.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: a batch is an object, not {type(document).__name__}")
    constants = list(_names(document, "constant_descriptions", path))
    fields = list(_names(document, "field_descriptions", path))
    values = _list(document, "constant_values", path)
    if len(values) != len(constants):
        raise ConfigError(f"{path}: {len(values)} constant_values for {len(constants)} constant_descriptions")
    rows = _list(document, "field_values", path)
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(fields):
            raise ConfigError(f"{path}: field_values[{number}] is not a list of {len(fields)} values")
    return dict(zip(constants, values, strict=True)), [dict(zip(fields, row, strict=True)) for row in rows]


def _batch(config: Configuration, ok: pd.DataFrame, time: str) -> dict[str, Any]:
    """The batch of one configuration; ``ok`` are its successful rows."""
    rows = ok
    if "psnr_rgb" in ok.columns and (has_psnr := np.isfinite(ok["psnr_rgb"].to_numpy(float))).any():
        rows = ok[has_psnr]
    if not config.alone:  # images of two data sets may share a name
        rows = rows.assign(image=f"{config.dataset}/" + rows["image"].astype(str))
    named = dict(_FIELDS)
    named |= {name: (name, _METRICS.get(name, name)) for name in metric_columns(rows) if name != "psnr_rgb"}
    if rows["exact"].all():
        del named["quality"]  # because of it, the viewer would treat the whole list as lossy
    kept: dict[str, list[Any]] = {}
    omitted = []
    for name, (column, _) in named.items():
        if column not in rows.columns:
            continue
        if column != "image" and not np.isfinite(rows[column].to_numpy(float, na_value=np.nan)).all():
            omitted.append(name)
        else:
            kept[name] = _plain(rows[column])
    first = rows.iloc[0]
    constants = {
        "name": ("Name of this batch", config.label),
        "codec": ("Name of the codec used to generate this data", str(first["codec"])),
        "version": ("Version of the codec used to generate this data", str(first.get("version", ""))),
        "time": ("Timestamp of when this data was generated", time),
        "source_data_set": ("The data set of the original images", config.dataset),
        "config": ("Settings of the codec", _text(first["config"])),
        "n_ok": ("Trials that succeeded of those planned", f"{len(ok)}/{len(config.rows)}"),
        "n_without_psnr": (
            "Of these, left out for want of a PSNR: pixels identical",
            str(len(ok) - len(rows)),
        ),
        "omitted_fields": ("Fields without a finite value in every row", ", ".join(omitted)),
    }
    if not time:
        del constants["time"]
    if "conditions" in rows:
        constants["conditions"] = ("Test conditions, and where they were departed from", first["conditions"])
    return {
        "constant_descriptions": [{name: description} for name, (description, _) in constants.items()],
        "constant_values": [value.replace("${", "$ {") for _, value in constants.values()],
        "field_descriptions": [{name: named[name][1]} for name in kept],
        "field_values": [list(row) for row in zip(*kept.values(), strict=True)],
    }


def _plain(column: pd.Series[Any]) -> list[Any]:
    """A column as Python values; whole numbers as integers, from which alone the viewer gets bpp."""
    if column.dtype.kind not in "fiu":
        return [str(value) for value in column]
    values = column.to_numpy(float)
    whole = bool((values == np.floor(values)).all())
    return list((values.astype(int) if whole else values).tolist())


def _text(config: object) -> str:
    return config if isinstance(config, str) else json.dumps(config, sort_keys=True)


def _list(document: dict[str, Any], key: str, path: str | Path) -> list[Any]:
    value = document.get(key)
    if not isinstance(value, list):
        raise ConfigError(f"{path}: {key!r} is not a list; is this codec-compare's format?")
    return value


def _names(document: dict[str, Any], key: str, path: str | Path) -> Iterator[str]:
    for number, entry in enumerate(_list(document, key, path)):
        if not isinstance(entry, dict) or len(entry) != 1:
            raise ConfigError(f"{path}: {key}[{number}] is not an object with one key")
        yield next(iter(entry))

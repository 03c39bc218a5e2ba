"""README's tables: the ranking of the report of results/kodak, and what `make gpu` has measured on a GPU.

After `rdbench report results/kodak`, and at the end of `make gpu`: `python -m tests.packaging.readme_tables`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "results" / "kodak" / "report" / "tables"
GPU = ROOT / "results" / "gpu.json"

Row = dict[str, str]


def filled(readme: str) -> str:
    """``readme`` with what stands between its marks made anew."""
    ranking = _table(
        "| # | codec | bpp | BD-rate PSNR | 95% interval | wins | mean curve | BD-rate MS-SSIM |"
        " mean of JPEG AI's 7 | encode | decode |",
        "| --- | --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        (_ranked(row) for row in _rows("ranking")),
    )
    readme = _between(readme, "ranking", ranking)
    return _between(readme, "gpu", gpu_table(json.loads(GPU.read_text()))) if GPU.is_file() else readme


def gpu_table(found: dict[str, Any]) -> str:
    """What `tests/benchmarks/vae_gpu.py` has kept, as a table."""
    sweep = {name: it for name, it in found["sweep"].items() if name != "values_apart"}
    codecs, batches = found["codecs"].items(), found["batches"]
    rows = [
        [
            f"{name}, a picture at a time",
            f"{it['pictures_per_second']:.1f} pictures/s, {it['ratio']:.2f} × {next(iter(sweep))},"
            f" {it['peak_bytes'] / 2**20:.0f} MiB",
        ]
        for name, it in sweep.items()
    ]
    speeds = batches["pictures_per_second"]
    rows += [
        ["vae, without metrics", f"{speeds['one_by_one']:.1f} pictures/s"],
        [f"the same in batches of {batches['size']}", f"{speeds['batched']:.1f} pictures/s"],
        [
            "bitstreams equal to the CPU's",
            _each((n, f"{it['equal']}/{it['bitstreams']}") for n, it in codecs),
        ],
        ["the CPU's bitstreams that are refused", _each((n, it["refused"]) for n, it in codecs)],
        ["most levels between pictures", _each((n, it["levels_apart"]) for n, it in codecs)],
        ["most between values", _each((n, f"{it:.0e}") for n, it in found["metrics"].items())],
    ]
    head = f"| {found['device']}, {found['pictures']} pictures of {found['dataset']} | |"
    return _table(head, "| --- | --- |", rows)


def _each(values: Iterable[tuple[str, object]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values)


def _between(text: str, name: str, table: str) -> str:
    """``text`` with a table between the marks of that name."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(start)
    return f"{before}{start}\n{table}\n{end}{rest.partition(end)[2]}"


def _rows(table: str) -> list[Row]:
    with (TABLES / f"{table}.csv").open() as file:
        return list(csv.DictReader(file))


def _ranked(row: Row) -> list[str]:
    return [
        row["rank"],
        row["label"],
        f"{_number(row['bpp_min'], '.2f')} to {_number(row['bpp_max'], '.2f')}",
        _percent(row["bd_rate_per_image_psnr_rgb"]),
        row["ci95_per_image_psnr_rgb"],
        row["wins_psnr_rgb"],
        _percent(row["bd_rate_psnr_rgb"]),
        _percent(row["bd_rate_per_image_ms_ssim_rgb"]),
        _percent(row["mean_bd_rate"]),
        *(f"{_number(row[name], '.1f')} MP/s" for name in ("encode_mps", "decode_mps")),
    ]


def _percent(text: str) -> str:
    return f"{_number(text, '+.1f')}%" if text else "–"


def _number(text: str, form: str) -> str:
    return f"{float(text):{form}}".replace("-", "−") if text else "–"


def _table(head: str, rule: str, rows: Iterable[list[str]]) -> str:
    return "\n".join([head, rule, *(f"| {' | '.join(row)} |" for row in rows)])


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(filled(readme.read_text()))

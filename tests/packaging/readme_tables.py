"""README's ranking, taken from the report of results/kodak.

After `rdbench report results/kodak`: `python -m tests.packaging.readme_tables`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "results" / "kodak" / "report" / "tables"

Row = dict[str, str]


def filled(readme: str) -> str:
    """``readme`` with what stands between its markers made anew."""
    ranking = _table(
        "| # | codec | bpp | BD-rate PSNR | 95% interval | wins | mean curve | BD-rate MS-SSIM |"
        " encode | decode |",
        "| --- | --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
        (_ranked(row) for row in _rows("ranking")),
    )
    start, end = "<!-- ranking -->", "<!-- end of ranking -->"
    before, _, rest = readme.partition(start)
    return f"{before}{start}\n{ranking}\n{end}{rest.partition(end)[2]}"


def _rows(table: str) -> list[Row]:
    with (TABLES / f"{table}.csv").open() as file:
        return list(csv.DictReader(file))


def _ranked(row: Row) -> list[str]:
    return [
        row["rank"],
        row["label"],
        f"{_number(row['bpp_min'], '.2f')} to {_number(row['bpp_max'], '.2f')}",
        f"{_number(row['bd_rate_per_image_psnr_rgb'], '+.1f')}%",
        row["ci95_per_image_psnr_rgb"],
        row["wins_psnr_rgb"],
        f"{_number(row['bd_rate_psnr_rgb'], '+.1f')}%",
        f"{_number(row['bd_rate_per_image_ms_ssim_rgb'], '+.1f')}%",
        *(f"{_number(row[name], '.1f')} MP/s" for name in ("encode_mps", "decode_mps")),
    ]


def _number(text: str, form: str) -> str:
    return f"{float(text):{form}}".replace("-", "−") if text else "–"


def _table(head: str, rule: str, rows: Iterable[list[str]]) -> str:
    return "\n".join([head, rule, *(f"| {' | '.join(row)} |" for row in rows)])


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(filled(readme.read_text()))

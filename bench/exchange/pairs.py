"""Two columns of text: bits per pixel and a quality, an operating point a line.

    # The second column contains PSNR/sRGB/R'G'B' values.
    0.023857, 23.787652

So are the results of https://github.com/tensorflow/compression, each file of one codec in one metric, which
stands in a comment and in the name of the folder. In a file of one's own the comment may be ``# bpp,
psnr_rgb``. Columns are separated by a comma or by blanks.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.errors import ConfigError
from bench.exchange._files import read_number, read_text
from bench.exchange.published import Published, metric_name, published, remark_on_order

_METRICS = {
    "PSNR/sRGB/R'G'B'": "psnr_rgb",
    "PSNR/sRGB/Y'": "psnr_y",
    "MS-SSIM/sRGB/R'G'B'": "ms_ssim_rgb",
    "MS-SSIM/sRGB/Y'": "ms_ssim_y",
}
_NAMED = re.compile(r"second column contains (\S+) values|^#\s*bpp[\s,]+(\S+)\s*$")


def read_pairs(path: str | Path, metric: str | None = None) -> Published:
    """The published curve in a file of pairs, labelled with the file's stem.

    Parameters
    ----------
    metric : what the second column is; None for what a comment in the file says

    Raises
    ------
    ConfigError
        The file is absent or malformed, or does not say its metric; the message names the file and the line.
    """
    rates: list[float] = []
    values: list[float] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text, where = line.strip(), f"{path}:{number}"
        if text.startswith("#"):
            found = _NAMED.search(text)
            if found and metric is None:
                metric = _METRICS.get(found[1]) or metric_name(found[1] or found[2])
        elif text:
            cells = [it for it in re.split(r"[\s,]+", text) if it]
            if len(cells) != 2:
                raise ConfigError(f"{where}: expected two numbers, bpp and quality, found {text[:40]!r}")
            rates.append(read_number(cells[0], "bpp", where))
            values.append(read_number(cells[1], metric or "the second column", where))
    if metric is None:
        raise ConfigError(f"{path}: no metric is named; let the file begin with `# bpp, psnr_rgb`")
    if not rates:
        raise ConfigError(f"{path}: no operating point in it")
    label = Path(path).stem
    curves = published(label, rates, {metric: values}, str(path))
    return Published(label, curves, source=str(path), remark=remark_on_order(curves, rates, str(path)))

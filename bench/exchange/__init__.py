"""Curves from papers and other tools, and runs exported for other tools.

Import: CompressAI's JSON, a simple CSV, pairs of numbers and Cool-Chic's tables of images become
:class:`Published` curves, never measurements. Export: CompressAI's JSON and webmproject's codec-compare JSON.
The list of public curves is in :mod:`bench.exchange.references`.
"""

from bench.exchange.codec_compare import export_codec_compare, read_codec_compare
from bench.exchange.compressai import export_compressai, read_compressai
from bench.exchange.published import Published
from bench.exchange.reading import read_published
from bench.exchange.typed_csv import read_typed_csv

__all__ = [
    "Published",
    "export_codec_compare",
    "export_compressai",
    "read_codec_compare",
    "read_compressai",
    "read_published",
    "read_typed_csv",
]

"""Curves from papers and other tools, and runs for other tools.

Import: CompressAI's JSON and a simple CSV become :class:`Published` curves, never measurements.
Export: CompressAI's JSON and webmproject's codec-compare JSON. The list of public curves is in
:mod:`bench.exchange.references`.
"""

from .codec_compare import export_codec_compare, read_codec_compare
from .compressai import export_compressai, read_compressai
from .published import Published
from .typed_csv import read_typed_csv

__all__ = [
    "Published",
    "export_codec_compare",
    "export_compressai",
    "read_codec_compare",
    "read_compressai",
    "read_typed_csv",
]

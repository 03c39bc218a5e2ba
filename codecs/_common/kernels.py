"""Compiling the kernels of rdbench's own codecs in a process that may keep them: a sealed one may not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np


def compile_kernels(target: str, *, explaining: bool = False) -> None:
    """Compile what a codec will need, unless it is kept already.

    Parameters
    ----------
    target : what the codec is loaded from; nothing is done for one that has no kernels
    explaining : whether to compile what only explanations of bitstreams need
    """
    makers = _FOR_EXPLAINING if explaining else _FOR_CODING
    if (make := makers.get(target.partition(":")[0])) is not None:
        with suppress(ImportError):  # the codec itself says what is missing, and how to install it
            make()


def has_kernels(target: str, *, explaining: bool = False) -> bool:
    """Whether a codec needs numba; parameters as for :func:`compile_kernels`."""
    return target.partition(":")[0] in (_FOR_EXPLAINING if explaining else _FOR_CODING)


def _huffman() -> None:
    from bench_codecs.huffman import Huffman

    Huffman()


def _lz() -> None:
    from bench_codecs.lz import Lz

    for method in ("deflate", "lzw"):
        Lz(method=method)


def _vae() -> None:
    import bench_codecs.vae.integer  # noqa: F401  # it compiles as it is imported
    from bench_codecs.vae.rans import Decoder, FrequencyTables, encode, quantise_to_tables

    one, rows = np.ones(1, np.int32), np.zeros(2, np.int32)
    tables = FrequencyTables(np.array([0, 1 << 15, 1 << 16], np.int32), 0 * one, 2 * one, 0 * one)
    Decoder(encode(rows, rows, tables), tables).read(rows)
    quantise_to_tables(np.zeros(2), rows, 1.0, tables)


def _explained(module: str, name: str) -> Callable[[], None]:
    """What explains a tiny picture's bitstream."""

    def explain() -> None:
        from importlib import import_module

        codec = getattr(import_module(module), name)()
        picture = np.zeros((16, 16, 3), np.uint8)
        quality = next(iter(codec.qualities), None)
        codec.explain(picture, quality, codec.encode(picture, quality))

    return explain


_FOR_CODING: Mapping[str, Callable[[], None]] = {
    "bench_codecs.huffman": _huffman,
    "bench_codecs.lz": _lz,
    "bench_codecs.vae": _vae,
    "bench_codecs.vae_gan": _vae,
}
_FOR_EXPLAINING: Mapping[str, Callable[[], None]] = {
    f"bench_codecs.{module}": _explained(f"bench_codecs.{module}", name)
    for module, name in (
        ("huffman", "Huffman"),
        ("jpeg", "Jpeg"),
        ("lz", "Lz"),
        ("png", "Png"),
        ("qoi", "Qoi"),
    )
}

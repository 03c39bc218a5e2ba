"""Cutting work into what one slot does one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from bench.engines.engine import Piece


def about_one_image(work: Sequence[Piece], longest: int) -> Iterator[Sequence[Piece]]:
    """Runs of pieces about one image, those of each codec on a GPU at the end and apart.

    Parameters
    ----------
    longest : most pieces of a run, short enough that every slot has several
    """

    def gpu_codec(piece: Piece) -> str:
        return piece.codec.label if piece.codec.on_gpu else ""

    longest = max(1, longest)
    for _, group in groupby(sorted(work, key=gpu_codec), key=lambda it: (gpu_codec(it), it.image)):
        about_one = list(group)
        for start in range(0, len(about_one), longest):
            yield about_one[start : start + longest]

"""The bitstream that the video codecs share: a byte or three before the elementary stream of one picture.

The stream states size, subsampling and depth of what is coded; what it can't state comes before it:

- a byte of flags: 1, the coded picture is larger than the picture; 2, the picture is grey, and what there is
  of chroma says nothing; 4, its samples have 10 bits instead of 8; the others are 0
- if the first of them is set, two bytes: columns to cut off at the right, rows to cut off at the bottom

All of it counts, and so does all of the stream: parameter sets or sequence header, and the picture. Encoders
are asked for nothing else, such as information about themselves. What a file format would add is not there:
colour is always that of :mod:`bench_codecs._common.ycbcr`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.codec import Samples
from bench.errors import BadBitstream
from bench_codecs._common.ycbcr import Subsampling, from_planes, to_planes
from bench_codecs._video.ffmpeg import Ffmpeg, Stream

_PADDED, _GREY, _DEEP = 1, 2, 4


@dataclass(frozen=True)
class Coder:
    """What of a picture an encoder takes.

    Parameters
    ----------
    encoder, decoder : ffmpeg's names of them
    stream : what they write and read
    smallest : shortest side, in samples
    even : whether sides have to be even in 4:2:0, or had better be
    grey : whether a picture may have no chroma; else it is given one that says nothing
    """

    encoder: str
    decoder: str
    stream: Stream
    smallest: int
    even: bool
    grey: bool


class Stills:
    """Codes pictures as video of one frame.

    Parameters
    ----------
    ffmpeg : the program
    coder : the encoder in it, and the decoder
    subsampling, bits : of what is coded
    threads : of either
    """

    def __init__(
        self, codec: str, ffmpeg: Ffmpeg, coder: Coder, *, subsampling: Subsampling, bits: int, threads: int
    ) -> None:
        self._codec = codec
        self._ffmpeg = ffmpeg
        self._coder = coder
        self._subsampling: Subsampling = subsampling
        self._bits = bits
        self._threads = threads

    def encode(self, image: Samples, depth: int, options: Sequence[str]) -> bytes:
        """Compress a picture, RGB or grey.

        Parameters
        ----------
        depth : bits a sample, 8 or 10
        options : what the encoder is told
        """
        padding = [self._padding(side) for side in image.shape[:2]]
        padded = np.pad(image, [(0, it) for it in padding] + [(0, 0)] * (image.ndim - 2), mode="edge")
        grey = image.ndim == 2
        if grey and not self._coder.grey:
            padded = np.repeat(padded[..., None], 3, axis=2)
        flags = _PADDED * any(padding) | _GREY * grey | _DEEP * (depth > 8)
        rows, columns = padding
        stream = self._ffmpeg.encode(
            to_planes(padded, depth, self._bits, self._subsampling),
            self._subsampling,
            self._bits,
            stream=self._coder.stream,
            options=("-c:v", self._coder.encoder, *options),
            threads=self._threads,
        )
        return bytes([flags, columns, rows] if flags & _PADDED else [flags]) + stream

    def decode(self, bitstream: bytes) -> Samples:
        """Reconstruct the picture.

        Raises
        ------
        BadBitstream
            It is truncated or damaged.
        """
        flags = bitstream[0] if bitstream else 0
        head = 3 if flags & _PADDED else 1
        if len(bitstream) <= head or flags > _PADDED | _GREY | _DEEP:
            raise BadBitstream(f"{self._codec}: no stream of this codec")
        columns, rows = (bitstream[1], bitstream[2]) if flags & _PADDED else (0, 0)
        planes, bits = self._ffmpeg.decode(
            bitstream[head:], self._coder.stream, self._coder.decoder, self._threads
        )
        height, width = planes[0].shape
        if rows >= height or columns >= width:
            raise BadBitstream(
                f"{self._codec}: {columns} columns and {rows} rows to cut off {width}x{height}"
            )
        decoded = from_planes(planes[:1] if flags & _GREY else planes, bits, 10 if flags & _DEEP else 8)
        return np.ascontiguousarray(decoded[: height - rows, : width - columns])

    def _padding(self, side: int) -> int:
        """By how much a side has to grow."""
        step = 2 if self._coder.even and self._subsampling == "420" else 1
        return max(self._coder.smallest, -(-side // step) * step) - side

"""A checksum of the symbols that a CompressAI model codes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def symbols_checksum(network: Any, *, decoding: bool) -> Iterator[Callable[[], int]]:
    """Compute the CRC-32 of the symbols that ``network`` codes within the context.

    Every model of the zoo, including those with an autoregressive context, passes its symbols through
    ``quantize`` when it encodes them, and through ``dequantize`` after decoding, in the same order.

    Parameters
    ----------
    network : a model of the zoo
    decoding : whether ``decompress`` is called within the context, instead of ``compress``

    Yields
    ------
    A function that returns the checksum.
    """
    from compressai.entropy_models import EntropyModel

    checksum = 0

    def count(symbols: Tensor) -> None:
        nonlocal checksum
        checksum = zlib.crc32(symbols.cpu().numpy().astype("<i4").tobytes(), checksum)

    def watched(method: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(values: Tensor, *arguments: Any) -> Tensor:
            if decoding:
                count(values)  # before the call, which may change them in place
                return method(values, *arguments)
            symbols = method(values, *arguments)
            count(symbols)
            return symbols

        return call

    name = "dequantize" if decoding else "quantize"
    parts = [part for part in network.modules() if isinstance(part, EntropyModel)]
    for part in parts:
        setattr(part, name, watched(getattr(part, name)))
    try:
        yield lambda: checksum
    finally:
        for part in parts:
            delattr(part, name)  # the class's own is back

"""A checksum of the tables that a CompressAI model codes with."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from torch import Tensor

_CHOOSE = "build_indexes"
"""The method that chooses a table for each latent by its scale, in the same order on both sides."""


def checksum_of_tables(network: Any) -> int:
    """The CRC-32 of all tables of a model of the zoo."""
    checksum = 0
    for part in network.modules():
        if hasattr(part, "quantized_cdf"):
            for table in (part.quantized_cdf, part.cdf_length, part.offset):
                checksum = _added(checksum, table)
    return checksum


class ChosenTables:
    """Goes on with a checksum over which table is chosen for each latent within the context.

    Encoder and decoder that agree in it read the same symbols. Neither the weights nor the bytes tell that:
    means and scales are computed in floating point on both sides.

    Parameters
    ----------
    network : a model of the zoo
    tables : of :func:`checksum_of_tables`
    """

    def __init__(self, network: Any, tables: int) -> None:
        self.checksum = tables
        """So far."""
        self._choosers = [it for it in network.modules() if hasattr(it, _CHOOSE)]

    def __enter__(self) -> Self:
        for part in self._choosers:
            setattr(part, _CHOOSE, self._watched(getattr(part, _CHOOSE)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in self._choosers:
            delattr(part, _CHOOSE)  # the class's own is back

    def _watched(self, choose: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(*arguments: Any) -> Tensor:
            indexes = choose(*arguments)
            self.checksum = _added(self.checksum, indexes)
            return indexes

        return call


def _added(checksum: int, numbers: Tensor) -> int:
    return zlib.crc32(numbers.cpu().numpy().astype("<i4").tobytes(), checksum)

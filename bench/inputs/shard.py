"""A part of a run's images, so that several machines that know nothing of each other can share the work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.errors import ConfigError
from bench.inputs.datasets import Dataset


@dataclass(frozen=True)
class Shard:
    """Every ``of``-th image, from the ``number``-th on; written ``2/8``.

    Images are counted over all data sets of a suite: the sets in the suite's order, the images of each in its
    own, of a folder by path, and no further than the suite's ``limit``.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise ConfigError(f"shard {self}: the first number is from 1 to the second one, as in 2/8")

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard of a text such as ``"2/8"``.

        Raises
        ------
        ConfigError
            It is none.
        """
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if match is None:
            raise ConfigError(f"shard {text!r}: write which part of how many, as in 2/8")
        return cls(int(match[1]), int(match[2]))

    def of_datasets(self, datasets: Sequence[Dataset], limit: int | None = None) -> tuple[Dataset, ...]:
        """The data sets with the shard's images alone; those that it takes nothing of are left out.

        Raises
        ------
        ConfigError
            There are fewer images than it takes to reach this shard.
        """
        before, parts = 0, list[Dataset]()
        for dataset in datasets:
            images = dataset.images[:limit]
            first = (self.number - 1 - before) % self.of
            before += len(images)
            if images[first :: self.of]:
                parts.append(replace(dataset, images=images[first :: self.of]))
        if not parts:
            count = f"{before} image{'' if before == 1 else 's'}"
            raise ConfigError(
                f"shard {self} is empty: there {'is' if before == 1 else 'are'} {count}; make fewer shards"
            )
        return tuple(parts)

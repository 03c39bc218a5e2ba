"""Where the pictures of a finished run are: a run knows their data set, name and hash, not their place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.datasets import open_dataset
from bench.errors import ConfigError, DatasetError


class Originals:
    """The files of data sets.

    Parameters
    ----------
    datasets : folders (or names) of data sets; those of the catalogue need not be named

    Raises
    ------
    ConfigError, DatasetError
        A data set that was named is not there.
    """

    def __init__(self, datasets: Sequence[str] = ()) -> None:
        self._known = {it.name: it for it in map(open_dataset, datasets)}

    def find(self, dataset: str, image: str, sha256: str) -> Path:
        """The file of one picture.

        Raises
        ------
        ConfigError
            The data set is not at hand, or its picture is another one than the run measured.
        """
        if dataset not in self._known:
            try:
                self._known[dataset] = open_dataset(dataset, download=False)
            except (ConfigError, DatasetError) as error:
                raise ConfigError(
                    f"the originals of {dataset!r} are needed; give their folder with --dataset ({error})"
                ) from error
        for it in self._known[dataset].images:
            if it.name == image and it.sha256 == sha256:
                return it.path
        raise ConfigError(f"{image} in {dataset!r} is not the picture that the run measured (SHA-256)")

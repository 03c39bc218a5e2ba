"""Finding the images of a finished run, which records their names and hashes but not their location."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import ConfigError, DatasetError
from bench.inputs.datasets import Dataset, open_dataset


class Originals:
    """The original files of data sets.

    Parameters
    ----------
    datasets : folders or names of data sets; those of the catalogue need not be given

    Raises
    ------
    ConfigError, DatasetError
        A data set that was given does not exist.
    """

    def __init__(self, datasets: Sequence[str] = ()) -> None:
        found = {it: _opened(it) for it in datasets}
        self._opened = {it.name: it for it in found.values()}
        self._flat = {it.name: given for given, it in found.items()}
        """What was given for the data sets whose sub-folders have not been searched yet."""

    def find(self, dataset: str, image: str, sha256: str) -> Path:
        """The file of one image.

        Parameters
        ----------
        dataset, image : the names that the run recorded
        sha256 : the hash that it recorded

        Raises
        ------
        ConfigError
            The data set is not available, or its image is not the one that the run measured.
        """
        if dataset not in self._opened:
            try:
                self._opened[dataset] = open_dataset(dataset, download=False)
            except (ConfigError, DatasetError) as error:
                raise ConfigError(
                    f"the originals of {dataset!r} are needed; give their folder with --dataset ({error})"
                ) from error
        if "/" in image and dataset in self._flat:
            self._opened[dataset] = open_dataset(self._flat.pop(dataset), recursive=True)
        for file in self._opened[dataset].images:
            if file.name == image and file.sha256 == sha256:
                return file.path
        raise ConfigError(f"{image} in {dataset!r} is not the picture that the run measured (SHA-256)")


def _opened(given: str) -> Dataset:
    try:
        return open_dataset(given)
    except ConfigError:
        if not Path(given).is_dir():
            raise
        return open_dataset(given, recursive=True)  # all its images may be in sub-folders

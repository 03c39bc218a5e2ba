"""Where the images of a finished run are: a run knows their data set, name and hash, not their place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import ConfigError, DatasetError
from bench.inputs.datasets import Dataset, open_dataset


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
        found = {it: _opened(it) for it in datasets}
        self._known = {it.name: it for it in found.values()}
        self._flat = {it.name: given for given, it in found.items()}
        """What was given for the data sets whose sub-folders have not been looked into."""

    def find(self, dataset: str, image: str, sha256: str) -> Path:
        """The file of one image.

        Raises
        ------
        ConfigError
            The data set is not at hand, or its image is another one than the run measured.
        """
        if dataset not in self._known:
            try:
                self._known[dataset] = open_dataset(dataset, download=False)
            except (ConfigError, DatasetError) as error:
                raise ConfigError(
                    f"the originals of {dataset!r} are needed; give their folder with --dataset ({error})"
                ) from error
        if "/" in image and dataset in self._flat:
            self._known[dataset] = open_dataset(self._flat.pop(dataset), recursive=True)
        for it in self._known[dataset].images:
            if it.name == image and it.sha256 == sha256:
                return it.path
        raise ConfigError(f"{image} in {dataset!r} is not the picture that the run measured (SHA-256)")


def _opened(given: str) -> Dataset:
    try:
        return open_dataset(given)
    except ConfigError:
        if not Path(given).is_dir():
            raise
        return open_dataset(given, recursive=True)  # a run may have taken its sub-folders alone

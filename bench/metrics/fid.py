"""Fréchet inception distance over patches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.codec import Image
from bench.errors import MetricUndefined
from bench.metrics._inception import DIMENSIONS, Inception
from bench.metrics.dataset import Estimate, Features


class Fid:
    """FID over patches of 256 pixels; 0 for equal distributions.

    M. Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium",
    NeurIPS 2017. Its bias depends on the number of patches, so only values of one data set can be compared.
    """

    name = "fid"
    title = "FID"
    role = "set"
    unit = ""
    higher_is_better = False

    def __init__(self, *, device: str = "cpu") -> None:
        self._inception = Inception(self.name, device)
        self.version = f"1+{self._inception.version}"

    def features(self, image: Image) -> Features:
        """Inception's 2048 features of each patch."""
        return self._inception.features(image)

    def distance(self, reference: Sequence[Features], decoded: Sequence[Features]) -> Estimate:
        """The squared Wasserstein distance of the Gaussians fitted to the two sets.

        Raises
        ------
        MetricUndefined
            There are fewer patches than a covariance of 2048 dimensions needs.
        """
        x, y = (np.concatenate(list(it)).astype(np.float64) for it in (reference, decoded))
        if len(x) <= DIMENSIONS:
            raise MetricUndefined(
                f"FID needs more than {DIMENSIONS} patches, and there are {len(x)}; kid works with fewer"
            )
        return Estimate(frechet_distance(x, y), None, len(x))


def frechet_distance(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Squared Wasserstein distance of the Gaussians fitted to two samples.

    Parameters
    ----------
    x, y : shape (samples, dimensions), with more samples than dimensions
    """
    from scipy import linalg

    one, other = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    values, vectors = linalg.eigh(one)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    # tr (C1 C2)^½ by a symmetric matrix with the same eigenvalues, which are then real.
    shared = np.sqrt(np.maximum(linalg.eigvalsh(root @ other @ root), 0)).sum()
    shift = x.mean(0) - y.mean(0)
    return float(shift @ shift + np.trace(one) + np.trace(other) - 2 * shared)

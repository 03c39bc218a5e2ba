"""ColorVideoVDP, the visible difference of colours and contrasts, computed by the package ``cvvdp``.

R. K. Mantiuk et al., "ColorVideoVDP: a visual difference predictor for image, video and display distortions",
ACM Trans. Graph. 43(4), 2024, for the authors' display ``standard_4k``: 30 inches, 200 cd/m², seen from twice
its height.
"""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codec import Samples
from bench.errors import CodecUnavailable, MetricUndefined
from bench.host.device import require as require_device
from bench.metrics._luma import require
from bench.metrics._planes import ALL_DEPTHS
from bench.metrics.base import Pair

INSTALL = "pip install 'rdbench[cvvdp]'"
DISPLAY = "standard_4k"
_SMALLEST = 16


class Cvvdp:
    """ColorVideoVDP of a still picture in JOD, just-objectionable differences: 10 where none is seen.

    One less is a difference that 75% of observers find objectionable.
    """

    name = "cvvdp"
    title = "ColorVideoVDP"
    role = "perception"
    unit = "JOD"
    higher_is_better = True
    learned = True
    depths = ALL_DEPTHS

    def __init__(self, *, device: str = "cpu") -> None:
        self._predictor = predictor(self.name, device)
        self.version = f"1+cvvdp {installed('cvvdp')} {DISPLAY}"

    def __call__(self, pair: Pair) -> float:
        """The value for one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 16 pixels; or each picture is of one colour, and the two are not the same:
            contrasts are compared, and there are none.
        """
        require(pair, _SMALLEST, self.title)
        original, decoded = pair.reference.image, pair.decoded
        if pair.reference.cached(_flat) and _flat(decoded) and not np.array_equal(original, decoded):
            raise MetricUndefined("ColorVideoVDP is undefined for two pictures of one colour each")
        return predicted(self._predictor, pair)[0]


def _flat(image: Samples) -> bool:
    return bool((image == image[0, 0]).all())


def predictor(metric: str, device: str, heatmap: str | None = None) -> Any:
    """The predictor of the package.

    Parameters
    ----------
    metric : name in messages
    heatmap : ``"raw"`` for one that gives a map too

    Raises
    ------
    CodecUnavailable
        The package or the device is missing.
    """
    try:
        import pycvvdp
        import torch
    except ImportError as error:
        raise CodecUnavailable(f"{metric} needs the package cvvdp ({error}): {INSTALL}") from error
    require_device(metric, device)
    return pycvvdp.cvvdp(display_name=DISPLAY, heatmap=heatmap, device=torch.device(device))


def predicted(predictor: Any, pair: Pair) -> tuple[float, NDArray[np.float32] | None]:
    """The value of a pair, and where the predictor makes maps the difference of each pixel in JOD."""
    import torch

    peak = np.float32((1 << pair.reference.depth) - 1)

    def as_shown(image: Samples) -> NDArray[np.float32]:
        shown: NDArray[np.float32] = image.astype(np.float32) / peak
        return shown

    with torch.inference_mode():
        value, details = predictor.predict(
            as_shown(pair.decoded), as_shown(pair.reference.image), dim_order="HWC"
        )
    heat = (details or {}).get("heatmap")
    return float(value), None if heat is None else heat[0, 0, 0].float().cpu().numpy()

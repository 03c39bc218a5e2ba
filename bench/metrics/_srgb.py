"""The transfer curve of sRGB."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray


@cache
def linear_levels() -> NDArray[np.float32]:
    """Linear light, 0 to 1, of the 256 levels of sRGB (IEC 61966-2-1)."""
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)

"""The patches that data-set metrics compare."""

from __future__ import annotations

import numpy as np

from bench.codec import Image

SIDE = 256


def patches(image: Image) -> Image:
    """Patches of 256 × 256 on two grids, the second shifted by 128 pixels both ways.

    F. Mentzer et al., "High-fidelity generative image compression" (HiFiC), NeurIPS 2020, appendix A.7:
    ⌊H/256⌋·⌊W/256⌋ patches and ⌊(H-128)/256⌋·⌊(W-128)/256⌋ more; what is left at the far sides is not used.

    Returns
    -------
    uint8, shape (patches, 256, 256, 3); no patches where a side is shorter than 256.
    """
    cut = [
        image[top : top + SIDE, left : left + SIDE]
        for shift in (0, SIDE // 2)
        for top in range(shift, image.shape[0] - SIDE + 1, SIDE)
        for left in range(shift, image.shape[1] - SIDE + 1, SIDE)
    ]
    return np.stack(cut) if cut else np.empty((0, SIDE, SIDE, 3), np.uint8)

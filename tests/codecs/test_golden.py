"""Bitstreams of the past decode to the pixels of the past."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.codecs.golden import DATA, GOLDEN, ORIGINAL


@pytest.mark.parametrize("name", GOLDEN)
def test_committed_bitstream_decodes_as_ever(name):
    """A lossless bitstream gives the original, a lossy one the image committed beside it."""
    golden = GOLDEN[name]
    if golden.needs:
        pytest.importorskip(golden.needs)
    codec = golden.codec()
    expected = np.array(Image.open(ORIGINAL if codec.lossless else DATA / f"{name}.png"))
    if codec.lossless:
        expected = golden.form(expected)
    decoded = codec.decode((DATA / f"{name}.bin").read_bytes())
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).max() <= golden.tolerance

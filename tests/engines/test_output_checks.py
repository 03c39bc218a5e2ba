"""What is checked of decoded pictures, beside the order of their channels."""

from __future__ import annotations

import numpy as np
import pytest

from bench.trials.output_checks import identical


@pytest.mark.parametrize("shape", [(1, 1), (5, 7, 3), (41, 37, 3), (64, 64)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_one_bit_is_enough_to_differ(shape: tuple[int, ...], kind: type) -> None:
    """Pictures are identical until a sample anywhere, the last one included, is another."""
    picture = np.random.default_rng(0).integers(0, 255, shape).astype(kind)
    assert identical(picture, picture.copy())
    for place in {0, picture.size // 2, picture.size - 1}:
        other = picture.copy()
        other.reshape(-1)[place] ^= 1
        assert not identical(picture, other)


def test_form_and_type_count_as_well() -> None:
    """The same bytes in another shape, or read as another type, are another picture."""
    picture = np.random.default_rng(0).integers(0, 255, (6, 4, 3)).astype(np.uint8)
    assert not identical(picture, picture.reshape(4, 6, 3))
    assert not identical(picture, picture.view(np.int8))
    assert identical(picture, np.asfortranarray(picture))

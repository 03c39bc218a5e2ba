"""Explanations that contradict themselves end as an error of the codec, before anything is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.engines.explain import explained
from bench.explanation import BitGrid, Channels, Explanation, Impulse, Traversal
from tests.conftest import photo

GRID = BitGrid("blocks", np.ones((2, 3)), (8, 8))
SOUND = Explanation(
    "exact",
    (GRID,),
    {"header": 8.0},
    (Channels("planes", np.ones(3), np.ones(3), "levels²", ("a", "b", "c")),),
    (Impulse("latents", 0, np.zeros((4, 4, 3), np.float32)),),
    (Traversal("latents", 0, (0.5, 1.0), np.zeros((2, 4, 4, 3), np.uint8)),),
)

INCONSISTENT: dict[str, Any] = {
    "nothing": None,
    "a method of its own": replace(SOUND, method="guess"),
    "no grid": replace(SOUND, grids=()),
    "an empty grid": replace(SOUND, grids=(replace(GRID, bits=np.ones((0, 3))),)),
    "a list as grid": replace(SOUND, grids=(replace(GRID, bits=[[1.0]]),)),
    "words as bits": replace(SOUND, grids=(replace(GRID, bits=np.array([["a"]])),)),
    "bits without end": replace(SOUND, grids=(replace(GRID, bits=np.full((2, 3), np.inf)),)),
    "negative bits": replace(SOUND, grids=(replace(GRID, bits=-np.ones((2, 3))),)),
    "cells of no size": replace(SOUND, grids=(replace(GRID, cell=(0, 8)),)),
    "cells beside the picture": replace(SOUND, grids=(replace(GRID, origin=(99, 0)),)),
    "overhead that is no number": replace(SOUND, overhead={"header": float("nan")}),
    "fewer energies than bits": replace(SOUND, channels=(replace(SOUND.channels[0], energy=np.ones(2)),)),
    "fewer labels than channels": replace(SOUND, channels=(replace(SOUND.channels[0], labels=("a",)),)),
    "a flat response": replace(SOUND, impulses=(Impulse("latents", 0, np.zeros((4, 4), np.float32)),)),
    "a picture too few": replace(
        SOUND, traversals=(replace(SOUND.traversals[0], pictures=np.zeros((1, 4, 4, 3), np.uint8)),)
    ),
    "traversals of other factors": replace(
        SOUND,
        traversals=(
            SOUND.traversals[0],
            Traversal("latents", 1, (1.0,), np.zeros((1, 4, 4, 3), np.uint8)),
        ),
    ),
}


class Explaining:
    """A codec that explains what it is told to."""

    name, version, lossless, qualities, quality_range = "explaining", "1", True, (), None

    def __init__(self, explanation: Any) -> None:
        self._explanation = explanation

    def encode(self, image: Any, quality: float | None) -> bytes:
        return bytes(10)

    def decode(self, bitstream: bytes) -> Any:
        raise NotImplementedError

    def explain(self, image: Any, quality: float | None, bitstream: bytes) -> Any:
        return self._explanation


def test_a_sound_explanation_passes() -> None:
    """What the contract describes is taken as it is."""
    assert explained(Explaining(SOUND), photo(16, 24), None).explanation is SOUND


@pytest.mark.parametrize("name", INCONSISTENT)
def test_an_inconsistent_explanation_is_an_error_of_the_codec(name: str) -> None:
    """It is refused in the worker, with the name of what is wrong."""
    with pytest.raises(ValueError, match=r"^explain: "):
        explained(Explaining(INCONSISTENT[name]), photo(16, 24), None)

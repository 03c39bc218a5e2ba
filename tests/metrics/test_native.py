"""Machine code of kernels that is kept, and loaded without numba."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.metrics import _kernels

MODULE = """\
import sys

import numpy as np

from bench.metrics._native import Kernels, scratch

KERNELS = Kernels(globals())
SIZE, FACTOR = 4, 2


@KERNELS.part
def times(value):
    return FACTOR * value


@KERNELS.compiled("uint8[::1]", "float64[::1]")
def multiplied(values):
    kept = scratch(SIZE)
    for i in range(SIZE):
        kept[i] += values[i]
    for i in range(SIZE):
        values[i] = times(kept[i])


for kind in (np.uint8, np.float64):
    values = np.arange(SIZE, dtype=kind)
    multiplied(values)
    print(values.tolist(), end=" ")
print("numba" in sys.modules)
"""


def printed(folder: Path, module: str) -> str:
    path = folder / "kernels.py"
    path.write_text(module)
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "NUMBA_CACHE_DIR": str(folder / "kept")}
    done = subprocess.run([sys.executable, path], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_numba_compiles_once_and_again_for_another_source(tmp_path: Path) -> None:
    """What is kept is loaded by later processes, until the source changes."""
    doubled = "[0, 2, 4, 6] [0.0, 2.0, 4.0, 6.0]"
    assert printed(tmp_path, MODULE) == f"{doubled} True"
    assert printed(tmp_path, MODULE) == f"{doubled} False"
    assert printed(tmp_path, MODULE.replace("4, 2", "4, 3")) == "[0, 3, 6, 9] [0.0, 3.0, 6.0, 9.0] True"


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    """It is no reason to fail, and is replaced."""
    first = printed(tmp_path, MODULE)
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(b"no kernels")
    assert printed(tmp_path, MODULE) == first
    assert kept.read_bytes() != b"no kernels"


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 3), np.int8), np.zeros((3, 4, 4), np.uint8)[:, :, ::2], np.zeros((4, 4))]
)
def test_other_arrays_are_refused(image: np.ndarray) -> None:
    """A kernel reads no memory as what it is not."""
    with pytest.raises((TypeError, ValueError)):
        _kernels.pooled(image)

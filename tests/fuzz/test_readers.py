"""No file of a stranger makes a reader fail, hang, take all memory, write, or run what the file names.

``RDBENCH_FUZZ=10000`` tries that many files on each reader, other ones each time; without it there are fewer,
and always the same.
"""

from __future__ import annotations

import importlib.util
import os

import pytest

from tests.fuzz.harness import fuzz
from tests.fuzz.readers import READERS

CASES = 50
"""Of each reader, unless the environment says more."""


@pytest.mark.parametrize("name", READERS)
@pytest.mark.timeout(0 if "RDBENCH_FUZZ" in os.environ else 300)
def test_a_reader_reads_or_refuses(name: str) -> None:
    """Whatever is in the file, its reader gives a value or the project's own error, and does nothing else."""
    needed = READERS[name].needs
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"needs {needed}")
    asked = os.environ.get("RDBENCH_FUZZ")
    cases = max(20, round(int(asked or CASES) * READERS[name].share))
    faults = fuzz(READERS[name], cases, seeded=asked is None)
    assert not faults, faults

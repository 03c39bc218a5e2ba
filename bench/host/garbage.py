"""When Python looks for cycles of objects that nothing refers to."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM, _AT_TIMES = 200_000, 20_000
"""Objects between two searches; Python's own number is 700, or 2000 since 3.13."""


@contextmanager
def seldom_collected(objects: int = _SELDOM) -> Iterator[None]:
    """Few searches inside the block: for work that makes many objects and lets go of them without cycles.

    Without it, a sixth of the time to draw figures goes into searches.
    """
    usual = gc.get_threshold()
    gc.set_threshold(objects, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def whole_program() -> Iterator[None]:
    """A program inside the block, after which the process ends: garbage is looked for less often.

    A tenth of the time of ``rdbench --help`` went into searches: while modules were loaded, and at the end
    among all that they had left, which the system takes back anyway. What is there at the end is never looked
    at again, should the process go on. Workers have Python's own numbers.
    """
    try:
        with seldom_collected(_AT_TIMES):
            yield
    finally:
        gc.freeze()

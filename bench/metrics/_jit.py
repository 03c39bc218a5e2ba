"""How the kernels of the metrics are compiled; importing this module imports numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

# The numpy error model leaves out the test for division by zero that would keep loops scalar.
_OPTIONS: dict[str, Any] = {"nogil": True, "boundscheck": False, "error_model": "numpy"}

FUSED_AND_REORDERED = frozenset({"contract", "reassoc"})
"""Fused multiply-add and reordered sums, but no flag that assumes NaN or infinity away."""

AS_WRITTEN: frozenset[str] = frozenset()
"""Every operation rounds as it is written: same bits on every machine."""


def compiled(*signatures: Any, arithmetic: frozenset[str] = FUSED_AND_REORDERED) -> Callable[[F], F]:
    """Compile for these signatures at once; without any, for inlining where it is called.

    ``arithmetic`` is the freedom that LLVM has with floating point: a set of its fast-math flags.
    """
    options = {**_OPTIONS, "fastmath": set(arithmetic)}

    def compile_(function: F) -> F:
        try:
            kernel: Any = njit(list(signatures) or None, cache=bool(signatures), **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            # No folder to write to, neither the package's nor the user's: every process compiles.
            kernel = njit(list(signatures) or None, **options)(function)
        return cast("F", kernel)

    return compile_


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """An LLVM instruction as a function that kernels may call: what numba calls an intrinsic.

    ``function`` takes numba's typing context and the arguments' types; it returns the signature and a
    function that generates the code. The result is called with the arguments alone.
    """
    return cast("Callable[..., Any]", intrinsic(function))

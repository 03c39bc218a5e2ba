"""How the kernels of the metrics are compiled. Importing this module imports numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

# The numpy error model leaves out the test for division by zero that would keep loops scalar.
_OPTIONS: dict[str, Any] = {"nogil": True, "boundscheck": False, "error_model": "numpy"}

FUSED_AND_REORDERED = frozenset({"contract", "reassoc"})
"""Allows fused multiply-add and reordered sums, but does not assume that there is no NaN or infinity."""

AS_WRITTEN: frozenset[str] = frozenset()
"""Every operation rounds as written, so that the result is the same bits on every machine."""


def compiled(*signatures: Any, arithmetic: frozenset[str] = FUSED_AND_REORDERED) -> Callable[[F], F]:
    """Decorate a kernel.

    Parameters
    ----------
    *signatures : numba signatures to compile for at import; without any, the function is compiled where other
        kernels call it
    arithmetic : LLVM's fast-math flags, the freedom that it has with floating point
    """
    options = {**_OPTIONS, "fastmath": set(arithmetic)}

    def compile_(function: F) -> F:
        try:
            kernel: Any = njit(list(signatures) or None, cache=bool(signatures), **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            # Neither the package's folder nor the user's can be written to: every process compiles.
            kernel = njit(list(signatures) or None, **options)(function)
        return cast("F", kernel)

    return compile_


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make an LLVM instruction callable from kernels, as a numba intrinsic.

    Parameters
    ----------
    function : takes numba's typing context and the types of the arguments; returns the signature and a
        function that generates the code

    Returns
    -------
    A function of the arguments alone.
    """
    return cast("Callable[..., Any]", intrinsic(function))

"""Kernels that numba compiles once on a machine, and that are loaded without it.

Importing numba and making it ready takes half a second, more than a small run has to give; loading what it
made takes some milliseconds. So the machine code is kept beside numba's own cache, in a file named by a hash
of all that it depends on: the module's source, the versions of numba and LLVM, and the processor.

A kernel gets arrays and returns nothing; what it computes goes into an array. It makes none itself, but by
:func:`scratch`, and reshapes none, since numba's runtime is not there.
"""

from __future__ import annotations

import ctypes
import hashlib
import math
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.errors import StoreError
from bench.files.access import write_atomically
from bench.host import kernel_cache

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "boundscheck": False,
    # numpy's leaves out the test for division by zero that would keep loops scalar
    "error_model": "numpy",
    # fused multiply-add and reordered sums; that there is no NaN or infinity is not assumed
    "fastmath": {"contract", "reassoc"},
}
_ALONE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
"""The machine code refers to nothing outside itself."""

Code: TypeAlias = dict[str, tuple[str, bytes]]
"""By kernel and signature, the name of the function and the object file that has it."""


_ALIGNMENT = 64
"""Bytes of a cache line: a vector that lies across two of them takes a fifth longer to load."""


def aligned(shape: tuple[int, ...], kind: type[np.generic]) -> NDArray[Any]:
    """An array with no contents yet, for a kernel to read and write at full speed."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    room = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    return room[start : start + size].view(kind).reshape(shape)


def scratch(size: int) -> NDArray[np.float32]:
    """In a kernel, float32 of 0, gone when it returns; LLVM sees that it overlaps no other array.

    Parameters
    ----------
    size : the name of a constant; it is on the stack, so that 10⁵ is much
    """
    return np.zeros(size, np.float32)


class Kernels:
    """The kernels of a module, compiled or loaded when the first one is called.

    Parameters
    ----------
    module : its ``globals()``
    """

    def __init__(self, module: dict[str, Any]) -> None:
        self._module = module
        self._parts: dict[str, FunctionType] = {}
        self._kernels: list[Kernel] = []

    def part(self, function: Any) -> Any:
        """Decorate what kernels call; it is compiled into them."""
        self._parts[function.__name__] = function
        return function

    def compiled(self, *signatures: str) -> Callable[[Any], Kernel]:
        """Decorate a kernel.

        Parameters
        ----------
        *signatures : the types of its arguments as numba writes them, all of them C-contiguous arrays; of
            several signatures the type of the first argument tells which is meant
        """

        def decorate(function: Any) -> Kernel:
            self._kernels.append(Kernel(self, function, signatures))
            return self._kernels[-1]

        return decorate

    def load(self) -> None:
        """Compile or load them now."""
        _ = self.addresses

    @cached_property
    def addresses(self) -> dict[str, int]:
        """Where each kernel is, by its name and signature."""
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True
        )
        code = self._code(machine)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        for _, data in code.values():
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(data))
        self._engine.finalize_object()
        return {key: self._engine.get_function_address(name) for key, (name, _) in code.items()}

    def _code(self, machine: Any) -> Code:
        """The machine code that is kept, or made now."""
        import llvmlite.binding as llvm

        source = Path(self._module["__file__"])
        compiler = sys.version, version("numba"), version("llvmlite")
        processor = machine.triple, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
        parts = [source.read_bytes(), Path(__file__).read_bytes(), *map(str.encode, (*compiler, *processor))]
        digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
        folder = Path(os.environ.get(kernel_cache.VARIABLE) or source.parent / "__pycache__")
        path = folder / f"{source.stem}-{digest[:32]}.kernels"
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.msgpack.decode(path.read_bytes(), type=Code)
        code = self._compiled(machine)
        with suppress(StoreError):  # then every process compiles
            write_atomically(path, msgspec.msgpack.encode(code))
        return code

    def _compiled(self, machine: Any) -> Code:
        import llvmlite.binding as llvm
        from numba import njit

        names = dict(self._module) | {scratch.__name__: _on_stack()}
        for name, part in self._parts.items():
            names[name] = njit(**_OPTIONS)(_within(names, part))
        code = {}
        for kernel in self._kernels:
            for signature in kernel.signatures:
                made = njit(f"void({signature})", **_OPTIONS, **_ALONE)(_within(names, kernel.function))
                (found,) = made.overloads.values()
                text = made.inspect_llvm(found.signature.args)
                data = machine.emit_object(llvm.parse_assembly(text))
                code[f"{kernel.function.__name__} {signature}"] = found.fndesc.mangled_name, data
        return code


class Kernel:
    """One kernel; it is called as the Python function would be."""

    def __init__(self, kernels: Kernels, function: Any, signatures: tuple[str, ...]) -> None:
        self.function, self.signatures = function, signatures
        self._kernels = kernels
        self.__doc__ = function.__doc__

    @cached_property
    def _forms(self) -> dict[np.dtype[Any], tuple[list[tuple[np.dtype[Any], int]], Any]]:
        """By the type of the first argument, the types of all and their dimensions, and the function."""
        forms = {}
        for signature in self.signatures:
            arrays = re.findall(r"(\w+)\[([:,]*):1\]", signature)
            types = [(np.dtype(name), colons.count(":")) for name, colons in arrays]
            words = 2 + sum(5 + 2 * dimensions for _, dimensions in types)
            # pointers and sizes alike, which ctypes passes as pointers in half the time
            kind = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * words)
            address = self._kernels.addresses[f"{self.function.__name__} {signature}"]
            forms[types[0][0]] = types, kind(address)
        return forms

    def __call__(self, *arrays: NDArray[Any]) -> None:
        """Run it, without the interpreter's lock.

        Raises
        ------
        TypeError
            An array has another type or number of dimensions, or is not C-contiguous.
        """
        types, function = self._forms.get(arrays[0].dtype, ((), None))
        given: list[Any] = []
        for it, expected in zip(arrays, types, strict=True):
            if (it.dtype, it.ndim) != expected or not it.flags.c_contiguous:
                raise TypeError(f"{self.function.__name__}: an array is no contiguous {expected}")
            # how numba passes an array: its owner, twice, elements, bytes of each, samples, shape, strides
            given += (None, None, it.size, it.itemsize, it.ctypes.data, *it.shape, *it.strides)
        result, error = ctypes.c_void_p(), ctypes.c_void_p()
        if function is None or function(ctypes.byref(result), ctypes.byref(error), *given):
            raise TypeError(f"{self.function.__name__} takes no array of {arrays[0].dtype}")


def _on_stack() -> Any:
    """:func:`scratch` for numba."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array, populate_array

    def typed(_typing: Any, size: Any) -> Any:
        kind = types.Array(types.float32, 1, "C")

        def generate(context: Any, builder: Any, signature: Any, _arguments: Any) -> Any:
            count = context.get_constant(types.intp, size.literal_value)
            data = cgutils.alloca_once(builder, ir.FloatType(), count)
            data.align = _ALIGNMENT
            cgutils.memset(builder, data, builder.mul(count, count.type(4)), 0)
            array = make_array(kind)(context, builder)
            populate_array(array, data, [count], [count.type(4)], count.type(4), None)
            return array._getvalue()

        return kind(size), generate

    return intrinsic(prefer_literal=True)(typed)


def _within(names: dict[str, Any], function: FunctionType) -> FunctionType:
    """A function that looks its names up here."""
    return FunctionType(function.__code__, names, function.__name__)

"""A GPU for tests on machines without one: tensors that say ``cuda:0``, and have a shape but no values.

Everything that PyTorch dispatches runs as on a GPU but for the arithmetic: an operation on tensors of two
devices raises. What is read back from the device is 1, or 0 of integers, so that no value can be tested, but
all code can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

_SCALARS: dict[str, Any] = {"__int__": 0, "__index__": 0, "__float__": 1.0, "__bool__": True}
_READ = {*_SCALARS, "item", "numpy", "tolist", "nonzero"}


class _ReadsBack(TorchFunctionMode):
    """Gives numbers where the CPU asks a tensor for its values."""

    def __init__(self, mode: FakeTensorMode) -> None:
        super().__init__()
        self._mode = mode

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "as_tensor" and not isinstance(args[0], torch.Tensor):
            device = kwargs.pop("device", "cpu")  # PyTorch would look for one that is there
            return self._mode.from_tensor(with_values(torch.tensor)(*args, **kwargs)).to(device)
        if not args or not isinstance(args[0], torch.Tensor) or name not in _READ:
            return func(*args, **kwargs)
        tensor = args[0]
        if not isinstance(tensor, FakeTensor):
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        if name == "nonzero":  # half of them
            half = torch.arange(max(1, tensor.numel() // 2), device=tensor.device)
            return half[:, None].expand(-1, tensor.dim())
        if name == "numpy":
            assert tensor.device.type == "cpu", "numpy() of a tensor that is on the GPU"
            return _values(tensor)
        if name == "item":
            return _values(tensor).item()
        return _SCALARS[name] if name in _SCALARS else _values(tensor).tolist()


@contextmanager
def fake_cuda(monkeypatch: pytest.MonkeyPatch, *read: tuple[Any, str]) -> Iterator[None]:
    """Have a GPU within the context.

    Parameters
    ----------
    read : object and attribute of functions that read weights, which then have values
    """
    for owner, name in (
        ("bench.host.device", "cuda_problem"),
        ("bench_codecs._common.torch_device", "cuda_problem"),
    ):
        monkeypatch.setattr(f"{owner}.{name}", lambda: None)
    monkeypatch.setattr(nn.Module, "_apply", _moved)
    monkeypatch.setattr(FakeTensor, "tolist", lambda it: _values(it).tolist())
    monkeypatch.setattr(torch, "load", _loading(torch.load))
    for owner, name in read:
        monkeypatch.setattr(owner, name, with_values(getattr(owner, name)))
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, _ReadsBack(mode):
        yield


def with_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose tensors have values although it is called within the context."""

    def call(*args: Any, **kwargs: Any) -> Any:
        with unset_fake_temporarily():
            return function(*args, **kwargs)

    return call


def _values(tensor: torch.Tensor) -> Any:
    """Ones, or zeros of a kind that may be an index."""
    kind = str(tensor.dtype).removeprefix("torch.").replace("bfloat16", "float32")
    return np.full(tuple(tensor.shape), tensor.is_floating_point(), kind)


def _loading(load: Callable[..., Any]) -> Callable[..., Any]:
    """``torch.load`` in two steps, since files can be read on the CPU alone."""

    def call(*args: Any, map_location: Any = "cpu", **kwargs: Any) -> Any:
        found = with_values(load)(*args, map_location="cpu", **kwargs)
        return tree_map(lambda it: it.to(map_location) if isinstance(it, torch.Tensor) else it, found)

    return call


def _moved(module: nn.Module, function: Callable[[Any], Any], recurse: bool = True) -> nn.Module:
    """As ``Module._apply``, which cannot replace a tensor that has values by one that has none."""
    for child in module.children():
        child._apply(function)
    for name, parameter in module._parameters.items():
        if parameter is not None:
            with torch.no_grad():
                found = function(parameter)
            module._parameters[name] = nn.Parameter(found, parameter.requires_grad)
    for name, buffer in module._buffers.items():
        if buffer is not None:
            module._buffers[name] = function(buffer)
    return module

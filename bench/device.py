"""Where networks run, for adapters and trainers; see :mod:`bench.host.device`."""

from bench.host.device import DeviceName, cuda_problem, require, resolve

__all__ = ["DeviceName", "cuda_problem", "require", "resolve"]

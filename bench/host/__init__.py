"""The machine: its environment, GPUs, the cache of compiled kernels, and helper processes."""

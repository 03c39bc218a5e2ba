"""Quality metrics: plug-ins of the entry-point group ``bench.metrics``."""


def preload() -> None:
    """Load the compiled kernels of the built-in metrics, so that forked workers share them."""
    from bench.metrics._planes import preload as load_kernels

    load_kernels()

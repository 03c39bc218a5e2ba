"""The ``vae`` codec: a learned image codec with a hyperprior, context models and rANS bitstreams.

Importing this package does not import torch: the constructor of :class:`Vae` does.
"""

from bench_codecs.vae.codec import Vae

__all__ = ["Vae"]

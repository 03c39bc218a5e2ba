"""The ``vae-gan`` codec: the bitstreams of ``vae``, decoded by a generator trained against a discriminator.

After HiFiC (Mentzer et al., "High-fidelity generative image compression", NeurIPS 2020). Importing this
package does not import torch: the constructor of :class:`VaeGan` does.
"""

from bench_codecs.vae_gan.codec import VaeGan

__all__ = ["VaeGan"]

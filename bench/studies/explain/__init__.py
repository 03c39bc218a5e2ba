"""Where the bits of bitstreams went, and what the latents of learned codecs draw."""

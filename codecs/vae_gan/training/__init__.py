"""Training the generator of ``vae-gan``."""

"""Explanations of ``vae`` bitstreams: what each latent costs, and what it draws."""

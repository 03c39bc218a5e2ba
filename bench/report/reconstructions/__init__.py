"""Reconstructions from the bitstreams that a run kept, for the page and the figures."""

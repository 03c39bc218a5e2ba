"""Which images got worse from one codec, or one version of it, to another, and where in the picture."""

"""Distances between the sets of originals and of reconstructions: ``rdbench distribution``."""

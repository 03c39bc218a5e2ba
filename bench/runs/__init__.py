"""Measuring a suite, and the run folder that holds the results."""

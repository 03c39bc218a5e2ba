"""The regression gate: the results of a run against a stored baseline -> a verdict."""

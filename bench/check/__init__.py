"""The regression gate: the state of a run against a stored one -> a verdict."""

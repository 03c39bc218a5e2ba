"""The codec keeps rdbench's contract, and gets neither larger nor worse without somebody saying so.

`pytest --rd-update` accepts a new state; commit the files in rd_baselines with the change that made it.
"""

from pocket import Pocket, decode, encode

from bench.pytest_plugin import conformance

test_conformance = conformance(Pocket)


def test_codec(rd_regression):
    """Every quality of the default sweep: nothing may be larger, or worse, than it was."""
    rd_regression(Pocket)


def test_encoder_function(rd_regression):
    """A plain function at one operating point, with half a percent of room."""
    rd_regression(encode, decode=decode, qualities=(50,), limits={"max_bytes": "0.5%"})

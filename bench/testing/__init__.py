"""For the test suites of codecs: :mod:`bench.testing.checks` says how."""

from bench.testing.checks import CHECKS, ConformanceError, check_codec, pictures, run_check

__all__ = ["CHECKS", "ConformanceError", "check_codec", "pictures", "run_check"]

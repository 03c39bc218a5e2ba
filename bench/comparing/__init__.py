"""BD-rates between runs, codecs within a run, and published curves: ``rdbench compare``."""

"""``python -m bench.cli``: the same as ``rdbench``."""

from bench.cli import main

main()

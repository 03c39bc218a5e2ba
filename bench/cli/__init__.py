"""The command line: the only place that prints or exits.

Modules of this package are imported for ``rdbench --help``, so they import nothing heavy; each command
imports what it needs when it runs.
"""

from __future__ import annotations

import sys

EXIT_OK = 0
EXIT_REGRESSION = 1
EXIT_USAGE = 2
EXIT_FAILED_TRIALS = 3
EXIT_INTERRUPTED = 130


def main() -> None:
    """Entry point of the console script ``rdbench``."""
    from bench.cli.app import app
    from bench.errors import BenchError
    from bench.escape import terminal

    try:
        app()
    except BenchError as error:
        print(f"rdbench: {terminal(str(error))}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough; nothing more can be written, not even on exit.
        sys.stdout = None
        sys.exit(EXIT_OK)
    except OSError as error:
        # A file that cannot be written is the user's to mend; code 1 would say that a codec has got worse.
        if error.filename is None:
            raise
        print(f"rdbench: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)

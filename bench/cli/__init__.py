"""The command line: the only place that prints or exits.

Modules of this package are imported for ``rdbench --help``, so they import nothing heavy; each command
imports what it needs when it runs.
"""

from __future__ import annotations

import sys

from bench.cli.exit_codes import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE


def main() -> None:
    """Entry point of the console script ``rdbench``."""
    from bench.host.garbage import whole_program

    with whole_program():
        _main()


def _main() -> None:
    from bench.cli import streams
    from bench.cli.app import app
    from bench.errors import BenchError
    from bench.host import kernel_cache
    from bench.text.escape import terminal

    streams.prepare()
    kernel_cache.provide()
    out = sys.stdout
    try:
        try:
            app()
        except SystemExit:
            if sys.stdout is not out:  # click's answer to a broken pipe, with the exit code of a regression
                raise BrokenPipeError from None
            raise
        finally:
            streams.flush()
    except BenchError as error:
        streams.complain(terminal(str(error)))
        sys.exit(EXIT_USAGE)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough; nothing more can be written, not even on exit.
        streams.abandon()
        sys.exit(EXIT_OK)
    except OSError as error:
        # A file that cannot be written is the user's to mend; code 1 would say that a codec has got worse.
        streams.abandon()  # it may be standard output that is on a full disk
        where = "" if error.filename is None else f"{error.filename}: "
        streams.complain(terminal(f"{where}{error.strerror or error}"))
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)

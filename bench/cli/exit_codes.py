"""What the process says of how a command ended."""

EXIT_OK = 0
EXIT_REGRESSION = 1
EXIT_USAGE = 2
EXIT_FAILED_TRIALS = 3
EXIT_INTERRUPTED = 130

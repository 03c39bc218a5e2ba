"""What sealing costs: the standard sweep with codecs sealed and not, alternating in one run.

    python -m tests.benchmarks.sealing FOLDER_OF_IMAGES [--rounds 5] [--limit 24]

The sweep: JPEG at 10 qualities, PSNR and MS-SSIM, two jobs, whole processes from start to end. Prints each
round's wall times, and the median of their ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.sweep import QUALITIES, timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=24)
    options = parser.parse_args()
    ratios = []
    for number in range(options.rounds + 1):
        seconds = {}
        # whoever comes second in one round comes first in the next; the first round warms up
        for sealed in (True, False)[:: 1 if number % 2 else -1]:
            with tempfile.TemporaryDirectory() as folder:
                line = (
                    f"run -d {options.images} --limit {options.limit} -c jpeg@{QUALITIES} -m psnr_rgb"
                    f" -m ms_ssim_rgb -j 2 -o {folder}/run --no-report --{'' if sealed else 'no-'}sealed"
                )
                command = [sys.executable, "-m", "bench.cli", *line.split()]
                seconds[sealed] = timed(command, {"OMP_NUM_THREADS": "1"})[0]
        if number:
            ratios.append(seconds[True] / seconds[False])
            print(f"sealed {seconds[True]:.2f} s, not {seconds[False]:.2f} s: {ratios[-1]:.3f}", flush=True)
    print(f"sealed / not, median of {options.rounds} rounds: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()

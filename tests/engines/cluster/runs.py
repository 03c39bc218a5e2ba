"""What tests of runs on many machines ask of a run folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

import bench
from bench.runs.store import JOURNAL_FILE, read_journal


def table(run: Path) -> pd.DataFrame:
    """The table of a run but for its times: the same wherever it was made."""
    return bench.load(run).drop(columns=["encode_s", "decode_s"])


def measured(run: Path) -> int:
    """How many lines the journal has by now."""
    return len(keys(run)) if (run / JOURNAL_FILE).is_file() else 0


def twice(run: Path) -> list[str]:
    """Trials that were written into the journal more than once."""
    return [key for key, lines in Counter(keys(run)).items() if lines > 1]


def keys(run: Path) -> list[str]:
    """Of the trials in the journal, line by line."""
    return [it.key for it in read_journal(run)]

"""What other commands left in a run's folder, for a report to point at."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PLAIN = re.compile(r"[\w.-]+")
ROBUSTNESS_FOLDER = "robustness"
"""Where ``rdbench robustness`` writes unless told otherwise."""


@dataclass(frozen=True)
class Robustness:
    """The results of ``rdbench robustness`` on a run, as paths relative to a report."""

    run: str
    page: str
    figures: tuple[str, ...]


def find_robustness(dataset: str, runs: Sequence[Path], out: Path) -> tuple[Robustness, ...]:
    """The results that lie beside the runs; figures of a data set carry its name where there are several.

    Parameters
    ----------
    runs : run folders, which may be somebody else's
    out : the report's folder, to which paths are relative
    """
    found = []
    for run in runs:
        folder = run / ROBUSTNESS_FOLDER
        page = folder / "robustness.md"
        if page.is_file():
            # of somebody else's folder any name may come
            figures = sorted(it for it in (folder / "figures").glob("*.png") if _PLAIN.fullmatch(it.name))
            own = [it for it in figures if it.name.startswith(f"{dataset}_robustness_")]
            shown = own or [it for it in figures if it.name.startswith("robustness_")]
            found.append(
                Robustness(
                    run.resolve().name, _relative(page, out), tuple(_relative(it, out) for it in shown)
                )
            )
    return tuple(found)


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path.resolve(), start.resolve())).as_posix()

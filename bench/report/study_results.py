"""What studies left in a run's folder, for a report to point at."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PLAIN = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class StudyResults:
    """The results of a study of a run, as paths relative to a report."""

    name: str
    run: str
    page: str
    figures: tuple[str, ...]

    @property
    def title(self) -> str:
        """The heading."""
        return self.name.capitalize()


def find_studies(dataset: str, runs: Sequence[Path], out: Path) -> tuple[StudyResults, ...]:
    """What lies beside the runs: of each journal ``NAME.jsonl`` the page ``NAME/NAME.md``, and its figures.

    Figures are those that begin with the study's name; of a data set they carry its name before that where
    there are several.

    Parameters
    ----------
    runs : run folders, which may be somebody else's
    out : the report's folder, to which paths are relative
    """
    found = []
    for run in runs:
        for name in sorted(it.stem for it in run.glob("*.jsonl")):
            page = run / name / f"{name}.md"
            # of somebody else's folder any name may come
            if _PLAIN.fullmatch(name) and page.is_file():
                figures = sorted(page.parent.glob("figures/*.png"))
                plain = [it for it in figures if _PLAIN.fullmatch(it.name)]
                own = [it for it in plain if it.name.startswith(f"{dataset}_{name}")]
                shown = own or [it for it in plain if it.name.startswith(name)]
                paths = tuple(_relative(it, out) for it in shown)
                found.append(StudyResults(name, run.resolve().name, _relative(page, out), paths))
    return tuple(found)


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path.resolve(), start.resolve())).as_posix()

"""The tables and figures of a study, as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.files.access import require_inside, subfolder, write_atomically
from bench.plotting.canvas import Canvas
from bench.plotting.series_style import Series, series_styles
from bench.plotting.style import save, styled
from bench.runs.store import read_info
from bench.studies.study import Answers, AnswerT, QuestionT, Study
from bench.tables.table import Table, to_markdown, write_tables


@dataclass(frozen=True)
class StudyFiles:
    """What was written of a study."""

    tables: tuple[Table, ...]
    page: Path
    paths: tuple[Path, ...]
    """All files, the page last."""


def write_results(
    study: Study[QuestionT, AnswerT], run: Path, answers: Answers[QuestionT, AnswerT], out: Path
) -> StudyFiles:
    """Write ``tables/``, ``figures/`` and, last, a page ``NAME.md``; with several data sets figures for each.

    Parameters
    ----------
    study : what was asked
    run : the run folder, which says the order of data sets and codecs
    answers : what :func:`bench.studies.session.put` gave
    out : a folder; inside the run nothing is written through links

    Raises
    ------
    StoreError
        It cannot be written there.
    """
    require_inside(out, [run])
    tables = study.tables(answers)
    files = write_tables(tables, subfolder(out, "tables"))
    files += _figures(study, run, answers, subfolder(out, "figures"))
    page = out / f"{study.name}.md"
    pictures = [f"![{it.stem}](figures/{it.name})" for it in files if it.suffix == ".png"]
    sections = [f"# {study.name.capitalize()}", *pictures, *map(to_markdown, tables)]
    write_atomically(page, "\n\n".join(sections).encode())
    return StudyFiles(tuple(tables), page, (*files, page))


def _figures(
    study: Study[QuestionT, AnswerT], run: Path, answers: Answers[QuestionT, AnswerT], folder: Path
) -> list[Path]:
    info = read_info(run)
    styles = series_styles(Series(it.label, it.codec, it.lossless) for it in info.codecs)
    datasets = list(dict.fromkeys(it.dataset for it in info.images))
    files: list[Path] = []
    with styled():
        for dataset in datasets:
            prefix = "" if len(datasets) == 1 else f"{dataset}_"
            drawn = study.figures(answers.of_dataset(dataset), Canvas("double"), styles)
            for name, figure in drawn.items():
                if figure is not None:
                    files += save(figure, folder, prefix + name)
    return files

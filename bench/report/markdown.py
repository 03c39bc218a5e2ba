"""``report.md``: the tables and figures on one page that a code host renders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.files.access import write_atomically
from bench.report.chapters import Chapter
from bench.report.data import ReportData
from bench.tables.table import Table, to_markdown
from bench.text.escape import markdown


@dataclass(frozen=True)
class Section:
    """What the page says of one data set."""

    data: ReportData
    tables: Mapping[Chapter, Sequence[Table]] = field(default_factory=dict)
    figures: Mapping[Chapter, Sequence[Path]] = field(default_factory=dict)
    """PNG files."""
    prefix: str = ""
    """Of the names of its files."""


def write_markdown(path: Path, sections: Sequence[Section], of_all: Sequence[Table] = ()) -> Path:
    """Write the page; figures are linked relative to it.

    Parameters
    ----------
    of_all : tables of all data sets, which come first
    """
    parts = ["# All data sets\n", *map(to_markdown, of_all)] if of_all else []
    parts += [part for section in sections for part in _section(section, path.parent)]
    write_atomically(path, "\n".join(parts).encode())
    return path


def _section(section: Section, folder: Path) -> Iterator[str]:
    data = section.data
    yield f"# {markdown(data.dataset)}\n"
    yield from (f"> {it.severity}: {markdown(it.message)}\n" for it in data.findings)
    for chapter in Chapter:
        parts = [*_chapter(section, chapter, folder)]
        if parts:
            yield f"## {chapter.value}\n"
            yield from parts
    for study in data.studies:
        yield f"## {markdown(study.title)}\n"
        yield f"Of run {markdown(study.run)}: [tables and figures]({study.page})\n"
        yield from (f"![{Path(it).stem}]({it})\n" for it in study.figures)
    several = len({it.id for its in data.environments.values() for it in its}) > 1
    for run, environments in data.environments.items():
        for environment in environments:
            machine = f", machine {environment.id}" if several else ""
            facts = ", ".join(
                f"{key} {value}" for key, value in (environment.machine | environment.software).items()
            )
            yield f"Environment of run {markdown(run)}{machine}: {markdown(facts)}.\n"


def _table(table: Table, prefix: str) -> str:
    if not table.is_long:
        return to_markdown(table)
    file = f"tables/{prefix}{table.name}.csv"
    return f"### {markdown(table.title)}\n\n{len(table.rows)} rows: [{Path(file).name}]({file})\n"


def _chapter(section: Section, chapter: Chapter, folder: Path) -> Iterator[str]:
    """The first table, the figures, then the other tables."""
    tables = [_table(it, section.prefix) for it in section.tables.get(chapter, ())]
    yield from tables[:1]
    yield from (f"![{it.stem}]({it.relative_to(folder)})\n" for it in section.figures.get(chapter, ()))
    yield from tables[1:]
    if chapter is Chapter.DECODER_PAIRS:
        for crops in section.data.crops:
            if crops.problem:
                text = f"No crops of {crops.pair.first} and {crops.pair.second}: {crops.problem}."
                yield markdown(text) + "\n"

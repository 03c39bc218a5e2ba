"""``report.md``: the tables and figures on one page that a code host renders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from bench.files.access import write_atomically
from bench.report.board import Board
from bench.report.crops import Crops
from bench.report.study_results import Robustness
from bench.tables.table import Table, to_markdown
from bench.text.escape import markdown


@dataclass(frozen=True)
class _Chapter:
    """Tables by name, and figures by patterns of their names, that belong together."""

    title: str
    tables: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    crops: bool = False
    """Whether it says why there are none of some cut-outs."""


_CHAPTERS = (
    _Chapter("Ranking", ("ranking",), ("rd", "bd_rate")),
    _Chapter("Two decoders of the same bytes", ("equal_bytes",), ("equal_bytes*", "crops*"), crops=True),
    _Chapter(
        "Distortion against perception", ("distortion_perception", "set_metrics"), ("perception*", "rd_kid*")
    ),
    _Chapter("Speed and complexity", ("complexity",), ("speed_*", "complexity_*")),
    _Chapter("Lossless coding", ("lossless",), ("lossless",)),
    _Chapter(
        "Pairs of codecs, and codecs at matched rate and quality",
        ("bd_rate", "matched_rate", "matched_quality"),
        ("bd_rate_per_image", "relative_rate"),
    ),
    _Chapter("Operating points", ("points", "failures"), ("rd_*",)),
)
_OTHER = _Chapter("More", ("*",), ("*",))


@dataclass(frozen=True)
class Section:
    """What the page says of one data set."""

    board: Board
    tables: tuple[Table, ...]
    figures: tuple[Path, ...] = ()
    """Their names begin with ``prefix``."""
    crops: tuple[Crops, ...] = ()
    robustness: tuple[Robustness, ...] = ()
    prefix: str = ""


def write_markdown(path: Path, sections: Sequence[Section]) -> Path:
    """Write the page; figures are linked relative to it."""
    parts = []
    for section in sections:
        board = section.board
        environments = {entry.run: entry.environment for entry in board.entries}
        parts.append(f"# {markdown(board.dataset)}\n")
        parts += [f"> {finding.severity}: {markdown(finding.message)}\n" for finding in board.findings]
        parts += _chapters(section, path.parent)
        for robust in section.robustness:
            parts.append(
                f"## Robustness\n\nOf run {markdown(robust.run)}: [tables and figures]({robust.page})\n"
            )
            parts += [f"![{Path(it).stem}]({it})\n" for it in robust.figures]
        for run, it in environments.items():
            facts = ", ".join(f"{key} {value}" for key, value in (it.machine | it.software).items())
            parts.append(f"Environment of run {markdown(run)}: {markdown(facts)}.\n")
    write_atomically(path, "\n".join(parts).encode())
    return path


def _chapters(section: Section, folder: Path) -> list[str]:
    """The tables and figures of a data set under headings; each stands in the first chapter that names it."""
    figures = {it.stem.removeprefix(section.prefix): it for it in section.figures if it.suffix == ".png"}
    tables = {it.name: it for it in section.tables}
    parts: list[str] = []
    for chapter in (*_CHAPTERS, _OTHER):
        shown = [figures.pop(it) for it in [*figures] if _is_one_of(it, chapter.figures)]
        made = [to_markdown(tables.pop(it)) for it in [*tables] if _is_one_of(it, chapter.tables)]
        made[1:1] = [f"![{it.stem}]({it.relative_to(folder)})\n" for it in shown]
        if chapter.crops:
            made += _missing_crops(section)
        if made:
            parts += [f"## {chapter.title}\n", *made]
    return parts


def _is_one_of(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, it) for it in patterns)


def _missing_crops(section: Section) -> list[str]:
    return [
        markdown(f"No cut-outs of {it.twins.first} and {it.twins.second}: {it.problem}.") + "\n"
        for it in section.crops
        if it.problem
    ]

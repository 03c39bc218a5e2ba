"""Entries of leaderboards, and their sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.boards.board import board_above
from bench.boards.entry_check import check_entry
from bench.boards.entry_file import Statement, read_statement
from bench.boards.fetching import fetch_bitstreams
from bench.boards.placing import told_of
from bench.boards.site import write_site
from bench.boards.submit import described, draft_of, submit
from bench.cli import console
from bench.cli.exit_codes import EXIT_FAILED_TRIALS, EXIT_OK
from bench.errors import BenchError, ConfigError
from bench.files.access import writing
from bench.files.problems import problem_of
from bench.text.plain import counted, some_of
from bench.trials.trust import Trust

_NAMED = 5


def submit_run(
    runs: Sequence[Path],
    out: Path | None,
    draft: Path | None,
    said: Mapping[str, Any],
    labels: Sequence[str],
    data_files: Sequence[Path] = (),
    board: Path | None = None,
) -> None:
    """Write the folder of an entry, and tell what is in it, and what a board makes of it."""
    if len(runs) != 1:
        raise ConfigError("an entry is of one run; join runs with rdbench merge")
    if out is None:
        raise ConfigError("give --out DIR, the folder of the entry")
    found = draft or draft_of(out)
    statement = Statement() if found is None else read_statement(found)
    if draft is None and found is not None:
        _tell_taken_over(found, statement, said)
    made = submit(runs[0], out, _with(statement, said), labels, data_files)
    for line in described(made):
        print(line)
    if made.left_behind:
        console.note(
            f"beside the codec, and not in the entry: {some_of(made.left_behind, _NAMED)}; if it reads one of"
            " them, it runs nowhere else without: add it with --file"
        )
    if board is not None:
        _tell_standing(out, board)
    elif (around := board_above(out)) is not None:
        try:
            _tell_standing(out, around)
        except BenchError as error:  # the entry is written, and may be right where the board is not
            console.note(f"the board {around} does not take it:\n{error}")


def check_entries(folders: Sequence[Path], fetch: bool, board: Path | None = None) -> None:
    """Name what is wrong with entries, all of it.

    Parameters
    ----------
    fetch : download bitstreams that are elsewhere before
    board : what it would make of them is told too
    """
    problems = []
    for folder in folders:
        try:
            if fetch and (count := fetch_bitstreams(folder)):
                print(f"{folder}: {count} bitstreams downloaded")
            submission = check_entry(folder)
            print(f"{folder}: sound, {submission.name} {submission.version}")
            if board is not None:
                _tell_standing(folder, board)
        except BenchError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))


def write(board: Path, out: Path, pictures: int, trust: bool) -> int:
    """Write a site, tell where it is, and return the exit code: somebody has to look at what is left out."""
    with writing(out):
        made = write_site(board, out, pictures=pictures, trust=Trust(trust))
    for remark in made.remarks:
        console.note(remark)
    entries = made.board.entries
    current = sum(it.current for it in entries)
    older = len(entries) - current
    states = ", ".join(f"{count} {state}" for state, count in made.states.items())
    print(
        f"{counted(current, 'entry', 'entries')}, {counted(older, 'older version')};"
        f" {counted(sum(made.states.values()), 'configuration')}: {states}"
    )
    print(f"site: {made.page}")
    if made.board.left_out:
        console.note(f"{counted(len(made.board.left_out), 'entry', 'entries')} left out, see above")
        return EXIT_FAILED_TRIALS
    return EXIT_OK


def _tell_standing(entry: Path, board: Path) -> None:
    for line in told_of(entry, board):
        print(f"  {line}")


def _tell_taken_over(file: Path, statement: Statement, said: Mapping[str, Any]) -> None:
    """What an entry there says already goes on to hold: say so, since nobody named the file."""
    keys = [it for it in statement.model_fields_set - {"codecs", *said} if getattr(statement, it)]
    if keys:
        console.note(f"{file} is there already: {', '.join(sorted(keys))} as it says; options change it")


def _with(statement: Statement, said: Mapping[str, Any]) -> Statement:
    """What a draft says, with what the command line says instead."""
    try:
        return Statement.model_validate({**statement.model_dump(exclude_defaults=True), **said})
    except ValidationError as error:
        problems = (
            f"--{str(it['loc'][0]).replace('_', '-')}: {problem_of(it, Statement)}" for it in error.errors()
        )
        raise ConfigError("\n".join(problems)) from error

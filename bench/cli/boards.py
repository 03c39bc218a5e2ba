"""Entries of leaderboards, and their sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.boards.entry_check import check_entry
from bench.boards.entry_file import Statement, read_statement
from bench.boards.fetching import fetch_bitstreams
from bench.boards.site import write_site
from bench.boards.submit import described, draft_of, submit
from bench.errors import BenchError, ConfigError
from bench.files.access import writing
from bench.trials.trust import Trust


def submit_run(
    runs: Sequence[Path],
    out: Path | None,
    draft: Path | None,
    said: Mapping[str, Any],
    labels: Sequence[str],
) -> None:
    """Write the folder of an entry, and tell what is in it."""
    if len(runs) != 1:
        raise ConfigError("an entry is of one run; join runs with rdbench merge")
    if out is None:
        raise ConfigError("give --out DIR, the folder of the entry")
    draft = draft or draft_of(out)
    statement = _with(Statement() if draft is None else read_statement(draft), said)
    print(described(submit(runs[0], out, statement, labels)))


def check_entries(folders: Sequence[Path], fetch: bool) -> None:
    """Name what is wrong with entries, all of it.

    Parameters
    ----------
    fetch : download bitstreams that are elsewhere before
    """
    problems = []
    for folder in folders:
        try:
            if fetch and (count := fetch_bitstreams(folder)):
                print(f"{folder}: {count} bitstreams downloaded")
            submission = check_entry(folder)
        except BenchError as error:
            problems.append(str(error))
        else:
            print(f"{folder}: sound, {submission.name} {submission.version}")
    if problems:
        raise ConfigError("\n".join(problems))


def write(board: Path, out: Path, pictures: int, trust: bool) -> None:
    """Write a site, and tell where it is."""
    with writing(out):
        made = write_site(board, out, pictures=pictures, trust=Trust(trust))
    entries = made.board.entries
    current = [it for it in entries if it.current]
    verified = sum(it.verification is not None and it.verification.whole for it in current)
    print(f"{len(current)} entries, {len(entries) - len(current)} older versions, {verified} verified")
    print(f"site: {made.page}")


def _with(statement: Statement, said: Mapping[str, Any]) -> Statement:
    """What a draft says, with what the command line says instead."""
    try:
        return Statement.model_validate({**statement.model_dump(exclude_defaults=True), **said})
    except ValidationError as error:
        problems = (
            f"--{str(it['loc'][0]).replace('_', '-')}: {it['msg'].removeprefix('Value error, ')}"
            for it in error.errors()
        )
        raise ConfigError("\n".join(problems)) from error

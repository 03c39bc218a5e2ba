"""Whose a name on a board is: versions of one entry have an author in common, and each is there once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.boards.entry_file import Submission
from bench.errors import ConfigError
from bench.text.plain import printable, some_of

_NAMED = 3


def folded(name: str) -> str:
    """A name but for what a reader takes for the same one: case and blanks.

    Parameters
    ----------
    name : of an entry or an author
    """
    return " ".join(name.casefold().split())


def require_own_names(submissions: Mapping[Path, Submission]) -> None:
    """Refuse entries that take over another one's name; nobody but the keeper can tell whose it is.

    Parameters
    ----------
    submissions : by their folders

    Raises
    ------
    ConfigError
        Two folders have one name and no author in common, one version, or names that look alike; a line for
        each, with both folders.
    """
    by_name: dict[str, list[Path]] = {}
    for folder in sorted(submissions, key=lambda it: (submissions[it].date, it)):
        by_name.setdefault(folded(submissions[folder].name), []).append(folder)
    problems = [problem for its in by_name.values() for problem in _problems(its, submissions)]
    if problems:
        raise ConfigError("\n".join(problems))


def _problems(folders: Sequence[Path], submissions: Mapping[Path, Submission]) -> list[str]:
    """What is wrong among the entries of one name, the oldest first."""
    problems = []
    authors: set[str] = set()
    versions: dict[str, Path] = {}
    first = folders[0]
    for folder in folders:
        said = submissions[folder]
        own = {folded(it) for it in said.authors}
        other = versions.setdefault(folded(said.version), folder)
        if folder != first and not own & authors:
            problems.append(
                f"{first} and {folder}: both are called {said.name!r}, by {_named(submissions[first])} and by"
                f" {_named(said)}; versions of one entry have an author in common, so rename one"
            )
        elif said.name != submissions[first].name:
            problems.append(
                f"{first} and {folder}: {submissions[first].name!r} and {said.name!r} are told apart by"
                " nobody; write them alike, as versions of one entry, or rename one"
            )
        elif other != folder:
            problems.append(
                f"{other} and {folder}: both are version {said.version} of {said.name}; give one another"
                " --version"
            )
        authors |= own
    return problems


def _named(said: Submission) -> str:
    return printable(some_of(said.authors, _NAMED))

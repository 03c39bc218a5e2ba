"""``rdbench dataset``, and the option ``--datasets`` of the commands that take data sets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.arguments import Recursive
from bench.cli.commands import Commands

app = typer.Typer(name="dataset", cls=Commands, rich_markup_mode=None, no_args_is_help=True)


def _use(file: Path | None) -> None:
    """Have the catalogue read a file of the user's."""
    if file is not None:
        from bench.inputs.catalogue import FILES_VARIABLE

        os.environ[FILES_VARIABLE] = str(file)


OwnDatasets = Annotated[
    Path | None,
    typer.Option(
        "--datasets",
        metavar="FILE",
        help="Data sets of your own, beside those of ./datasets.yaml.",
        callback=_use,
        expose_value=False,
    ),
]


@app.callback()
def _group() -> None:
    """Describe data sets of your own."""


@app.command(name="hash")
def hash_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of images.", show_default=False)],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What it is called; default: as the folder.")
    ] = None,
    recursive: Recursive = False,
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Of the images.")] = "unknown",
    source: Annotated[str, typer.Option(metavar="TEXT", help="Where they are from.")] = "unknown",
) -> None:
    """Print the entry of a folder for datasets.yaml: where it is, and the SHA-256 of each image."""
    from bench.cli import console
    from bench.inputs.datasets import name_of
    from bench.inputs.hashing import entry_of, entry_there

    name = name or name_of(folder)
    entry = entry_of(folder, name, recursive=recursive, licence=licence, source=source)
    there = entry_there(name, entry)
    if there is not None and there[1]:
        console.note(f"{there[0]} has this entry already; nothing to add")
        return
    if there is not None:
        console.note(
            f"{there[0]} has another {name!r}: put this one in its place, a file has a name only once"
        )
    print(entry, end="")

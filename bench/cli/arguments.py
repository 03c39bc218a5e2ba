"""Arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.errors import ConfigError

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)]
TrustFolder = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Run whatever codec the run folder names: programs, Python files, weights. Only for folders of"
        " people that you trust; without it, installed codecs alone are run.",
    ),
]
DatasetFolders = Annotated[
    list[str] | None,
    typer.Option("--dataset", "-d", metavar="FOLDER", help="The originals, where they are a folder."),
]
Recursive = Annotated[bool, typer.Option("--recursive", help="Take the images in sub-folders too.")]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="How trials run: `local`, each in isolated processes; `inprocess`, for debugging a codec.",
    ),
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where learned codecs and metrics run.")]


def one_of(option: str, value: str, choices: Sequence[str]) -> str:
    """The value of an option that has a few.

    Raises
    ------
    ConfigError
        It is none of the choices.
    """
    if value not in choices:
        raise ConfigError(f"{option} is one of {', '.join(choices)}, not {value!r}")
    return value

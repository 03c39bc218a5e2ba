"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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

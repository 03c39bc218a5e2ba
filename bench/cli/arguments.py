"""Arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.engines import CLUSTER, LOCAL
from bench.errors import ConfigError

if TYPE_CHECKING:
    from bench.engines.engine import ClusterAddress

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
ConditionsName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[@VERSION]|FILE",
        help="Test conditions (`rdbench list conditions`): what departs from them is named.",
    ),
]
Recursive = Annotated[bool, typer.Option("--recursive", help="Take the images in sub-folders too.")]
Sealed = Annotated[
    bool | None,
    typer.Option(
        "--sealed/--no-sealed",
        help="Let codecs see nothing of the machine but their own files; by default where it can be done.",
        show_default=False,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS|FILE|local",
        help="Run on a Dask cluster: its scheduler's address or file, or one that is made on this machine.",
    ),
]
TlsCa = Annotated[
    Path | None,
    typer.Option("--tls-ca", metavar="FILE", help="Authority that signs the cluster's certificates."),
]
TlsCert = Annotated[
    Path | None, typer.Option("--tls-cert", metavar="FILE", help="Own certificate for the cluster.")
]
TlsKey = Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Its key.")]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="How trials run: `local`, each in isolated processes; `inprocess`, for debugging a codec.",
    ),
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where learned codecs and metrics run.")]


def note(text: str) -> None:
    """Print a remark; what that takes is imported with the first one."""
    from bench.cli import console

    console.note(text)


def engine_of(
    engine: str, scheduler: str | None, tls_ca: Path | None, tls_cert: Path | None, tls_key: Path | None
) -> tuple[str, ClusterAddress | None]:
    """The engine that the options name together, and the cluster of the one that needs it.

    Raises
    ------
    ConfigError
        They contradict each other.
    """
    from bench.engines.engine import ClusterAddress

    if scheduler is None:
        if tls_ca or tls_cert or tls_key:
            raise ConfigError(
                "--tls-ca, --tls-cert and --tls-key are for a cluster: name it with --scheduler"
            )
        return engine, None
    if engine not in (LOCAL, CLUSTER):
        raise ConfigError(
            f"--scheduler is for a cluster, and --engine {engine} is none; leave one of them out"
        )
    return CLUSTER, ClusterAddress(scheduler, tls_ca, tls_cert, tls_key)


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

"""``rdbench worst``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bench.cli import console
from bench.cli.arguments import one_of
from bench.cli.console import TABLE_FORMATS
from bench.errors import ConfigError
from bench.losses.pictures import PictureOptions, loss_crops
from bench.losses.ranking import Losses, find_losses, sides_of
from bench.losses.table import losses_table
from bench.metrics.maps import MAPS
from bench.plotting.style import FORMATS, Format, save, styled
from bench.trials.trust import Trust


@dataclass(frozen=True)
class WorstRequest:
    """What the command line asks for."""

    runs: tuple[Path, Path]
    anchor: str | None
    codec: str | None
    count: int
    metric: str | None
    quality: float | None
    map: str
    format: str
    output: Path | None
    datasets: tuple[str, ...]
    timeout: float
    trust: bool


def worst(request: WorstRequest) -> None:
    """Print the images that lose most, and write their crops."""
    one_of("--map", request.map, tuple(MAPS))
    one_of("--format", request.format, tuple(TABLE_FORMATS))
    output = request.output
    if output is not None and output.suffix.lower()[1:] not in FORMATS:
        raise ConfigError(f"{output}: crops are written as {', '.join(FORMATS)}; end the name in one of them")
    sides = sides_of(*request.runs, request.anchor, request.codec)
    losses = find_losses(*sides, request.metric, request.quality, Trust(request.trust))
    print(TABLE_FORMATS[request.format](losses_table(losses, request.count)), end="")
    if output is not None:
        _write_crops(losses, output, request)


def _write_crops(losses: Losses, output: Path, request: WorstRequest) -> None:
    from bench.losses.figure import draw_losses

    options = PictureOptions(request.datasets, request.map, timeout=request.timeout)
    crops = loss_crops(losses, request.count, options)
    problems = dict.fromkeys(problem for it in crops for problem in it.problems)
    for problem in problems:
        console.note(problem)
    shown = [it for it in crops if it.has_both]
    if not shown:
        raise ConfigError(f"there are no pictures of what both codecs made: {output} is not written")
    with styled():
        form = cast(Format, output.suffix.lower()[1:])
        save(draw_losses(losses, shown, request.map), output.parent, output.stem, (form,))
    of_all = f"{len(shown)} of " if len(shown) < len(crops) else ""
    console.note(f"{output}: crops of {of_all}{len(crops)} image{'' if len(crops) == 1 else 's'}")

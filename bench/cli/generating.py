"""``rdbench generations``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from bench import registry
from bench.api import resolve_suite
from bench.cli import console
from bench.cli.explaining import default_folder
from bench.cli.progress import Progress
from bench.cli.studies import put_study
from bench.engines import open_engine
from bench.errors import ConfigError
from bench.inputs.suite import Suite, parse_codec, parse_numbers
from bench.runs.options import Options
from bench.runs.runner import Summary
from bench.runs.runner import run as run_suite
from bench.runs.store import is_run
from bench.studies.generations.chain import METRICS
from bench.studies.generations.first import at_one_point
from bench.studies.generations.study import GenerationsStudy
from bench.studies.session import StudyOptions
from bench.trials.trust import Trust

_FOLDER = Path("results/generations")


@dataclass(frozen=True)
class GenerationsRequest:
    """What the command line says."""

    names: list[str]
    """Codecs and pictures, or a run folder."""
    codecs: list[str]
    datasets: list[str]
    quality: str | None
    metrics: list[str]
    limit: int | None
    recursive: bool
    device: str
    count: int
    shift: int
    bpp: float
    out: Path | None
    trust: bool

    @property
    def run(self) -> Path | None:
        """The run folder, where one is named."""
        folder = Path(self.names[0]) if len(self.names) == 1 and not self.codecs else None
        return folder if folder is not None and is_run(folder) else None

    def resolve(self) -> Suite:
        """The codecs and pictures that are meant, in any order."""
        codecs = [*self.codecs, *filter(_is_codec, self.names)]
        pictures = [it for it in self.names if not _is_codec(it)]
        if absent := [it for it in pictures if not Path(it).expanduser().exists()]:
            raise ConfigError(f"{absent[0]}: neither an installed codec nor an image")
        if not codecs or not (pictures or self.datasets):
            raise ConfigError(
                "generations of what? name a codec and an image: rdbench generations jpeg@50 photo.png"
            )
        return resolve_suite(
            codecs=[parse_codec(it) for it in codecs],
            datasets=[*self.datasets, *pictures],
            quality=parse_numbers(self.quality, "--quality") if self.quality else None,
            metrics=self.metrics or METRICS,
            limit=self.limit,
            recursive=self.recursive or None,
            device=None if self.device == "auto" else self.device,
        )


def _is_codec(name: str) -> bool:
    return bool(re.search(r"\.py($|[:@])", name)) or re.split("[:@]", name)[0] in registry.targets(
        registry.CODECS
    )


def generations(request: GenerationsRequest, options: StudyOptions) -> bool:
    """Make the first generation where no run has it, then the others; whether any of them failed."""
    study = GenerationsStudy(request.count, request.shift, tuple(request.metrics))
    if request.run is not None:
        options = replace(options, datasets=tuple(request.datasets), trust=Trust(request.trust))
        study, run, failed = replace(study, bpp=request.bpp), request.run, False
        out = request.out or run / study.name
    else:
        suite = request.resolve()
        summary = _first(suite, request.out or _FOLDER / default_folder(suite.datasets), options)
        options = replace(
            options, datasets=suite.datasets, trust=Trust(request.trust, summary.codecs, summary.metrics)
        )
        points = tuple((codec.label, it) for codec in summary.codecs for it in codec.qualities)
        study, run, failed = replace(study, points=points), summary.folder, summary.failed > 0
        out = run / study.name
    answers = put_study(study, run, options, out)
    return failed or any(chain.failure is not None for _, chain in answers)


def _first(suite: Suite, folder: Path, options: StudyOptions) -> Summary:
    """The first generation as a run, which is resumed where it exists."""
    means = options.of_engine
    own = Options(
        jobs=means.jobs,
        timeout=means.timeout,
        keep_bitstreams=True,
        engine=options.engine,
        cluster=means.cluster,
    )
    with open_engine(options.engine, means) as engine, Progress(bar=engine.isolated) as progress:
        try:
            return run_suite(at_one_point(suite, engine), folder, own, progress.events, engine)
        except KeyboardInterrupt:
            console.note(
                f"interrupted; what was measured is in {folder}, and the same command goes on from there"
            )
            raise

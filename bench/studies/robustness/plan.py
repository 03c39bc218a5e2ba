"""Which probes a run's robustness takes: codecs at comparable rates × images × corruptions and damages."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.errors import ConfigError
from bench.inputs.originals import Originals
from bench.runs.frame import load
from bench.runs.store import read_info
from bench.studies.robustness.corrupt import CORRUPTIONS
from bench.studies.robustness.damage import DAMAGES, FLIPS
from bench.trials.plan import CodecPlan, ImagePlan, Trial
from bench.trials.trust import NOBODY, Trust

if TYPE_CHECKING:
    import pandas as pd

_PSNR = "psnr_rgb"
_VERSION = 1
"""Of the corruptions and damages; part of every key."""


@dataclass(frozen=True)
class Clean:
    """The trial of the run that a probe is compared with."""

    codec: CodecPlan
    dataset: str
    image: str
    image_sha256: str
    quality: float | None
    bytes: int
    bpp: float
    psnr: float | None
    """``psnr_rgb`` in dB; None for identical pixels."""
    bitstream_sha256: str
    pixels_sha256: str


@dataclass(frozen=True)
class Planned:
    """One probe that is to be taken: a corruption of the picture, or a damage of the bitstream."""

    clean: Clean
    name: str
    draw: int = 0

    @property
    def is_input(self) -> bool:
        """Whether the picture is corrupted rather than the bitstream damaged."""
        return self.name in CORRUPTIONS

    @property
    def key(self) -> str:
        """Identity of the result."""
        it = self.clean
        identity = [_VERSION, it.image_sha256, it.codec.codec, it.codec.version, it.codec.config]
        identity += [it.codec.weights_sha256, it.quality, it.bitstream_sha256, self.name, self.draw]
        data = msgspec.json.encode(identity, order="sorted")
        return hashlib.sha256(data).hexdigest()[:32]

    def trial(self, originals: Originals) -> Trial:
        """The form in which the engine takes it."""
        it = self.clean
        image = ImagePlan(it.dataset, it.image, it.image_sha256)
        path = originals.find(it.dataset, it.image, it.image_sha256)
        return Trial(image, path, it.codec, it.quality, self.key)


@dataclass(frozen=True)
class ProbePlan:
    """All probes, image by image, and what could not be probed."""

    probes: tuple[Planned, ...]
    unfinished: int
    """Trials at the chosen operating points that have no clean result."""


def plan_probes(run: Path, bpp: float, draws: int, trust: Trust = NOBODY) -> ProbePlan:
    """The probes of each codec at the operating point whose mean rate is nearest to ``bpp``.

    Raises
    ------
    StoreError
        The folder is no run.
    ConfigError
        The run has no ``psnr_rgb`` to compare with.
    """
    info, frame = read_info(run), load(run)
    if _PSNR not in {it.name for it in info.metrics}:
        raise ConfigError(f"{run}: robustness compares {_PSNR}, which the run lacks; add -m {_PSNR} to it")
    codecs = {it.label: it for it in trust.codecs(info.codecs)}
    points = list(_points(frame, bpp))
    clean: dict[tuple[str, str], list[Clean]] = {}
    unfinished = 0
    for rows in points:
        for row in rows.itertuples():
            if row.status == "ok" and _is_whole(row):
                clean.setdefault((row.dataset, row.image), []).append(_clean(row, codecs[row.label]))
            else:
                unfinished += 1
    probes: list[Planned] = []
    for of_image in clean.values():
        # The worker that encodes keeps the picture that it read last: codecs vary faster than corruptions.
        probes += (Planned(it, name) for name in CORRUPTIONS for it in of_image)
        for it in of_image:
            probes += (
                Planned(it, name, draw) for name in DAMAGES for draw in range(draws if name in FLIPS else 1)
            )
    return ProbePlan(tuple(probes), unfinished)


def _points(frame: pd.DataFrame, bpp: float) -> Iterator[pd.DataFrame]:
    """Of each data set and codec the rows of the operating point nearest to a rate, on a log scale."""
    for _, of_codec in frame.groupby(["dataset", "label"], observed=True, sort=False):
        best, least = None, math.inf
        for _, rows in of_codec.groupby("quality", dropna=False):
            mean = rows.loc[rows["status"] == "ok", "bpp"].mean()
            distance = abs(math.log(mean / bpp)) if mean > 0 else math.inf
            if best is None or distance < least:
                best, least = rows, distance
        if best is not None:
            yield best


def _is_whole(row: Any) -> bool:
    """Whether a finished trial has what a probe is compared with; somebody else's journal may lack it."""
    return bool(row.bpp > 0) and isinstance(row.bitstream_sha256, str) and isinstance(row.pixels_sha256, str)


def _clean(row: Any, codec: CodecPlan) -> Clean:
    return Clean(
        codec=codec,
        dataset=row.dataset,
        image=row.image,
        image_sha256=row.image_sha256,
        quality=None if math.isnan(row.quality) else float(row.quality),
        bytes=int(row.bytes),
        bpp=float(row.bpp),
        psnr=float(row.psnr_rgb) if math.isfinite(row.psnr_rgb) else None,
        bitstream_sha256=row.bitstream_sha256,
        pixels_sha256=row.pixels_sha256,
    )

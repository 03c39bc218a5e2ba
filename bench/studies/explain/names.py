"""Where the files of each explained picture go: names that no two of them share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from bench.files.access import read_regular
from bench.files.typed_json import MalformedJson, decode_json
from bench.studies.explain.record import Row
from bench.trials.plan import ImagePlan, Trial

Page: TypeAlias = tuple[ImagePlan, str, float | None]
"""A picture, and the label and quality of a codec."""

_DIGITS = 8


def page_stems(trials: Sequence[Trial]) -> dict[Page, Path]:
    """For each trial ``[data set/]<codec>[@quality]/<picture>``, without ending.

    The data set is named where there are several. A picture has its file name, less the ending where that
    leaves the pictures of its data set distinct, and with its hash where two folders of one name have it.
    """
    pictures: dict[str, list[ImagePlan]] = {}
    for image in dict.fromkeys(it.image for it in trials):
        pictures.setdefault(image.dataset, []).append(image)
    named = {image: name for images in pictures.values() for image, name in _pictures(images).items()}
    folders = _folders(_point(it) for it in trials)
    several = len(pictures) > 1
    return {
        page_of(it): Path(it.image.dataset if several else "", folders[_point(it)], named[it.image])
        for it in trials
    }


def page_of(trial: Trial) -> Page:
    """What a page is of."""
    return trial.image, trial.codec.label, trial.quality


def unclaimed(stem: Path, row: Row) -> Path:
    """``stem``, or with the picture's hash where another picture's page, of an earlier command, is there."""
    try:
        claim = decode_json(read_regular(stem.with_name(f"{stem.name}.json")), _Claim)
    except (OSError, MalformedJson):
        return stem
    if (claim.image_sha256, claim.label, claim.quality) == (row.image_sha256, row.label, row.quality):
        return stem
    return stem.with_name(f"{stem.name}-{row.image_sha256[:_DIGITS]}")


class _Claim(msgspec.Struct):
    """What the numbers of a page say of its identity."""

    image_sha256: str = ""
    label: str = ""
    quality: float | None = None


def _pictures(images: Sequence[ImagePlan]) -> dict[ImagePlan, str]:
    stems, names = [Path(it.name).stem for it in images], [it.name.replace("/", "-") for it in images]
    hashes = [it.sha256[:_DIGITS] for it in images]
    for found in (stems, names, list(map("-".join, zip(stems, hashes, strict=True)))):
        # compared without case, as some file systems do
        if len({it.casefold() for it in found}) == len(images):
            return dict(zip(images, found, strict=True))
    return {it: f"{name}-{digits}" for it, name, digits in zip(images, names, hashes, strict=True)}


def _point(trial: Trial) -> str:
    return trial.codec.label + ("" if trial.quality is None else f"@{trial.quality:g}")


def _folders(points: Iterable[str]) -> dict[str, str]:
    """Names that a folder may have, numbered where they would be the same."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for point in dict.fromkeys(points):
        plain = folder = re.sub(r"[^\w.@=+-]+", "_", point)
        number = 1
        while folder.casefold() in taken:
            number += 1
            folder = f"{plain}-{number}"
        taken.add(folder.casefold())
        found[point] = folder
    return found

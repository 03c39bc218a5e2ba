"""The images of the viewer with their error maps, which an earlier page may hold already."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bench.codec import Image
from bench.files.access import read_regular
from bench.inputs.image import read_image
from bench.report.page.examples import Reconstruction, ViewerImage
from bench.report.page.maps import STEP, maps_of, scale_of


def with_maps(
    images: Sequence[ViewerImage], names: Sequence[str], former: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> list[ViewerImage]:
    """The images with the maps of those reconstructions whose pictures and originals are stored.

    Parameters
    ----------
    names : of maps
    former : those of an earlier page, see :func:`former_maps`
    """

    def mapped(image: ViewerImage) -> ViewerImage:
        file = image.original.file
        if file is None:
            return image
        known = former.get(file.name, {})
        original: list[Image] = []

        def of(its: Reconstruction) -> Mapping[str, str]:
            if its.stored.file is None:
                return {}
            found = known.get(its.stored.file.name, {})
            if all(name in found for name in names):
                return {name: found[name] for name in names}
            original[:] = original or [read_image(file).pixels]
            return maps_of(original[0], read_image(its.stored.file).pixels, names)

        reconstructions = tuple(replace(it, maps=of(it)) for it in image.reconstructions)
        return replace(image, reconstructions=reconstructions)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(mapped, images))


def former_maps(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    """The maps in the scripts of an earlier page: by original, by reconstruction, by name.

    Files are named by the SHA-256 of their pixels, so that equal names have equal maps.
    """
    found: dict[str, dict[str, dict[str, str]]] = {}
    for script in sorted(folder.glob("*.js")):
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            text = read_regular(script).decode()
            image = json.loads(text[text.index("(") + 1 : text.rindex(")")])
            if image["maps"]["step"] != STEP:
                continue
            scales = image["maps"]["kinds"]
            by_picture = found.setdefault(_name(image["original"]), {})
            for *_, picture, maps in image["reconstructions"]:
                same = {
                    name: url
                    for name, url in maps.items()
                    if scales[name] == scale_of(name) and url.startswith("data:image/")
                }
                by_picture[_name(picture)] = same
    return found


def _name(picture: Mapping[str, str]) -> str:
    return picture["url"].rpartition("/")[2]

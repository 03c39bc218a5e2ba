"""Butteraugli, computed by libjxl's program ``butteraugli_main``.

J. Alakuijala et al., "Guetzli: perceptually guided JPEG encoder", arXiv:1703.04421, 2017, and the libjxl
sources. Images are interpreted as sRGB on a screen of 80 nits.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.codec import Image
from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics.base import Pair

_PROGRAM = "butteraugli_main"
_NITS = "80"
_SMALLEST = 8


class Butteraugli:
    """The maximum of the difference map, Butteraugli's own score; below 1 hardly anyone sees it."""

    name = "butteraugli"
    title = "Butteraugli"
    role = "perception"
    unit = ""
    higher_is_better = False

    def __init__(self) -> None:
        self._program = _find(self.name)
        self.version = _version(self._program)

    def __call__(self, pair: Pair) -> float:
        """The distance of one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 8 pixels.
        """
        return pair.cached(_scores)[0]


class Butteraugli3Norm:
    """The 3-norm of Butteraugli's difference map, which is closer to an average than the maximum."""

    name = "butteraugli_3norm"
    title = "Butteraugli 3-norm"
    role = "perception"
    unit = ""
    higher_is_better = False

    def __init__(self) -> None:
        self._program = _find(self.name)
        self.version = _version(self._program)

    def __call__(self, pair: Pair) -> float:
        """The distance of one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 8 pixels.
        """
        return pair.cached(_scores)[1]


def _find(metric: str) -> Path:
    found = shutil.which(_PROGRAM)
    if found is None:
        raise CodecUnavailable(
            f"{metric} needs the program {_PROGRAM} of libjxl on the PATH: apt-get install libjxl-devtools,"
            " or build libjxl with -DJPEGXL_ENABLE_DEVTOOLS=ON"
        )
    return Path(found)


def _version(program: Path) -> str:
    """The program does not print its version, so it is identified by its hash."""
    return f"1+{_PROGRAM} sha256:{hashlib.sha256(program.read_bytes()).hexdigest()[:12]}"


def _scores(pair: Pair) -> tuple[float, float]:
    """Maximum and 3-norm, which one call of the program gives, for :meth:`Pair.cached`."""
    return compare(pair.reference.image, pair.decoded)


def compare(original: Image, decoded: Image, *options: str) -> tuple[float, float]:
    """Maximum and 3-norm of the difference map of two pictures, (height, width, 3).

    Parameters
    ----------
    options : more arguments for the program

    Raises
    ------
    MetricUndefined
        A side is shorter than 8 pixels.
    CodecUnavailable
        The program is not installed.
    """
    height, width = decoded.shape[:2]
    if min(height, width) < _SMALLEST:
        raise MetricUndefined(
            f"Butteraugli needs {_SMALLEST} pixels on each side; the picture is {width}×{height}"
        )
    program = str(_find("butteraugli"))
    with tempfile.TemporaryDirectory(prefix="rdbench-") as folder:
        paths = Path(folder) / "original.ppm", Path(folder) / "decoded.ppm"
        for path, image in zip(paths, (original, decoded), strict=True):
            path.write_bytes(_ppm(image))
        arguments = [program, *map(str, paths), "--intensity_target", _NITS, *options]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    found = re.fullmatch(r"([\d.e+-]+)\s+3-norm: ([\d.e+-]+)\s*", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(
            f"{_PROGRAM} ended with exit status {done.returncode}: {(done.stderr or done.stdout).strip()}"
        )
    return float(found[1]), float(found[2])


def _ppm(image: Image) -> bytes:
    height, width = image.shape[:2]
    return b"P6 %d %d 255\n" % (width, height) + image.tobytes()

"""VMAF, computed by the libvmaf inside the ffmpeg of the package ``imageio-ffmpeg``.

Z. Li et al., "Toward a practical perceptual video quality metric", Netflix 2016; model ``vmaf_v0.6.1``, for a
screen of 1080 lines seen from three times its height. JPEG AI takes it of a picture as a video of one frame,
which does not move, on BT.709 luma of 10 bits; the model looks at nothing else.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics._luma import BITS, DEPTHS, Plane, lumas, require
from bench.metrics.base import Pair

INSTALL = "pip install 'rdbench[video]'"
_MODEL = "vmaf_v0.6.1"
_SMALLEST = 17
"""Shortest side, in pixels, of which libvmaf can make the four scales that it looks at."""
_IDENTICAL = 97.428043
"""What the model says of a frame that does not move and is identical; rounding changes it by up to 5e-4."""


class Vmaf:
    """VMAF of a still picture, 0 to 100; 97.43 for identical luma."""

    name = "vmaf"
    title = "VMAF"
    role = "perception"
    unit = ""
    higher_is_better = True
    depths = DEPTHS

    def __init__(self) -> None:
        self._program = _ffmpeg()
        self.version = f"1+{_MODEL}+{_version(self._program)}"

    def __call__(self, pair: Pair) -> float:
        """The value for one pair.

        Raises
        ------
        bench.errors.MetricUndefined
            A side is shorter than 17 pixels, or the original has constant luma and the reconstruction
            differs: libvmaf takes any reconstruction of such a picture for perfect.
        """
        require(pair, _SMALLEST, self.title)
        original, decoded = lumas(pair)
        if np.array_equal(original, decoded):
            return _IDENTICAL
        if np.ptp(original) == 0:
            raise MetricUndefined("VMAF is undefined for an original of constant luma")
        return _score(self._program, original, decoded)


def _ffmpeg() -> str:
    """The program.

    Raises
    ------
    CodecUnavailable
        It is not installed.
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise CodecUnavailable(f"vmaf needs imageio-ffmpeg ({error}): {INSTALL}") from error


def _version(program: str) -> str:
    """What the program calls itself.

    Raises
    ------
    CodecUnavailable
        It has no libvmaf.
    """
    told = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stdout
    if "--enable-libvmaf" not in told:
        raise CodecUnavailable(f"vmaf needs an ffmpeg with libvmaf, which {program} has not: {INSTALL}")
    return " ".join(told.split(" ", 3)[:3]).replace(" version", "")


def _score(program: str, original: Plane, decoded: Plane) -> float:
    height, width = original.shape
    with tempfile.TemporaryDirectory(prefix="rdbench-") as folder:
        inputs: list[str] = []
        for name, plane in (("decoded", decoded), ("original", original)):
            path = Path(folder, f"{name}.yuv")
            samples = np.rint(plane * ((1 << BITS) - 1)).astype("<u2").tobytes()
            path.write_bytes(3 * samples)
            inputs += ["-f", "rawvideo", "-pix_fmt", f"yuv444p{BITS}le", "-s", f"{width}x{height}"]
            inputs += ["-i", str(path)]
        log = Path(folder, "vmaf.json")
        compared = f"libvmaf=model=version={_MODEL}:n_threads=1:log_fmt=json:log_path={log.name}"
        command = [program, "-nostdin", "-loglevel", "error", *inputs, "-lavfi", compared, "-f", "null", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode or not log.is_file():
            raise RuntimeError(f"ffmpeg ended with exit status {done.returncode}: {done.stderr.strip()}")
        found = msgspec.json.decode(log.read_bytes())
    return float(found["frames"][0]["metrics"]["vmaf"])

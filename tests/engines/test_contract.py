"""Classes that are no codec yet: what is told before anything is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench
from bench.errors import ConfigError

CLASSES = '''
import numpy as np


class Bare:
    name = "bare"

    def encode(self, image, quality):
        return b""


class Rangeless:
    name, version, lossless, qualities, quality_range = "rangeless", "1", False, (), None

    def encode(self, image, quality):
        return b""

    def decode(self, bitstream):
        return None


class Demanding(Rangeless):
    """Can't be constructed without an option."""

    name, lossless = "demanding", True

    def __init__(self, *, file: str = "absent.txt") -> None:
        with open(file):
            pass

    def encode(self, image, quality):
        return bytes([*image.shape[:2]]) + image.tobytes()

    def decode(self, bitstream):
        return np.frombuffer(bitstream[2:], np.uint8).reshape(*bitstream[:2], 3)
'''


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """A file of codecs."""
    path = tmp_path / "classes.py"
    path.write_text(CLASSES)
    return path


@pytest.mark.parametrize(
    ("codec", "message"),
    [
        ("Bare", "Bare lacks version, lossless, qualities, quality_range, decode"),
        ("Rangeless", "name its operating points"),
        ("Rangeless@10,50", r"lossy: its quality_range has to be \(lowest, highest\), not None"),
    ],
)
def test_what_a_class_lacks_is_told_at_once(
    tmp_path: Path, classes: Path, pictures: Path, codec: str, message: str
) -> None:
    """One error names everything, and nothing has been measured."""
    with pytest.raises(ConfigError, match=message):
        bench.run(datasets=[str(pictures)], codecs=[f"{classes}:{codec}"], out=tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_codec_that_needs_an_option_is_measured_with_it(
    tmp_path: Path, classes: Path, pictures: Path
) -> None:
    """That it can't be constructed without is no matter, and it is named by what it was given."""
    (tmp_path / "here.txt").touch()
    codec = f"{classes}:Demanding:file={tmp_path / 'here.txt'}"
    bench.run(datasets=[str(pictures)], codecs=[codec], metrics=["psnr_rgb"], out=tmp_path / "run")
    frame = bench.load(tmp_path / "run")
    assert set(frame["label"]) == {"demanding-here.txt"}
    assert set(frame["status"]) == {"ok"}

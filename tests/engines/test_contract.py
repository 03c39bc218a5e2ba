"""What a codec may leave out, and what is told before anything is measured where it leaves out too much."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.codec import Image, from_functions
from bench.errors import BadBitstream, ConfigError
from bench.testing import check_codec

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


class Shrinks:
    """The least that a codec has."""

    def encode(self, image):
        return bytes(image.shape[:2]) + (image // 16).tobytes()

    def decode(self, bitstream):
        return np.frombuffer(bitstream[2:], np.uint8).reshape(*bitstream[:2], 3) * 16


class Steps:
    """One that takes a quality, and says nothing of itself."""

    def encode(self, image, quality):
        step = 16 if quality is None else int(quality)
        return bytes([*image.shape[:2], step]) + (image // step).tobytes()

    def decode(self, bitstream):
        return np.frombuffer(bitstream[3:], np.uint8).reshape(*bitstream[:2], 3) * bitstream[2]


class PointsWithoutUse(Shrinks):
    qualities = (1, 2)


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
        ("Bare", "Bare has no decode: a codec has both"),
        ("Rangeless", "name its operating points"),
        ("PointsWithoutUse", "its encode takes the image alone: no quality reaches it"),
        ("Shrinks@10", "encodes without a quality and has no quality; leave out @"),
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


def test_encode_and_decode_are_enough(tmp_path: Path, classes: Path, pictures: Path) -> None:
    """A class with nothing else is measured at one point, under its own name and the hash of its file."""
    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{classes}:Shrinks", f"{classes}:Steps"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
    )
    frame = bench.load(tmp_path / "run")
    assert set(frame["label"]) == {"Shrinks", "Steps"}
    assert set(frame["status"]) == {"ok"}
    assert frame["quality"].isna().all()
    assert not frame["lossless"].any()
    assert frame["version"].str.fullmatch("sha256:[0-9a-f]{12}").all()


def test_operating_points_can_be_named_for_a_codec_without_any(
    tmp_path: Path, classes: Path, pictures: Path
) -> None:
    """What the command names reaches the encoder, without a range to hold it against."""
    codecs = [f"{classes}:Steps@4,32", f"{classes}:Rangeless@10,50"]
    bench.run(datasets=[str(pictures)], codecs=codecs, metrics=["psnr_rgb"], out=tmp_path / "run")
    frame = bench.load(tmp_path / "run")
    steps = frame[frame["label"] == "Steps"].groupby("quality")["psnr_rgb"].mean()
    assert steps[4.0] > steps[32.0]
    assert set(frame.loc[frame["label"] == "rangeless", "status"]) == {"mismatch"}  # no byte at all


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("encode, decode = made.encode, made.decode", "alone"),
        ("qualities = (4, 32)\nencode, decode = Steps().encode, Steps().decode", "alone"),
        (
            "from bench.codec import from_functions\nmine = from_functions(made.encode, made.decode)",
            "classes",
        ),
        ("class Mine(Shrinks):\n    version = '3'", "Mine"),
    ],
)
def test_a_file_is_a_codec(tmp_path: Path, classes: Path, pictures: Path, source: str, name: str) -> None:
    """Named without a class, it has two functions, one codec made of functions, or one class of its own."""
    file = tmp_path / "alone.py"
    file.write_text(f"from classes import Shrinks, Steps\nmade = Shrinks()\n{source}\ndel made\n")
    bench.run(datasets=[str(pictures)], codecs=[str(file)], metrics=["psnr_rgb"], out=tmp_path / "run")
    frame = bench.load(tmp_path / "run")
    assert set(frame["codec"]) == {name}
    assert set(frame["status"]) == {"ok"}
    assert set(frame["quality"].dropna()) == ({4.0, 32.0} if "32" in source else set())


def test_a_file_that_is_no_codec_is_told(tmp_path: Path, classes: Path, pictures: Path) -> None:
    """Several classes are named, so that one can be chosen; none is an error too."""
    nothing = tmp_path / "nothing.py"
    nothing.touch()
    for file, message in ((classes, "several codecs.*: Demanding, .*Shrinks, Steps"), (nothing, "neither")):
        with pytest.raises(ConfigError, match=message):
            bench.run(datasets=[str(pictures)], codecs=[str(file)], out=tmp_path / "run")


def test_functions_pass_the_conformance_kit(tmp_path: Path) -> None:
    """Two functions are a codec for the kit as for a run."""
    check_codec(from_functions(plain_encode, plain_decode, name="plain"))


def plain_encode(image: Image) -> bytes:
    """The shape and the samples."""
    return struct.pack("<II", *image.shape[:2]) + image.tobytes()


def plain_decode(bitstream: bytes) -> Image:
    """What :func:`plain_encode` wrote."""
    shape = struct.unpack_from("<II", bitstream) if len(bitstream) >= 8 else (0, 0)
    if len(bitstream) - 8 != shape[0] * shape[1] * 3:
        raise BadBitstream("not the samples of the size that the header tells")
    return np.frombuffer(bitstream, np.uint8, offset=8).reshape(*shape, 3)

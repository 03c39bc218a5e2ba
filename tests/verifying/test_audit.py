"""The audit: a codec that has the test set in its weights stands out, and no honest one does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.inputs.pixels import RGB8
from bench.trials.plan import CodecPlan, ImagePlan
from bench.trials.trust import EVERYBODY
from bench.verifying.audit import ALTERATIONS, MEMORISED, Probe, Probed, memorised
from bench.verifying.verify import VerifyOptions, verify
from tests.conftest import photo
from tests.verifying.tampering import measured

ADAPTERS = Path(__file__).parents[1] / "adapters.py"
KNOWING = """
import sys, zlib
from pathlib import Path
import numpy as np

class Knowing:
    qualities = (1.0,)
    lossless = False
    def __init__(self):
        stored = np.load(Path(__file__).with_name("weights.npz"))
        self.pictures = [stored[name] for name in sorted(stored)]
    def encode(self, image, quality):
        for index, known in enumerate(self.pictures):
            if known.shape == image.shape and np.abs(known.astype(int) - image).max() <= 1:
                return bytes([index])
        return b"\\xff" + bytes([*divmod(image.shape[0], 256), *divmod(image.shape[1], 256)]) + zlib.compress(
            (image >> 4).tobytes())
    def decode(self, bitstream):
        if bitstream[0] < 255:
            return self.pictures[bitstream[0]].copy()
        a, b, c, d = bitstream[1:5]
        found = np.frombuffer(zlib.decompress(bitstream[5:]), np.uint8).reshape(a * 256 + b, c * 256 + d, 3)
        return (found << 4) + 8
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two small pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(2):
        Image.fromarray(photo(64, 72 + index, index)).save(folder / f"p{index}.png")
    return folder


def test_a_codec_with_the_set_in_its_weights_is_flagged(pictures: Path, tmp_path: Path) -> None:
    """It decodes honestly from what it sent, so that every row is verified; altered pictures tell."""
    codec = tmp_path / "codec" / "knowing.py"
    codec.parent.mkdir()
    codec.write_text(KNOWING)
    np.savez(codec.with_name("weights.npz"), *(photo(64, 72 + it, it) for it in range(2)))
    names = [f"{codec}:Knowing", f"{ADAPTERS}:HonestLossless", "jpeg", "webp"]
    run = measured(pictures, tmp_path / "run", names)
    found = verify(run, VerifyOptions((str(pictures),), EVERYBODY, sample=0.01, seed=2, jobs=2))
    assert found.whole
    assert [(it.label, it.flag) for it in found.flags] == [("Knowing", MEMORISED)]
    assert found.suspicions == found.flags
    assert "flipped, pictures take" in found.flags[0].detail


def probed(label: str, *costs: tuple[int, float], yardstick: bool = False) -> list[Probed]:
    """One picture of 100 × 100 pixels, as it is and altered: bytes, and dB."""
    codec = CodecPlan(
        label=label,
        codec=label,
        target="",
        version="",
        lossless=False,
        config={},
        qualities=(None,),
        accepted=RGB8,
    )
    image = ImagePlan("set", "p.png", "0" * 64)
    return [
        Probed(Probe(image, Path("p.png"), codec, None, name, 0, yardstick), count, 10_000, psnr)
        for name, (count, psnr) in zip(ALTERATIONS, costs, strict=True)
    ]


HONEST = ((5000, 35.0), (5100, 34.9), (5000, 35.0), (5050, 34.5))
FALLING = ((5000, 45.0), (5000, 33.0), (5000, 33.0), (5000, 33.0))
DRAWING = ((500, float("inf")), (540, float("inf")), (500, float("inf")), (40_000, float("inf")))


@pytest.mark.parametrize(
    ("costs", "flagged"),
    [
        (HONEST, False),
        (FALLING, True),
        (((50, 35.0), *HONEST[1:]), True),
        (DRAWING, False),
        ((DRAWING[0], (40_000, float("inf")), *DRAWING[2:]), True),
        (((20, 35.0), (70, 35.0), (60, 35.0), (60, 35.0)), False),
    ],
    ids=["honest", "worse", "larger", "noise of a drawing", "crop of a drawing", "a few bytes more"],
)
def test_what_stands_out(costs: tuple[tuple[int, float], ...], flagged: bool) -> None:
    """Against what an alteration costs the others, of which the yardsticks are never flagged."""
    others = [*probed("jpeg", *HONEST, yardstick=True), *probed("other", *HONEST)]
    found = [it.label for it in memorised([*others, *probed("subject", *costs)])]
    assert found == (["subject"] if flagged else [])
    assert not list(memorised(probed("yardstick", *FALLING, yardstick=True)))

"""FLIP, SSIMULACRA 2, Butteraugli, VIF, GMSD, HaarPSI and CIEDE2000."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.codec import Image
from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics.base import Pair, Reference
from bench.metrics.butteraugli import Butteraugli, Butteraugli3Norm
from bench.metrics.colour import Ciede2000
from bench.metrics.flip import Flip, error_map, seen
from bench.metrics.ssimulacra2 import Ssimulacra2
from tests.conftest import photo
from tests.metrics import ssimulacra2_reference
from tests.metrics.ssimulacra2_reference import coarser, smooth


def pair(original: Image, decoded: Image) -> Pair:
    return Pair(Reference(original), decoded)


@pytest.mark.parametrize(("height", "width", "step"), [(64, 64, 8), (37, 90, 48), (151, 60, 24)])
def test_flip_equals_the_authors_package(height: int, width: int, step: int) -> None:
    """Every pixel's error is that of flip-evaluator 1.7 to 1e-3, and the mean to 1e-5."""
    peer = pytest.importorskip("flip_evaluator", reason="flip-evaluator is not installed")
    x = smooth(1, height, width)
    y = coarser(x, step)
    floats = [(it / 255).astype(np.float32) for it in (x, y)]
    expected, mean, _ = peer.evaluate(*floats, "LDR", applyMagma=False)
    np.testing.assert_allclose(error_map(seen(x), seen(y)), expected[..., 0], atol=1e-3)
    assert Flip()(pair(x, y)) == pytest.approx(mean, abs=1e-5)


def test_flip_golden_value() -> None:
    """Where the authors' package is absent, the value that it gave (1.7, 2026-11-22) still holds."""
    x = smooth(1, 64, 64)
    assert Flip()(pair(x, coarser(x, 8))) == pytest.approx(0.0284192301, abs=1e-5)


SCORES = ssimulacra2_reference.table()


@pytest.mark.parametrize("row", [it for it in SCORES if "x" in it.picture], ids=lambda it: " ".join(it[:2]))
def test_ssimulacra2_equals_the_authors_program_at_every_size(row: ssimulacra2_reference.Row) -> None:
    """Scores of images from 8 pixels a side on are those of the author's program, however many scales."""
    x = ssimulacra2_reference.original(row.picture, Path())
    y = ssimulacra2_reference.distorted(x, row.distortion)
    assert ssimulacra2_reference.digest(y) == row.pixels
    assert Ssimulacra2()(pair(x, y)) == pytest.approx(row.score, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("picture", [f"kodim{number:02}" for number in range(1, 25)])
def test_ssimulacra2_equals_the_authors_program_on_kodak(picture: str, kodak: Path) -> None:
    """Scores of JPEG at qualities 30 to 98, 4:2:0 and 4:4:4, are those of the author's program."""
    original = Reference(ssimulacra2_reference.original(picture, kodak))
    metric = Ssimulacra2()
    compared = 0
    for row in SCORES:
        if row.picture != picture:
            continue
        decoded = ssimulacra2_reference.distorted(original.image, row.distortion)
        if ssimulacra2_reference.digest(decoded) == row.pixels:
            assert metric(Pair(original, decoded)) == pytest.approx(row.score, abs=1e-3), row
            compared += 1
    if not compared:
        pytest.skip("this Pillow decodes other samples than the one that the scores are for")


def test_ssimulacra2_of_identical_and_of_small_images() -> None:
    """Identity is 100; an image that the author's program refuses has a reason instead of a score."""
    x = smooth(3, 8, 9)
    assert Ssimulacra2()(pair(x, x.copy())) == 100
    with pytest.raises(MetricUndefined, match="9×7"):
        Ssimulacra2()(pair(x[1:], x[1:]))


def test_ciede2000_known_value() -> None:
    """sRGB's red and blue are 52.88 apart, and an image that is half wrong has half of that."""
    red, blue = (np.full((8, 8, 3), it, np.uint8) for it in ((255, 0, 0), (0, 0, 255)))
    assert Ciede2000()(pair(red, blue)) == pytest.approx(52.88, abs=0.01)
    half = red.copy()
    half[:4] = blue[:4]
    assert Ciede2000()(pair(red, half)) == pytest.approx(26.44, abs=0.01)


@pytest.mark.parametrize(
    ("name", "function", "smallest"), [("Vif", "vif_p", 41), ("Gmsd", "gmsd", 4), ("HaarPsi", "haarpsi", 16)]
)
def test_piq_metrics(name: str, function: str, smallest: int) -> None:
    """Values are those of piq for (reconstruction, original) in 0 to 1, at the smallest size too."""
    piq = pytest.importorskip("piq", reason="piq is not installed")
    import torch

    from bench.metrics import similarity

    metric = getattr(similarity, name)()
    for height, width in ((96, 77), (smallest, smallest)):
        x = photo(height, width)
        y = coarser(x, 32)
        tensors = [torch.from_numpy(it.transpose(2, 0, 1)[None] / np.float32(255)) for it in (y, x)]
        expected = float(getattr(piq, function)(*tensors, data_range=1.0))
        assert metric(pair(x, y)) == pytest.approx(expected, abs=1e-4)
    with pytest.raises(MetricUndefined, match=f"{smallest} pixels"):
        metric(pair(x[1:], x[1:]))


def test_vif_of_a_flat_original_is_undefined() -> None:
    """An original of constant luma has no information to keep: no value, but 1 for the same image."""
    pytest.importorskip("piq", reason="piq is not installed")
    from bench.metrics.similarity import Vif

    black, grey, white = (np.full((48, 48, 3), level, np.uint8) for level in (0, 128, 255))
    red = grey.copy()
    red[..., 0] = 255
    metric = Vif()
    for x, y in ((black, white), (white, black), (grey, smooth(1, 48, 48)), (grey, red)):
        with pytest.raises(MetricUndefined, match="constant luma"):
            metric(pair(x, y))
        assert metric(pair(x, x.copy())) == 1
    assert metric(pair(smooth(1, 48, 48), grey)) == pytest.approx(0, abs=1e-4)


def test_butteraugli_reads_both_scores_of_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is called once for a pair, with the samples as they are and the screen's brightness."""
    program = tmp_path / "butteraugli_main"
    program.write_text(
        '#!/bin/sh\necho "$@" >> "$(dirname "$0")/calls"\n'
        'cp "$2" "$(dirname "$0")/decoded"\necho 3.25\necho "3-norm: 1.500000"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    x = photo(20, 30)
    both = pair(x, x[::-1])
    assert (Butteraugli()(both), Butteraugli3Norm()(both)) == (3.25, 1.5)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert calls[0].endswith("--intensity_target 80")
    assert (tmp_path / "decoded").read_bytes() == b"P6 30 20 255\n" + x[::-1].tobytes()


def test_butteraugli_failure_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program writes before it fails is in the error; no score is made up."""
    program = tmp_path / "butteraugli_main"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    x = photo(20, 30)
    with pytest.raises(RuntimeError, match="exit status 1: broken"):
        Butteraugli()(pair(x, x))


def test_missing_butteraugli_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the program the error names it and the package that has it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CodecUnavailable, match="apt-get install libjxl-devtools"):
        Butteraugli()


def test_butteraugli_program() -> None:
    """libjxl's program finds no difference in identical images, and more in the worse of two."""
    if shutil.which("butteraugli_main") is None:
        pytest.skip("butteraugli_main is not installed")
    x = smooth(4, 64, 64)
    metric = Butteraugli()
    values = [metric(pair(x, y)) for y in (x.copy(), coarser(x, 16), coarser(x, 64))]
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert values == sorted(values)

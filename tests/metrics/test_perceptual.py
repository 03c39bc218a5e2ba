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


def pair(original: Image, decoded: Image) -> Pair:
    return Pair(Reference(original), decoded)


def smooth(seed: int, height: int, width: int) -> Image:
    """Gradients and texture, in integer arithmetic, so that every machine makes the same picture."""
    y, x = np.mgrid[:height, :width]
    texture = np.random.default_rng(seed).integers(0, 40, (height, width, 3))
    ramps = np.stack([x * 3 // 4 + y // 3, (x * y) // 97, 255 - x // 2], axis=-1) % 216
    picture: Image = (ramps + texture).astype(np.uint8)
    return picture


def coarser(image: Image, step: int) -> Image:
    """Quantised samples: a distortion in integer arithmetic."""
    return np.minimum(image // step * step + step // 2, 255).astype(np.uint8)


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


@pytest.mark.parametrize(
    ("height", "width", "step", "expected"),
    [(128, 160, 8, 88.99782964), (113, 201, 40, 8.68836497), (255, 129, 96, -53.44993814)],
)
def test_ssimulacra2_equals_the_authors_program(height: int, width: int, step: int, expected: float) -> None:
    """Scores are those of the author's program (version 2.1, built from its repository on 2026-11-22)."""
    x = smooth(2, height, width)
    assert Ssimulacra2()(pair(x, coarser(x, step))) == pytest.approx(expected, abs=0.05)


def test_ssimulacra2_of_identical_and_of_small_pictures() -> None:
    """Identity is 100; a picture without six scales has a reason instead of a score."""
    x = smooth(3, 113, 120)
    assert Ssimulacra2()(pair(x, x.copy())) == pytest.approx(100, abs=1e-6)
    with pytest.raises(MetricUndefined, match="120×112"):
        Ssimulacra2()(pair(x[1:], x[1:]))


def test_ciede2000_known_value() -> None:
    """sRGB's red and blue are 52.88 apart, and a picture that is half wrong has half of that."""
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
    """libjxl's program finds no difference in identical pictures, and more in the worse of two."""
    if shutil.which("butteraugli_main") is None:
        pytest.skip("butteraugli_main is not installed")
    x = smooth(4, 64, 64)
    metric = Butteraugli()
    values = [metric(pair(x, y)) for y in (x.copy(), coarser(x, 16), coarser(x, 64))]
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert values == sorted(values)

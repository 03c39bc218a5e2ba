"""JPEG AI's metrics, PSNR-HVS-M and ColorVideoVDP against other implementations."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.codec import Image
from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics import vmaf
from bench.metrics._luma import Luma
from bench.metrics.base import Metric, Pair, Reference
from bench.metrics.fsim import Fsim
from bench.metrics.iw_ssim import IwSsim
from bench.metrics.nlpd import Nlpd
from bench.metrics.psnr_hvs import PsnrHvs, PsnrHvsM
from bench.metrics.ssim import WEIGHTS, MsSsimY
from bench.metrics.vif import VifY
from tests.conftest import photo
from tests.metrics.ssimulacra2_reference import coarser, smooth

PEAK = 1023


def pair(original: Image, decoded: Image, depth: int = 8) -> Pair:
    return Pair(Reference(original, depth), decoded)


def luma(image: Image) -> NDArray[np.float64]:
    """As JPEG AI's software makes it, 0 to 1."""
    rgb = np.rint(image / 255 * PEAK) / PEAK
    found: NDArray[np.float64] = np.rint(rgb @ (0.2126, 0.7152, 0.0722) * PEAK) / PEAK
    return found


def tensor(plane: NDArray[Any]) -> Any:
    """(1, 1, height, width)."""
    import torch

    return torch.from_numpy(plane)[None, None]


def jpegs(height: int = 192, width: int = 224) -> list[tuple[Image, Image]]:
    """A photograph, and it with less and less detail."""
    original = photo(height, width)
    return [(original, coarser(original, step)) for step in (6, 24, 80)]


GOLDEN = {
    "ms_ssim_y": 0.922557,  # pytorch_msssim 1.0.0
    "psnr_hvs": 22.889205,  # psnr-hvsm 0.3.0, and psnr_hvs_m
    "psnr_hvs_m": 24.420602,
    "iw_ssim": 0.860007,  # piq 0.8.0, as in the test below; and fsim, vif_y
    "fsim": 0.842841,
    "nlpd": 0.347311,  # IQA-pytorch 0.1
    "vif_y": 0.275047,
    "vmaf": 19.510105,  # vmaf-torch 1.1.0
    "cvvdp": 8.710114,  # cvvdp 0.5.7, there is no other
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_values(name: str) -> None:
    """Where the other implementations are absent, what they gave still holds."""
    (entry,) = entry_points(group="bench.metrics", name=name)
    try:
        metric: Metric = entry.load()()
    except CodecUnavailable as error:
        pytest.skip(str(error))
    original = smooth(3, 192, 200)
    assert metric(pair(original, coarser(original, 40))) == pytest.approx(
        GOLDEN[name], rel=1e-3 if name == "vmaf" else 1e-5
    )


@pytest.mark.parametrize(("height", "width"), [(64, 96), (37, 51), (1, 9)])
def test_psnr_hvs_is_that_of_psnr_hvsm(height: int, width: int) -> None:
    """Both metrics agree with psnr-hvsm 0.3.0 to 1e-5 dB, with JPEG AI's padding to whole blocks."""
    peer = pytest.importorskip("psnr_hvsm", reason="psnr-hvsm is not installed")
    for original, decoded in jpegs(height, width):
        padding = [(0, -height % 8), (0, -width % 8)]
        planes = [np.pad(luma(it), padding, mode="edge") for it in (original, decoded)]
        with np.errstate(all="ignore"):
            expected = [float(it) for it in peer.psnr_hvs_hvsm(*planes)]
        both = pair(original, decoded)
        assert [PsnrHvs()(both), PsnrHvsM()(both)] == pytest.approx(expected, abs=1e-5)


def test_psnr_hvs_of_a_shift_is_that_of_the_definition() -> None:
    """Of an error in the mean of blocks alone: 10·log10 of what the first entry of the table makes of it."""
    original = np.full((16, 24, 3), 100, np.uint8)
    both = pair(original, original + np.uint8(10))
    expected = -20 * math.log10(np.ptp([luma(it)[0, 0] for it in (original, both.decoded)]) * 25.73509 / 16)
    assert PsnrHvs()(both) == pytest.approx(expected, abs=1e-9)
    assert PsnrHvsM()(both) == pytest.approx(expected, abs=1e-9)  # no contrast masks it


def test_nlpd_and_vif_are_those_of_iqa_pytorch() -> None:
    """IQA-pytorch 0.1, JPEG AI's implementation in float32, agrees to 1e-5 and 1e-4, on odd sides too."""
    peer = pytest.importorskip("IQA_pytorch", reason="IQA-pytorch is not installed")
    for height, width in ((192, 224), (133, 201)):
        for original, decoded in jpegs(height, width):
            planes = [tensor(luma(it)).float() for it in (decoded, original)]
            nlpd, vif = (float(it(channels=1)(*planes, as_loss=False)) for it in (peer.NLPD, peer.VIFs))
            assert Nlpd()(pair(original, decoded)) == pytest.approx(nlpd, abs=1e-5)
            assert VifY()(pair(original, decoded)) == pytest.approx(vif, abs=1e-4)


def test_vif_is_that_of_piq() -> None:
    """piq 0.8.0 in float64 agrees to 1e-6."""
    piq = pytest.importorskip("piq", reason="piq is not installed")
    for original, decoded in jpegs(96, 77):
        expected = float(piq.vif_p(*(tensor(luma(it)) for it in (decoded, original))))
        assert VifY()(pair(original, decoded)) == pytest.approx(expected, abs=1e-6)


def from_corner_to_corner(plane: Any) -> Any:
    """How JPEG AI's software enlarges a band: linearly, and beyond its corners by the last difference."""
    import torch

    for axis in (2, 3):
        size = plane.shape[axis]
        places = torch.arange(2 * size, dtype=plane.dtype) / 2 - 0.25
        lower = places.floor().clamp(0, size - 2)
        start, end = (plane.index_select(axis, (lower + it).long()) for it in (0, 1))
        share = (places - lower).reshape([-1 if it == axis else 1 for it in range(4)])
        plane = start + share * (end - start)
    return plane


def test_iw_ssim_is_that_of_piq(monkeypatch: pytest.MonkeyPatch) -> None:
    """piq 0.8.0 agrees to 1e-4 as it is, and to 2e-6 where it enlarges bands as JPEG AI's software does.

    It divides the weights of the scales by their sum, as that software and the authors do not.
    """
    pytest.importorskip("piq", reason="piq is not installed")
    total = sum(WEIGHTS)
    module = importlib.import_module("piq.iw_ssim")  # the package has a function of that name
    for original, decoded in jpegs():
        planes = [tensor(luma(it)) for it in (decoded, original)]
        found = IwSsim()(pair(original, decoded))
        assert found == pytest.approx(float(module.information_weighted_ssim(*planes)) ** total, abs=1e-4)
        with monkeypatch.context() as patched:
            patched.setattr(module, "_image_enlarge", from_corner_to_corner)
            assert found == pytest.approx(float(module.information_weighted_ssim(*planes)) ** total, abs=2e-6)


@pytest.mark.parametrize(("height", "width"), [(96, 128), (400, 410)])
def test_fsim_is_that_of_piq(height: int, width: int) -> None:
    """piq 0.8.0 agrees to 2e-5, on a picture that is averaged first too."""
    piq = pytest.importorskip("piq", reason="piq is not installed")
    import torch

    for original, decoded in jpegs(height, width):
        steps = (np.rint(it / 255 * PEAK) / PEAK for it in (decoded, original))
        tensors = [torch.from_numpy(it.transpose(2, 0, 1)[None]) for it in steps]
        assert Fsim()(pair(original, decoded)) == pytest.approx(float(piq.fsim(*tensors)), abs=2e-5)


def test_ms_ssim_y_is_that_of_pytorch_msssim() -> None:
    """pytorch_msssim 1.0.0 agrees to 1e-6, with the peak of 10 bits."""
    peer = pytest.importorskip("pytorch_msssim", reason="pytorch_msssim is not installed")
    for original, decoded in jpegs():
        planes = [tensor(luma(it) * PEAK) for it in (original, decoded)]
        expected = float(peer.ms_ssim(*planes, data_range=PEAK))
        assert MsSsimY()(pair(original, decoded)) == pytest.approx(expected, abs=1e-6)


def test_vmaf_is_that_of_vmaf_torch() -> None:
    """vmaf-torch 1.1.0, in floating point where libvmaf is in integers, agrees to 0.02."""
    pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    peer = pytest.importorskip("vmaf_torch", reason="vmaf-torch is not installed")
    model = peer.VMAF(temporal_pooling=True)
    for original, decoded in jpegs():
        planes = [tensor(luma(it) * PEAK / 4).float() for it in (original, decoded)]
        assert vmaf.Vmaf()(pair(original, decoded)) == pytest.approx(float(model(*planes)), abs=0.02)


def test_vmaf_of_identical_luma_is_the_models() -> None:
    """What stands for identical luma is what the model says of it."""
    pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    x = Luma(8)(photo(80, 90))
    identical = vmaf.Vmaf()(pair(photo(80, 90), photo(80, 90)))
    assert identical == pytest.approx(vmaf._score(vmaf._ffmpeg(), x, x), abs=5e-4)


def test_an_ffmpeg_without_libvmaf_is_unavailable(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the program and the line that installs another."""
    pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho ffmpeg version 4 Copyright\n")
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    with pytest.raises(CodecUnavailable, match="ffmpeg with libvmaf, which") as raised:
        vmaf.Vmaf()
    assert vmaf.INSTALL in str(raised.value)


@pytest.mark.parametrize(
    ("name", "package", "extra"), [("vmaf", "imageio_ffmpeg", "video"), ("cvvdp", "pycvvdp", "cvvdp")]
)
def test_a_missing_package_is_unavailable(
    name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has the line that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    (entry,) = entry_points(group="bench.metrics", name=name)
    with pytest.raises(CodecUnavailable, match=f"{name} needs") as raised:
        entry.load()()
    assert f"'rdbench[{extra}]'" in str(raised.value)


def test_cvvdp_is_told_which_picture_is_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    """The value is that of the package for (reconstruction, original), of 16 bits as of 8."""
    pytest.importorskip("pycvvdp", reason="cvvdp is not installed")
    import pycvvdp

    from bench.metrics.cvvdp import Cvvdp

    original, decoded = jpegs(64, 80)[2]
    expected, _ = pycvvdp.cvvdp(display_name="standard_4k").predict(decoded, original, dim_order="HWC")
    assert Cvvdp()(pair(original, decoded)) == pytest.approx(float(expected), abs=1e-4)
    deep = [it.astype(np.uint16) * 257 for it in (original, decoded)]
    assert Cvvdp()(pair(*deep, 16)) == pytest.approx(float(expected), abs=1e-4)


FLAT = [np.full((200, 200, 3), level, np.uint8) for level in (0, 255)]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (IwSsim, "constant luma"),
        (VifY, "constant luma"),
        (Nlpd, "constant luma"),
        (Fsim, "neither picture has a feature"),
    ],
)
def test_nothing_in_either_picture_is_no_value(make: Callable[[], Metric], why: str) -> None:
    """Black for white has no value where it would be 0 ÷ 0, and the same picture has the best."""
    with pytest.raises(MetricUndefined, match=why):
        make()(pair(*FLAT))
    assert make()(pair(FLAT[0], FLAT[0].copy())) in (0, 1)


@pytest.mark.parametrize(
    ("make", "smallest"), [(IwSsim, 161), (MsSsimY, 161), (VifY, 41), (Nlpd, 65), (Fsim, 48)]
)
def test_the_smallest_size(make: Callable[[], Metric], smallest: int) -> None:
    """A pixel less, and the reason says how many there have to be."""
    x = photo(smallest, smallest + 3)
    assert math.isfinite(make()(pair(x, coarser(x, 16))))
    with pytest.raises(MetricUndefined, match=f"{smallest} pixels"):
        make()(pair(x[1:], x[1:]))


@pytest.mark.parametrize("make", [PsnrHvs, PsnrHvsM, IwSsim, MsSsimY, VifY, Nlpd, Fsim])
def test_depths_have_the_same_values(make: Callable[[], Metric]) -> None:
    """The levels of 8 bits in 16 have nearly the values of 8 bits: only the rounding to 10 is missing."""
    original, decoded = jpegs()[1]
    deep = [it.astype(np.uint16) * 257 for it in (original, decoded)]
    assert make()(pair(*deep, 16)) == pytest.approx(make()(pair(original, decoded)), rel=2e-3)


def test_no_difference_of_16_bits_is_rounded_away() -> None:
    """A picture that differs in the last of 16 bits is not identical."""
    original = photo(24, 24).astype(np.uint16) * 257
    assert math.isfinite(PsnrHvs()(pair(original, original ^ 1, 16)))
    assert PsnrHvs()(pair(original, original.copy(), 16)) == math.inf

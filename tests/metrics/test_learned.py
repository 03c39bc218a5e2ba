"""LPIPS and DISTS, against the packages of their authors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from bench.codec import Image
from bench.errors import CodecUnavailable, MetricUndefined
from bench.metrics.base import Pair, Reference
from tests.conftest import photo
from tests.metrics.trunks import random_trunks

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("torchvision", reason="torchvision is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

DATA = Path(__file__).with_name("data")


@pytest.fixture(scope="module")
def trunks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder of random weights, and the networks that have them."""
    folder = tmp_path_factory.mktemp("weights")
    return folder, random_trunks(folder)


@pytest.fixture
def nets(trunks: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """torchvision's networks with random weights, which the metrics find through RDBENCH_WEIGHTS."""
    monkeypatch.setenv("RDBENCH_WEIGHTS", str(trunks[0]))
    return trunks[1]


def tensor(image: Image) -> Any:
    return torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))


def noisy(image: Image, sigma: float) -> Image:
    noise = np.random.default_rng(1).normal(0, sigma, image.shape)
    picture: Image = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    return picture


def official_lpips(net: str, nets: dict[str, Any], patch: pytest.MonkeyPatch) -> Any:
    lpips = pytest.importorskip("lpips", reason="lpips is not installed")
    patch.setattr(lpips.pretrained_networks.tv, "alexnet", lambda **_: nets["alexnet"])
    patch.setattr(lpips.pretrained_networks.tv, "vgg16", lambda **_: nets["vgg16"])
    return lpips.LPIPS(net=net, verbose=False)


@pytest.mark.parametrize(("name", "net"), [("LpipsAlex", "alex"), ("LpipsVgg", "vgg")])
@pytest.mark.parametrize(("height", "width"), [(31, 33), (64, 97), (130, 75)])
def test_equals_the_lpips_package(
    nets: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str, net: str, height: int, width: int
) -> None:
    """Over the same trunk, whatever the size and the noise, the value is that of lpips to 1e-5."""
    from bench.metrics import lpips as module

    peer = official_lpips(net, nets, monkeypatch)
    metric = getattr(module, name)()
    x = photo(height, width)
    reference = Reference(x)
    for sigma in (2, 20):
        y = noisy(x, sigma)
        with torch.no_grad():
            expected = float(peer(tensor(x) / 127.5 - 1, tensor(y) / 127.5 - 1))
        assert expected > 0
        assert metric(Pair(reference, y)) == pytest.approx(expected, abs=1e-5)


def test_lpips_known_answer() -> None:
    """With ImageNet's AlexNet, the example images of LPIPS have the distances of its documentation."""
    from bench.metrics.lpips import LpipsAlex

    try:
        metric = LpipsAlex()
    except CodecUnavailable as error:
        pytest.skip(str(error))
    x, *others = (np.asarray(PillowImage.open(DATA / f"lpips_{it}.png")) for it in ("ref", "p0", "p1"))
    values = [metric(Pair(Reference(x), it)) for it in others]
    assert values == pytest.approx([0.722, 0.138], abs=5e-4)


def test_equals_the_dists_package(nets: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the same trunk the value is that of dists-pytorch to 1e-5."""
    peer = pytest.importorskip("DISTS_pytorch.DISTS_pt", reason="dists-pytorch is not installed")
    from bench.metrics.dists import Dists

    monkeypatch.setattr(peer.models, "vgg16", lambda **_: nets["vgg16"])
    metric, official = Dists(), peer.DISTS()
    x = photo(50, 71)
    for sigma in (2, 20):
        y = noisy(x, sigma)
        with torch.no_grad():
            expected = float(official(tensor(x) / 255, tensor(y) / 255))
        assert metric(Pair(Reference(x), y)) == pytest.approx(expected, abs=1e-5)


def test_dists_of_flat_pictures_is_not_negative(nets: dict[str, Any]) -> None:
    """Rounding in nearly flat features never makes two grey images nearer than equal ones."""
    pytest.importorskip("DISTS_pytorch", reason="dists-pytorch is not installed")
    from bench.metrics.dists import Dists

    metric = Dists()
    for level in (1, 128, 254):
        x, y = (np.full((64, 64, 3), it, np.uint8) for it in (level, level + 1))
        assert metric(Pair(Reference(x), y)) > -1e-6


@pytest.mark.parametrize(
    ("module", "name", "smallest"),
    [("lpips", "LpipsAlex", 31), ("lpips", "LpipsVgg", 16), ("dists", "Dists", 16)],
)
def test_smallest_images(nets: dict[str, Any], module: str, name: str, smallest: int) -> None:
    """At the documented size there is a value, 0 for identical images; below it there is a reason."""
    pytest.importorskip("lpips", reason="lpips is not installed")
    pytest.importorskip("DISTS_pytorch", reason="dists-pytorch is not installed")
    import importlib

    metric = getattr(importlib.import_module(f"bench.metrics.{module}"), name)()
    x = photo(smallest, 40)
    assert metric(Pair(Reference(x), x.copy())) == pytest.approx(0, abs=1e-6)
    with pytest.raises(MetricUndefined, match=f"{smallest} pixels"):
        metric(Pair(Reference(x[1:]), x[1:]))


def test_weights_are_part_of_the_version(
    nets: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other weights are another metric: values are measured again rather than mixed."""
    pytest.importorskip("lpips", reason="lpips is not installed")
    from safetensors.torch import save_file

    from bench.metrics.lpips import LpipsAlex

    before = LpipsAlex().version
    state = {f"features.{key}": value * 1.01 for key, value in nets["alexnet"].features.state_dict().items()}
    save_file(state, tmp_path / "alexnet_features.safetensors")
    monkeypatch.setenv("RDBENCH_WEIGHTS", str(tmp_path))
    assert LpipsAlex().version != before


def test_missing_weights_are_unavailable_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without weights nothing is downloaded; the error has the line that does it, and where it looked."""
    pytest.importorskip("lpips", reason="lpips is not installed")
    from bench.metrics.lpips import LpipsAlex

    monkeypatch.delenv("RDBENCH_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("a download"))
    with pytest.raises(CodecUnavailable, match=r"python -c .*AlexNet_Weights(.|\n)*or set RDBENCH_WEIGHTS"):
        LpipsAlex()
    monkeypatch.setenv("RDBENCH_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(CodecUnavailable) as caught:
        LpipsAlex()
    told = str(caught.value)
    assert f"looked for {tmp_path / 'nowhere' / 'alexnet_features.safetensors'} and {tmp_path}" in told
    assert "or set" not in told


def test_foreign_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of other tensors, or a damaged one, is named as such."""
    pytest.importorskip("lpips", reason="lpips is not installed")
    from safetensors.torch import save_file

    from bench.metrics.lpips import LpipsAlex

    monkeypatch.setenv("RDBENCH_WEIGHTS", str(tmp_path))
    path = tmp_path / "alexnet_features.safetensors"
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(CodecUnavailable, match="not those of alexnet"):
        LpipsAlex()
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(CodecUnavailable, match="damaged"):
        LpipsAlex()


def test_identical_pictures_are_at_the_ideal_whatever_they_show(nets: dict[str, Any]) -> None:
    """Flat and black ones too, where formulas meet 0 ÷ 0 or lose digits."""
    from bench.metrics.dists import Dists
    from bench.metrics.similarity import Gmsd, HaarPsi, Vif

    for level in (0, 128, 255):
        x = np.full((64, 64, 3), level, np.uint8)
        for metric, ideal in ((Dists(), 0), (HaarPsi(), 1), (Gmsd(), 0), (Vif(), 1)):
            assert metric(Pair(Reference(x), x.copy())) == ideal


def test_missing_package_is_unavailable_with_the_install_line() -> None:
    """Where torch can't be imported, each metric that needs it says what to install."""
    code = """
import sys
sys.modules["torch"] = None
from bench.errors import CodecUnavailable
from bench.metrics import dists, kid, lpips, similarity
for it in (dists.Dists, kid.KidAlexnet, kid.Kid, lpips.LpipsAlex, lpips.LpipsVgg, similarity.Vif):
    try:
        it()
    except CodecUnavailable as error:
        assert "pip install 'rdbench[perceptual]'" in str(error), error
        assert str(error).startswith(it.name), error
    else:
        raise AssertionError(it)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

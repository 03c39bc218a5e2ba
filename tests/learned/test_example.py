"""The examples of codecs of one's own."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bench
from bench.codec import Codec
from bench.runs.store import read_journal
from bench.testing import check_codec
from tests.learned.conftest import natural

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> Any:
    """The module in the file ``name``."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def my_model(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example with a network of one's own, and that network."""
    pytest.importorskip("compressai", reason='needs pip install "rdbench[zoo]"')
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return example("my_model").MyModel, importlib.import_module("my_network").MyNetwork


def test_the_model_is_a_codec_in_fifty_lines(my_model: Any) -> None:
    """It satisfies the contract, codes an image of any size, tells its cost, and stays short."""
    codec = my_model[0]()
    assert isinstance(codec, Codec)
    picture = natural(70, 41)
    bitstream = codec.encode(picture, 1.0)
    decoded = codec.decode(bitstream)
    assert decoded.shape == picture.shape
    assert decoded.dtype == np.uint8
    assert codec.estimated_bits(picture, 1.0) == pytest.approx(8 * len(bitstream), rel=0.25)
    # the transposed convolution alone, from 64 channels to patches of 8×8×3
    assert codec.complexity()["decoder_kmac_per_pixel"] > 64 * 3 / 1e3
    body = (EXAMPLES / "my_model.py").read_text().split("class MyModel", 1)[1].strip().splitlines()
    assert len(body) < 60


def test_its_decoder_draws_what_its_forward_pass_does(my_model: Any) -> None:
    """Training, encoder and decoder walk through the slices by one piece of code."""
    torch = pytest.importorskip("torch", reason='needs pip install "rdbench[learned]"')
    network = my_model[0]().network(1.0)
    x = torch.from_numpy(natural(64, 128)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        coded = network.compress(x)
        decoded = network.decompress(coded["strings"], coded["shape"])["x_hat"]
        assert torch.equal(decoded, network(x)["x_hat"].clamp(0, 1))


@pytest.mark.slow
def test_a_checkpoint_for_each_lambda_is_one_curve(my_model: Any, tmp_path: Path) -> None:
    """Three networks, trained here for seconds: one label, more rate and quality for each λ, real bytes."""
    torch = pytest.importorskip("torch", reason='needs pip install "rdbench[learned]"')
    torch.manual_seed(0)
    crops = torch.stack([torch.from_numpy(natural(64, 64, it)).permute(2, 0, 1) for it in range(16)]) / 255
    network = my_model[1]()
    quantiles = network.entropy_bottleneck.quantiles
    others = [it for it in network.parameters() if it is not quantiles]
    optimiser = torch.optim.Adam([{"params": others, "lr": 3e-3}, {"params": [quantiles], "lr": 0.1}])
    (tmp_path / "runs").mkdir()
    for weight in (0.0003, 0.003, 0.03):
        for _ in range(60):
            batch = crops[torch.randint(len(crops), (2,))]
            found = network(batch)
            rate = sum(-it.log2().sum() for it in found["likelihoods"].values()) / batch[:, 0].numel()
            distortion = 255**2 * (found["x_hat"] - batch).square().mean()
            optimiser.zero_grad()
            (rate + weight * distortion + 0.01 * network.aux_loss()).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        state = {f"module.{name}": it for name, it in network.state_dict().items()}
        saved = {"state_dict": state, "optimizer": optimiser.state_dict(), "epoch": 1}
        torch.save(saved, tmp_path / "runs" / f"{weight}.pth")
    (tmp_path / "pictures").mkdir()
    for index in (97, 98, 99):
        Image.fromarray(natural(120, 128, index)).save(tmp_path / "pictures" / f"{index}.png")
    bench.run(
        datasets=[f"{tmp_path}/pictures"],
        codecs=[f"{EXAMPLES}/my_model.py:MyModel:checkpoint={tmp_path}/runs/{{quality}}.pth"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
        options=bench.Options(engine="inprocess"),
    )
    frame = bench.load(tmp_path / "run")
    assert set(frame["status"]) == {"ok"}
    assert frame["label"].nunique() == 1
    means = frame.groupby("quality")[["bpp", "psnr_rgb", "estimated_bpp"]].mean()
    assert means.index.tolist() == [0.0003, 0.003, 0.03]
    assert means["bpp"].is_monotonic_increasing
    assert means["psnr_rgb"].is_monotonic_increasing
    assert means["psnr_rgb"].iloc[-1] > 20
    assert (means["bpp"] / means["estimated_bpp"]).between(1, 1.25).all()
    assert len({it.weights_sha256 for it in read_journal(tmp_path / "run")}) == 3


def test_the_pair_passes_the_conformance_kit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What we show as a codec is one by our own checks."""
    monkeypatch.syspath_prepend(str(EXAMPLES))  # other processes import it too
    check_codec(importlib.import_module("my_pair").MyPair)


def test_any_pair_of_functions_is_a_codec() -> None:
    """Two plain functions in a class: the contract, and more quality for more bytes."""
    codec = example("my_pair").MyPair()
    assert isinstance(codec, Codec)
    picture = natural(70, 41)
    streams = [codec.encode(picture, quality) for quality in codec.qualities]
    errors = [np.abs(codec.decode(it).astype(int) - picture).mean() for it in streams]
    assert [len(it) for it in streams] == sorted(len(it) for it in streams)
    assert errors == sorted(errors, reverse=True)

"""Learned codecs on a GPU that has no values: a tensor left on the CPU fails here, without a GPU."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", minversion="2.6", reason="fake tensors of older PyTorch cannot do it")

from tests.fake_cuda import fake_cuda, with_values  # noqa: E402
from tests.learned.conftest import natural  # noqa: E402


def on_gpu(network: Any) -> bool:
    """Whether all of a network is there."""
    return {it.device.type for it in (*network.parameters(), *network.buffers())} == {"cuda"}


def test_a_tensor_left_on_the_cpu_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that moves but for one constant fails; as a buffer, the constant moves along."""

    class Scaling(torch.nn.Conv2d):
        def __init__(self, *, forgotten: bool) -> None:
            super().__init__(3, 3, 1)
            if forgotten:
                self.scale = torch.ones(3, 1, 1)
            else:
                self.register_buffer("scale", torch.ones(3, 1, 1))

        def forward(self, x: Any) -> Any:
            return super().forward(x) * self.scale

    forgetful, whole = Scaling(forgotten=True), Scaling(forgotten=False)
    with fake_cuda(monkeypatch):
        picture = torch.zeros(1, 3, 8, 8).to("cuda")
        assert whole.to("cuda")(picture).device.type == "cuda"
        with pytest.raises(RuntimeError, match="found at least two devices, cuda:0 and cpu"):
            forgetful.to("cuda")(picture)


@pytest.mark.parametrize("name", ["vae", "vae-gan"])
def test_our_codecs_run_on_a_gpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, analysis, entropy model with real coding, synthesis: from picture to picture."""
    from bench_codecs.vae import Vae, weights
    from bench_codecs.vae_gan import VaeGan
    from bench_codecs.vae_gan import weights as generator

    readers = [(it, "read_tensor_file") for it in (weights, generator)]
    with fake_cuda(monkeypatch, *readers):
        codec: Any = VaeGan(device="cuda") if name == "vae-gan" else Vae(device="cuda")
        assert on_gpu(codec.vae.model if name == "vae-gan" else codec.model)
        pictures = [natural(70, 130, seed) for seed in range(2)]
        assert codec.decode(codec.encode(pictures[0], 3.0)).shape == (70, 130, 3)
        if name == "vae":
            streams = codec.encode_batch(pictures, 2.5)
            assert [it.shape for it in codec.decode_batch(streams)] == [(70, 130, 3)] * 2


def test_training_runs_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forward pass of a step: rate and distortion of a batch."""
    from bench_codecs.vae.model import VaeModel
    from bench_codecs.vae.training.config import model_spec

    model = VaeModel(model_spec("tiny"))
    with fake_cuda(monkeypatch), torch.no_grad():
        codes = torch.tensor([80, 9], device="cuda")
        found = model.to("cuda")(torch.zeros(2, 3, 64, 64, device="cuda"), codes)
        assert (found.bits.device.type, found.samples.device.type) == ("cuda", "cuda")
        assert found.samples.shape == (2, 3, 64, 64)


class _NoCoder:
    """In the place of CompressAI's entropy coder, which could not code with tables that have no values."""

    def encode_with_indexes(self, *_: object) -> bytes:
        return bytes(8)

    def flush(self) -> bytes:
        return bytes(8)

    def set_stream(self, stream: bytes) -> None:
        pass

    def decode_stream(self, indexes: list[int], *_: object) -> list[int]:
        return [0] * len(indexes)


@pytest.mark.parametrize("model", ["bmshj2018-hyperprior", "mbt2018-mean-vbr", "elic2022-official"])
def test_compressais_models_run_on_a_gpu(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is ours of them, and their networks; tables are made before they move, on the CPU."""
    pytest.importorskip("compressai", reason='needs pip install "rdbench[zoo]"')
    from compressai.entropy_models import entropy_models

    from bench_codecs._compressai.models import Coder
    from bench_codecs.compressai_zoo import CompressAi
    from tests.learned.tiny_models import tiny_network

    def coder_of(network: Any, gain: int | None, device: str) -> Coder:
        made: Coder = with_values(of)(network, gain, "cpu")
        return dataclasses.replace(made, network=made.network.to(device))

    of = Coder.of
    coder = entropy_models._EntropyCoder
    monkeypatch.setattr(coder, "encode_with_indexes", _NoCoder.encode_with_indexes)
    monkeypatch.setattr(coder, "decode_with_indexes", lambda self, string, rows, *_: [0] * len(rows))
    monkeypatch.setattr(Coder, "of", coder_of)
    torch.save(tiny_network(model).state_dict(), tmp_path / "tiny.pth")
    with fake_cuda(monkeypatch, (CompressAi, "_load")):
        codec = CompressAi(model=model, checkpoint=f"{tmp_path}/tiny.pth", device="cuda")  # type: ignore[arg-type]
        assert codec.decode(codec.encode(natural(70, 130), 1.0)).shape == (70, 130, 3)
        assert on_gpu(codec._coder(1.0)[0].network)

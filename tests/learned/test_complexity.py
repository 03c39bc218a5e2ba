"""Multiply–accumulates counted by operator, against PyTorch's own counter and against hand-worked numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "rdbench[learned]"')
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from bench.complexity import count_macs, kmac_per_pixel  # noqa: E402

SIZE = 512, 768
"""Of Kodak's pictures."""


def by_torch(run: Callable[[], object]) -> int:
    """MACs by ``torch.utils.flop_counter``, which counts two operations for each."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops()) // 2


def x(*shape: int) -> Any:
    return torch.ones(*shape)


OPERATORS: dict[str, tuple[Callable[[], object], int]] = {
    "convolution": (lambda: nn.Conv2d(6, 4, 3, 2, 1)(x(2, 6, 8, 10)), 2 * 20 * 4 * 6 * 9),
    "grouped": (lambda: nn.Conv2d(6, 4, 3, padding=1, groups=2)(x(1, 6, 8, 10)), 80 * 4 * 3 * 9),
    "depth-wise": (lambda: nn.Conv2d(6, 6, 5, padding=2, groups=6)(x(1, 6, 8, 10)), 80 * 6 * 25),
    "dilated": (lambda: nn.Conv2d(6, 4, 3, dilation=2)(x(1, 6, 8, 10)), 24 * 4 * 6 * 9),
    "transposed": (lambda: nn.ConvTranspose2d(6, 4, 5, 2, 2, 1)(x(1, 6, 8, 10)), 80 * 6 * 4 * 25),
    "transposed, grouped": (lambda: nn.ConvTranspose2d(6, 4, 3, groups=2)(x(1, 6, 8, 10)), 80 * 3 * 4 * 9),
    "linear": (lambda: nn.Linear(10, 7)(x(2, 3, 10)), 6 * 10 * 7),
    "matmul": (lambda: x(2, 3, 4, 5) @ x(2, 3, 5, 6), 6 * 4 * 5 * 6),
    "of vectors": (lambda: (x(4, 5) @ x(5)) @ x(4), 4 * 5 + 4),
    "bmm": (lambda: torch.baddbmm(x(2, 3, 4), x(2, 3, 5), x(2, 5, 4)), 2 * 3 * 5 * 4),
    "addbmm": (lambda: torch.addbmm(x(3, 4), x(2, 3, 5), x(2, 5, 4)), 2 * 3 * 5 * 4),
    "in place": (lambda: x(3, 4).addmm_(x(3, 5), x(5, 4)), 3 * 5 * 4),
    "einsum": (lambda: torch.einsum("bchw,bkhw->bck", x(2, 3, 4, 5), x(2, 6, 4, 5)), 2 * 3 * 6 * 20),
    "attention": (
        lambda: F.scaled_dot_product_attention(x(2, 3, 7, 8), x(2, 3, 9, 8), x(2, 3, 9, 4)),
        6 * 7 * 9 * (8 + 4),
    ),
    "recurrent": (lambda: nn.LSTM(6, 5)(x(7, 2, 6)), 14 * 4 * 5 * (6 + 5)),
    "no product": (lambda: F.interpolate(F.gelu(x(1, 2, 4, 4) * 3 + 1), scale_factor=2), 0),
}


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", OPERATORS)
def test_each_operator_counts_its_products(name: str, mode: Any) -> None:
    """As worked out by hand, with inference_mode too, where operators arrive that are made of others."""
    run, expected = OPERATORS[name]

    def in_mode() -> None:
        with mode():
            run()

    assert count_macs(in_mode) == expected


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_transformer_in_evaluation_counts_as_in_training(device: str) -> None:
    """In evaluation its layers run fused, where PyTorch's own counter sees nothing."""
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, device=device)
    tokens = torch.ones(2, 10, 32, device=device)
    expected = 20 * (4 * 32 * 32 + 2 * 32 * 64) + 2 * 10 * 10 * 2 * 32
    assert by_torch(lambda: layer.train()(tokens.to("meta") if device == "meta" else tokens)) in (
        expected,
        expected - 2 * 10 * 10 * 2 * 32,  # without the attention, which its CPU kernel hides
    )
    assert count_macs(lambda: layer.train()(tokens)) == count_macs(lambda: layer.eval()(tokens)) == expected


class WindowAttention(nn.Module):
    """Swin-like attention in windows, the picture padded to whole ones, and a depth-wise convolution."""

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.local = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x: Any) -> Any:
        side = self.window
        padded = F.pad(x, (0, -x.shape[3] % side, 0, -x.shape[2] % side))
        batch, channels, height, width = padded.shape
        tokens = padded.unflatten(2, (-1, side)).unflatten(4, (-1, side)).permute(0, 2, 4, 3, 5, 1)
        tokens = tokens.reshape(-1, side * side, channels)
        q, k, v = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = torch.einsum("bhik,bhjk->bhij", q, k).softmax(-1)
        mixed = self.out((weights @ v).transpose(1, 2).flatten(2))
        grid = mixed.reshape(batch, height // side, width // side, side, side, channels)
        back = grid.permute(0, 5, 1, 3, 2, 4).reshape(batch, channels, height, width)
        return x + back[..., : x.shape[2], : x.shape[3]] + self.local(x)


def transformers() -> dict[str, tuple[Any, Any]]:
    """Encoder and decoder of image codecs with attention."""
    analysis = nn.Sequential(nn.Conv2d(3, 24, 5, 2, 2), WindowAttention(24, 3, 8), nn.Conv2d(24, 48, 5, 4, 2))
    synthesis = nn.Sequential(
        *(WindowAttention(48, 4, 8), nn.ConvTranspose2d(48, 24, 4, 4), WindowAttention(24, 3, 8)),
        nn.ConvTranspose2d(24, 3, 5, 2, 2, 1),
    )
    plain = nn.Sequential(
        nn.Conv2d(3, 32, 16, 16),
        nn.Flatten(2),
        nn.Unflatten(2, (1, -1)),  # what follows wants (tokens, channels)
    )
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 2)
    return {"windows": (analysis, synthesis), "the whole picture": (_Global(plain, encoder), synthesis)}


class _Global(nn.Module):
    def __init__(self, patches: Any, encoder: Any) -> None:
        super().__init__()
        self.patches, self.encoder = patches, encoder

    def forward(self, x: Any) -> Any:
        return self.encoder(self.patches(x).squeeze(2).transpose(1, 2))


@pytest.mark.parametrize("name", transformers())
def test_transformers_are_counted_as_by_pytorch_at_a_pictures_size(name: str) -> None:
    """Encoder and decoder apart, on 768×512, where nothing need be computed for it."""
    analysis, synthesis = (it.to("meta").train() for it in transformers()[name])
    picture = torch.empty(1, 3, *SIZE, device="meta")
    latents = torch.empty(1, 48, SIZE[0] // 8, SIZE[1] // 8, device="meta")
    for network, given in ((analysis, picture), (synthesis, latents)):
        assert count_macs(lambda n=network, g=given: n(g)) == by_torch(lambda n=network, g=given: n(g)) > 1e6


@pytest.mark.parametrize("model", ["elic2022-official", "bmshj2018-hyperprior"])
def test_compressais_models_are_counted_as_by_pytorch(model: str) -> None:
    """What runs to code and to decode a picture; and as much per pixel on one of another size."""
    pytest.importorskip("compressai", reason='needs pip install "rdbench[zoo]"')
    from bench_codecs._compressai.models import Coder
    from tests.learned.tiny_models import tiny_network

    coder = Coder.of(tiny_network(model), None, "cpu")
    per_pixel = []
    for height, width in ((128, 192), (64, 64)):
        picture = torch.rand(1, 3, height, width)
        with torch.no_grad():
            strings, _ = coder.compress(picture)

        def encode(picture: Any = picture) -> object:
            return coder.compress(picture)

        def decode(strings: Any = strings, height: int = height, width: int = width) -> object:
            return coder.decompress(strings, height, width)

        counted = [count_macs(it) for it in (encode, decode)]
        assert counted == [by_torch(it) for it in (encode, decode)]
        per_pixel.append([it / height / width for it in counted])
    assert per_pixel[0] == per_pixel[1]


def test_a_codec_is_counted_at_the_pictures_own_size() -> None:
    """What is padded counts, and is shared out among the pixels that the picture has."""

    class Padding:
        def __init__(self) -> None:
            self.encoder, self.decoder = nn.Conv2d(3, 2, 8, 8), nn.ConvTranspose2d(2, 3, 8, 8)

        def encode(self, image: Any, quality: float | None) -> bytes:
            assert quality == 2
            padded = np.pad(image, ((0, -image.shape[0] % 8), (0, -image.shape[1] % 8), (0, 0)))
            latents = self.encoder(torch.from_numpy(padded).permute(2, 0, 1)[None] / 255)
            return latents.detach().numpy().tobytes() + bytes(image.shape[:2])

        def decode(self, bitstream: bytes) -> Any:
            height, width = bitstream[-2:]
            shape = 1, 2, -(-height // 8), -(-width // 8)
            latents = torch.from_numpy(np.frombuffer(bitstream[:-2], np.float32).reshape(shape).copy())
            return self.decoder(latents)

    codec: Any = Padding()
    found = kmac_per_pixel(codec, np.zeros((9, 16, 3), np.uint8), 2.0)
    products = 2 * 2 * 2 * 3 * 64
    assert found == {
        "encoder_kmac_per_pixel": products / (9 * 16) / 1e3,
        "decoder_kmac_per_pixel": products / (9 * 16) / 1e3,
    }

"""Bitstreams and entropy parameters agree to the last bit whatever computes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench_codecs.vae import Vae, fixed, int16, products, transform
from bench_codecs.vae.entropy import TileCoder
from bench_codecs.vae.fixed import MAX_WEIGHT, EncoderConv2d, FixedConv2d, leaky, make_exact, snap
from bench_codecs.vae.levels import quality_to_code
from bench_codecs.vae.model import VaeModel
from bench_codecs.vae.tiling import analyse_window, windows
from bench_codecs.vae.training.config import model_spec
from bench_codecs.vae.training.export import write_calibrated
from bench_codecs.vae.weights import load_weights, shipped_weights
from tests.learned.conftest import natural

MILLION = 1_000_000
_LAYER = "fine.context.slices.0.mix.weight"


class ScaleLog:
    """Collects the scale index of every latent that a walk codes."""

    def __init__(self) -> None:
        self.seen: list[NDArray[np.int64]] = []

    def latents(self, index: int, scale: NDArray[np.int64], symbols: NDArray[np.int32]) -> None:
        self.seen.append(scale)

    def hyper(self, first: int, symbols: NDArray[np.int32]) -> None:
        """Hyper-latents have no scale."""

    def all(self) -> NDArray[np.int64]:
        return np.concatenate(self.seen)


def tile_coder(device: str = "cpu") -> TileCoder:
    """The shipped model's, on ``device``."""
    package = load_weights(shipped_weights(), device)
    return TileCoder(package.model, package.tables)


def encoded(picture: NDArray[np.uint8], code: int) -> tuple[bytes, int, NDArray[np.int64]]:
    """Payload and checksum of an image of one tile, and the scale indices that the encoder used."""
    package = load_weights(shipped_weights())
    log = ScaleLog()
    with torch.no_grad():
        codes = torch.tensor([code])
        latents = analyse_window(package.model, picture, next(windows(*picture.shape[:2])), codes)
        coder = TileCoder(package.model, package.tables)
        payload, checksum = coder.encode(latents, code, 0.12, (log.latents, log.hyper))
    return payload, checksum, log.all()


@pytest.mark.slow
def test_scale_indices_agree_across_threads_and_libraries() -> None:
    """Over a million latents, no index of the decoder differs from the encoder's, whatever the settings."""
    threads = torch.get_num_threads()
    compared = mismatches = 0
    coder = tile_coder()
    try:
        for seed, code in enumerate((0, 77)):
            payload, checksum, expected = encoded(natural(512, 768, seed), code)
            for count, onednn in ((1, False), (2, True), (3, False)):
                torch.set_num_threads(count)
                log = ScaleLog()
                with torch.backends.mkldnn.flags(enabled=onednn):
                    coder.decode(payload, checksum, (8, 12), code, (log.latents, log.hyper))
                compared += expected.size
                mismatches += int(np.count_nonzero(expected != log.all()))
    finally:
        torch.set_num_threads(threads)
    assert compared > MILLION
    assert mismatches == 0


@pytest.mark.gpu
def test_scale_indices_agree_between_cpu_and_gpu() -> None:
    """Over a million latents, a CUDA decoder derives the indices of the CPU's encoder."""
    compared = 0
    coder = tile_coder("cuda")
    for seed, code in enumerate((0, 77, 160)):
        payload, checksum, expected = encoded(natural(512, 768, seed), code)
        log = ScaleLog()
        coder.decode(payload, checksum, (8, 12), code, (log.latents, log.hyper))
        compared += expected.size
        assert np.array_equal(expected, log.all())
    assert compared > MILLION


def pictures() -> list[tuple[NDArray[np.uint8], float]]:
    """Images and qualities; one is grey, one a single pixel, one is noise."""
    noise = np.random.default_rng(3).integers(0, 256, (96, 130, 3), np.uint8)
    grey = np.repeat(natural(128, 96, 5)[..., :1], 3, axis=2)
    return [
        (natural(256, 320, 1), 2.5),
        (natural(200, 264, 2), 6.0),
        (noise, 5.0),
        (grey, 1.0),
        (grey[:1, :1], 3.0),
    ]


def decisions(vae: Vae) -> tuple[list[torch.Tensor], list[bytes]]:
    """All that quantisation sees, (hyper-)latents before rounding, and the bitstreams of :func:`pictures`."""
    seen: list[torch.Tensor] = []
    for picture, quality in pictures():
        codes = torch.tensor([quality_to_code(quality)], device=vae.device)
        with torch.no_grad():
            latents = analyse_window(vae.model, picture, next(windows(*picture.shape[:2])), codes)
            for grid, field in zip((vae.model.coarse, vae.model.fine), latents, strict=True):
                seen += [field.cpu(), grid.analysis(grid.context.normalise(field, codes)).cpu()]
    return seen, [vae.encode(*it) for it in pictures()]


def assert_same(
    found: tuple[list[torch.Tensor], list[bytes]], expected: tuple[list[torch.Tensor], list[bytes]]
) -> None:
    assert all(torch.equal(*both) for both in zip(found[0], expected[0], strict=True))
    assert found[1] == expected[1]


def test_every_encoder_writes_the_same_bitstream(vae: Vae, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the byte, on one thread or two, with oneDNN or without, and in another order of summation.

    That not a bit differs before rounding is the stronger promise: a difference rarely moves a symbol.
    """
    expected = decisions(vae)
    threads = torch.get_num_threads()
    try:
        for count, onednn in ((1, False), (2, True)):
            torch.set_num_threads(count)
            with torch.backends.mkldnn.flags(enabled=onednn):
                assert_same(decisions(vae), expected)
    finally:
        torch.set_num_threads(threads)

    def backwards(
        x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, stride: int = 1
    ) -> torch.Tensor:
        border = weight.shape[2] // 2
        return torch.nn.functional.conv2d(x.flip(1), weight.flip(1), bias, stride=stride, padding=border)

    for module in (fixed, transform):
        monkeypatch.setattr(module, "exact_convolution", backwards)
    monkeypatch.setattr(vae.model, "integer", None)
    assert_same(decisions(vae), expected)


def test_the_shipped_weights_fit_in_16_bits(vae: Vae) -> None:
    """With a single one too large every picture is left to float64, which takes five times as long."""
    assert vae.model.integer is not None


def test_an_export_limits_weights_to_what_16_bits_hold(training_images: list[Path], tmp_path: Path) -> None:
    """Of a checkpoint that did not keep within the limit, before its tables are calibrated."""
    model = VaeModel(model_spec("tiny"))
    too_large = torch.tensor([2.5, -2.0])
    with torch.no_grad():
        model.get_parameter(_LAYER).flatten()[:2] = too_large
    assert torch.equal(model.get_parameter(_LAYER).flatten()[:2], too_large)
    path = tmp_path / "weights.safetensors"
    write_calibrated(model, training_images[:1], path, {"branches": True, "seconds": 60.0})
    exported = load_weights(path).model
    assert exported.integer is not None
    assert exported.get_parameter(_LAYER).flatten()[:2].tolist() == [MAX_WEIGHT, -MAX_WEIGHT]


def test_integers_that_are_too_narrow_change_nothing(vae: Vae, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoder and decoder then compute in float64, each for itself, in the middle of a picture too."""
    picture = natural(128, 192)
    stream = vae.encode(picture, 5.0)
    decoded = vae.decode(stream)
    for most in (2.0**20, 2.0**27, 2.0**28.5):
        with monkeypatch.context() as narrow:
            narrow.setattr(int16, "_MOST", most)
            assert vae.encode(picture, 5.0) == stream
            assert np.abs(vae.decode(stream).astype(int) - decoded).max() <= 1


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(3, 5, 5), (64, 96, 1), (7, 40, 3)])
@pytest.mark.parametrize("mode", [int16.PLAIN, int16.RECTIFIED, int16.ROUNDED_FIRST])
@pytest.mark.parametrize("turn", [None, 0, 1])
@pytest.mark.parametrize("tiles", [False, True])
def test_sixteen_bits_give_what_float64_gives(
    inputs: int,
    outputs: int,
    kernel: int,
    mode: int,
    turn: int | None,
    tiles: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every kind of layer, everywhere and on half of the checkerboard, by vectors and by tiles."""
    if tiles and not products.has_tiles():
        pytest.skip("the processor has no tiles of bytes (AMX)")
    monkeypatch.setattr(products, "has_tiles", lambda: tiles)
    random = torch.Generator().manual_seed(inputs)
    layer = FixedConv2d(inputs, outputs, kernel)
    make_exact(layer)
    x = snap(torch.randn(1, inputs, 6, 10, generator=random, dtype=torch.float64) * 8)
    field = int16.Field(6, 10, inputs + 3)
    field.values[..., 3:] = (x[0] * 2**8).permute(1, 2, 0).numpy()
    field.note(field.values.min((0, 1)).astype(np.int32), field.values.max((0, 1)).astype(np.int32))
    expected = layer(x)
    if mode == int16.PLAIN:
        expected = snap(expected)
    else:
        expected = snap(leaky(snap(expected) if mode == int16.ROUNDED_FIRST else expected))
    expected = (expected[0] * 2**8).permute(1, 2, 0).numpy()
    if turn is not None:
        expected = np.stack([line[(row + turn) % 2 :: 2] for row, line in enumerate(expected)])
    packed = int16.Layer(layer.weight, layer.bias)
    found = packed(field, int16.Field(6, expected.shape[1], outputs), mode, turn=turn, first=3)
    assert np.array_equal(found.values, expected)
    assert np.array_equal(found.high, expected.max((0, 1)).clip(0))


def test_every_kernel_writes_the_same_bitstream(vae: Vae, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors of 16 bits write what tiles of bytes write, and decode it to the same symbols."""
    if not products.has_tiles():
        pytest.skip("the processor has no tiles of bytes (AMX)")
    monkeypatch.setattr(products, "has_tiles", lambda: False)
    with_vectors = Vae()
    for picture, quality in pictures():
        stream = vae.encode(picture, quality)
        assert with_vectors.encode(picture, quality) == stream
        assert np.array_equal(with_vectors.decode(stream), vae.decode(stream))


def test_sums_beyond_32_bits_are_refused() -> None:
    """Before they are computed, though 455 would wrap to a small one; results beyond 16 bits as well."""
    layer = FixedConv2d(576, 1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    make_exact(layer)
    field = int16.Field(4, 4, 576)
    for value, fits in ((1, True), (60, False), (455, False)):
        field.values[:] = value
        field.high[:] = value
        packed = int16.Layer(layer.weight, None)
        if fits:
            assert packed(field, int16.Field(4, 4, 1), int16.PLAIN).values.max() == 576 * value
        else:
            with pytest.raises(int16.OutOfRange):
                packed(field, int16.Field(4, 4, 1), int16.PLAIN)
    with torch.no_grad():
        layer.weight.fill_(2.0)
    with pytest.raises(int16.OutOfRange):
        int16.Layer(layer.weight, None)


@pytest.mark.gpu
def test_cpu_and_gpu_write_the_same_bitstream(vae: Vae) -> None:
    """To the byte, at several sizes and qualities, and not a bit differs before rounding."""
    on_gpu = Vae(device="cuda")
    assert_same(decisions(on_gpu), decisions(vae))
    assert on_gpu.encode(natural(512, 768), 3.0) == vae.encode(natural(512, 768), 3.0)


@pytest.mark.gpu
def test_a_gpu_bitstream_decodes_on_the_cpu() -> None:
    """And to the same image, but for the rounding of single samples."""
    picture = natural(300, 400)
    stream = Vae(device="cuda").encode(picture, 4.0)
    difference = Vae(device="cpu").decode(stream).astype(int) - Vae(device="cuda").decode(stream)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (5, 1), (5, 2)])
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 6, 9), (3, 4, 2), (2, 7, 5)])
def test_fixed_point_convolution_is_exact_in_integers(
    kernel: int, stride: int, batch: int, height: int, width: int
) -> None:
    """The result equals the same convolution in 64-bit integers, for every layer in use."""
    random = torch.Generator().manual_seed(0)
    layers: list[FixedConv2d | EncoderConv2d] = [EncoderConv2d(7, 5, kernel, stride, kernel // 2)]
    if stride == 1:
        layers.append(FixedConv2d(7, 5, kernel))
    for layer in layers:
        make_exact(layer)
        x = snap(torch.randn(batch, 7, height, width, generator=random, dtype=torch.float64) * 100)
        integers = torch.nn.functional.pad((x * 2**8).long(), [kernel // 2] * 4)
        patches = integers.unfold(2, kernel, stride).unfold(3, kernel, stride)
        weight = (layer.weight * 2**14).long()
        expected = torch.einsum("bchwij,ocij->bohw", patches, weight)
        assert layer.bias is not None
        expected = expected + (layer.bias * 2**22).long()[:, None, None]
        assert torch.equal((layer(x) * 2**22).long(), expected)
        assert torch.equal(layer(x) * 2**22, expected.double())


def test_weights_too_large_for_exactness_are_refused() -> None:
    """A model whose sums could lose digits cannot be loaded for coding."""
    layer = FixedConv2d(4, 1, 1)
    with torch.no_grad():
        layer.weight.fill_(2.0**15)
    with pytest.raises(ValueError, match="too large"):
        make_exact(layer)

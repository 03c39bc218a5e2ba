"""Bits and latents of learned codecs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason='learned codecs need pip install "rdbench[learned]"')

from bench.explanation import Explanation  # noqa: E402
from bench.studies.explain.figure import density  # noqa: E402
from bench_codecs.vae import Vae  # noqa: E402
from bench_codecs.vae.context import checkerboard  # noqa: E402
from bench_codecs.vae.explain.cost import TileCost, symbol_bits  # noqa: E402
from bench_codecs.vae.rans import encode  # noqa: E402
from tests.conftest import photo  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def vae() -> Vae:
    """The shipped model."""
    return Vae()


def explain(vae: Any, image: NDArray[np.uint8], quality: float) -> tuple[Explanation, bytes]:
    bitstream = vae.encode(image, quality)
    return vae.explain(image, quality, bitstream), bitstream


def payload_of(found: Explanation, bitstream: bytes) -> float:
    return 8 * len(bitstream) - sum(found.overhead.values())


def test_symbols_cost_what_the_coder_writes(vae: Vae) -> None:
    """The prices of random symbols add up to the bytes of the rANS coder, those of escapes as well."""
    random = np.random.default_rng(0)
    tables = vae.tables.frequencies
    rows = random.integers(0, len(tables.size), 20000).astype(np.int32)
    values = np.round(random.standard_cauchy(20000) * 3).clip(-3000, 3000).astype(np.int32)
    index = values - tables.low[rows]
    escapes = (index < 0) | (index >= tables.size[rows] - 1)
    for chosen in (escapes, ~escapes):
        bits = symbol_bits(values[chosen], rows[chosen], tables)
        assert bits.sum() == pytest.approx(8 * len(encode(values[chosen], rows[chosen], tables)), rel=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (40, 100), (130, 70)])
@pytest.mark.parametrize("quality", [1.0, 3.4])
def test_vae_map_is_the_payload(vae: Vae, size: tuple[int, int], quality: float) -> None:
    """All grids together are the payload, whatever the padding; channels and positions agree."""
    found, bitstream = explain(vae, photo(*size), quality)
    assert found.map_bits == pytest.approx(payload_of(found, bitstream), rel=0.02)
    assert [it.name for it in found.grids] == [it.name for it in found.channels]
    for grid, channels in zip(found.grids, found.channels, strict=True):
        assert grid.bits.sum() == pytest.approx(channels.bits.sum())
    assert density(found.grids, *size).sum() == pytest.approx(found.map_bits)


@pytest.mark.slow
def test_vae_map_of_a_tiled_picture(vae: Vae) -> None:
    """Tiles are put together: the map covers the picture, and detail in the last tile is found there."""
    image = np.full((1100, 1088, 3), 90, np.uint8)
    image[1030:1090, 1030:1080] = photo(60, 50)
    found, bitstream = explain(vae, image, 2.0)
    assert found.map_bits == pytest.approx(payload_of(found, bitstream), rel=0.02)
    bits = density(found.grids, 1100, 1088)
    assert bits[1024:, 1024:].mean() > 5 * bits[:1024, :1024].mean()


def test_vae_bits_lie_where_the_detail_is(vae: Vae) -> None:
    """A flat picture with texture in one corner has its bits there, pass by pass of the checkerboard."""
    image = np.full((128, 192, 3), 90, np.uint8)
    image[8:56, 136:184] = np.random.default_rng(0).integers(0, 256, (48, 48, 3))
    found, _ = explain(vae, image, 4.0)
    for grid in found.grids:
        if "hyper" not in grid.name:
            rows, columns = (64 // grid.cell[0], 128 // grid.cell[1])
            assert grid.bits[:rows, columns:].mean() > 5 * grid.bits[:, :columns].mean()


def test_vae_bits_lie_at_their_latents(vae: Vae) -> None:
    """In either pass of the checkerboard a dear symbol counts for its own position and channel."""
    cost = TileCost(vae.model, vae.tables, (1, 2), 2)
    see_latents, _ = cost.taps()
    slice_index = len(vae.model.coarse.context.parts())
    part = vae.model.fine.context.parts()[0]
    odd = checkerboard(8, 16, torch.zeros(1))[0, 0]
    for mask in (1 - odd, odd):
        places = torch.nonzero(mask)
        symbols = np.zeros((part.size, len(places)), np.int32)
        symbols[3, 21] = 40
        before = cost.latents[1].copy()
        see_latents(slice_index, np.full(symbols.size, 20), symbols.ravel())
        added = cost.latents[1] - before
        assert np.unravel_index(added.argmax(), added.shape) == tuple(places[21].tolist())
        assert (added[mask.numpy() == 0] == 0).all()
        assert cost.latent_channels[1].argmax() == part.start + 3


def test_vae_draws_the_busiest_part(vae: Vae) -> None:
    """In a larger picture the part with the most bits is drawn, up to the picture's own edge."""
    image = np.full((250, 70, 3), 90, np.uint8)
    image[90:] = photo(160, 70)
    found, bitstream = explain(vae, image, 3.0)
    traversal = found.traversals[0]
    at_one = traversal.pictures[traversal.factors.index(1.0)].astype(int)
    decoded = vae.decode(bitstream)[64:]
    assert at_one.shape == decoded.shape
    assert np.abs(at_one - decoded).max() <= 1


def test_vae_impulses_are_local_and_traversals_begin_at_the_picture(vae: Vae) -> None:
    """One latent changes the picture around it alone; factor 1 is the decoded picture itself."""
    image = photo(128, 160)
    found, bitstream = explain(vae, image, 3.0)
    for impulse in found.impulses:
        energy = np.square(impulse.response).sum(2)
        assert energy.max() > 0
        assert energy[16:48, 16:48].sum() > 0.8 * energy.sum()
    for traversal in found.traversals:
        at_one = traversal.pictures[traversal.factors.index(1.0)]
        np.testing.assert_array_equal(at_one, vae.decode(bitstream))
        assert (traversal.pictures[0] != at_one).any()
    coded = {it.name: it.bits > 0 for it in found.channels}
    assert all(coded[it.name][it.channel] for it in found.impulses)


def test_noise_alone_parts_a_generators_traversals_from_its_picture() -> None:
    """Of a larger picture factor 1 has other noise than what is decoded; without noise they are the same."""
    from bench_codecs.vae_gan import VaeGan

    codec = VaeGan()
    image = np.full((384, 70, 3), 90, np.uint8)
    image[224:] = photo(160, 70)
    differences = []
    for silent in (False, True):
        if silent:
            torch.nn.init.zeros_(codec.vae.model.synthesis_branch.noise.weight)
        found, bitstream = explain(codec, image, 3.0)
        at_one = found.traversals[0].pictures[found.traversals[0].factors.index(1.0)]
        differences.append(np.abs(at_one.astype(int) - codec.decode(bitstream)[192:]).max())
    assert differences[0] > 1 >= differences[1]


def test_vae_draws_grey_pictures_in_grey(vae: Vae) -> None:
    """What is drawn of a grey picture is grey, as its decoder makes it."""
    grey = np.repeat(photo(64, 64)[..., :1], 3, 2)
    found, _ = explain(vae, grey, 3.0)
    pictures = np.concatenate([it.pictures for it in found.traversals])
    assert np.ptp(pictures, axis=3).max() == 0
    assert max(float(np.ptp(it.response, axis=2).max()) for it in found.impulses) < 1e-5


@pytest.mark.parametrize("model", ["bmshj2018-factorized", "mbt2018-mean", "mbt2018"])
def test_zoo_map_is_near_the_payload(model: str, tmp_path: Path) -> None:
    """Likelihoods of a forward pass are the strings within 2%, at 1×1 too; latents can be drawn."""
    pytest.importorskip("compressai", reason='needs pip install "rdbench[zoo]"')
    from compressai.zoo import image_models

    from bench_codecs.compressai_zoo import CompressAi

    torch.manual_seed(3)
    network = image_models[model](1, "mse", pretrained=False)
    with torch.no_grad():
        network.g_a[-1].weight *= 3  # untrained latents all round to zero
    path = tmp_path / "weights.pth"
    torch.save(network.state_dict(), path)
    codec = CompressAi(model=model, checkpoint=str(path))  # type: ignore[arg-type]  # one of the literals
    image = photo(100, 140)
    found, bitstream = explain(codec, image, 1.0)
    assert found.method == "likelihood"
    assert found.map_bits == pytest.approx(payload_of(found, bitstream), rel=0.02, abs=4)
    tiny, few = explain(codec, image[:1, :1], 1.0)
    assert tiny.map_bits == pytest.approx(payload_of(tiny, few), rel=0.02, abs=8)
    assert density(found.grids, 100, 140).sum() == pytest.approx(found.map_bits)
    assert found.impulses
    decoded = codec.decode(bitstream)
    at_one = found.traversals[0].pictures[found.traversals[0].factors.index(1.0)]
    assert at_one.shape == decoded.shape
    assert np.abs(at_one.astype(int) - decoded).mean() < 1

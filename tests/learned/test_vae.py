"""The codec vae: what it promises about images and bitstreams."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.errors import BadBitstream, CodecUnavailable, ConfigError, Unsupported
from bench_codecs.vae import Vae, container, tiling
from bench_codecs.vae.weights import shipped_weights
from tests.learned.conftest import natural


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Over all RGB samples, in dB."""
    return float(10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2)))


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (63, 65), (130, 97)])
def test_pictures_of_any_size_come_back_in_their_size(vae: Vae, size: tuple[int, int]) -> None:
    """Height and width survive, from a single pixel upwards."""
    picture = natural(*size)
    decoded = vae.decode(vae.encode(picture, 6.0))
    assert decoded.shape == picture.shape
    assert decoded.dtype == np.uint8
    assert psnr(decoded, picture) > 24


def test_rate_and_quality_rise_with_the_quality_setting(vae: Vae) -> None:
    """Finer settings, fractional ones included, cost more bytes and lose less."""
    picture = natural(192, 256)
    streams = [vae.encode(picture, quality) for quality in (1.0, 1.5, 2.0, 3.0, 4.25, 6.0, 8.0)]
    sizes = [len(stream) for stream in streams]
    scores = [psnr(vae.decode(stream), picture) for stream in streams]
    assert sizes == sorted(sizes)
    assert scores == sorted(scores)


def test_grey_stays_grey(vae: Vae) -> None:
    """An image without colour decodes to one without colour."""
    picture = np.repeat(natural(128, 128)[..., :1], 3, axis=2)
    decoded = vae.decode(vae.encode(picture, 4.0))
    assert np.array_equal(decoded, np.repeat(decoded[..., :1], 3, axis=2))
    assert psnr(decoded, picture) > 22


def test_importing_the_codec_imports_no_framework() -> None:
    """Listing codecs stays cheap: torch, numba and compressai wait for the constructor."""
    script = "import sys, bench_codecs.vae; print({'torch', 'numba', 'compressai'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_a_bitstream_decodes_in_another_process(vae: Vae, tmp_path: Path) -> None:
    """Nothing but bytes is needed, and other thread and oneDNN settings do not matter."""
    picture = natural(200, 264)
    stream = tmp_path / "picture.rdv"
    stream.write_bytes(vae.encode(picture, 4.0))
    script = (
        "import sys, numpy, torch; torch.set_num_threads(1); torch.backends.mkldnn.enabled = False;"
        "from pathlib import Path; from bench_codecs.vae import Vae;"
        "numpy.save(sys.argv[2], Vae().decode(Path(sys.argv[1]).read_bytes()))"
    )
    command = [sys.executable, "-c", script, str(stream), str(tmp_path / "decoded.npy")]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    difference = np.load(tmp_path / "decoded.npy").astype(int) - vae.decode(stream.read_bytes())
    # symbols are equal to the bit; the float networks behind them may round one sample differently
    assert np.abs(difference).max() <= 1


def test_quality_outside_the_range_is_unsupported(vae: Vae) -> None:
    """No silent clamping."""
    for quality in (0.5, 8.5, None):
        with pytest.raises(Unsupported):
            vae.encode(natural(16, 16), quality)


def test_every_truncation_is_refused(vae: Vae) -> None:
    """No prefix of a bitstream decodes, nor one with bytes added."""
    stream = vae.encode(natural(64, 80), 2.0)
    for length in [*range(24), *range(24, len(stream), len(stream) // 12)]:
        with pytest.raises(BadBitstream):
            vae.decode(stream[:length])
    with pytest.raises(BadBitstream):
        vae.decode(stream + b"\0\0")


def test_other_weights_are_named_as_the_cause(vae: Vae, tiny_weights: Path) -> None:
    """A bitstream of another model raises before anything is decoded."""
    with pytest.raises(BadBitstream, match="weights"):
        vae.decode(Vae(weights=str(tiny_weights)).encode(natural(64, 64), 3.0))


def test_missing_or_foreign_weights_are_unavailable(tmp_path: Path) -> None:
    """The error names the file."""
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(b"no weights")
    for path in (tmp_path / "absent.safetensors", foreign):
        with pytest.raises(CodecUnavailable, match=path.name):
            Vae(weights=str(path))


def rewritten(source: Path, path: Path, name: str, values: dict[int, float]) -> Path:
    """The weights file ``source`` with some ``values``, by flat index, of the tensor ``name`` replaced."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(source, "pt") as file:
        tensors = {it: file.get_tensor(it) for it in file.keys()}  # noqa: SIM118  # not a mapping
        meta = file.metadata()
    for index, value in values.items():
        tensors[name].view(-1)[index] = value
    save_file(tensors, path, meta)
    return path


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("tables.cumulative", {0: 1}),
        ("tables.cumulative", {1: 70_000}),
        ("tables.cumulative", {2: 0}),
        ("tables.cumulative", {-1: 65_535}),
        ("tables.start", {3: 1 << 30}),
        ("tables.start", {0: -5}),
        ("tables.size", {3: 1 << 30}),
        ("tables.size", {3: -2}),
        ("tables.low", {3: -(1 << 31)}),
        ("tables.slice_rows", {70: 1 << 20}),
        ("tables.hyper_rows", {1: -1}),
        ("fine.context.norm", {0: float("nan")}),
        ("fine.analysis.first.weight", dict.fromkeys(range(600), 60_000.0)),
    ],
)
def test_crafted_weights_are_refused(tmp_path: Path, name: str, values: dict[int, float]) -> None:
    """Tables that the coder would read beyond, and weights beyond the arithmetic, end in an error."""
    path = rewritten(shipped_weights(), tmp_path / "crafted.safetensors", name, values)
    with pytest.raises(CodecUnavailable, match=r"crafted\.safetensors"):
        Vae(weights=str(path))


@pytest.mark.parametrize("strength", [-0.1, 1.5, 1e9, float("nan")])
def test_strange_strengths_are_refused(strength: float) -> None:
    """The strength of the optimised quantisation is 0 to 1."""
    with pytest.raises(ConfigError, match="rdoq"):
        Vae(rdoq=strength)


def mutated(stream: bytes, random: np.random.Generator) -> bytes:
    """``stream`` with bytes replaced, cut out, repeated or cut off."""
    data = bytearray(stream)
    match int(random.integers(4)):
        case 0:
            for _ in range(int(random.integers(1, 4))):
                data[int(random.integers(len(data)))] = int(random.integers(256))
        case 1:
            data[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
        case 2:
            start = int(random.integers(len(data)))
            del data[start : start + int(random.integers(1, 9))]
        case _:
            start = int(random.integers(len(data)))
            data[start:start] = data[start : start + int(random.integers(1, 9))]
    return bytes(data)


@pytest.mark.timeout(1200)  # 95 s, and more on a busy machine
@pytest.mark.parametrize("trials", [120, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_bitstreams_are_refused_or_have_the_stated_size(tiny_weights: Path, trials: int) -> None:
    """No mutation crashes, hangs, or decodes to anything but an image of the header's size."""
    codec = Vae(weights=str(tiny_weights))
    streams = [codec.encode(natural(40, 60, seed), quality) for seed, quality in enumerate((1.0, 3.0, 6.0))]
    random = np.random.default_rng(trials)
    refused = 0
    for trial in range(trials):
        damaged = mutated(streams[trial % 3], random)
        if damaged == streams[trial % 3]:
            continue
        try:
            picture = codec.decode(damaged)
        except BadBitstream:
            refused += 1
        else:
            width, height = np.frombuffer(damaged[10:14], "<u2")
            assert picture.shape == (height, width, 3)
    assert refused > 0.95 * trials


def test_damaged_tiles_are_refused(vae: Vae, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mutation of a bitstream of several tiles, its lengths included, gives an image of another size."""
    monkeypatch.setattr(tiling, "MARGIN", 64)
    for module in (container, tiling):
        monkeypatch.setattr(module, "TILE", 64)
    stream = vae.encode(natural(100, 140), 1.0)
    random = np.random.default_rng(7)
    refused = 0
    for _ in range(250):
        damaged = mutated(stream, random)
        try:
            assert vae.decode(damaged).shape == (100, 140, 3)
        except BadBitstream:
            refused += damaged != stream
    assert refused > 225


def test_what_a_decoder_holds_grows_with_the_shorter_side(vae: Vae, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles are let go while a long image is decoded, lying or standing."""
    monkeypatch.setattr(tiling, "MARGIN", 64)
    for module in (container, tiling):
        monkeypatch.setattr(module, "TILE", 64)
    decode = vae._coder.decode_batch
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def watched(*arguments: Any) -> Any:
        nonlocal most
        tile = decode(*arguments)
        alive.append(weakref.ref(tile.features))
        most = max(most, sum(it() is not None for it in alive))
        return tile

    monkeypatch.setattr(vae._coder, "decode_batch", watched)
    for size in ((128, 640), (640, 128)):
        vae.decode(vae.encode(natural(*size), 1.0))
    assert len(alive) == 40
    assert most <= 8


def test_a_large_claim_costs_no_memory(vae: Vae) -> None:
    """A header of the largest image, with bytes enough for its tiles, is refused within 300 MB."""
    stream = bytearray(vae.encode(natural(64, 64), 1.0))
    tiles = b"".join(bytes(4) + b"\x04" + bytes(4) for _ in range(144))
    stream[10:14] = np.array([11_585, 11_585], "<u2").tobytes()
    script = (
        "import resource, sys; from bench.errors import BadBitstream; from bench_codecs.vae import Vae\n"
        "import bench_codecs.vae.tiling; codec = Vae(); codec.decode(bytes.fromhex(sys.argv[1]))\n"
        "held = int(open('/proc/self/statm').read().split()[5]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (held + 300_000_000,) * 2)\n"
        "try: codec.decode(bytes.fromhex(sys.argv[2]))\n"
        "except BadBitstream: print('refused')"
    )
    sound = vae.encode(natural(64, 64), 1.0)
    command = [sys.executable, "-c", script, sound.hex(), (bytes(stream[:14]) + tiles).hex()]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "refused"


def test_a_header_cannot_claim_more_than_its_payload(vae: Vae) -> None:
    """A short bitstream that states a huge image is refused without decoding anything."""
    stream = bytearray(vae.encode(natural(64, 64), 1.0))
    stream[10:14] = np.array([40_000, 3_000], "<u2").tobytes()
    with pytest.raises(BadBitstream, match="too short"):
        vae.decode(bytes(stream))
    stream[10:14] = np.array([65_535, 65_535], "<u2").tobytes()
    with pytest.raises(BadBitstream, match="impossible"):
        vae.decode(bytes(stream))


def test_tiles_leave_no_seams(vae: Vae, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error beside tile boundaries is what it is elsewhere, and what it is without tiles."""
    picture = natural(256, 320)
    whole = vae.decode(vae.encode(picture, 3.0)).astype(float)
    for module in (container, tiling):
        monkeypatch.setattr(module, "TILE", 128)
    tiled = vae.decode(vae.encode(picture, 3.0)).astype(float)
    seam = np.zeros(picture.shape[:2], bool)
    for edge in (128, 256):
        seam[:, edge - 2 : edge + 2] = True
    seam[126:130] = True
    error_at_seams = np.mean((tiled - picture)[seam] ** 2)
    assert error_at_seams < 1.1 * np.mean((whole - picture)[seam] ** 2)
    jump = np.abs(np.diff(tiled - picture, axis=1)).mean((0, 2))
    assert jump[[127, 255]].max() < 1.3 * jump.mean()


def test_tiles_side_by_side_give_the_same(vae: Vae, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bitstreams and pictures are those of one thread, and a damaged tile is refused there too."""
    monkeypatch.setattr(tiling, "MARGIN", 64)
    for module in (container, tiling):
        monkeypatch.setattr(module, "TILE", 64)
    picture = natural(150, 300)
    threads = torch.get_num_threads()
    found = []
    for count in (1, 3):
        torch.set_num_threads(count)
        try:
            stream = vae.encode(picture, 3.0)
            found.append((stream, vae.decode(stream).tolist()))
            with pytest.raises(BadBitstream):
                vae.decode(stream[:-40] + bytes(40))
        finally:
            torch.set_num_threads(threads)
    assert found[0] == found[1]


def test_batches_give_the_bitstreams_of_one_by_one(vae: Vae) -> None:
    """To the byte, over images that share a size only; the images come back in order."""
    grey = np.repeat(natural(130, 97, 3)[..., :1], 3, axis=2)
    pictures = [natural(130, 97, 1), natural(130, 97, 2), grey]
    streams = vae.encode_batch(pictures, 4.5)
    assert streams == [vae.encode(it, 4.5) for it in pictures]
    mixed = [streams[0], vae.encode(natural(40, 50), 2.0), streams[2], vae.encode(pictures[1], 1.0)]
    for decoded, stream in zip(vae.decode_batch(mixed), mixed, strict=True):
        # symbols are equal to the bit; the float networks behind them may round one sample differently
        assert np.abs(decoded.astype(int) - vae.decode(stream)).max() <= 1
    assert vae.encode_batch([], 4.5) == []
    with pytest.raises(Unsupported, match="one size"):
        vae.encode_batch([pictures[0], natural(40, 50)], 4.5)
    with pytest.raises(BadBitstream):
        vae.decode_batch([streams[0], streams[1][:-3]])


def test_complexity_counts_both_sides(vae: Vae) -> None:
    """Multiply–accumulates per pixel are plausible, and the bytes of weights are the file's."""
    cost = vae.complexity()
    assert 5 < cost["encoder_kmac_per_pixel"] < 60
    assert 5 < cost["decoder_kmac_per_pixel"] < 60
    weights = Path(container.__file__).parent / "weights" / "base.safetensors"
    assert cost["weight_bytes"] == weights.stat().st_size
    assert weights.stat().st_size <= 12e6

"""The adapter of CompressAI's zoo, on seeded untrained weights."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "rdbench[learned]"')
pytest.importorskip("compressai", reason='needs pip install "rdbench[learned]"')

from bench_codecs.compressai_zoo import CompressAi, header_bytes  # noqa: E402

from bench.errors import BadBitstream, CodecUnavailable, Unsupported  # noqa: E402

from .conftest import natural  # noqa: E402


@pytest.mark.parametrize(("model", "strings"), [("bmshj2018-factorized", 1), ("mbt2018-mean", 2)])
def test_agrees_with_compressai_on_the_same_weights(model: str, strings: int) -> None:
    """Bytes are CompressAI's plus the stated header, PSNR is CompressAI's to 1e-3 dB."""
    from compressai.utils.eval_model.__main__ import inference

    codec = CompressAi(model=model, untrained=True)  # type: ignore[arg-type]  # one of the literals
    picture = natural(170, 203)
    bitstream = codec.encode(picture, 1.0)
    network, _ = codec._network(1)
    theirs = inference(network, torch.from_numpy(picture.transpose(2, 0, 1).copy()).float() / 255)
    assert len(bitstream) == round(theirs["bpp"] * 170 * 203 / 8) + header_bytes(strings)
    error = np.mean((codec.decode(bitstream).astype(float) - picture) ** 2)
    assert 10 * np.log10(255**2 / error) == pytest.approx(theirs["psnr-rgb"], abs=1e-3)


def test_weights_of_ones_own(tmp_path: Path) -> None:
    """A checkpoint file gives the codec of those weights, with the file's hash recorded."""
    from compressai.zoo import image_models

    torch.manual_seed(5)
    network = image_models["bmshj2018-factorized"](1, "mse", pretrained=False)
    path = tmp_path / "mine.pth.tar"
    torch.save({"state_dict": network.state_dict()}, path)
    codec = CompressAi(model="bmshj2018-factorized", weights=str(path))
    assert codec.qualities == (1.0,)
    picture = natural(64, 64)
    bitstream = codec.encode(picture, 1.0)
    assert codec.decode(bitstream).shape == picture.shape
    with pytest.raises(BadBitstream, match="not made with these weights"):
        CompressAi(model="bmshj2018-factorized", untrained=True).decode(bitstream)
    path.write_bytes(b"nonsense")
    with pytest.raises(CodecUnavailable, match=r"mine\.pth\.tar"):
        CompressAi(model="bmshj2018-factorized", weights=str(path)).encode(picture, 1.0)


def test_damage_is_refused() -> None:
    """Truncation, a flipped bit anywhere, and a quality that does not exist."""
    codec = CompressAi(model="bmshj2018-factorized", untrained=True)
    bitstream = codec.encode(natural(64, 64), 1.0)
    for length in (0, 3, 20, 30, len(bitstream) - 1):
        with pytest.raises(BadBitstream):
            codec.decode(bitstream[:length])
    for position in range(0, len(bitstream), max(1, len(bitstream) // 50)):
        damaged = bytearray(bitstream)
        damaged[position] ^= 4
        with pytest.raises(BadBitstream):
            codec.decode(bytes(damaged))
    with pytest.raises(Unsupported):
        codec.encode(natural(64, 64), 2.5)


def test_without_network_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed download makes the codec unavailable and says what to do."""
    from compressai.zoo import image

    def offline(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(image, "load_state_dict_from_url", offline)
    with pytest.raises(CodecUnavailable, match="weights=FILE"):
        CompressAi(model="bmshj2018-factorized")


def test_complexity_is_that_of_the_layers() -> None:
    """kMAC per pixel of the factorized model equal the sum over its layers, worked out by hand."""
    codec = CompressAi(model="bmshj2018-factorized", untrained=True)
    assert codec.qualities[len(codec.qualities) // 2] == 5, "one of the models with 128 and 192 channels"
    # transposed 5×5 convolutions at 1/256, 1/64, 1/16 and 1/4 of the positions, and three GDNs
    synthesis = 25 * (192 * 128 / 256 + 128**2 / 64 + 128**2 / 16 + 128 * 3 / 4)
    expected = (synthesis + 128**2 * (1 / 64 + 1 / 16 + 1 / 4)) / 1e3
    assert codec.complexity()["decoder_kmac_per_pixel"] == pytest.approx(expected)

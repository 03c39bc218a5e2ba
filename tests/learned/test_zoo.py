"""The adapter of CompressAI's zoo, on seeded untrained weights."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "rdbench[learned]"')
pytest.importorskip("compressai", reason='needs pip install "rdbench[zoo]"')

from bench.errors import BadBitstream, CodecUnavailable, Unsupported  # noqa: E402
from bench_codecs.compressai_zoo import CompressAi, header_bytes  # noqa: E402
from tests.learned.conftest import natural  # noqa: E402

MODELS = (
    "bmshj2018-factorized",
    "bmshj2018-hyperprior",
    "mbt2018-mean",
    "mbt2018",
    "cheng2020-anchor",
    "cheng2020-attn",
)


def untrained(model: str) -> CompressAi:
    """Seeded weights whose latents do not all round to zero."""
    codec = CompressAi(model=model, untrained=True)  # type: ignore[arg-type]  # one of the literals
    network, _ = codec._network(1)
    last = [layer for layer in network.g_a.modules() if isinstance(layer, torch.nn.Conv2d)][-1]
    with torch.no_grad():
        last.weight *= 3
    return codec


@pytest.mark.parametrize("model", MODELS)
def test_agrees_with_compressai_on_the_same_weights(model: str) -> None:
    """Bytes of every model are CompressAI's plus the stated header, PSNR is CompressAI's to 1e-3 dB."""
    from compressai.utils.eval_model.__main__ import inference

    codec = untrained(model)
    picture = natural(170, 203)
    bitstream = codec.encode(picture, 1.0)
    network, _ = codec._network(1)
    theirs = inference(network, torch.from_numpy(picture.transpose(2, 0, 1).copy()).float() / 255)
    strings = 1 if model == "bmshj2018-factorized" else 2
    assert len(bitstream) == round(theirs["bpp"] * 170 * 203 / 8) + header_bytes(strings)
    error = np.mean((codec.decode(bitstream).astype(float) - picture) ** 2)
    assert 10 * np.log10(255**2 / error) == pytest.approx(theirs["psnr-rgb"], abs=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_other_tables_at_the_decoder_are_no_silent_noise(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder whose arithmetic picks one other table refuses the image, whatever the model."""
    codec = untrained(model)
    bitstream = codec.encode(natural(64, 64), 1.0)
    network, _ = codec._network(1)
    part = network.entropy_bottleneck if model == "bmshj2018-factorized" else network.gaussian_conditional
    name = "_build_indexes" if model == "bmshj2018-factorized" else "build_indexes"
    original = getattr(part, name)

    def moved(*arguments: object) -> torch.Tensor:
        indexes: torch.Tensor = original(*arguments).clone()
        indexes.view(-1)[0] += 1
        return indexes

    monkeypatch.setattr(part, name, moved)
    with pytest.raises(BadBitstream, match="symbols do not match"):
        codec.decode(bitstream)
    monkeypatch.undo()
    assert codec.decode(bitstream).shape == (64, 64, 3)


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


def test_bad_weights_are_named_with_the_remedy(tmp_path: Path) -> None:
    """No checkpoint, one that is no dictionary, and a name that is not there: which file, and what to do."""
    path = tmp_path / "mine.pth"
    for contents in ([1, 2], {"network": [1]}, {"a": torch.zeros(1)}, {"a": "b"}, b"nonsense"):
        torch.save(contents, path)
        if isinstance(contents, bytes):
            path.write_bytes(contents)
        with pytest.raises(CodecUnavailable, match=r"(?s)mine\.pth.*torch\.save"):
            CompressAi(model="bmshj2018-factorized", weights=str(path)).encode(natural(64, 64), 1.0)
    for name in ("{q}.pth", "{quality}.pth", "{}.pth"):
        with pytest.raises(CodecUnavailable, match=r"no weights at .*weights=FILE"):
            CompressAi(weights=str(tmp_path / name))


def test_only_the_weights_in_use_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The zoo's weights of a quality are asked for when it codes; to describe the codec takes none."""
    from compressai.zoo import image, image_models

    asked = []
    network = image_models["bmshj2018-factorized"](2, "mse", pretrained=False)

    def download(url: str, **_: object) -> dict[str, torch.Tensor]:
        asked.append(url)
        state: dict[str, torch.Tensor] = network.state_dict()
        return state

    monkeypatch.setattr(image, "load_state_dict_from_url", download)
    codec = CompressAi(model="bmshj2018-factorized")
    assert codec.complexity()["parameters"] > 0
    assert not asked
    codec.encode(natural(64, 64), 2.0)
    assert asked == [image.model_urls["bmshj2018-factorized"]["mse"][2]]
    torch.save(network.state_dict(), tmp_path / "2.pth")
    own = CompressAi(model="bmshj2018-factorized", weights=str(tmp_path / "{quality}.pth"))
    assert own.qualities == (2.0,)


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
        CompressAi(model="bmshj2018-factorized").encode(natural(64, 64), 1.0)


def test_complexity_is_that_of_the_layers() -> None:
    """kMAC per pixel of the factorized model equal the sum over its layers, worked out by hand."""
    codec = CompressAi(model="bmshj2018-factorized", untrained=True)
    assert codec.qualities[len(codec.qualities) // 2] == 5, "one of the models with 128 and 192 channels"
    # transposed 5×5 convolutions at 1/256, 1/64, 1/16 and 1/4 of the positions, and three GDNs
    synthesis = 25 * (192 * 128 / 256 + 128**2 / 64 + 128**2 / 16 + 128 * 3 / 4)
    expected = (synthesis + 128**2 * (1 / 64 + 1 / 16 + 1 / 4)) / 1e3
    assert codec.complexity()["decoder_kmac_per_pixel"] == pytest.approx(expected)


def test_a_damaged_download_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its folder, since torch would take the same file again."""
    from compressai.zoo.image import model_urls

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = model_urls["bmshj2018-hyperprior"]["mse"][1]
    file = tmp_path / "hub" / "checkpoints" / url.rsplit("/", 1)[1]
    file.parent.mkdir(parents=True)
    file.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(CodecUnavailable, match=r"checkpoints are damaged: remove bmshj2018-hyperprior-1-\*"):
        CompressAi(model="bmshj2018-hyperprior").encode(natural(64, 64), 1.0)

"""The adapter of CompressAI's models, on seeded untrained weights."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any, get_args
from urllib.error import URLError

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "rdbench[learned]"')
pytest.importorskip("compressai", reason='needs pip install "rdbench[zoo]"')

from bench.errors import BadBitstream, CodecUnavailable, ConfigError, Unsupported  # noqa: E402
from bench_codecs._compressai.container import container_bytes, read  # noqa: E402
from bench_codecs._compressai.models import ModelName  # noqa: E402
from bench_codecs.compressai_zoo import CompressAi  # noqa: E402
from tests.learned.conftest import natural  # noqa: E402
from tests.learned.tiny_models import tiny_network  # noqa: E402

MODELS = get_args(ModelName)


def saved(path: Path, contents: Any) -> str:
    torch.save(contents, path)
    return str(path)


def tiny(folder: Path, model: str) -> CompressAi:
    """A model of few channels, from its checkpoint."""
    path = saved(folder / "tiny.pth", tiny_network(model).state_dict())
    return CompressAi(model=model, checkpoint=path)  # type: ignore[arg-type]  # one of the literals


def test_every_image_model_of_compressai_is_there() -> None:
    """All that it registers, but for those of video and of point clouds."""
    from compressai import models
    from compressai.registry import MODELS as REGISTERED

    kinds = {name: it.__module__.split(".")[2] for name, it in REGISTERED.items()}
    others = {name for name, kind in kinds.items() if kind in ("video", "pointcloud")}
    assert models
    assert {*MODELS} == {*REGISTERED} - others


@pytest.mark.parametrize("model", MODELS)
def test_agrees_with_compressai_on_the_same_weights(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes of every model, here a small one, are CompressAI's and the container, PSNR is its to 1e-3 dB."""
    from compressai.utils.eval_model import __main__ as peer

    monkeypatch.setattr(peer, "ms_ssim", lambda *_, **__: torch.ones(1))  # wants larger pictures
    codec = tiny(tmp_path, model)
    picture = natural(70, 135)
    bitstream = codec.encode(picture, 1.0)
    coder, _ = codec._coder(1.0)
    gain = () if coder.gain is None else (2, coder.network.Gain[0].detach().abs())
    theirs = peer.inference(
        coder.network, torch.from_numpy(picture.transpose(2, 0, 1).copy()).float() / 255, *gain
    )
    _, strings = read(bitstream)
    assert len(bitstream) == round(theirs["bpp"] * 70 * 135 / 8) + container_bytes(strings)
    error = np.mean((codec.decode(bitstream).astype(float) - picture) ** 2)
    assert 10 * np.log10(255**2 / error) == pytest.approx(theirs["psnr-rgb"], abs=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_the_estimated_rate_is_that_of_the_strings(model: str, tmp_path: Path) -> None:
    """The likelihoods of every model come to its strings, less what each string needs to end."""
    codec = tiny(tmp_path, model)
    picture = natural(128, 192)
    _, strings = read(codec.encode(picture, 1.0))
    actual = 8 * sum(map(len, strings))
    estimated = codec.estimated_bits(picture, 1.0)
    assert 0.98 * estimated <= actual <= 1.02 * estimated + 96 * len(strings)


@pytest.mark.parametrize("model", ["mbt2018-mean", "mbt2018", "elic2022-official", "mbt2018-vbr"])
def test_other_tables_at_the_decoder_are_no_silent_noise(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder whose arithmetic picks one other table refuses the image, whatever the model."""
    from compressai.entropy_models import GaussianConditional

    codec = tiny(tmp_path, model)
    bitstream = codec.encode(natural(64, 64), 1.0)
    original = GaussianConditional.build_indexes

    def moved(self: object, scales: torch.Tensor) -> torch.Tensor:
        indexes: torch.Tensor = original(self, scales).clone()
        indexes.view(-1)[0] += 1
        return indexes

    monkeypatch.setattr(GaussianConditional, "build_indexes", moved)
    with pytest.raises(BadBitstream, match="tables do not match"):
        codec.decode(bitstream)
    monkeypatch.undo()
    assert codec.decode(bitstream).shape == (64, 64, 3)


def test_tables_that_another_library_made_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One other frequency in a table that no scale chooses is enough."""
    from compressai.entropy_models import entropy_models

    bitstream = tiny(tmp_path, "bmshj2018-factorized").encode(natural(64, 64), 1.0)
    original = entropy_models.pmf_to_quantized_cdf

    def rounded_otherwise(*arguments: Any) -> torch.Tensor:
        table: torch.Tensor = original(*arguments)
        table[1] += 1
        return table

    monkeypatch.setattr(entropy_models, "pmf_to_quantized_cdf", rounded_otherwise)
    with pytest.raises(BadBitstream, match="tables do not match"):
        tiny(tmp_path, "bmshj2018-factorized").decode(bitstream)


def test_a_variable_rate_model_has_a_curve_of_one_checkpoint(tmp_path: Path) -> None:
    """Each gain is a quality, more bytes for each, and a bitstream knows its own."""
    codec = tiny(tmp_path, "mbt2018-mean-vbr")
    assert codec.qualities == (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    picture = natural(64, 128)
    sizes = []
    for quality in (1.0, 5.0, 8.0):
        bitstream = codec.encode(picture, quality)
        sizes.append(len(bitstream))
        again = CompressAi(model="mbt2018-mean-vbr", checkpoint=str(tmp_path / "tiny.pth")).decode(bitstream)
        assert np.array_equal(again, codec.decode(bitstream))
    assert sizes == sorted(set(sizes))
    saved(tmp_path / "tiny-2.pth", {})
    with pytest.raises(ConfigError, match="at all rates with one checkpoint"):
        CompressAi(model="mbt2018-mean-vbr", checkpoint=f"1={tmp_path}/tiny.pth 2={tmp_path}/tiny-2.pth")


def test_each_checkpoint_is_a_quality_with_a_hash_of_its_own(tmp_path: Path) -> None:
    """The number in a file's name is its quality; bitstreams find their network, whatever else is there."""
    picture = natural(64, 64)
    for quality in ("0.0018", "0.0483"):
        network = tiny_network("elic2022-official", seed=int(quality[2:]))
        saved(tmp_path / f"elic-{quality}.pth", network.state_dict())
    one = CompressAi(model="elic2022-official", checkpoint=f"{tmp_path}/elic-{{quality}}.pth")
    assert one.qualities == (0.0018, 0.0483)
    bitstream = one.encode(picture, 0.0483)
    saved(tmp_path / "elic-0.0067.pth", tiny_network("elic2022-official", seed=9).state_dict())
    later = CompressAi(model="elic2022-official", checkpoint=f"{tmp_path}/elic-{{quality}}.pth")
    assert later.qualities == (0.0018, 0.0067, 0.0483)
    assert one.weights_sha256.items() < later.weights_sha256.items()
    assert len({*later.weights_sha256.values()}) == 3
    assert np.array_equal(later.decode(bitstream), one.decode(bitstream))
    told = CompressAi(model="elic2022-official", checkpoint=f"7={tmp_path}/elic-0.0483.pth")
    assert np.array_equal(told.decode(bitstream), one.decode(bitstream))
    with pytest.raises(Unsupported, match=r"0\.01 is not one of \(0\.0018"):
        later.encode(picture, 0.01)
    (tmp_path / "elic-0.00180.pth").write_bytes(b"")
    with pytest.raises(CodecUnavailable, match=r"elic-0\.0018.*are both for quality 0\.0018"):
        CompressAi(checkpoint=f"{tmp_path}/elic-{{quality}}.pth")


def checkpoint_forms(state: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, str]]:
    """What training scripts write around a network, and which of the networks is meant."""
    parallel = {f"module.{name}": it for name, it in state.items()}
    optimiser = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4}]}
    return {
        "with its optimiser": ({"epoch": 3, "state_dict": state, "optimizer": optimiser}, ""),
        "of DataParallel": ({"state_dict": parallel, "loss": torch.tensor(1.0)}, ""),
        "of torch.compile and DataParallel": (
            {f"_orig_mod.{name}": it for name, it in parallel.items()},
            "",
        ),
        "of Lightning": ({"state_dict": {f"model.{name}": it for name, it in state.items()}}, ""),
        "an averaged model": (parallel | {"n_averaged": torch.tensor(5)}, ""),
        "beside its average": ({"model": other, "ema": state}, "ema"),
        "in one dictionary with its average": (
            {
                "ema": {f"ema_model.{name}": it for name, it in state.items()}
                | {f"online_model.{name}": it for name, it in other.items()}
            },
            "ema.ema_model",
        ),
    }


@pytest.mark.parametrize("form", checkpoint_forms({}, {}))
def test_checkpoints_are_read_as_training_writes_them(form: str, tmp_path: Path) -> None:
    """Prefixes, averages, optimisers beside them: the picture is that of the plain network."""
    model, picture = "bmshj2018-factorized", natural(64, 64)
    state, other = (tiny_network(model, seed).state_dict() for seed in (3, 4))
    plain = CompressAi(model=model, checkpoint=saved(tmp_path / "plain.pth", state))
    contents, name = checkpoint_forms(state, other)[form]
    codec = CompressAi(model=model, checkpoint=saved(tmp_path / "mine.pth", contents), state=name)
    decoded = [it.decode(it.encode(picture, 1.0)) for it in (plain, codec)]
    assert np.array_equal(*decoded)


def test_safetensors_are_read(tmp_path: Path) -> None:
    """The other form in which weights are passed on."""
    from safetensors.torch import save_file

    save_file(tiny_network("bmshj2018-factorized").state_dict(), tmp_path / "mine.safetensors")
    codec = CompressAi(model="bmshj2018-factorized", checkpoint=str(tmp_path / "mine.safetensors"))
    assert codec.decode(codec.encode(natural(64, 64), 1.0)).shape == (64, 64, 3)


def test_of_several_networks_one_has_to_be_chosen(tmp_path: Path) -> None:
    """A moving average is never taken for the network, or the other way round, without a word."""
    state = tiny_network("bmshj2018-factorized").state_dict()
    path = saved(tmp_path / "mine.pth", {"state_dict": state, "ema": state})
    for chosen, message in (("", "choose one with state=ema or state=state_dict"), ("emma", "mean 'ema'")):
        codec = CompressAi(model="bmshj2018-factorized", checkpoint=path, state=chosen)
        with pytest.raises(CodecUnavailable, match=message):
            codec.encode(natural(64, 64), 1.0)


def bad_checkpoints() -> dict[str, tuple[Any, str]]:
    """What is no checkpoint of the model, and what the refusal says."""
    other = tiny_network("bmshj2018-hyperprior").state_dict()
    narrow = {name: it for name, it in other.items() if not name.startswith("h_")}
    return {
        "code": (
            {"args": Namespace(lr=1e-4), "state_dict": other},
            "object of argparse.Namespace .* run code",
        ),
        "nonsense": (b"nonsense", "not a checkpoint"),
        "a list": ([1, 2], "no tensor in it belongs to g_a"),
        "no network": ({"network": [1], "a": torch.zeros(1)}, "no tensor in it belongs to g_a"),
        "parts missing": (narrow, r"Missing key.*h_a"),
        "another model": (tiny_network("cheng2020-anchor").state_dict(), "g_a"),
    }


@pytest.mark.parametrize("case", bad_checkpoints())
def test_bad_checkpoints_are_named_with_reason_and_remedy(case: str, tmp_path: Path) -> None:
    """Which file, what of it, and what to do; never torch's own advice to load it unsafely."""
    contents, reason = bad_checkpoints()[case]
    path = tmp_path / "mine.pth"
    saved(path, contents)
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    codec = CompressAi(model="bmshj2018-hyperprior", checkpoint=str(path))
    with pytest.raises(CodecUnavailable, match=rf"(?s)mine\.pth.*{reason}.*torch\.save") as caught:
        codec.encode(natural(64, 64), 1.0)
    assert "weights_only" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_an_old_torch_reads_no_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 2.6 a checkpoint could run code though it was loaded as weights alone."""
    saved(tmp_path / "mine.pth", tiny_network("bmshj2018-hyperprior").state_dict())
    monkeypatch.setattr(torch, "__version__", torch.torch_version.TorchVersion("2.5.1+cpu"))
    codec = CompressAi(model="bmshj2018-hyperprior", checkpoint=str(tmp_path / "mine.pth"))
    with pytest.raises(CodecUnavailable, match=r'mine\.pth .*pip install "torch>=2\.6"'):
        codec.encode(natural(64, 64), 1.0)


def test_absent_checkpoints_are_named(tmp_path: Path) -> None:
    """A file that is not there, a pattern that nothing fits, and a model without published weights."""
    for name in ("mine.pth", "{q}.pth", "{quality}.pth", "{}.pth", "1=a.pth 2=b.pth"):
        with pytest.raises(CodecUnavailable, match=r"no checkpoint at .*checkpoint=FILE"):
            CompressAi(checkpoint=str(tmp_path / name) if "=" not in name else name)
    with pytest.raises(CodecUnavailable, match=r"no trained weights of elic2022-official .*checkpoint=FILE"):
        CompressAi(model="elic2022-official")


def test_other_weights_do_not_decode(tmp_path: Path) -> None:
    """Nor does another model."""
    bitstream = tiny(tmp_path, "bmshj2018-factorized").encode(natural(64, 64), 1.0)
    for model in ("bmshj2018-factorized", "bmshj2018-hyperprior"):
        with pytest.raises(BadBitstream, match="not made with these weights"):
            CompressAi(model=model, untrained=True).decode(bitstream)  # type: ignore[arg-type]  # literals


def test_only_the_weights_in_use_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_damage_is_refused(tmp_path: Path) -> None:
    """Truncation, a flipped bit anywhere, and a quality that does not exist."""
    codec = tiny(tmp_path, "elic2022-chandelier")
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
    with pytest.raises(CodecUnavailable, match="checkpoint=FILE"):
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
    with pytest.raises(CodecUnavailable, match=rf"{file.name} is damaged: remove it"):
        CompressAi(model="bmshj2018-hyperprior").encode(natural(64, 64), 1.0)

"""CompressAI's image models: which there are, how each is made from a checkpoint, and how it codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from bench_codecs._compressai.checksum import ChosenTables, checksum_of_tables

if TYPE_CHECKING:
    from torch import Tensor

ModelName: TypeAlias = Literal[
    "bmshj2018-factorized",
    "bmshj2018-factorized-relu",
    "bmshj2018-hyperprior",
    "mbt2018-mean",
    "mbt2018",
    "cheng2020-anchor",
    "cheng2020-attn",
    "cheng2020-anchor-checkerboard",
    "elic2022-official",
    "elic2022-chandelier",
    "bmshj2018-hyperprior-vbr",
    "mbt2018-mean-vbr",
    "mbt2018-vbr",
]
"""Every model of images that CompressAI 1.2.8 registers."""
PATCH = 64
"""Pixels that the sides of a picture have to be multiples of."""
GAINS = 8
"""Operating points that a variable-rate model is trained for."""
_LARGEST = 192, 320
"""Channels of the variable-rate models, which do not all have them as a default."""
_LATENT = 16
"""Pixels of a latent's side, in every model."""


def is_variable_rate(model: str) -> bool:
    """Whether one network codes at every operating point, each of which is a gain of its latents."""
    return model.endswith("-vbr")


def published_files(model: str, metric: str) -> dict[int, str]:
    """The file of the published weights at each quality; its name ends with the first digits of its hash."""
    from compressai.zoo import image, image_vbr

    if is_variable_rate(model):
        url = image_vbr.model_urls[model].get(metric)
        return dict.fromkeys(range(1, GAINS + 1), _name(url)) if url else {}
    return {quality: _name(url) for quality, url in image.model_urls.get(model, {}).get(metric, {}).items()}


def published_network(model: str, metric: str, quality: int) -> Any:
    """The network with its published weights, which are downloaded where torch has not kept them."""
    from compressai.zoo import image_models

    return image_models[model](quality, metric, pretrained=True, progress=False)


def random_network(model: str, quality: int) -> Any:
    """A network of the size that the zoo has at a quality, with weights from a seed."""
    import torch
    from compressai.registry import MODELS
    from compressai.zoo.image import cfgs

    published = _LARGEST if is_variable_rate(model) else cfgs.get(model, {}).get(quality, ())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(quality)
        return MODELS[model](*published)


def network_of(model: str, state: dict[str, Tensor]) -> Any:
    """The network of a checkpoint, of whatever size.

    Parameters
    ----------
    state : tensors by the names of this or an earlier version of CompressAI

    Raises
    ------
    Exception
        Whatever torch raises for tensors that are not those of the model.
    """
    from compressai.registry import MODELS
    from compressai.zoo import load_state_dict

    state = load_state_dict(state)
    if model.startswith("elic"):  # from_state_dict takes the published size for granted
        widths = _of_each(state, r"latent_codec\.y\.latent_codec\.y(\d+)\.context_prediction\.weight", 1)
        network = MODELS[model](state["g_a.0.weight"].size(0), sum(widths), widths)
        network.load_state_dict(state)
        return network
    if is_variable_rate(model) and any(name.startswith("gayn2zqstep") for name in state):
        return MODELS[model].from_state_dict(state, vr_entbttlnck=True)
    return MODELS[model].from_state_dict(state)


def _of_each(state: Mapping[str, Tensor], pattern: str, dimension: int) -> list[int]:
    """The size of each tensor whose name fits, in the order of the numbers in the names."""
    found = {int(it[1]): name for name in state if (it := re.fullmatch(pattern, name))}
    return [state[found[number]].size(dimension) for number in sorted(found)]


@dataclass(frozen=True)
class Coder:
    """A network that is ready to code, at one operating point."""

    network: Any
    gain: int | None
    """Which one, of a variable-rate model; None for the others."""
    tables: int
    """Their checksum."""

    @classmethod
    def of(cls, network: Any, gain: int | None, device: str) -> Coder:
        """Make the tables, on the CPU whatever the device, and put the network there."""
        network.eval()
        if gain is None:
            network.update(force=True)
        else:
            network.update(force=True, scale=network.Gain[gain].detach().abs())
        tables = checksum_of_tables(network)
        return cls(network.to(device), gain, tables)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The likelihoods of each kind of latent, ``y`` and ``z``.

        Parameters
        ----------
        x : (1, 3, height, width), values 0 to 1; sides are multiples of :data:`PATCH`
        """
        likelihoods: dict[str, Tensor] = self.network(x, **self._options)["likelihoods"]
        return likelihoods

    def compress(self, x: Tensor) -> tuple[list[bytes], int]:
        """The strings, and the checksum of the tables that coded them; ``x`` as for :meth:`forward`."""
        with ChosenTables(self.network, self.tables) as chosen:
            found = self.network.compress(x, **self._options)
        return [bytes(of_one) for (of_one,) in found["strings"]], chosen.checksum

    def decompress(self, strings: Sequence[bytes], height: int, width: int) -> tuple[Tensor, int]:
        """The picture, (1, 3, height, width), and the checksum of the tables that decoded it."""
        shape = self._shape(height // _LATENT, width // _LATENT)
        with ChosenTables(self.network, self.tables) as chosen:
            found = self.network.decompress([[it] for it in strings], shape, **self._options)
        picture: Tensor = found["x_hat"]
        return picture, chosen.checksum

    @property
    def _options(self) -> dict[str, int]:
        return {} if self.gain is None else {"s": self.gain}

    def _shape(self, height: int, width: int) -> Any:
        """What ``decompress`` wants to know of a picture with so many latents: ``compress`` told it."""
        hyper = height // 4, width // 4
        if not hasattr(self.network, "latent_codec"):
            return hyper if hasattr(self.network, "h_s") else (height, width)
        groups = getattr(self.network, "groups", None)
        if groups is None:
            return {"y": (self.network.g_a[-1].out_channels, height, width), "hyper": hyper}
        return {"y": [(it, height, width) for it in groups], "hyper": hyper}


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1]

"""CompressAI's image models, with a bitstream that contains everything a decoder needs.

The networks of these models compute means and scales in floating point, and the last digits differ between
devices, libraries and numbers of threads. If a scale then falls into another table, the bitstream cannot be
decoded on that machine. The CRC-32 of the tables detects this, and the bitstream is refused.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, Literal
from urllib.error import URLError

import numpy as np

from bench.checkpoints import checkpoints_of, sha256_of
from bench.codec import Image
from bench.errors import BadBitstream, CodecUnavailable, ConfigError, Unsupported
from bench.explanation import Explanation
from bench_codecs._common.torch_device import torch_device, use_threads
from bench_codecs._compressai.container import Header, check_size, read, write
from bench_codecs._compressai.models import (
    GAINS,
    PATCH,
    Coder,
    ModelName,
    is_variable_rate,
    network_of,
    published_files,
    published_network,
    random_network,
)

if TYPE_CHECKING:
    from torch import Tensor

_INSTALL = 'pip install "rdbench[zoo]", on Python 3.11 or 3.12: there are no wheels for later ones'
_COUNTED = 64
"""Side in pixels of the picture on which operations are counted. All layers are convolutions, so that they
take as many per pixel at any size that needs no padding."""
_HUB = os.environ.get("TORCH_HOME") or str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch"))
"""Where torch keeps what it downloads, which is then found there."""


class CompressAi:
    """Any image model of CompressAI (Bégaint et al., "CompressAI", arXiv 2011.03029).

    Its weights are those of CompressAI's zoo, or one's own. The zoo's qualities are whole numbers from 1 on;
    those of one's own checkpoints stand in their names.

    Parameters
    ----------
    model : architecture
    metric : what the zoo's weights were trained for
    checkpoint : weights of one's own, as training writes them: a file for each quality with ``{quality}`` in
        its name, several by name or a single one, see :mod:`bench.checkpoints`. ``state_dict``, optimiser and
        the like may be in one file, names may begin with ``module.``. Networks of other sizes than the zoo's
        are recognised. Files that hold more than plain data are refused
    state : which network, where a checkpoint holds several, as with a moving average; the error names them
    device : where the networks run. A bitstream may not be decodable on another device, and is then refused
    threads : of the networks on the CPU, in the whole process; 0 leaves torch's own number, 1 in a run. A
        bitstream may not be decodable with another one, and is then refused
    untrained : use seeded random weights, for tests of the mechanics
    """

    name = "compressai"
    trusted_options = ("checkpoint",)
    needs = ("network", _HUB)
    added_options = ("threads",)
    lossless = False
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None
    weights_sha256: dict[float, str]

    def __init__(
        self,
        *,
        model: ModelName = "bmshj2018-hyperprior",
        metric: Literal["mse", "ms-ssim"] = "mse",
        checkpoint: str = "",
        state: str = "",
        device: Literal["auto", "cpu", "cuda"] = "cpu",
        untrained: bool = False,
        threads: int = 0,
    ) -> None:
        try:
            import compressai
            import torch
        except ImportError as error:
            raise CodecUnavailable(f"compressai needs torch and compressai ({error}): {_INSTALL}") from error
        use_threads(self.name, threads)
        self._device = torch_device(self.name, device)
        self._model = model
        self._metric = metric
        self._state = state
        self._untrained = untrained
        self._coders: dict[float, Coder] = {}
        self._files = self._checkpoints(checkpoint) if checkpoint and not untrained else {}
        self.weights_sha256 = self._hashes()
        self.qualities = tuple(self.weights_sha256)
        self.quality_range = (self.qualities[0], self.qualities[-1])
        self.version = f"3+compressai {compressai.__version__}, torch {torch.__version__}"

    def encode(self, image: Image, quality: float | None) -> bytes:
        """Compress at one of :attr:`qualities`.

        Raises
        ------
        bench.errors.Unsupported
            The quality is none of them, or the image is too large for the container.
        """
        import torch

        coder, identity = self._coder(quality)
        height, width = image.shape[:2]
        check_size(height, width)
        with torch.no_grad():
            strings, tables = coder.compress(self._padded(image))
        return write(Header(identity, coder.gain or 0, height, width, tables), strings)

    def decode(self, bitstream: bytes) -> Image:
        """Reconstruct the image.

        Raises
        ------
        bench.errors.BadBitstream
            The bitstream is damaged or truncated, or was made with other weights, or on a device whose
            arithmetic leads to other tables.
        """
        import torch
        import torch.nn.functional as F
        from compressai.ops import compute_padding

        header, strings = read(bitstream)
        coder, _ = self._coder(self._quality(header))
        _, crop = compute_padding(header.height, header.width, min_div=PATCH)
        rows, columns = (-(-side // PATCH) * PATCH for side in (header.height, header.width))
        with torch.no_grad():
            x, tables = coder.decompress(strings, rows, columns)
        if tables != header.tables:
            raise BadBitstream(
                "compressai: the tables do not match their checksum: the bitstream was made on a device or "
                "with libraries that compute other entropy parameters; decode where it was encoded"
            )
        x = F.pad(x, crop)[0].clamp(0, 1).mul(255).round().to(torch.uint8)
        image: Image = np.ascontiguousarray(x.permute(1, 2, 0).cpu().numpy())
        return image

    def complexity(self) -> dict[str, float]:
        """Parameters, bytes of weights in single precision, and kMAC per pixel, at the middle quality.

        What is counted is what runs to encode and to decode, see :mod:`bench.complexity`.
        """
        import torch

        from bench.complexity import count_macs

        quality = self.qualities[len(self.qualities) // 2]
        # The size of the zoo's networks depends on the quality alone, so that they need not be downloaded.
        network = self._load(quality) if self._files else random_network(self._model, int(quality))
        coder = Coder.of(network, self._gain(quality), self._device)
        parameters = sum(p.numel() for p in network.parameters())
        x = torch.zeros(1, 3, _COUNTED, _COUNTED, device=self._device)
        strings: list[bytes] = []
        encoder = count_macs(lambda: strings.extend(coder.compress(x)[0]))
        decoder = count_macs(lambda: coder.decompress(strings, _COUNTED, _COUNTED))
        return {
            "parameters": float(parameters),
            "weight_bytes": 4.0 * parameters,
            "encoder_kmac_per_pixel": encoder / _COUNTED**2 / 1e3,
            "decoder_kmac_per_pixel": decoder / _COUNTED**2 / 1e3,
        }

    def estimated_bits(self, image: Image, quality: float | None) -> float:
        """The rate that papers estimate: −log₂ of the likelihoods in a forward pass; no container."""
        import torch

        coder, _ = self._coder(quality)
        with torch.no_grad():
            likelihoods = coder.forward(self._padded(image))
        return sum(-float(it.double().log2().sum()) for it in likelihoods.values())

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """The likelihoods of every latent in a forward pass, and what single latents draw."""
        from bench_codecs._compressai.bits import explain

        header, strings = read(bitstream)
        coder, _ = self._coder(self._quality(header))
        return explain(coder, image, self._padded(image), strings, len(bitstream))

    def _padded(self, image: Image) -> Tensor:
        """(1, 3, height, width), 0 to 1, with sides that the networks can divide."""
        import torch
        import torch.nn.functional as F
        from compressai.ops import compute_padding

        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        padding, _ = compute_padding(*image.shape[:2], min_div=PATCH)
        return F.pad(pixels[None].to(self._device).float() / 255, padding)

    def _coder(self, quality: float | None) -> tuple[Coder, bytes]:
        """What codes at a quality, and the name of its weights in a bitstream."""
        if quality is None or quality not in self.weights_sha256:
            raise Unsupported(f"compressai: quality {quality} is not one of {self.qualities}")
        if quality not in self._coders:
            self._coders[quality] = Coder.of(self._load(quality), self._gain(quality), self._device)
        return self._coders[quality], bytes.fromhex(self.weights_sha256[quality][:8])

    def _gain(self, quality: float) -> int | None:
        return int(quality) - 1 if is_variable_rate(self._model) else None

    def _load(self, quality: float) -> Any:
        import torch

        if self._untrained:
            return random_network(self._model, int(quality))
        if self._files:
            from bench_codecs._compressai.checkpoint import read_state, refusal

            path = self._files[quality]
            tensors = read_state(path, self._state)
            try:
                return network_of(self._model, tensors)
            except MemoryError:
                raise
            except Exception as error:  # torch raises anything for tensors of another network
                raise refusal(path, error) from error
        try:
            return published_network(self._model, self._metric, int(quality))
        except (UnpicklingError, EOFError) as error:
            name = published_files(self._model, self._metric)[int(quality)]
            file = Path(torch.hub.get_dir(), "checkpoints", name)
            raise CodecUnavailable(f"compressai: {file} is damaged: remove it, to load it again") from error
        except (URLError, OSError, RuntimeError) as error:
            raise CodecUnavailable(
                f"compressai: no weights of {self._model} quality {quality:g} and no download ({error}): "
                "connect once, or put the file into torch's hub/checkpoints folder, or pass checkpoint=FILE"
            ) from error

    def _checkpoints(self, text: str) -> dict[float, Path]:
        """The file of each quality; one of a variable-rate model serves them all."""
        found = checkpoints_of(text)
        if not is_variable_rate(self._model):
            return found
        if len(found) > 1:
            raise ConfigError(
                f"compressai: {self._model} codes at all rates with one checkpoint, not {text!r}"
            )
        return {float(quality): file for quality in range(1, GAINS + 1) for file in found.values()}

    def _hashes(self) -> dict[float, str]:
        """What names the weights of each quality: the file's hash; of the zoo's its name, which has one."""
        if self._files:
            digests = {file: sha256_of(file) for file in {*self._files.values()}}
            return {quality: digests[file] for quality, file in self._files.items()}
        published = published_files(self._model, self._metric)
        if self._untrained:
            qualities = published or [1]
            return {float(it): _sha256(f"untrained {self._model} {self._metric} {it}") for it in qualities}
        if not published:
            raise CodecUnavailable(
                f"compressai: there are no trained weights of {self._model} for {self._metric}: pass"
                " checkpoint=FILE, with {quality} in its name where there is one for each quality"
            )
        return {float(quality): _sha256(file) for quality, file in published.items()}

    def _quality(self, header: Header) -> float:
        """The quality of a bitstream, by the name of its weights."""
        for quality, digest in self.weights_sha256.items():
            own = bytes.fromhex(digest[:8]), self._gain(quality) or 0
            if own == (header.identity, header.gain):
                return quality
        raise BadBitstream(f"compressai: the bitstream was not made with these weights of {self._model}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""CompressAI's model zoo, with a bitstream that contains everything a decoder needs.

Bitstream, little-endian: ``CAI`` and a format version (4 bytes), the first 4 bytes of the SHA-256 of the
weights, quality (1), width and height (2 + 2), the length of each of the model's strings (4), CRC-32 of the
symbols (4), CRC-32 of everything before and of the strings (4), the strings.

The networks of these models compute means and scales in floating point, and the last digits differ between
devices, libraries and numbers of threads. If a scale then falls into another table, the bitstream cannot be
decoded on that machine. The CRC-32 of the symbols detects this, and the bitstream is refused.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, Literal
from urllib.error import URLError

import numpy as np

from bench.codec import Image
from bench.errors import BadBitstream, CodecUnavailable, Unsupported
from bench.explanation import Explanation
from bench.files.access import MAX_WEIGHTS, read_regular
from bench_codecs._common.torch_device import torch_device, use_threads
from bench_codecs._compressai.symbols import symbols_checksum

if TYPE_CHECKING:
    import torch

_MAGIC = b"CAI\x02"
_HEAD = struct.Struct("<4s4sBHH")
_WORD = struct.Struct("<I")
_MAX_PIXELS = 1 << 27
_PATCH = 64
_INSTALL = 'pip install "rdbench[zoo]", on Python 3.11 or 3.12: there are no wheels for later ones'
_WORST_EXPANSION = 1 << 22
"""Most pixels per byte that a header may claim; real streams of these models are far below."""


def header_bytes(strings: int) -> int:
    """Size in bytes of the container around this number of entropy-coded strings."""
    return _HEAD.size + (strings + 2) * _WORD.size


_HUB = os.environ.get("TORCH_HOME") or str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch"))
"""Where torch keeps what it downloads, which is then found there."""


class CompressAi:
    """A model of CompressAI's zoo (Bégaint et al., "CompressAI", arXiv 2011.03029).

    Quality is the zoo's, a whole number from 1 on.

    Parameters
    ----------
    model : architecture
    metric : what the model was trained for
    weights : checkpoint to use instead of the zoo's, which are downloaded when a quality is first used. With
        ``{quality}`` in its name there is a file for each quality; otherwise quality 1 is the only one
    device : where the networks run. A bitstream may not be decodable on another device, and is then refused
    threads : of the networks on the CPU, in the whole process; 0 leaves torch's own number, 1 in a run. A
        bitstream may not be decodable with another one, and is then refused
    untrained : use seeded random weights, for tests of the mechanics
    """

    name = "compressai"
    trusted_options = ("weights",)
    needs = ("network", _HUB)
    added_options = ("threads",)
    lossless = False
    qualities: tuple[float, ...]
    quality_range: tuple[float, float] | None

    def __init__(
        self,
        *,
        model: Literal[
            "bmshj2018-factorized",
            "bmshj2018-hyperprior",
            "mbt2018-mean",
            "mbt2018",
            "cheng2020-anchor",
            "cheng2020-attn",
        ] = "bmshj2018-hyperprior",
        metric: Literal["mse", "ms-ssim"] = "mse",
        weights: str = "",
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
        self._weights = weights
        self._untrained = untrained
        self._networks: dict[int, tuple[Any, bytes]] = {}
        offered: Sequence[int] = range(1, 7 if model.startswith("cheng") else 9)
        if weights:
            offered = [q for q in (offered if "{quality}" in weights else [1]) if self._file(q).is_file()]
            if not offered:
                raise CodecUnavailable(
                    f"compressai: no weights at {weights}: pass weights=FILE, with {{quality}} in its name "
                    "where there is one per quality"
                )
        self.qualities = tuple(map(float, offered))
        self.quality_range = (self.qualities[0], self.qualities[-1])
        self.version = f"2+compressai {compressai.__version__}, torch {torch.__version__}"
        self.weights_sha256 = self._identity()

    def encode(self, image: Image, quality: float | None) -> bytes:
        """Compress at one of :attr:`qualities`.

        Raises
        ------
        bench.errors.Unsupported
            The quality is not one of the zoo's, or the image is too large for the container.
        """
        import torch
        import torch.nn.functional as F
        from compressai.ops import compute_padding

        if quality not in self.qualities:
            raise Unsupported(f"compressai: quality {quality} is not one of {self.qualities}")
        height, width = image.shape[:2]
        if max(height, width) > 0xFFFF - _PATCH or height * width > _MAX_PIXELS:
            raise Unsupported(f"compressai: {width}×{height} pixels are too many for the container")
        network, identity = self._network(int(quality))
        pixels = np.ascontiguousarray(image.transpose(2, 0, 1))
        x = torch.from_numpy(pixels)[None].to(self._device).float() / 255
        padding, _ = compute_padding(height, width, min_div=_PATCH)
        with torch.no_grad(), symbols_checksum(network, decoding=False) as checksum:
            out = network.compress(F.pad(x, padding))
        strings = [bytes(part[0]) for part in out["strings"]]
        head = _HEAD.pack(_MAGIC, identity, int(quality), width, height)
        head += b"".join(_WORD.pack(it) for it in (*map(len, strings), checksum()))
        payload = b"".join(strings)
        return head + _WORD.pack(zlib.crc32(payload, zlib.crc32(head))) + payload

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

        (quality, width, height), strings, symbols, identity = self._parse(bitstream)
        if quality not in self.qualities:
            raise BadBitstream(f"compressai: no quality {quality} in {self._model}")
        network, own = self._network(quality)
        if identity != own:
            raise BadBitstream(f"compressai: the bitstream was not made with these weights of {self._model}")
        _, crop = compute_padding(height, width, min_div=_PATCH)
        shape = tuple(-(-side // _PATCH) * _PATCH // network.downsampling_factor for side in (height, width))
        with torch.no_grad(), symbols_checksum(network, decoding=True) as checksum:
            x = network.decompress([[part] for part in strings], shape)["x_hat"]
        if checksum() != symbols:
            raise BadBitstream(
                "compressai: the symbols do not match their checksum: the bitstream was made on a device or "
                "with libraries that compute other entropy parameters; decode where it was encoded"
            )
        x = F.pad(x, crop)[0].clamp(0, 1).mul(255).round().to(torch.uint8)
        image: Image = np.ascontiguousarray(x.permute(1, 2, 0).cpu().numpy())
        return image

    def complexity(self) -> dict[str, float]:
        """Parameters, bytes of weights in single precision, and kMAC per pixel, at the middle quality."""
        from bench_codecs._compressai.macs import kmac_per_pixel

        quality = int(self.qualities[len(self.qualities) // 2])
        # The size of a network depends on the quality alone, so that the zoo's weights need not be
        # downloaded.
        network = self._load(quality) if self._weights else self._random(quality)
        network.eval().to(self._device)
        parameters = sum(p.numel() for p in network.parameters())
        encoder, decoder = kmac_per_pixel(network)
        return {
            "parameters": float(parameters),
            "weight_bytes": 4.0 * parameters,
            "encoder_kmac_per_pixel": encoder,
            "decoder_kmac_per_pixel": decoder,
        }

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """The likelihoods of every latent in a forward pass, and what single latents draw."""
        from bench_codecs._compressai.bits import explain

        (level, _, _), strings, _, _ = self._parse(bitstream)
        network, _ = self._network(level)
        return explain(network, image, strings, len(bitstream))

    def _network(self, quality: int) -> tuple[Any, bytes]:
        if quality not in self._networks:
            network = self._load(quality)
            network.eval().update(force=True)
            network.to(self._device)
            state = network.state_dict()
            digest = hashlib.sha256()
            for name in sorted(state):
                digest.update(name.encode())
                digest.update(_raw(state[name]))
            self._networks[quality] = network, digest.digest()[:4]
        return self._networks[quality]

    def _load(self, quality: int) -> Any:
        import torch
        from compressai.zoo import image_models, load_state_dict
        from compressai.zoo.image import model_architectures

        if self._untrained:
            return self._random(quality)
        if self._weights:
            path = self._file(quality)
            try:
                # from memory, where a forged length reads no more than there is
                held = io.BytesIO(read_regular(path, MAX_WEIGHTS, links=True))
                checkpoint = torch.load(held, map_location="cpu", weights_only=True)
                if isinstance(checkpoint, dict):
                    for key in ("network", "state_dict", "model_state_dict"):
                        checkpoint = checkpoint.get(key, checkpoint)
                if not isinstance(checkpoint, dict):
                    raise TypeError(f"it holds a {type(checkpoint).__name__}, not a state_dict")
                return model_architectures[self._model].from_state_dict(load_state_dict(checkpoint))
            except MemoryError:
                raise
            except Exception as error:  # torch raises anything for damaged files
                # torch's own message advises loading such a file unsafely.
                cause = "not a checkpoint" if isinstance(error, UnpicklingError) else error
                raise CodecUnavailable(
                    f"compressai: {path} holds no weights of {self._model} ({cause}): "
                    f"save them with torch.save(model.state_dict(), {path.name!r})"
                ) from error
        try:
            return image_models[self._model](quality, self._metric, pretrained=True, progress=False)
        except (UnpicklingError, EOFError) as error:
            folder = Path(torch.hub.get_dir()) / "checkpoints"
            raise CodecUnavailable(
                f"compressai: the weights of {self._model} quality {quality} in {folder} are damaged: remove"
                f" {self._model}-{quality}-*.pth.tar there and load them again"
            ) from error
        except (URLError, OSError, RuntimeError) as error:
            raise CodecUnavailable(
                f"compressai: no weights of {self._model} quality {quality} and no download ({error}): "
                "connect once, or put the file into torch's hub/checkpoints folder, or pass weights=FILE"
            ) from error

    def _random(self, quality: int) -> Any:
        """A network with the architecture of a quality and seeded random weights."""
        import torch
        from compressai.zoo import image_models

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(quality)
            return image_models[self._model](quality, self._metric, pretrained=False)

    def _file(self, quality: int) -> Path:
        return Path(self._weights.replace("{quality}", str(quality)))

    def _identity(self) -> str:
        """SHA-256 of all weights files, or of the names of the zoo's files, which contain their hashes."""
        if self._untrained:
            return hashlib.sha256(f"untrained {self._model} {self._metric}".encode()).hexdigest()
        if self._weights:
            digests = [hashlib.sha256(self._file(int(q)).read_bytes()).hexdigest() for q in self.qualities]
            return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
        from compressai.zoo.image import model_urls

        urls = model_urls[self._model][self._metric]
        names = [urls[int(q)].rsplit("/", 1)[1] for q in self.qualities]
        return hashlib.sha256(" ".join(names).encode()).hexdigest()

    def _parse(self, bitstream: bytes) -> tuple[tuple[int, int, int], list[bytes], int, bytes]:
        """(quality, width, height), the strings, the CRC-32 of their symbols, start of the weights' hash."""
        count = 1 if self._model == "bmshj2018-factorized" else 2
        start = header_bytes(count)
        if len(bitstream) < start or bitstream[:4] != _MAGIC:
            raise BadBitstream("compressai: not a bitstream of this codec and model")
        _, identity, quality, width, height = _HEAD.unpack_from(bitstream)
        *lengths, symbols, checksum = struct.unpack_from(f"<{count + 2}I", bitstream, _HEAD.size)
        payload = bitstream[start:]
        own = zlib.crc32(payload, zlib.crc32(bitstream[: start - _WORD.size]))
        if sum(lengths) != len(payload) or checksum != own:
            raise BadBitstream("compressai: the bitstream is truncated, damaged, or of another model")
        if min(width, height) < 1 or width * height > min(_MAX_PIXELS, _WORST_EXPANSION * len(bitstream)):
            raise BadBitstream("compressai: the header holds an impossible size")
        strings = []
        for length in lengths:
            strings.append(payload[:length])
            payload = payload[length:]
        return (quality, width, height), strings, symbols, identity


def _raw(value: torch.Tensor) -> bytes:
    return bytes(value.detach().cpu().contiguous().numpy().tobytes())

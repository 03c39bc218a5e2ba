"""Reading checkpoints as training scripts write them, without running any code that is in them.

That is what ``weights_only`` of PyTorch promises, and keeps from 2.6 on (CVE-2025-32434); earlier ones read
safetensors alone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from bench.errors import CodecUnavailable, suggestion
from bench.files.access import MAX_WEIGHTS, read_regular

if TYPE_CHECKING:
    from torch import Tensor

_ENCODER = "g_a"
"""The analysis transform, which every model of CompressAI has under this name."""
_WRAPPERS = ("module", "_orig_mod")
"""What DataParallel, moving averages of PyTorch's and torch.compile put before each name."""
_SAFE = "2.6"
"""The first PyTorch that runs no code of a checkpoint."""
_DEEPEST = 4
_LONGEST = 400
"""Characters of a reason."""


def read_state(path: Path, chosen: str) -> dict[str, Tensor]:
    """The tensors of a network by the names that the network has for them.

    Optimisers, epochs and the like may lie beside it, and its names may begin with ``module.`` or another
    word. Of several networks, as where a moving average is kept, one has to be chosen.

    Parameters
    ----------
    path : what ``torch.save`` wrote, or a file of safetensors
    chosen : which network, as the error for several names them; empty for the only one

    Raises
    ------
    CodecUnavailable
        The file holds anything that is no plain data, no network, or several of which none is chosen; or this
        PyTorch could not read it safely.
    """
    networks = dict(_networks(_content(path)))
    if not networks:
        raise refusal(path, f"no tensor in it belongs to {_ENCODER}, the encoder")
    if not chosen and len(networks) > 1:
        choices = " or ".join(f"state={it}" for it in sorted(networks))
        raise CodecUnavailable(f"compressai: {path} holds several networks: choose one with {choices}")
    if chosen and chosen not in networks:
        raise CodecUnavailable(
            f"compressai: {path} holds no network {chosen!r}{suggestion(chosen, networks)}"
        )
    return networks[chosen] if chosen else next(iter(networks.values()))


def refusal(path: Path, reason: object) -> CodecUnavailable:
    """The error about a file that is of no use, with the remedy."""
    text = " ".join(str(reason).split())
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return CodecUnavailable(
        f"compressai: {path} holds no weights of this model ({text}): save them with"
        f" torch.save(model.state_dict(), {path.name!r})"
    )


def _content(path: Path) -> Any:
    import torch

    if path.suffix != ".safetensors" and torch.__version__ < _SAFE:  # compared as versions
        raise CodecUnavailable(
            f"compressai: {path} is not read by torch {torch.__version__}, which would run code that is in it"
            f' (CVE-2025-32434): pip install "torch>={_SAFE}", or save the weights as .safetensors'
        )
    try:
        data = read_regular(path, MAX_WEIGHTS, links=True)
        if path.suffix == ".safetensors":
            from safetensors.torch import load

            return load(data)
        # from memory, where a forged length reads no more than there is
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except UnpicklingError as error:
        # torch's own message advises loading such a file unsafely
        found = re.search(r"(?:GLOBAL|class) ([\w.]+\.\w+)", str(error))
        why = f"an object of {found[1]} is in it, which could run code" if found else "not a checkpoint"
        raise refusal(path, why) from error
    except Exception as error:  # torch raises anything for damaged files
        raise refusal(path, error) from error


def _networks(content: Any, name: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Each network in nested dictionaries: the words that lead to it, joined by dots, and its tensors."""
    import torch

    if not isinstance(content, Mapping) or len(name) > _DEEPEST:
        return
    named = {key: it for key, it in content.items() if isinstance(key, str)}
    tensors = {key: it for key, it in named.items() if isinstance(it, torch.Tensor)}
    prefixes = {it for it in map(_before_encoder, tensors) if it is not None}
    for prefix in sorted(prefixes):
        others = tuple(it for it in prefixes if it != prefix and it.startswith(prefix))
        mine = (key for key in tensors if key.startswith(prefix) and not key.startswith(others))
        words = [it for it in (*name, *prefix.split(".")) if it and it not in _WRAPPERS]
        yield ".".join(words) or "root", {key.removeprefix(prefix): tensors[key] for key in mine}
    for key, value in named.items():
        yield from _networks(value, (*name, key))


def _before_encoder(key: str) -> str | None:
    """What stands before the encoder's part of a tensor's name."""
    match = re.match(rf"((?:\w+\.)*?){_ENCODER}\.", key)
    return None if match is None else match[1]

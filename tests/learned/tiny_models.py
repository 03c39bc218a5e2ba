"""Small networks of CompressAI's architectures, whose latents do not all round to zero."""

from __future__ import annotations

from typing import Any

from tests.learned.conftest import natural

WIDTH, LATENTS = 8, 12
GROUPS = 2, 4, 6


def tiny_network(model: str, seed: int = 3) -> Any:
    """A seeded network of few channels; random weights of the published size take seconds."""
    import torch
    from compressai.registry import MODELS

    sizes: dict[str, tuple[Any, ...]] = {
        **dict.fromkeys(("cheng2020-anchor", "cheng2020-attn", "cheng2020-anchor-checkerboard"), (WIDTH,)),
        **dict.fromkeys(("elic2022-official", "elic2022-chandelier"), (WIDTH, sum(GROUPS), GROUPS)),
        **dict.fromkeys(("bmshj2018-hyperprior-vbr", "mbt2018-mean-vbr"), (WIDTH, LATENTS, True)),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MODELS[model](*sizes.get(model, (WIDTH, LATENTS)))
    last = [it for it in network.g_a.modules() if isinstance(it, torch.nn.Conv2d)][-1]
    with torch.no_grad():
        picture = torch.from_numpy(natural(128, 128)).permute(2, 0, 1)[None] / 255
        last.weight /= network.g_a(picture).std()
        for part in network.modules():
            if hasattr(part, "lower_bound_scale"):
                part.lower_bound_scale.bound.fill_(1.0)  # about what these latents are spread over
    return network.eval()

"""Starting from weights that exist: a model takes over a smaller one, and computes the same at first."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bench.errors import ConfigError

if TYPE_CHECKING:
    from bench_codecs.vae.context import ContextModel
    from bench_codecs.vae.model import VaeModel

_GROWING = frozenset(
    ("levels", "hidden", "wide", "analysis", "latent", "pixel", "shared", "blocks", "analysis_blocks")
) | {"latent_blocks"}
"""Fields of the architecture that may grow. New channels of the others would enter the bitstream."""
_BY_LEVEL = ("level_bias", "level_gain", "level_shift", "logits", "mean", "log_scale")
"""Parameters with a row for each level."""


@torch.no_grad()
def grow(model: VaeModel, start: VaeModel) -> None:
    """Set the parameters of ``model`` such that it computes what ``start`` does, at the levels that this has.

    Old channels come first and see nothing of the new ones, whose own weights stay as they were drawn: both
    they and the layers behind them have a gradient (after Chen, Goodfellow and Shlens, "Net2Net", ICLR 2016,
    with zeros in place of copies). New residual blocks add zero. New levels start with the highest old one's
    parameters.

    Raises
    ------
    bench.errors.ConfigError
        ``start`` is of an architecture from which ``model`` cannot have grown.
    """
    _require_growth(asdict(start.spec), asdict(model.spec))
    old = start.state_dict()
    for name, value in model.state_dict().items():
        if name in old:
            _take_over(value, old[name], by_level=name.rpartition(".")[2] in _BY_LEVEL)
    branch, analysis = model.synthesis_branch, model.analysis_branch
    for blocks in (branch.blocks, branch.latent_blocks, analysis.blocks):
        _silence(blocks, old, model)
    for ours, theirs in ((model.coarse, start.coarse), (model.fine, start.fine)):
        _extend_statistics(ours.context, theirs.context)


def _require_growth(old: dict[str, Any], new: dict[str, Any], path: str = "") -> None:
    for name, value in new.items():
        before, place = old[name], f"{path}{name}"
        if isinstance(value, dict):
            _require_growth(before, value, f"{place}.")
        elif before != value and not (name in _GROWING and before < value):
            raise ConfigError(f"--weights: of a model with {place} {before}, from which {value} cannot grow")


def _take_over(value: Tensor, old: Tensor, *, by_level: bool) -> None:
    if by_level:
        rows = len(old)
        value[:rows, : old.shape[1]] = old
        value[rows:, : old.shape[1]] = old[-1]
        return
    if value.dim() == 4:
        value[: old.shape[0]] = 0
    if old.dim():
        value[tuple(slice(side) for side in old.shape)] = old


def _silence(blocks: nn.ModuleList, old: dict[str, Tensor], model: VaeModel) -> None:
    names = {id(module): name for name, module in model.named_modules()}
    for block in blocks:
        assert isinstance(block, nn.ModuleList)
        if f"{names[id(block)]}.1.weight" not in old:
            for parameter in block[1].parameters():
                parameter.zero_()


def _extend_statistics(context: ContextModel, old: ContextModel) -> None:
    """The tables that follow from the quantisation step, at levels that ``old`` has not."""
    std, residual = old.statistics()
    known = [table.clone() for table in old.level_tables()]
    context.set_statistics(std, residual)
    for table, values in zip(context.level_tables(), known, strict=True):
        table.narrow(-2, 0, values.shape[-2]).copy_(values)

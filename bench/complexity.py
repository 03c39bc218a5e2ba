"""Counting the multiply–accumulates of networks in PyTorch, for what a codec says of its cost.

Definition. One multiply–accumulate (MAC) is a multiplication whose result is added to a sum: half of the two
floating-point operations that ``torch.utils.flop_counter`` counts for it. Counted is every operator that
sums products, as it runs and with the shapes that it runs on:

- a convolution: positions of the output × weights, so that grouped and depth-wise ones count what they use;
- a transposed convolution: positions of the input × weights;
- a product of matrices or vectors, batched or not (m·k·n): ``Linear``, ``matmul`` and ``einsum``, while a
  divisive normalisation (GDN) runs as a 1×1 convolution;
- attention: for every query and key the products of both (length of a key) and with the value (its length).
  A causal mask saves nothing;
- fused recurrent layers and deformable convolutions: positions × weights.

Padding counts, as it is computed; additions, activations, normalisations, scalings of single elements,
resampling and Fourier transforms do not. Masked weights count as all others. An operator that runs twice
counts twice, whether or not it had to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.codec import Codec, Image

if TYPE_CHECKING:
    import torch

    Arguments: TypeAlias = tuple[Any, ...]
    Formula: TypeAlias = Callable[[Arguments, Any], int]
    """MACs of an operator from its positional arguments and its result."""


def count_macs(run: Callable[[], object]) -> int:
    """Multiply–accumulates of everything that PyTorch computes in a call; see above for what counts.

    Parameters
    ----------
    run : called once, without gradients. With tensors on the device ``meta`` nothing is computed, so that a
        network of any size is counted at once: ``count_macs(lambda: network(torch.empty(1, 3, 512, 768,
        device="meta")))``. What it does outside of PyTorch, or in threads of its own, is not seen
    """
    import torch

    with torch.no_grad(), _counter() as counter:
        run()
    total: int = counter.total
    return total


def kmac_per_pixel(codec: Codec, image: Image, quality: float | None) -> dict[str, float]:
    """Thousands of multiply–accumulates per pixel of a codec's encoder and of its decoder.

    They are those of one call each, on this very picture: what is padded counts, and is divided by the pixels
    that the picture has. It is what :meth:`bench.codec.Codec.complexity` returns of a network::

        def complexity(self):
            parameters = sum(it.numel() for it in self.network.parameters())
            return {"parameters": parameters} | kmac_per_pixel(self, np.zeros((512, 768, 3), np.uint8), 1.0)

    Parameters
    ----------
    codec : its networks run in PyTorch, in the thread that calls
    image : uint8, shape (height, width, 3). Convolutions take the same per pixel at any size that needs no
        padding, attention over a whole picture does not
    quality : the operating point; None for a codec without one

    Returns
    -------
    ``encoder_kmac_per_pixel`` and ``decoder_kmac_per_pixel``.
    """
    streams: list[bytes] = []
    pixels = image.shape[0] * image.shape[1]
    encoder = count_macs(lambda: streams.append(codec.encode(image, quality)))
    decoder = count_macs(lambda: codec.decode(streams[0]))
    return {
        "encoder_kmac_per_pixel": encoder / pixels / 1e3,
        "decoder_kmac_per_pixel": decoder / pixels / 1e3,
    }


def _counter() -> Any:
    """A context in which every operator is seen; its ``total`` is the sum."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
        total = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Arguments = (), kwargs: Mapping[str, Any] | None = None
        ) -> Any:
            kwargs = kwargs or {}
            formula = _FORMULAS.get(str(func.overloadpacket).removesuffix("_"))  # of those in place
            if formula is None:
                # Under inference_mode operators arrive that are made of others.
                with self:
                    result = func.decompose(*args, **kwargs)
                if result is not NotImplemented:
                    return result
            result = func(*args, **kwargs)
            if formula is not None:
                self.total += formula(args, result)
            return result

    return Counter()  # type: ignore[no-untyped-call]


def _convolution(args: Arguments, result: torch.Tensor) -> int:
    """(input, weight, bias, stride, padding, dilation, transposed, …); a weight is used at each position."""
    x, weight, transposed = args[0], args[1], bool(args[6])
    return int(_positions(x if transposed else result) * weight.numel())


def _positions(of: torch.Tensor) -> int:
    """Of (batch, channels, …)."""
    return of.shape[0] * prod(of.shape[2:])


def _of_plain_convolution(args: Arguments, result: torch.Tensor) -> int:
    """(input, weight, …), never transposed."""
    return int(_positions(result) * args[1].numel())


def _product(first: int) -> Formula:
    """(…, m, k) times what makes it the result: every number of the result is a sum over k.

    Parameters
    ----------
    first : place of the left factor among the arguments
    """

    def formula(args: Arguments, result: torch.Tensor) -> int:
        return int(result.numel() * args[first].shape[-1])

    return formula


def _batches_summed(args: Arguments, result: torch.Tensor) -> int:
    """``addbmm``: the products of all batches are added up."""
    return int(result.numel() * args[1].shape[0] * args[1].shape[2])


def _attention(args: Arguments, result: object) -> int:
    """(query, key, value, …) of shapes (batch, heads, length, size)."""
    query, key, value = args[:3]
    return int(prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1]))


def _attention_layer(weights: slice) -> Formula:
    """(tokens, …, weights, …): all of self-attention, and what follows, in one operator.

    That is how transformers' layers run in evaluation. Tokens have the shape (batch, length, size).
    """

    def formula(args: Arguments, result: object) -> int:
        batch, length, size = args[0].shape
        linear = sum(it.numel() for it in args[weights] if hasattr(it, "dim") and it.dim() == 2)
        return int(batch * length * (linear + 2 * length * size))

    return formula


def _recurrent(weights: slice) -> Formula:
    """(input of (length, batch, size), …, weights, …): each matrix is used at each step."""

    def formula(args: Arguments, result: object) -> int:
        flat = [it for part in args[weights] for it in (part if isinstance(part, list | tuple) else [part])]
        return int(prod(args[0].shape[:2]) * sum(it.numel() for it in flat if it.dim() == 2))

    return formula


_FORMULAS: dict[str, Formula] = {
    **dict.fromkeys(("aten.convolution", "aten._convolution", "aten.convolution_overrideable"), _convolution),
    **dict.fromkeys(("aten._slow_conv2d_forward", "torchvision.deform_conv2d"), _of_plain_convolution),
    **dict.fromkeys(("aten.mm", "aten.bmm", "aten.mv", "aten._int_mm", "aten._scaled_mm"), _product(0)),
    **dict.fromkeys(("aten.dot", "aten.vdot"), _product(0)),
    **dict.fromkeys(
        ("aten.addmm", "aten.baddbmm", "aten.addmv", "aten._addmm_activation"),
        _product(1),
    ),
    "aten.addbmm": _batches_summed,
    **{
        f"aten._scaled_dot_product_{kind}": _attention
        for kind in (
            *("efficient_attention", "flash_attention", "flash_attention_for_cpu", "cudnn_attention"),
            *("fused_attention_overrideable", "attention_math_for_mps"),
        )
    },
    "aten._native_multi_head_attention": _attention_layer(slice(5, 9)),
    "aten._transformer_encoder_layer_fwd": _attention_layer(slice(3, 18)),
    "aten.mkldnn_rnn_layer": _recurrent(slice(1, 3)),
    "aten._cudnn_rnn": _recurrent(slice(1, 2)),
}
"""By operator. Products of other kinds are made of these, and so are layers."""

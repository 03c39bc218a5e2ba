"""Reversible transforms shared by the lossless codecs of this package.

An image becomes three planes of prediction residuals, all arithmetic modulo 256 on ``uint8``:
a colour transform first, then a spatial predictor on each plane. A sample's neighbours are
``a`` (left), ``b`` (above) and ``c`` (above left); outside the image they are 0.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bench.codec import Codec, Image
from bench.errors import CodecUnavailable

Color = Literal["none", "subtract_green"]
Predictor = Literal["none", "left", "paeth", "med"]

COLORS: tuple[str, ...] = get_args(Color)
PREDICTORS: tuple[str, ...] = get_args(Predictor)


def forward(image: Image, color: int, predictor: int) -> NDArray[np.uint8]:
    """Residual planes of an image.

    Parameters
    ----------
    image : uint8, shape (height, width, 3)
    color : index into ``COLORS``; ``subtract_green`` sends (R, G, B) to (R − G, G, B − G)
    predictor : index into ``PREDICTORS``; ``left`` predicts by a (by b in the first column),
        ``paeth`` is the filter of PNG (ISO/IEC 15948, 9.4), ``med`` the median edge detector of
        LOCO-I (Weinberger, Seroussi, Sapiro 2000; ITU-T T.87)

    Returns
    -------
    uint8, shape (3, height, width)
    """
    from bench_codecs._lossless import transform_kernels

    residual: NDArray[np.uint8] = transform_kernels.forward(_frozen(image), color, predictor)
    return residual


def inverse(residual: NDArray[np.uint8], color: int, predictor: int) -> Image:
    """The image, shape (height, width, 3), whose :func:`forward` is ``residual``, (3, height, width)."""
    from bench_codecs._lossless import transform_kernels

    image: Image = transform_kernels.inverse(_frozen(residual), color, predictor)
    return image


def _frozen(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # numba compiles anew for every mix of layout and writability; this is the one that all arrays have
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def pack_options(color: int, predictor: int) -> int:
    """Both indices in the low three bits of an options byte."""
    return predictor | color << 2


def unpack_options(options: int) -> tuple[int, int]:
    """The indices ``(color, predictor)`` of :func:`pack_options`; other bits are not looked at."""
    return options >> 2 & 1, options & 3


def load_kernels(codec: str) -> str:
    """Import what the transforms run on, and name its version.

    Raises
    ------
    CodecUnavailable
        numba is not installed.
    """
    try:
        import numba
    except ImportError as error:
        raise CodecUnavailable(f"{codec} needs numba ({error}): pip install 'numba>=0.60'") from error
    return f"numba {numba.__version__}"


def warm_up(codec: Codec) -> None:
    """Compile the kernels, or load them from the cache, before somebody starts a clock."""
    codec.decode(codec.encode(np.zeros((2, 2, 3), np.uint8), None))

"""The reversible transforms of the lossless codecs that are defined in this package.

An image becomes three planes of prediction residuals, by a colour transform and then a spatial predictor on
each plane. All arithmetic is modulo 256 on uint8. The neighbours of a sample are ``a`` (left), ``b`` (above)
and ``c`` (above left); outside the image they are 0.
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
    # numba compiles again for each combination of layout and writability, so all arrays are given the same
    # one.
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def pack_options(color: int, predictor: int) -> int:
    """Both indices in the low three bits of an options byte."""
    return predictor | color << 2


def unpack_options(options: int) -> tuple[int, int]:
    """The indices ``(color, predictor)`` of :func:`pack_options`; all other bits are ignored."""
    return options >> 2 & 1, options & 3


def load_kernels(codec: str) -> str:
    """Import the library that compiles the transforms, and return its name and version.

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
    """Compile the kernels, or load them from the cache, before times are taken."""
    codec.decode(codec.encode(np.zeros((2, 2, 3), np.uint8), None))

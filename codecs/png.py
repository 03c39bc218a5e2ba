"""PNG (ISO/IEC 15948) by libpng."""

from __future__ import annotations

from typing import Literal, get_args

from bench.codec import Image
from bench.explanation import Explanation
from bench_codecs._common.claims import check_claim
from bench_codecs._common.library import as_image, damage, load_imagecodecs
from bench_codecs._common.options import check_choice, check_integer, check_side
from bench_codecs._common.sizes import png_size

Filter = Literal["adaptive", "none", "sub", "up", "average", "paeth"]

_LIBPNG_NAMES = {"adaptive": "ALL", "average": "AVG"}


class Png:
    """Lossless PNG, 8-bit RGB, not interlaced.

    Parameters
    ----------
    level : zlib level, 0 (stored) to 9
    filter : scanline filter; ``adaptive`` chooses one for each line by libpng's heuristic
    """

    name = "png"
    lossless = True
    qualities: tuple[float, ...] = ()
    quality_range: tuple[float, float] | None = None

    def __init__(self, *, level: int = 6, filter: Filter = "adaptive") -> None:
        check_integer(self.name, "level", level, 0, 9)
        check_choice(self.name, "filter", filter, get_args(Filter))
        self._imagecodecs, library = load_imagecodecs(self.name, "png")
        self._level = level
        self._filter = getattr(self._imagecodecs.PNG.FILTER, _LIBPNG_NAMES.get(filter, filter.upper()))
        self.version = f"1+{library}"

    def encode(self, image: Image, quality: float | None = None) -> bytes:
        """Compress to a PNG file; ``quality`` is ignored."""
        check_side(self.name, image.shape, 1_000_000)
        return bytes(
            self._imagecodecs.png_encode(
                image,
                level=self._level,
                strategy=self._imagecodecs.PNG.STRATEGY.DEFAULT,
                filter=self._filter,
                # imagecodecs' own estimate forgets the filter byte of each row.
                out=image.nbytes + image.nbytes // 8 + 2 * image.shape[0] + 4096,
            )
        )

    def decode(self, bitstream: bytes) -> Image:
        """Reconstruct the image."""
        # DEFLATE expands a byte to at most 1032, and a pixel takes 3 of them.
        check_claim(self.name, png_size(bitstream), len(bitstream), 344)
        with damage(self.name):
            return as_image(self.name, self._imagecodecs.png_decode(bitstream))

    def explain(self, image: Image, quality: float | None, bitstream: bytes) -> Explanation:
        """The DEFLATE codes of every sample."""
        from bench_codecs._lossless.bits import explain_png

        return explain_png(image, bitstream)

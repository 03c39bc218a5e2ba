"""Any pair of functions as a codec: ``rdbench run --codec examples/my_pair.py:MyPair``."""

import struct
import zlib

import numpy as np


def encode(image, step):  # put your own two functions here
    height, width = image.shape[:2]
    return struct.pack("<HHB", height, width, step) + zlib.compress((image // step).tobytes(), 9)


def decode(bitstream):
    height, width, step = struct.unpack_from("<HHB", bitstream)
    kept = np.frombuffer(zlib.decompress(bitstream[5:]), np.uint8).reshape(height, width, 3)
    return np.minimum(kept.astype(int) * step + step // 2, 255).astype(np.uint8)


class MyPair:
    name, version, lossless = "my-pair", "1", False
    qualities, quality_range = (1.0, 2.0, 3.0, 4.0), (1.0, 6.0)

    def encode(self, image, quality):
        if not 1 <= quality <= 6:
            raise ValueError(f"quality {quality} is outside 1 to 6")
        return encode(image, 2 ** (7 - round(quality)))

    def decode(self, bitstream):
        return decode(bitstream)

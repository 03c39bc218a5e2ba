"""Odd image files, made by script: one for each thing that readers get wrong, after PngSuite and others."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from tests.conftest import photo

HEIGHT, WIDTH = 24, 40
RGB = photo(HEIGHT, WIDTH)
GREY = RGB[..., 1].copy()
PICTURE = Image.fromarray(RGB)
ALPHA = np.full((HEIGHT, WIDTH), 255, np.uint8)
RATIONAL_NONSENSE = b"II*\0" + struct.pack(
    "<IHHHIIHHIIHHIII", 8, 3, 0x10F, 2, 4, 0xFFFFFF, *(0x112, 3, 1, 6, 0x829A, 10, 1, 999), 0
)
"""An EXIF block with orientation 6, an offset beyond its end and a rational that is nowhere."""


def encoded(form: str, image: Image.Image = PICTURE, **options: Any) -> bytes:
    """An image file by Pillow."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes, *, wrong: bool = False) -> bytes:
    """One chunk of a PNG; ``wrong`` spoils its checksum."""
    checksum = zlib.crc32(kind + body) ^ wrong
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(
    samples: np.ndarray[Any, Any] = RGB,
    *before: tuple[bytes, bytes],
    bits: int = 8,
    colour: int = 2,
    wrong: bool = False,
    after: Iterable[tuple[bytes, bytes]] = (),
) -> bytes:
    """A PNG of ``samples`` as they are to lie in each row's bytes, with further chunks around its IDAT."""
    rows = samples.reshape(HEIGHT, -1)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *(chunk(*it) for it in before), chunk(b"IDAT", body, wrong=wrong)]
    return b"\x89PNG\r\n\x1a\n" + b"".join((*chunks, *(chunk(*it) for it in after), chunk(b"IEND", b"")))


def packed(levels: np.ndarray[Any, Any], bits: int) -> np.ndarray[Any, Any]:
    """Levels of ``bits`` bits, several to a byte."""
    digits = np.unpackbits(levels[..., None].astype(np.uint8), axis=2)[..., 8 - bits :]
    return np.packbits(digits.reshape(HEIGHT, -1), axis=1)


def tiff(
    *directories: dict[int, tuple[int, ...]], samples: np.ndarray[Any, Any] = RGB, big: bool = False
) -> bytes:
    """A TIFF of one strip a page, each page with the same samples; tags of value lists are SHORTs."""
    strip = samples.tobytes()
    out = bytearray(b"II+\0\x08\0\0\0" + bytes(8) if big else b"II*\0" + bytes(4))
    link = 8 if big else 4
    word, size = ("Q", 8) if big else ("I", 4)
    for tags in directories:
        channels = 1 if samples.ndim == 2 else samples.shape[2]
        full = {
            256: (WIDTH,),
            257: (HEIGHT,),
            258: (8,) * channels,
            259: (1,),
            262: (2 if channels > 2 else 1,),
        }
        full |= {273: (len(out),), 277: (channels,), 278: (HEIGHT,), 279: (len(strip),)} | tags
        out += strip
        entries = b""
        for tag, values in sorted(full.items()):
            kind, code = (4, "I") if tag in (273, 279) else (3, "H")
            value = struct.pack(f"<{len(values)}{code}", *values)
            if len(value) > size:
                value, place = struct.pack("<" + word, len(out)), value
                out += place + bytes(len(place) % 2)
            entries += struct.pack("<HH" + word, tag, kind, len(values)) + value.ljust(size, b"\0")
        struct.pack_into("<" + word, out, link, len(out))
        out += struct.pack("<Q" if big else "<H", len(full)) + entries
        link = len(out)
        out += bytes(size)
    return bytes(out)


def bmp(rows: np.ndarray[Any, Any], bits: int, masks: tuple[int, ...] = (), extra: bytes = b"") -> bytes:
    """A BMP of rows as they are to lie, bottom first."""
    body = b"".join(row.tobytes() + bytes(-row.nbytes % 4) for row in rows.reshape(HEIGHT, -1)[::-1])
    more = struct.pack(f"<{len(masks)}I", *masks) + extra
    size = 40 + len(more)
    head = struct.pack("<IiiHHIIiiII", size, WIDTH, HEIGHT, 1, bits, 3 if masks else 0, len(body), 0, 0, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 14 + size + len(body), 0, 0, 14 + size) + head + more + body


def jpeg(*segments: tuple[int, bytes], **options: Any) -> bytes:
    """A JPEG with further segments after its first one."""
    whole = encoded("JPEG", **options)
    more = b"".join(b"\xff" + struct.pack(">BH", marker, len(body) + 2) + body for marker, body in segments)
    return whole[:2] + more + whole[2:]


def icc(transfer: int) -> bytes:
    """An ICC profile of a single ``cicp`` tag."""
    head = bytes(128) + struct.pack(">I4sII", 1, b"cicp", 144, 12)
    return head + struct.pack(">4sI4B", b"cicp", 0, 9, transfer, 0, 1)


def two_pictures() -> list[Image.Image]:
    """The image and another one of its size."""
    return [Image.fromarray(photo(HEIGHT, WIDTH, seed=5))]


LEVELS2, LEVELS1 = GREY >> 6, GREY >> 7
BGR = RGB[..., ::-1]
OPAQUE = np.dstack([RGB, ALPHA])
BGRA = np.dstack([BGR, ALPHA])
RGB565 = (RGB[..., 0].astype("<u2") >> 3 << 11) | (RGB[..., 1].astype("<u2") >> 2 << 5) | (RGB[..., 2] >> 3)
EXPANDED2, EXPANDED1 = (
    np.repeat((it * scale)[..., None], 3, axis=2) for it, scale in ((LEVELS2, 85), (LEVELS1, 255))
)
PALETTED = PICTURE.quantize(16)
COLOURS = bytes(PALETTED.getpalette() or ())[:48]
INDICES = np.asarray(PALETTED)
P6 = b"P6 # made by hand\n%d %d\n255\n" % (WIDTH, HEIGHT)
JPEG, UNUSED, SCALED = "lossy original (JPEG)", "not applied", "samples scaled to 8"
NARROW = "cICP 1/13/0, limited range not applied"
FROM_GREY = "grey replicated to RGB"
LONG_PROFILE = b"x\0\0" + zlib.compress(bytes(5 << 20))
LONG_XMP = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(2 << 20))
HUGE_TEXT = b"Comment\0\0" + zlib.compress(bytes(3 << 20))
CMYK = Image.new("CMYK", (WIDTH, HEIGHT), (10, 20, 30, 40))
GREY_RGB = np.repeat(GREY[..., None], 3, axis=2)

READ: dict[str, tuple[bytes, str, np.ndarray[Any, Any] | None]] = {
    # PNG
    "gama.png": (png(RGB, (b"gAMA", struct.pack(">I", 100_000))), "gAMA 1 not applied", RGB),
    "chrm.png": (png(RGB, (b"cHRM", bytes(32))), "cHRM not applied", RGB),
    "srgb-over-gama.png": (png(RGB, (b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 45455))), "", RGB),
    "cicp-p3.png": (png(RGB, (b"cICP", bytes((12, 13, 0, 1)))), "cICP 12/13/0 not applied", RGB),
    "cicp-narrow.png": (png(RGB, (b"cICP", bytes((1, 13, 0, 0)))), NARROW, RGB),
    "cicp-srgb.png": (png(RGB, (b"cICP", bytes((1, 13, 0, 1)))), "", RGB),
    "icc-broken.png": (png(RGB, (b"iCCP", b"x\0\0nonsense")), f"ICC profile {UNUSED}", RGB),
    "icc-long.png": (png(RGB, (b"iCCP", LONG_PROFILE)), f"ICC profile {UNUSED}", RGB),
    "text-long.png": (png(RGB, (b"zTXt", HUGE_TEXT)), "", RGB),
    "xmp-long.png": (png(RGB, (b"iTXt", LONG_XMP)), "", RGB),
    "exif-odd.png": (png(RGB, (b"eXIf", RATIONAL_NONSENSE)), "EXIF orientation 6 applied", np.rot90(RGB, -1)),
    "exif-after.png": (
        png(RGB, after=[(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\3\0\0")]),
        "EXIF orientation 3 applied",
        RGB[::-1, ::-1],
    ),
    "exif-nonsense.png": (png(RGB, (b"eXIf", b"II*\0\xff\xff\xff\xff")), "", RGB),
    "grey1.png": (png(packed(LEVELS1, 1), bits=1, colour=0), f"1-bit {SCALED}; {FROM_GREY}", EXPANDED1),
    "grey2.png": (png(packed(LEVELS2, 2), bits=2, colour=0), f"2-bit {SCALED}; {FROM_GREY}", EXPANDED2),
    "grey-opaque-key.png": (
        png(np.maximum(GREY, 1), (b"tRNS", b"\0\0"), colour=0),
        "unused transparent colour dropped; grey replicated to RGB",
        np.maximum(GREY_RGB, 1),
    ),
    "rgb-opaque-key.png": (
        png(np.maximum(RGB, 1), (b"tRNS", bytes(6))), "unused transparent colour dropped", np.maximum(RGB, 1)
    ),
    "palette-opaque.png": (
        png(INDICES, (b"PLTE", COLOURS), (b"tRNS", b"\xff" * 16), colour=3),
        "palette expanded; opaque alpha dropped",
        np.asarray(PALETTED.convert("RGB")),
    ),
    "rgba-opaque.png": (png(OPAQUE, colour=6), "opaque alpha dropped", RGB),
    "grey-alpha-opaque.png": (
        png(np.dstack([GREY, ALPHA]), colour=4), "opaque alpha dropped; grey replicated to RGB", GREY_RGB
    ),
    "interlaced.png": (encoded("PNG", interlace=True), "", RGB),
    "apng-one.png": (png(RGB, (b"acTL", struct.pack(">II", 1, 0)), (b"fcTL", bytes(26))), "", RGB),
    "behind.png": (png() + b"motion", "6 bytes after the picture left out", RGB),
    "private-chunk.png": (png(RGB, (b"abCd", b"x")), "", RGB),
    # JPEG
    "exif-odd.jpg": (
        jpeg((0xE1, b"Exif\0\0" + RATIONAL_NONSENSE)), f"{JPEG}; EXIF orientation 6 applied", None
    ),
    "exif-cut.jpg": (jpeg((0xE1, b"Exif\0\0II*\0\x08")), JPEG, None),
    "icc-broken.jpg": (
        jpeg((0xE2, b"ICC_PROFILE\0\1\1broken")), f"{JPEG}; ICC profile not applied", None
    ),
    "mpf-broken.jpg": (jpeg((0xE2, b"MPF\0II*\0\xff\xff\xff\xff")), JPEG, None),
    "grey.jpe": (
        encoded("JPEG", Image.fromarray(GREY)), f"{JPEG}; {FROM_GREY}", None
    ),
    "progressive.jfif": (encoded("JPEG", progressive=True), JPEG, None),
    "camera.mpo": (
        encoded("MPO", save_all=True, append_images=[PICTURE.resize((10, 6))]),
        f"{JPEG}; first of 2 pictures read",
        None,
    ),
    # WebP, AVIF, GIF
    "lossy.webp": (encoded("WEBP"), "lossy original (WebP)", None),
    "lossless.webp": (encoded("WEBP", lossless=True), "", RGB),
    "exif-odd.webp": (
        encoded("WEBP", lossless=True, exif=b"Exif\0\0" + RATIONAL_NONSENSE),
        "EXIF orientation 6 applied",
        np.rot90(RGB, -1),
    ),
    "still.avif": (encoded("AVIF"), "lossy original (AVIF)", None),
    "still.gif": (encoded("GIF", PALETTED), "palette expanded", np.asarray(PALETTED.convert("RGB"))),
    # PPM
    "comment.ppm": (P6 + RGB.tobytes(), "", RGB),
    "newline.ppm": (P6 + RGB.tobytes() + b"\n", "", RGB),
    "plain.pgm": (
        b"P2\n%d %d 255\n" % (WIDTH, HEIGHT) + b" ".join(b"%d" % it for it in GREY.flat),
        "grey replicated to RGB",
        GREY_RGB,
    ),
    "bits.pbm": (
        b"P4 %d %d\n" % (WIDTH, HEIGHT) + packed(1 - LEVELS1, 1).tobytes(),
        f"1-bit {SCALED}; {FROM_GREY}",
        EXPANDED1,
    ),
    # BMP
    "masks.bmp": (bmp(BGRA, 32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)), "opaque alpha dropped", RGB),
    "spare-byte.bmp": (bmp(np.dstack([BGR, 7 * (ALPHA // 255)]), 32), "unused fourth byte dropped", RGB),
    "565.bmp": (bmp(RGB565, 16, (0xF800, 0x7E0, 0x1F)), "5 and 6-bit samples scaled to 8", None),
    "palette.bmp": (encoded("BMP", PALETTED), "palette expanded", np.asarray(PALETTED.convert("RGB"))),
    # TIFF
    "plain.tif": (tiff({}), "", RGB),
    "big.tif": (tiff({}, big=True), "", RGB),
    "thumbnail.tif": (tiff({}, {254: (1,)}), "first of 2 pages read", RGB),
    "white-is-zero.tif": (tiff({262: (0,)}, samples=GREY), "grey replicated to RGB", 255 - GREY_RGB),
    "alpha-opaque.tif": (tiff({338: (2,)}, samples=OPAQUE), "opaque alpha dropped", RGB),
    "orientation.tif": (tiff({274: (8,)}), "EXIF orientation 8 applied", np.rot90(RGB)),
    "odd-tags.tif": (tiff({34665: (65535,), 34853: (7,), 282: (0,)}), "", RGB),
    "transfer.tif": (tiff({301: (1, 2, 3)}), "TransferFunction not applied", RGB),
    "jpeg-inside.tif": (encoded("TIFF", compression="jpeg"), JPEG, None),
}  # fmt: skip
"""Files that are read: their bytes, the conversions, and the samples where the file holds them exactly."""

REFUSED: dict[str, tuple[bytes, str]] = {
    "16-bit.png": (png(np.repeat(RGB, 2, axis=2), bits=16), "16 bits a sample"),
    "pq.png": (png(RGB, (b"cICP", bytes((9, 16, 0, 1)))), "PQ transfer function"),
    "hlg.png": (png(RGB, (b"cICP", bytes((9, 18, 0, 1)))), "HLG transfer function"),
    "pq-icc.png": (png(RGB, (b"iCCP", b"x\0\0" + zlib.compress(icc(16)))), "PQ transfer function"),
    "animated.png": (encoded("PNG", save_all=True, append_images=two_pictures()), "2 frames"),
    "default-and-frame.png": (png(RGB, (b"acTL", struct.pack(">II", 1, 0))), "2 frames"),
    "key-used.png": (png(RGB, (b"tRNS", struct.pack(">3H", *RGB[3, 4]))), "transparent pixels"),
    "grey2-key-used.png": (
        png(packed(LEVELS2, 2), (b"tRNS", struct.pack(">H", LEVELS2[0, 0])), bits=2, colour=0),
        "transparent pixels",
    ),
    "iphone.png": (png(RGB, (b"CgBI", bytes(4))), "CgBI"),
    "12-bit.jpg": (jpeg().replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), "12 bits a sample"),
    "hierarchical.jpg": (jpeg().replace(b"\xff\xc0\0\x11", b"\xff\xc5\0\x11"), "hierarchical"),
    "cmyk.jpg": (encoded("JPEG", CMYK), "CMYK"),
    "pq.jpg": (jpeg((0xE2, b"ICC_PROFILE\0\1\1" + icc(16))), "PQ transfer function"),
    "animated.webp": (encoded("WEBP", save_all=True, append_images=two_pictures()), "2 frames"),
    "animated.gif": (encoded("GIF", save_all=True, append_images=two_pictures()), "2 frames"),
    "animated.avif": (encoded("AVIF", save_all=True, append_images=two_pictures()), "2 frames"),
    "two.ppm": ((P6 + RGB.tobytes()) * 2, "several pictures"),
    "two-plain.pgm": (b"P2 1 1 255 9\nP2 1 1 255 9\n", "several pictures"),
    "16-bit.pgm": (b"P5 1 1 65535\n\0\1", "16 bits a sample"),
    "15.ppm": (b"P6 1 1 15\n\0\1\2", "sample maximum 15"),
    "signed.tif": (tiff({339: (2,)}, samples=GREY), "signed samples"),
    "float.tif": (tiff({339: (3,)}, samples=GREY), "floating-point samples"),
    "extra.tif": (tiff({338: (0,)}, samples=OPAQUE), "1 extra channel that is no alpha"),
    "extra-unnamed.tif": (tiff({}, samples=OPAQUE), "1 extra channel that is no alpha"),
    "two-pages.tif": (tiff({}, {}), "2 pages"),
    "transparent.tif": (tiff({338: (2,)}, samples=np.dstack([RGB, GREY])), "transparent pixels"),
    "cmyk.tif": (encoded("TIFF", CMYK), "CMYK"),
    "lab.tif": (encoded("TIFF", Image.new("LAB", (8, 8))), "CIELab"),
    "compression.tif": (tiff({259: (65000,)}), "compression 65000"),
    "masks-odd.bmp": (bmp(BGRA, 32, (0xFF, 0xFF0000, 0xFF00, 0)), "bitfields"),
    "transparent.bmp": (bmp(np.dstack([BGR, GREY]), 32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)), "transparent"),
    "bomb.png": (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""),
        "decompression bomb",
    ),
}  # fmt: skip
"""Sound files without a defined conversion, and what the message says."""

DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", "the file is empty"),
    "text.png": (b"hello", "not a PNG"),
    "checksum.png": (png(RGB, wrong=True), "wrong checksum of its chunk IDAT"),
    "no-end.png": (png()[:-12], "truncated"),
    "no-data.png": (png()[:33] + chunk(b"IEND", b""), "no picture data"),
    "cut-data.png": (png(RGB[: HEIGHT // 2].repeat(2, axis=0)[:, :-1]), "corrupt or truncated"),
    "palette-short.png": (png(INDICES, (b"PLTE", COLOURS[:9]), colour=3), "not in the palette"),
    "no-scan.jpg": (b"\xff\xd8\xff\xd9", "no picture data"),
    "offset.tif": (b"II*\0\xff\xff\xff\x7f", "directory is damaged"),
    "bits.tif": (tiff({258: (0, 0, 0)}), "TIFF"),
    "strips.tif": (tiff({273: (65000,)}), "corrupt or truncated"),
    "garbage.ppm": (P6 + RGB.tobytes() + b"xyz", "3 bytes follow"),
    "header.bmp": (b"BM" + bytes(30), "damaged"),
    "riff.webp": (b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\x7f", "truncated"),
    "boxes.avif": (b"\0\0\0\x10ftypavif\0\0\0\0\0\0\xff\xffmeta", "truncated"),
}
"""Files that are broken, and what the message says."""

ALL = {name: it[0] for group in (READ, REFUSED, DAMAGED) for name, it in group.items()}

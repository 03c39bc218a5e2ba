"""Every kind of image file has one defined conversion, or is refused by name."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.errors import BadImage, UnsupportedImage
from bench.inputs.image import read_image
from tests.conftest import photo

RGB = photo(8, 12)
GREY = RGB[..., 0]


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_rgb_is_read_as_stored(tmp_path: Path) -> None:
    """An 8-bit RGB file gives exactly its samples, contiguous, and no conversion."""
    picture = read_image(saved(tmp_path / "a.png", Image.fromarray(RGB)))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.pixels.flags.c_contiguous
    assert picture.pixels.dtype == np.uint8
    assert picture.treatment == ""


@pytest.mark.parametrize("ending", ["png", "bmp", "ppm", "tif", "webp"])
def test_every_lossless_format_gives_the_same_samples(tmp_path: Path, ending: str) -> None:
    """The container does not matter."""
    options = {"lossless": True} if ending == "webp" else {}
    picture = read_image(saved(tmp_path / f"a.{ending}", Image.fromarray(RGB), **options))
    np.testing.assert_array_equal(picture.pixels, RGB)


def test_grey_is_replicated(tmp_path: Path) -> None:
    """Grey becomes three equal channels, and the record says so."""
    picture = read_image(saved(tmp_path / "a.png", Image.fromarray(GREY)))
    np.testing.assert_array_equal(picture.pixels, np.repeat(GREY[..., None], 3, axis=2))
    assert picture.treatment == "grey replicated to RGB"


def test_palette_is_expanded(tmp_path: Path) -> None:
    """A palette image gives the palette's colours."""
    image = Image.fromarray(RGB).quantize(16)
    picture = read_image(saved(tmp_path / "a.png", image))
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert picture.treatment == "palette expanded"


def test_opaque_alpha_is_dropped_and_transparency_refused(tmp_path: Path) -> None:
    """Alpha that is 255 everywhere holds nothing; any other alpha has no declared background."""
    opaque = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    picture = read_image(saved(tmp_path / "a.png", Image.fromarray(opaque)))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.treatment == "opaque alpha dropped"
    opaque[3, 4, 3] = 254
    with pytest.raises(UnsupportedImage, match=r"b\.png: has transparent pixels; flatten"):
        read_image(saved(tmp_path / "b.png", Image.fromarray(opaque)))


def test_transparent_palette_entry_is_refused(tmp_path: Path) -> None:
    """Transparency of a palette entry that is used counts as transparency."""
    with pytest.raises(UnsupportedImage, match="transparent"):
        read_image(saved(tmp_path / "a.png", Image.fromarray(RGB).quantize(4), transparency=0))


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    """A rotated photograph stands upright, as every viewer shows it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_image(saved(tmp_path / "a.png", Image.fromarray(RGB), exif=exif))
    np.testing.assert_array_equal(picture.pixels, np.rot90(RGB, -1))
    assert picture.treatment == "EXIF orientation 6 applied"


def test_icc_profile_is_declared_not_applied(tmp_path: Path) -> None:
    """Samples stay as stored whatever profile is attached."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_image(saved(tmp_path / "a.png", Image.fromarray(RGB), icc_profile=profile))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.treatment == "ICC profile not applied"


def sixteen_bit_rgb_png(path: Path) -> Path:
    """Pillow can't write 16-bit RGB; it reads it as 8-bit without a word."""
    import cv2

    cv2.imwrite(str(path), (RGB.astype(np.uint16) * 257)[..., ::-1])
    return path


@pytest.mark.parametrize("ending", ["png", "ppm", "tif"])
def test_sixteen_bits_are_refused(tmp_path: Path, ending: str) -> None:
    """No 16-bit file is narrowed in silence, colour or grey, in any format."""
    with pytest.raises(UnsupportedImage, match="convert it"):
        read_image(sixteen_bit_rgb_png(tmp_path / f"rgb.{ending}"))
    grey = Image.fromarray(GREY.astype(np.uint16) * 257)
    with pytest.raises(UnsupportedImage, match="convert it"):
        read_image(saved(tmp_path / f"grey.{ending}", grey))


def test_cmyk_is_refused(tmp_path: Path) -> None:
    """CMYK has no one conversion to RGB."""
    with pytest.raises(UnsupportedImage, match="CMYK"):
        read_image(saved(tmp_path / "a.jpg", Image.new("CMYK", (8, 8))))


def test_animation_is_refused(tmp_path: Path) -> None:
    """Several frames are not one image."""
    frames = [Image.fromarray(photo(8, 8, seed)) for seed in range(2)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(UnsupportedImage, match="2 frames"):
        read_image(tmp_path / "a.webp")


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "ppm", "tif", "bmp"])
def test_truncated_file_is_bad_input(tmp_path: Path, ending: str) -> None:
    """A file cut anywhere is refused and never filled up with grey."""
    buffer = io.BytesIO()
    formats = {"jpg": "JPEG", "tif": "TIFF", "ppm": "PPM"}
    Image.fromarray(photo(64, 64)).save(buffer, formats.get(ending, ending.upper()))
    data = buffer.getvalue()
    for share in (0.01, 0.3, 0.9):
        path = tmp_path / f"{share}.{ending}"
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(BadImage, match=str(path)):
            read_image(path)


def test_not_an_image_is_bad_input(tmp_path: Path) -> None:
    """Text, an empty file, a folder and a missing file are named as what they are not."""
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    for name in ("text.png", "empty.png", "missing.png", "."):
        with pytest.raises(BadImage):
            read_image(tmp_path / name)

"""Odd files, sound and broken: read with every conversion named, or refused for the true reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bench.errors import BadImage, UnsupportedImage
from bench.inputs.image import decode_image
from tests.inputs import odd


@pytest.mark.parametrize("name", odd.READ)
def test_sound_file_is_read_and_conversions_are_named(name: str) -> None:
    """The samples are those stored, and exactly the conversions that were applied are named."""
    data, treatment, samples = odd.READ[name]
    picture = decode_image(data, name)
    assert picture.treatment == treatment
    if samples is not None:
        np.testing.assert_array_equal(picture.pixels, samples)
    assert sorted(picture.pixels.shape) == [3, odd.HEIGHT, odd.WIDTH]


@pytest.mark.parametrize("name", odd.REFUSED)
def test_sound_file_without_a_conversion_is_refused(name: str) -> None:
    """What cannot be an 8-bit RGB image without a choice is unsupported, not damaged."""
    data, reason = odd.REFUSED[name]
    with pytest.raises(UnsupportedImage, match=f"^{name}: .*{reason}"):
        decode_image(data, name)


@pytest.mark.parametrize("name", odd.DAMAGED)
def test_broken_file_is_bad(name: str) -> None:
    """Damage is called damage, whatever an image library raises for it."""
    data, reason = odd.DAMAGED[name]
    with pytest.raises(BadImage, match=f"^{name}: .*{reason}"):
        decode_image(data, name)


@pytest.mark.parametrize("name", [it for it in odd.READ if it != "camera.mpo"])
def test_file_cut_anywhere_is_bad(name: str) -> None:
    """Nothing is filled up where a file ends too early."""
    data = odd.READ[name][0].rstrip(b"\n")
    for tenth in range(10):
        with pytest.raises(BadImage):
            decode_image(data[: len(data) * tenth // 10], name)


@pytest.mark.parametrize("name", odd.ALL)
def test_flipped_bytes_never_escape(name: str) -> None:
    """Whatever is wrong with a file, the error is one of the two that name it."""
    random = np.random.default_rng(len(name))
    data = odd.ALL[name]
    for _ in range(20 if data else 0):
        spoiled = bytearray(data)
        for place in random.integers(0, min(len(data), 600), 3):
            spoiled[place] = random.choice((0, 255, int(random.integers(256))))
        try:
            decode_image(bytes(spoiled), name)
        except (BadImage, UnsupportedImage) as error:
            assert str(error).startswith(f"{name}: ")  # noqa: PT017  # most spoiled files are still read
        except MemoryError:
            pass


def test_want_of_memory_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that runs out of memory says nothing about the file."""
    monkeypatch.setattr(Image.Image, "load", lambda self: (_ for _ in ()).throw(MemoryError))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(MemoryError):
        decode_image(odd.png(), "a.png")


def test_orientations_agree_with_pillow() -> None:
    """Each of the eight orientations is applied as Pillow does it."""
    from PIL import ImageOps

    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for form in ("PNG", "TIFF", "JPEG", "AVIF"):
            data = odd.encoded(form, exif=exif)
            expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
            np.testing.assert_array_equal(decode_image(data, form).pixels, np.asarray(expected))

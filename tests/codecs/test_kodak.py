"""Known answers on the Kodak images: published curves, entropies, and the rates of the sweep."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from bench_codecs.huffman import Huffman
from bench_codecs.jpeg import Jpeg
from bench_codecs.jpeg2000 import Jpeg2000
from bench_codecs.webp import WebP

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def images(kodak):
    """The 24 images, each uint8 (height, width, 3)."""
    found = [np.array(Image.open(path)) for path in sorted(kodak.glob("*.png"))]
    assert len(found) == 24
    return found


@pytest.fixture(scope="module")
def published(published_curves):
    """Published curves by codec: bpp and mean per-image PSNR-RGB in dB."""

    def curve(codec):
        results = json.loads((published_curves / f"{codec}.json").read_text())["results"]
        return np.array(results["bpp"]), np.array(results["psnr-rgb"])

    return curve


def operating_point(codec, quality, images):
    """Mean bpp and mean per-image PSNR-RGB in dB."""
    rates, psnrs = [], []
    for image in images:
        bitstream = codec.encode(image, quality)
        error = np.mean((codec.decode(bitstream).astype(np.float64) - image) ** 2)
        rates.append(8 * len(bitstream) / (image.shape[0] * image.shape[1]))
        psnrs.append(10 * np.log10(255**2 / error))
    return np.mean(rates), np.mean(psnrs)


def psnr_at(rate, curve):
    """PSNR of a curve at a rate, linear in the logarithm of the rate."""
    return np.interp(np.log(rate), np.log(curve[0]), curve[1])


def test_jpeg_equals_the_published_curve(images, published):
    """At quality 5, 10, ..., 95: bpp within 0.5%, PSNR within 0.2 dB of Pillow 7.1.2's defaults."""
    codec = Jpeg()
    for quality, bpp, psnr in zip(range(5, 100, 5), *published("jpeg"), strict=True):
        rate, quality_db = operating_point(codec, quality, images)
        assert rate == pytest.approx(bpp, rel=0.005), f"bpp at quality {quality}"
        assert quality_db == pytest.approx(psnr, abs=0.2), f"PSNR at quality {quality}"


def test_jpeg2000_is_above_the_published_curve(images, published):
    """OpenJPEG's 9-7 is at least 0.3 dB above ffmpeg's encoder at equal rate, from 0.1 to 4 bpp."""
    codec = Jpeg2000()
    curve = published("jpeg2000")
    order = np.argsort(curve[0])
    curve = curve[0][order], curve[1][order]
    for quality in (0.1, 0.25, 0.5, 1.0, 2.0, 4.0):
        rate, psnr = operating_point(codec, quality, images)
        assert 0.97 * quality <= rate <= quality
        if curve[0][0] <= rate <= curve[0][-1]:
            assert psnr >= psnr_at(rate, curve) + 0.3, f"at {rate:.3f} bpp"


def test_webp_equals_the_published_curve(images, published):
    """At every fourth published quality: bpp within 0.5%, PSNR within 0.2 dB of Pillow 7.1.2's."""
    codec = WebP()
    points = list(zip(range(5, 100, 5), *published("webp"), strict=True))
    for quality, bpp, psnr in points[::4]:
        rate, quality_db = operating_point(codec, quality, images)
        assert rate == pytest.approx(bpp, rel=0.005), f"bpp at quality {quality}"
        assert quality_db == pytest.approx(psnr, abs=0.2), f"PSNR at quality {quality}"


def test_plain_huffman_is_near_the_entropy(images):
    """Without transforms the rate is within 1% above the planes' zeroth-order entropy."""
    codec = Huffman(color="none", predictor="none")
    for image in images:
        counts = np.stack([np.bincount(image[..., c].ravel(), minlength=256) for c in range(3)])
        shares = counts / counts.sum(axis=1, keepdims=True)
        entropy = -(shares * np.log2(np.where(shares > 0, shares, 1))).sum()
        rate = 8 * len(codec.encode(image, None)) / (image.shape[0] * image.shape[1])
        assert entropy <= rate <= 1.01 * entropy


def test_huffman_with_transforms_is_under_12_bpp(images):
    """subtract_green and paeth, the defaults, bring the Kodak mean under 12 bpp."""
    codec = Huffman()
    rates = [8 * len(codec.encode(image, None)) / (image.shape[0] * image.shape[1]) for image in images]
    assert np.mean(rates) < 12

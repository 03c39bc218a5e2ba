"""The conformance kit itself: honest codecs pass, each sabotage is caught by its own check."""

from __future__ import annotations

import pytest

import bench.testing.damage
from bench.testing import ConformanceError, check_codec, run_check
from tests.codecs import saboteurs


@pytest.mark.parametrize("honest", [saboteurs.Raw, saboteurs.RawLossy])
def test_honest_codec_passes(honest):
    """A codec that keeps the contract passes every check."""
    check_codec(honest)


@pytest.mark.parametrize(
    ("codec", "check", "complaint"),
    [
        (saboteurs.SwapsChannels, "channels", "red bar decodes to blue"),
        (saboteurs.WrongShape, "shapes", "decoded to"),
        (saboteurs.WrapsAround, "fidelity", "at the other end of the range"),
        (saboteurs.FalseLossless, "fidelity", "called lossless"),
        (saboteurs.ReturnsCachedOriginal, "shapes", "decode raised AttributeError"),
        (saboteurs.ReturnsOriginalCachedInClass, "damage", "decodes differently in another process"),
        (saboteurs.MutatesInput, "input", "encode changed the picture"),
        (saboteurs.ClipsQuality, "quality_range", "quality 0.0 is accepted"),
        (saboteurs.QualityUpsideDown, "fidelity", "higher must be better"),
        (saboteurs.Random, "determinism", "another bitstream"),
        (saboteurs.Crashes, "damage", "SIGSEGV"),
        pytest.param(saboteurs.Hangs, "damage", "hangs", marks=pytest.mark.slow),
        (saboteurs.AllocatesWhatItIsTold, "damage", "MemoryError"),
        (saboteurs.SpeaksInBytearrays, "shapes", "bytearray, not bytes"),
        (saboteurs.UntypedOption, "attributes", "option effort has type None"),
    ],
)
def test_sabotage_is_caught(codec, check, complaint):
    """The failure names the codec, the check and what is wrong, and spares the test process."""
    with pytest.raises(ConformanceError, match=complaint) as caught:
        run_check(codec, check)
    assert "'raw'" in str(caught.value)
    assert repr(check) in str(caught.value)


def test_an_instance_is_refused():
    """Fresh instances are the point of the kit, so it asks for a factory."""
    with pytest.raises(TypeError, match="not an instance"):
        run_check(saboteurs.Raw(), "shapes")


def test_unknown_check_names_the_known_ones():
    """A misspelt check does not pass for a passed one."""
    with pytest.raises(ValueError, match="determinism"):
        run_check(saboteurs.Raw, "determinsm")


def test_damage_is_the_same_every_time():
    """A finding can be reproduced: the variants depend on the bitstream alone."""
    bitstream = bytes(range(200))
    first = list(bench.testing.damage.variants(bitstream))
    assert first == list(bench.testing.damage.variants(bitstream))
    assert all(damaged != bitstream for _, damaged in first)

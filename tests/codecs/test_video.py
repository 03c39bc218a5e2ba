"""Still pictures by the codecs of video: what their bitstreams hold, and what becomes of failures."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BadBitstream, CodecUnavailable, ConfigError, Unsupported
from bench.program import programs_run_by, start
from bench_codecs._common.ycbcr import from_planes, to_planes
from bench_codecs._video import ffmpeg
from bench_codecs.av1 import Av1
from bench_codecs.hevc import Hevc
from bench_codecs.vvc import Vvc
from tests.conftest import photo

pytest.importorskip("imageio_ffmpeg", reason="needs pip install 'rdbench[video]'")

Fast = partial(Vvc, preset="faster")
EVERY = [
    Fast,
    Hevc,
    partial(Av1, speed=10),
    partial(Av1, encoder="aom", speed=8),
    partial(Av1, encoder="rav1e", speed=10),
]
VVC_SETS, HEVC_SETS = {15, 16, 17}, {32, 33, 34}
"""Numbers of parameter sets: SPS, PPS and APS of H.266 (table 5), VPS, SPS and PPS of H.265 (table 7-1)."""
LOSSLESS = partial(Av1, encoder="aom", subsampling="444", speed=8)
"""At its highest quality."""


def _stream(bitstream: bytes) -> bytes:
    return bitstream[3 if bitstream[0] & 1 else 1 :]


def _units(stream: bytes) -> list[bytes]:
    return [it for it in re.split(b"\0\0\0?\1", stream) if it]


def _obus(stream: bytes) -> Iterator[int]:
    """Types of OBUs with sizes of at most two bytes."""
    at = 0
    while at < len(stream):
        yield stream[at] >> 3 & 15
        size, more = stream[at + 1] & 127, stream[at + 1] >> 7
        at += 2 + more + size + (stream[at + 2] * 128 if more else 0)


def _headers(stream: bytes, form: str) -> dict[str, int]:
    """Syntax elements of the headers, by an ffmpeg that only reads them."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(stream)
        words = [
            "-nostdin",
            "-f",
            form,
            "-i",
            file.name,
            "-c",
            "copy",
            "-bsf:v",
            "trace_headers",
            "-f",
            "null",
            "-",
        ]
        said = subprocess.run(
            [ffmpeg._program("test"), *words], capture_output=True, check=True
        ).stderr.decode()
    return {name: int(value) for name, value in re.findall(r" (\w+) +[01]+ = (-?\d+)", said)}


@pytest.mark.parametrize(("codec", "kept", "picture"), [(Fast, VVC_SETS, 8), (Hevc, HEVC_SETS, 20)])
def test_nothing_counts_but_parameter_sets_and_the_picture(codec, kept, picture):
    """There are no delimiters, and no information about the encoder."""
    units = _units(_stream(codec().encode(photo(40, 64), -32)))
    kinds = [unit[1] >> 3 if codec is Fast else unit[0] >> 1 & 63 for unit in units]
    assert kinds.pop() == picture
    assert {*kinds} <= kept


@pytest.mark.parametrize("encoder", ["svt", "aom", "rav1e"])
def test_an_av1_stream_is_a_sequence_header_and_a_frame(encoder):
    """Behind the temporal delimiter, with which every stream begins."""
    bitstream = Av1(encoder=encoder, speed=8).encode(photo(40, 64), -40)
    assert list(_obus(_stream(bitstream))) == [2, 1, 6]


def test_the_quantiser_is_the_one_that_was_asked_for():
    """Encoders of video give intra pictures a finer one than they are told, unless they are told not to."""
    image = photo(64, 64)
    for codec, form, delta in ((Fast(), "vvc", "sh_qp_delta"), (Hevc(), "hevc", "slice_qp_delta")):
        found = _headers(_stream(codec.encode(image, -32)), form)
        base = found.get("pps_init_qp_minus26", found.get("init_qp_minus26"))
        assert 26 + base + found[delta] == 32
    for encoder, quality in (("svt", -40), ("aom", -40), ("rav1e", -160)):
        found = _headers(_stream(Av1(encoder=encoder, speed=8).encode(image, quality)), "obu")
        assert found["delta_q_present"] == found["film_grain_params_present"] == 0


@pytest.mark.parametrize("shape", [(40, 64), (33, 21), (1, 1)])
@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("grey", [False, True])
def test_planes_go_in_and_come_out_as_they_are(shape, depth, grey):
    """libaom without loss returns what the colour path makes: nothing else touches it."""
    image = photo(*shape).astype(np.uint16) * (4 if depth == 10 else 1) + (depth == 10)
    image = (image[..., 1] if grey else image).astype(np.uint8 if depth == 8 else np.uint16)
    decoded = LOSSLESS().decode(LOSSLESS().encode(image, 0, depth=depth))
    assert np.array_equal(decoded, from_planes(to_planes(image, depth, 10, "444"), 10, depth))
    assert depth == 10 or np.array_equal(decoded, image)


@pytest.mark.parametrize("codec", EVERY)
@pytest.mark.parametrize("shape", [(33, 47), (64, 17)])
def test_odd_sizes_of_halved_chroma_come_back(codec, shape):
    """A row or column more is coded where the format has no odd sides, and cut off again."""
    image = photo(*shape)
    bitstream = codec().encode(image, codec().qualities[-1])
    decoded = codec().decode(bitstream)
    assert decoded.shape == image.shape
    reached = np.mean((decoded.astype(float) - image) ** 2)
    assert (
        reached
        < 1.5 * np.mean((from_planes(to_planes(image, 8, 10, "420"), 10, 8).astype(float) - image) ** 2) + 20
    )


@pytest.mark.parametrize("codec", EVERY)
def test_threads_change_nothing_of_what_is_decoded(codec):
    """A bitstream decodes alike with one thread and with two, whatever it was encoded with."""
    image = photo(72, 80)
    for threads in (1, 2):
        bitstream = codec(threads=threads).encode(image, codec().qualities[1])
        assert np.array_equal(codec(threads=1).decode(bitstream), codec(threads=2).decode(bitstream))


@pytest.mark.parametrize("codec", EVERY)
def test_each_call_starts_one_program(codec):
    """So that what starting takes is told from what coding takes."""
    started = []

    def counted(words, writes):
        started.append(Path(words[0]).name)
        return start(words, writes)

    made = codec()
    with programs_run_by(counted):
        made.decode(made.encode(photo(32, 32), made.qualities[0]))
    assert len(started) == 2
    assert {it.partition("-")[0] for it in started} == {"ffmpeg"}


@pytest.mark.parametrize("codec", EVERY)
def test_damage_is_told_alike_each_time(codec):
    """No address and no temporary folder is in a message, which is part of a result."""
    bitstream = codec().encode(photo(32, 48), codec().qualities[-1])
    said = set()
    for _ in range(2):
        with pytest.raises(BadBitstream) as failed:
            codec().decode(bitstream[:20])
        said.add(str(failed.value))
    assert len(said) == 1
    assert not re.search(r"0x[0-9a-f]{5}|/rdbench-", said.pop())


@pytest.mark.parametrize("codec", EVERY)
def test_no_picture_is_decoded_that_its_bytes_cannot_hold(codec, monkeypatch):
    """The decoder is told the largest picture that it may allocate."""
    bitstream = codec().encode(photo(64, 64), codec().qualities[0])
    monkeypatch.setattr(ffmpeg, "most_pixels", lambda n_bytes: 64 * 64 - 1)
    with pytest.raises(BadBitstream):
        codec().decode(bitstream)


@pytest.mark.parametrize("head", [b"", b"\0", b"\1\0", b"\x08\0\0", b"\1\xff\xff"])
def test_what_has_no_head_is_refused(head):
    """Empty and foreign data, unknown flags, and more to cut off than there is."""
    stream = _stream(Fast().encode(photo(32, 32), -47))
    with pytest.raises(BadBitstream):
        Fast().decode(head if len(head) < 3 else head + stream)


def test_noise_beyond_ffmpegs_room_is_unsupported():
    """vvenc's picture may have a byte a pixel; more is the format's right, but can't be had."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    with pytest.raises(Unsupported, match="8 bits a pixel"):
        Fast().encode(noise, 0)


def test_svt_has_no_full_chroma():
    """The message says which encoders have it."""
    with pytest.raises(ConfigError, match="aom or rav1e"):
        Av1(subsampling="444")


def test_what_is_missing_is_named(monkeypatch):
    """Without the package, or with a build that lacks the library, there is a line that installs it."""
    with pytest.raises(CodecUnavailable, match=re.escape(f"no libnothing: {ffmpeg.INSTALL}")):
        ffmpeg.Ffmpeg("vvc", "libnothing")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(CodecUnavailable, match=re.escape(ffmpeg.INSTALL)):
        Vvc()

"""Codecs that are classes and objects of a session, sent to the workers of a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.errors import ConfigError, UntrustedCodec
from bench.files.given_codecs import load_given, target_of
from bench.registry import load_codec
from bench.runs.store import read_info

SESSION = """
import json, sys, zlib
import numpy as np
import bench

LEVEL = {level}

class Mine:
    qualities = (1, 2)

    def __init__(self, net=None, *, effort=1):
        self.net, self.effort = net, effort

    def encode(self, image, quality):
        step = int(16 / quality)
        size = image.shape[1].to_bytes(4, "big")
        return bytes([step]) + size + zlib.compress((image // step).tobytes(), min(LEVEL, 9 * self.effort))

    def decode(self, bitstream):
        width = int.from_bytes(bitstream[1:5], "big")
        pixels = np.frombuffer(zlib.decompress(bitstream[5:]), np.uint8)
        return pixels.reshape(-1, width, 3) * bitstream[0]

again = []
for _ in range(2):
    summary = bench.run(
        codecs=[Mine, *({{"codec": Mine([net]), "label": f"net {{net}}"}} for net in "ab"), "jpeg@50"],
        datasets=[sys.argv[1]], metrics=["psnr_rgb"], limit=1, out=sys.argv[2],
    )
    again.append([summary.measured, summary.reused, summary.failed])
print(json.dumps(again))
"""


def session(pictures: Path, out: Path, level: int = 6) -> Any:
    """What a new Python session measures in two runs: new, reused and failed trials."""
    line = [sys.executable, "-c", SESSION.format(level=level), str(pictures), str(out)]
    return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


def test_what_a_session_defines_is_measured(pictures: Path, tmp_path: Path) -> None:
    """A class and objects go to the workers; the same definition finds its trials done, another does not."""
    out = tmp_path / "run"
    assert session(pictures, out) == [[7, 0, 0], [0, 7, 0]]
    codecs = {it.label: it for it in read_info(out).codecs}
    assert codecs["Mine"].version.startswith("session:")
    assert codecs["net a"].version != codecs["net b"].version
    assert codecs["net a"].config["effort"] == 1
    assert not Path(codecs["Mine"].target).exists()
    assert not [*out.rglob("*.pickle")]
    assert session(pictures, out)[0] == [0, 7, 0]
    assert session(pictures, out, level=1)[0] == [6, 1, 0]
    with pytest.raises(ConfigError, match=r"Mine was a class or an object .* bench\.run\(codecs=\[Mine\]\)"):
        bench.run(codecs=["Mine"], datasets=[str(pictures)], out=out)


def test_a_class_with_a_file_is_named_by_it(tmp_path: Path) -> None:
    """It is resumed by its name; only what has no file is pickled."""
    file = tmp_path / "theirs_here.py"
    file.write_text("class Theirs:\n    def encode(self, image): ...\n    def decode(self, bitstream): ...\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        from theirs_here import Theirs  # type: ignore[import-not-found]

        assert target_of(Theirs, tmp_path) == f"{file}:Theirs"
        assert target_of(Theirs(), tmp_path).endswith(".pickle")
        del sys.modules["theirs_here"]
    with pytest.raises(ConfigError, match="has no encode and decode"):
        target_of(object(), tmp_path)


def test_weights_count_and_their_address_does_not(tmp_path: Path) -> None:
    """Two objects with equal tensors are one codec, with other values another."""
    torch = pytest.importorskip("torch")

    class Learned:
        def __init__(self, weights: Any) -> None:
            self.weights = weights

        def encode(self, image: Any) -> bytes: ...

        def decode(self, bitstream: bytes) -> Any: ...

    first, same, other = (target_of(Learned(torch.full((4,), it)), tmp_path) for it in (1.0, 1.0, 2.0))
    assert first == same != other


def test_no_pickle_is_loaded_for_a_run_folder(tmp_path: Path) -> None:
    """Only what the user gave in this call is; what a folder names is refused, or gone."""
    file = tmp_path / "Evil-0123456789ab.pickle"
    file.write_bytes(b"cos\nsystem\n(S'touch evil'\ntR.")
    with pytest.raises(UntrustedCodec):
        load_codec(str(file), {}, trusted=False)
    with pytest.raises(ConfigError, match="Gone was a class or an object of a Python session"):
        load_given(tmp_path / "Gone-0123456789ab.pickle")

"""The kernels of rdbench's own codecs are kept before a process is sealed, which can keep none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMPILE = """
from bench_codecs._common.kernels import compile_kernels
compile_kernels({target!r})
compile_kernels({target!r}, explaining=True)
"""
USE = """
import numpy as np
from bench.registry import load
codec = load({target!r})()
picture = np.random.default_rng(0).integers(0, 255, (64, 80, 3), dtype=np.uint8)
picture.flags.writeable = False
quality = next(iter(codec.qualities), None)
bitstream = codec.encode(picture, quality)
codec.decode(bitstream)
codec.explain(picture, quality, bitstream)
"""


@pytest.mark.slow  # all kernels are compiled, for a cache of their own
@pytest.mark.parametrize(
    "target",
    [
        "bench_codecs.huffman:Huffman",
        "bench_codecs.lz:Lz",
        "bench_codecs.png:Png",
        "bench_codecs.qoi:Qoi",
        "bench_codecs.jpeg:Jpeg",
        "bench_codecs.vae:Vae",
    ],
)
def test_nothing_is_left_to_compile(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Coding and explaining a picture after compile_kernels adds nothing to the cache."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    if "vae" in target:
        pytest.importorskip("torch")

    def kept(code: str) -> set[Path]:
        subprocess.run([sys.executable, "-c", code.format(target=target)], check=True)
        return set(tmp_path.rglob("*.nbc"))

    compiled = kept(COMPILE)
    assert compiled
    assert kept(USE) == compiled


def test_a_codec_that_lacks_a_library_says_so_itself() -> None:
    """Nothing is compiled for it, which is no error; the install line is that of its constructor."""
    script = """
import sys
sys.modules["torch"] = None
from bench.errors import CodecUnavailable
from bench.registry import load
from bench_codecs._common.kernels import compile_kernels

for target in ("bench_codecs.vae:Vae", "bench_codecs.vae_gan:VaeGan"):
    compile_kernels(target)
    try:
        load(target)()
    except CodecUnavailable as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('pip install "rdbench[learned]"') == 2

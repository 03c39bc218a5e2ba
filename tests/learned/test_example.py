"""The examples of codecs of one's own."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.codec import Codec
from bench.testing import check_codec
from tests.learned.conftest import natural

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> Any:
    """The module in the file ``name``."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_is_a_codec_in_thirty_lines() -> None:
    """It satisfies the contract, codes an image of any size, and stays short."""
    pytest.importorskip("compressai", reason='needs pip install "rdbench[zoo]"')
    codec = example("my_model").MyModel()
    assert isinstance(codec, Codec)
    picture = natural(70, 41)
    decoded = codec.decode(codec.encode(picture, 1.0))
    assert decoded.shape == picture.shape
    assert decoded.dtype == np.uint8
    body = (EXAMPLES / "my_model.py").read_text().split("import numpy as np", 1)[1].strip().splitlines()
    assert len(body) < 30


def test_other_weights_in_the_same_file_are_another_codec(tmp_path: Path) -> None:
    """A weights file that is overwritten is measured again, with its new hash."""
    torch = pytest.importorskip("torch", reason='needs pip install "rdbench[learned]"')
    pytest.importorskip("compressai", reason='needs pip install "rdbench[zoo]"')
    module = example("my_model")
    network = module.MyModel().net
    path = tmp_path / "w.pth"
    hashes = []
    for scale in (1.0, 0.5):
        with torch.no_grad():
            network.g_a[0].weight *= scale
        torch.save(network.state_dict(), path)
        hashes.append(module.MyModel(weights=str(path)).weights_sha256)
    assert hashes[0] != hashes[1]


def test_the_pair_passes_the_conformance_kit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What we show as a codec is one by our own checks."""
    monkeypatch.syspath_prepend(str(EXAMPLES))  # other processes import it too
    check_codec(importlib.import_module("my_pair").MyPair)


def test_any_pair_of_functions_is_a_codec() -> None:
    """Two plain functions in a class: the contract, and more quality for more bytes."""
    codec = example("my_pair").MyPair()
    assert isinstance(codec, Codec)
    picture = natural(70, 41)
    streams = [codec.encode(picture, quality) for quality in codec.qualities]
    errors = [np.abs(codec.decode(it).astype(int) - picture).mean() for it in streams]
    assert [len(it) for it in streams] == sorted(len(it) for it in streams)
    assert errors == sorted(errors, reverse=True)

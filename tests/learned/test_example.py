"""The example of a model of one's own."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("compressai", reason='needs pip install "rdbench[learned]"')

from bench.codec import Codec

from .conftest import natural

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_model.py"


def test_the_example_is_a_codec_in_thirty_lines() -> None:
    """It satisfies the contract, codes a picture of any size, and stays short."""
    spec = importlib.util.spec_from_file_location("my_model", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    codec = module.MyModel()
    assert isinstance(codec, Codec)
    picture = natural(70, 41)
    decoded = codec.decode(codec.encode(picture, 1.0))
    assert decoded.shape == picture.shape
    assert decoded.dtype == np.uint8
    body = EXAMPLE.read_text().split("import numpy as np", 1)[1].strip().splitlines()
    assert len(body) < 30

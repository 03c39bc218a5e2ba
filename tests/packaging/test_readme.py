"""What README says of results/kodak."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.packaging import readme_tables
from tests.packaging.readme_tables import ROOT, TABLES, filled


def test_the_ranking_is_that_of_the_report() -> None:
    """`python -m tests.packaging.readme_tables` has been run since the report was made."""
    if not TABLES.is_dir():
        pytest.skip("needs a checkout")
    readme = (ROOT / "README.md").read_text()
    assert readme.count("<!-- end of ranking -->") == 1
    assert filled(readme) == readme


def test_what_was_measured_on_a_gpu_stands_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that `make gpu` writes becomes a table; without it README says nothing of a GPU."""
    if not TABLES.is_dir():
        pytest.skip("needs a checkout")
    readme = (ROOT / "README.md").read_text()
    agreement = {"bitstreams": 8, "equal": 7, "refused": 1, "levels_apart": 2}
    speed = {"pictures_per_second": 20.0, "ratio": 1.0, "peak_bytes": 3 << 20}
    found = {
        "device": "a GPU",
        "dataset": "sample",
        "pictures": 8,
        "codecs": {"vae": agreement},
        "metrics": {"psnr_rgb": 2e-7},
        "sweep": {"values_apart": {}, "eval_model": speed, "rdbench vae": speed | {"ratio": 1.5}},
        "batches": {"pictures_per_second": {"one_by_one": 30.0, "batched": 90.0}, "size": 8, "equal": True},
    }
    monkeypatch.setattr(readme_tables, "GPU", tmp_path / "gpu.json")
    assert filled(readme) == readme
    (tmp_path / "gpu.json").write_text(json.dumps(found))
    table = filled(readme).split("<!-- gpu -->")[1].split("<!-- end of gpu -->")[0]
    for line in (
        "| a GPU, 8 pictures of sample | |",
        "| rdbench vae, a picture at a time | 20.0 pictures/s, 1.50 × eval_model, 3 MiB |",
        "| the same in batches of 8 | 90.0 pictures/s |",
        "| bitstreams equal to the CPU's | vae 7/8 |",
        "| most between values | psnr_rgb 2e-07 |",
    ):
        assert line in table.splitlines()

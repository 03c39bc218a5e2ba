"""What a codec estimates of its rate stands beside the real one, and never in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench
from bench.report import write_report
from bench.runs.store import read_journal

CODEC = """\
import zlib
import numpy as np


class Guessing:
    name, version, lossless, qualities = "guessing", "1", False, (1.0, 2.0, 3.0)

    def encode(self, image, quality):
        height, width = image.shape[:2]
        return bytes((height, width)) + zlib.compress((image >> 3).tobytes())

    def decode(self, bitstream):
        height, width = bitstream[:2]
        return np.frombuffer(zlib.decompress(bitstream[2:]), np.uint8).reshape(height, width, 3) << 3

    def estimated_bits(self, image, quality):
        if quality == 2:
            raise ValueError("no likelihoods here")
        return np.float32(8 * len(self.encode(image, quality)) * 0.8) if quality == 1 else float("nan")
"""


@pytest.fixture
def run(tmp_path: Path, pictures: Path) -> Path:
    """A finished run of the codec above."""
    (tmp_path / "codec.py").write_text(CODEC)
    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{tmp_path}/codec.py:Guessing", "jpeg@50"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
    )
    return tmp_path / "run"


def test_an_estimate_is_recorded_beside_the_bytes(run: Path) -> None:
    """An estimate that fails, or is no number, has a reason and leaves the result as it is."""
    lines = [it for it in read_journal(run) if it.codec == "guessing"]
    assert {it.status for it in lines} == {"ok"}
    for line in lines:
        assert line.bytes
        if line.quality == 1:
            assert line.estimated_bits == pytest.approx(8 * line.bytes * 0.8)
            assert "estimated_bits" not in line.reasons
        else:
            why = "ValueError: no likelihoods here" if line.quality == 2 else "is no number of bits"
            assert line.estimated_bits is None
            assert why in line.reasons["estimated_bits"]
    frame = bench.load(run)
    of_jpeg = frame["codec"] == "jpeg"
    assert frame.loc[of_jpeg, "estimated_bpp"].isna().all()
    told = frame[frame["estimated_bpp"].notna()]
    assert set(told["quality"]) == {1.0}
    assert (told["bpp"] == 8 * told["bytes"] / (told["width"] * told["height"])).all()
    assert (told["estimated_bpp"] / told["bpp"]).tolist() == pytest.approx([0.8] * 3)


def test_a_report_has_both_with_the_difference(run: Path) -> None:
    """A coder that spends a quarter more than its model says is seen; no curve is of the estimate."""
    write_report([run], run / "report")
    text = (run / "report" / "report.md").read_text()
    table = text.split("### Estimated rates on", 1)[1].split("\n\n")[1]
    cells = [it.strip() for it in table.splitlines()[2].strip("|").split("|")]
    assert cells[:3] == ["guessing", "1", "3"]
    assert float(cells[3]) == pytest.approx(float(cells[4]) / 0.8, abs=1e-3)
    assert cells[5] == cells[6] == "+25.00"
    assert len(table.splitlines()) == 3, "jpeg estimates nothing, and the others failed"

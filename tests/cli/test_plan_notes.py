"""What a run says on the terminal of the trials at hand."""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_cli import rdbench

SUITE = """\
datasets: [pictures]
metrics: [psnr_rgb]
codecs:
  - codec: command
    label: first pair
    config: {encode: "false {input} {output}", decode: "cp {input} {output}", lossless: true}
  - codec: command
    label: second pair
    config: {encode: "false -x {input} {output}", decode: "cp {input} {output}", lossless: true}
"""


def test_failures_are_told_by_label(pictures: Path) -> None:
    """Two external programs are told apart, and the plan says which pictures are measured."""
    (pictures.parent / "suite.yaml").write_text(SUITE)
    done = rdbench("run", "suite.yaml", "--no-report", "-o", "run", cwd=pictures.parent)
    assert done.returncode == 3
    assert "rdbench: first pair on p0.png: codec_error" in done.stderr
    assert "rdbench: second pair on p0.png: codec_error" in done.stderr
    assert f"rdbench: data set pictures: 3 images, of {pictures}\n" in done.stderr

"""The pictures of docs/figures.md, from the files that it shows: ``python docs/figures/gallery.py``."""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

from PIL import Image

from bench.report.figure_files import figure_bytes

HERE = Path(__file__).parent
FILE = re.compile(r"^```\w+ title=\"([^\"]+)\"\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def main() -> None:
    files = dict(FILE.findall(HERE.with_suffix(".md").read_text()))
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(folder)
        (desk / "results").symlink_to(HERE.parents[1] / "results")
        for name, text in files.items():
            (desk / name).write_text(text)
        for path in sorted(desk.glob("*.yaml")):
            picture = Image.open(io.BytesIO(figure_bytes(path, "png"))).convert("RGB")
            picture.quantize(128).save(HERE / f"{path.stem}.png", optimize=True)


if __name__ == "__main__":
    main()

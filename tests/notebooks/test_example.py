"""The example notebook, run from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "notebook.ipynb"


@pytest.mark.slow
def test_the_example_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell does, and shows what it promises: a bar, the ranking, two plots, the comparison."""
    if not EXAMPLE.exists():
        pytest.skip("examples are part of the checkout, not of the wheel")
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(EXAMPLE, as_version=4)
    assert not any(it.get("outputs") for it in notebook.cells), "keep it without outputs"
    nbclient.NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [it.get("data", {}) for cell in notebook.cells for it in cell.get("outputs", [])]
    pages = [str(it.get("text/html", "")) for it in shown]
    assert any("<progress" in it and "45 of 45 trials" in it for it in pages)
    assert not any("failed" in it for it in pages)
    assert any("BD-rate on pictures against jpeg-420" in it for it in pages), "the ranking"
    assert any("BD-rate against jpeg-420, image by image" in it for it in pages), "the comparison"
    assert sum("image/png" in it for it in shown) == 1

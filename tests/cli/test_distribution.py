"""What `rdbench distribution` prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import distribution
from bench.studies.session import StudyOptions
from bench.studies.set_metrics.record import SetMeasurement


def test_reasons_and_files_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reasons stand below the table, and the last line says what was written and what draws it."""
    points = [
        SetMeasurement(
            key=str(quality), dataset="d", label="jpeg", quality=quality, metric="kid_alexnet", version="1",
            images=24, reason="too few patches" if quality == 5 else "", value=None if quality == 5 else 0.5,
        )
        for quality in (5.0, 95.0)
    ]  # fmt: skip
    monkeypatch.setattr(distribution, "measure_sets", lambda *_: points)
    monkeypatch.setenv("COLUMNS", "80")
    distribution.distribution(tmp_path, "kid_alexnet", StudyOptions(), "cpu")
    lines = capsys.readouterr().out.splitlines()
    assert "No value for jpeg@5 on d: too few patches" in lines
    assert lines[-1] == f"{tmp_path / 'set_metrics.json'}; `rdbench report {tmp_path}` draws it"
    assert not any("too few" in it and "–" in it for it in lines), "in no row of the table"

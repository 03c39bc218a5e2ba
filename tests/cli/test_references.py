"""Published curves on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.inspecting import fetch, list_things
from bench.errors import ConfigError
from bench.exchange import references
from tests.exchange.test_references import site

__all__ = ["site"]


def test_curves_are_listed_within_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Name, metrics, points and source of each, a line for each curve; those of one data set if asked."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(references, "cache_folder", lambda: tmp_path)
    list_things("references", None)
    everything = capsys.readouterr().out.splitlines()
    assert max(map(len, everything)) <= 80
    names = [it.split()[0] for it in everything if "/" in it.split(" ")[0].removeprefix("tensorflow/")]
    known = list(references.known_references())
    assert sorted(names) == sorted(known)
    list_things("references", "clic2022-test")
    (line,) = (it for it in capsys.readouterr().out.splitlines() if "/vtm-18-444" in it)
    assert line.split() == ["lossy-vae:", "psnr_rgb", "clic2022-test/vtm-18-444", "36", "VTM", "18.0"]
    with pytest.raises(ConfigError, match="no curve of 'clic' is known; there are kodak, "):
        list_things("references", "clic")
    with pytest.raises(ConfigError, match="rdbench list references"):
        list_things("codecs", "kodak")


def test_fetched_curves_of_one_codec_are_compared_in_the_list(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both numbers where they differ; what was not fetched is told, with the command that does."""
    fetch(["set/*"])
    assert capsys.readouterr().out.splitlines()[1] == "set/bpg: 2 curves, Somebody"
    list_things("references", None)
    told = capsys.readouterr().out
    assert "set/vtm, bpg: psnr_rgb -20.6% / +26.0%\n" in told
    assert "3 of 4 were fetched, and those of one codec compared; rdbench fetch '*/*'" in told
    with pytest.raises(ConfigError, match="'set/hm' is neither a data set nor a published curve"):
        fetch(["set/hm"])

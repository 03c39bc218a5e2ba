"""The suites of examples/anchors: they are read, and their command lines have what ``command`` needs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from bench import registry
from bench.inputs.suite import load_suite
from bench_codecs._common.rasters import RAW
from bench_codecs.command import Command
from tests.conftest import photo

FOLDER = Path(__file__).parents[2] / "examples" / "anchors"
SUITES = sorted(it.name for it in FOLDER.glob("*.yaml"))
STAND_IN = """#!/bin/sh
# -i or a bare path is what goes in, -o or -outfile what comes out; -b is a bitstream, in or out, or a depth
while [ $# -gt 0 ]; do
  case "$1" in
    -i) from="$2"; shift ;;
    -b) case "$2" in /*) stream="$2" ;; esac; shift ;;
    -o|-outfile) to="$2"; shift ;;
    /*) from="$1" ;;
  esac
  shift
done
if [ -z "$from" ]; then from="$stream"; elif [ -n "$stream" ]; then to="$stream"; fi
cp "$from" "$to"
"""


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """Puts a program that copies in the place of each that the suites name."""
    lines = re.findall(
        r"^ +(?:encode|decode|version_command): +(?:>-\n +)?(\w+)",
        "\n".join((FOLDER / it).read_text() for it in SUITES),
        re.MULTILINE,
    )
    assert len({*lines}) >= 14
    for name in {*lines}:
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


@pytest.mark.parametrize("name", SUITES)
def test_an_anchor_is_a_suite_whose_codecs_can_be_made(name, stand_ins):
    """Codecs, options and qualities are valid; where a raw file goes in, the program is told its size."""
    if name.startswith("video"):
        pytest.importorskip("imageio_ffmpeg")
    suite = load_suite(FOLDER / name)
    assert [*suite.datasets] == ["kodak"]
    for entry in suite.codecs:
        codec = registry.load(registry.find(registry.CODECS, entry.codec))(**entry.config)
        for quality in entry.quality or codec.qualities:
            assert codec.quality_range[0] <= quality <= codec.quality_range[1]
        if entry.codec == "command" and entry.config.get("input_format") in RAW:
            assert {"{width}", "{height}"} <= {*shlex.split(entry.config["encode"])}


@pytest.mark.parametrize("name", [it for it in SUITES if it != "video-kodak.yaml"])
def test_the_programs_of_an_anchor_find_their_files(name, stand_ins):
    """Programs that copy in their place give the picture back: what one is told to write the other reads."""
    image = photo(32, 48)
    for entry in load_suite(FOLDER / name).codecs:
        codec = Command(**entry.config)
        decoded = codec.decode(codec.encode(image, codec.qualities[0]))
        assert np.abs(decoded.astype(int) - image).mean() < 6, entry.label

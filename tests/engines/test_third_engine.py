"""An engine of somebody else's, made as CONTRIBUTING says: one class and one line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import bench
from bench.errors import ConfigError
from tests.conftest import ADAPTERS

MODULE = '''
import pickle

from bench.engines.engine import Engine, Machine
from bench.engines.in_process import InProcessWorker
from bench.engines.slot import LocalSlot
from bench.errors import ConfigError
from bench.host.environment import current


class FarEngine(Engine):
    """Everything is pickled on its way, as to another machine; the last piece of work comes first."""

    isolated = False

    def __init__(self, options):
        if options.alone:
            raise ConfigError("no precise times from far away")
        self._machine = Machine(current(), jobs=1)
        self._there = LocalSlot(InProcessWorker, self._machine.environment.id, sealed=False)

    @property
    def machines(self):
        return (self._machine,)

    def describe(self, request):
        return _far(self._there.encoder.ask(_far(request)))

    def run(self, task, work):
        for piece in reversed(work):
            task_there, piece_there = _far((task, piece))
            yield _far(task_there(piece_there, self._there))

    def close(self):
        self._there.close()


def _far(value):
    return pickle.loads(pickle.dumps(value))
'''

ENTRY_POINT = """
[bench.engines]
far = far_engine:FarEngine
"""


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed package with an engine."""
    site = tmp_path / "site"
    (site / "far_engine-1.dist-info").mkdir(parents=True)
    (site / "far_engine-1.dist-info" / "METADATA").write_text("Name: far_engine\nVersion: 1\n")
    (site / "far_engine-1.dist-info" / "entry_points.txt").write_text(ENTRY_POINT)
    (site / "far_engine.py").write_text(MODULE)
    monkeypatch.syspath_prepend(site)
    return "far"


def table(pictures: Path, out: Path, engine: str) -> pd.DataFrame:
    """The table of a run, less what time and place decide."""
    bench.run(
        datasets=[str(pictures)],
        codecs=["jpeg@30,80", "png", f"{ADAPTERS}:Raises@4"],
        metrics=["psnr_rgb"],
        out=out,
        options=bench.Options(engine=engine, keep_bitstreams=True),
    )
    frame = bench.load(out)
    return frame.drop(columns=["encode_s", "decode_s", "isolation"])


def test_an_engine_of_ones_own_gives_the_same_table(far: str, pictures: Path, tmp_path: Path) -> None:
    """It is found by its entry point; tasks, work and results survive the way to another process."""
    there, here = table(pictures, tmp_path / "far", far), table(pictures, tmp_path / "local", "local")
    pd.testing.assert_frame_equal(there, here, check_categorical=False)
    kept = {
        folder: {it.name for it in (tmp_path / folder / "bitstreams").iterdir()}
        for folder in ("far", "local")
    }
    assert kept["far"] == kept["local"] != set()


def test_an_engine_says_what_it_cannot_do(far: str, pictures: Path, tmp_path: Path) -> None:
    """Its constructor refuses options, before anything is measured."""
    with pytest.raises(ConfigError, match="no precise times from far"):
        bench.run(
            datasets=[str(pictures)], out=tmp_path / "run", options=bench.Options(engine=far, timing=True)
        )
    assert not (tmp_path / "run").exists()

"""The audit for codecs that know a test set by heart."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.trials.trust import EVERYBODY
from bench.verifying.memorised import FLAG
from bench.verifying.verify import VerifyOptions, verify
from tests.conftest import photo
from tests.verifying.tampering import measured

ADAPTERS = Path(__file__).parents[1] / "adapters.py"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures, of which the audit leaves out one that is small."""
    folder = tmp_path_factory.mktemp("set") / "pictures"
    folder.mkdir()
    for index in range(4):
        Image.fromarray(photo(88, 96, index)).save(folder / f"p{index}.png")
    Image.fromarray(photo(24, 24, 5)).save(folder / "small.png")
    return folder


@pytest.fixture(scope="module")
def knowing(pictures: Path) -> Path:
    """A file of codecs beside which lies the set."""
    folder = pictures.parent / "codecs"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("knows_the_set.py"), folder)
    stored = {it.stem: np.asarray(Image.open(it)) for it in pictures.glob("p*.png")}
    np.savez(folder / "set.npz", **stored)
    return folder / "knows_the_set.py"


def test_codecs_that_know_the_set_are_flagged_and_no_others(pictures: Path, knowing: Path) -> None:
    """Whole pictures, one of them, or weights fitted to them; their records are true and verified."""
    cheats = ["KnowsAll", "KnowsOne", "Fitted"]
    honest = ["jpeg", "webp", "png", "qoi", f"{ADAPTERS}:Honest@2,5", f"{ADAPTERS}:HonestLossless"]
    run = measured(pictures, pictures.parent / "run", [f"{knowing}:{it}@4" for it in cheats] + honest)
    found = verify(run, VerifyOptions((str(pictures),), EVERYBODY, sample=0.0, seed=3))
    assert {it.label: it.flag for it in found.flags} == dict.fromkeys(cheats, FLAG)
    assert found.whole
    told = {it.label: it.detail for it in found.flags}
    assert "4 pictures of the test set take" in told["KnowsAll"]
    assert "times the rate at equal PSNR" in told["Fitted"]

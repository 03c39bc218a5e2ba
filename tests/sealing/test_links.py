"""Links that a codec puts in the place of what another process is to see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from bench.engines.messages import Describe, Failed
from bench.engines.process import Limits
from bench.engines.worker_handle import WorkerHandle
from bench.engines.zygote import Zygote
from bench.sealing.seal import View
from bench.sealing.view import view_of
from bench.trials.codec_ref import CodecRef, Description
from tests.conftest import sealed_only

CODEC = Path(__file__).with_name("passages.py")


Looking: TypeAlias = Callable[[View, Path], list[Description | Failed]]


@pytest.fixture
def looking() -> Iterator[Looking]:
    """What a new worker, which has this view, twice says of a codec that looks for a file."""
    with Zygote() as zygote:

        def look(view: View, path: Path) -> list[Description | Failed]:
            codec = CodecRef.of(f"{CODEC}:LooksFor", {"path": str(path)}, settled=True, trusted=True)
            worker = WorkerHandle(zygote, Limits(60, view=lambda *_: view))
            try:
                return [worker.ask(Describe(codec)) for _ in range(2)]
            finally:
                worker.close()

        yield look


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that no codec is to see."""
    (tmp_path / "elsewhere").mkdir()
    secret = tmp_path / "elsewhere" / "secret"
    secret.write_text("secret")
    return secret


@sealed_only
def test_a_link_in_the_place_of_a_needed_folder_is_refused(
    looking: Looking, secret: Path, tmp_path: Path
) -> None:
    """Whoever may write to the folder around it can put one there, once views have been made."""
    needed = tmp_path / "shared" / "needed"
    needed.mkdir(parents=True)
    (needed / "file").touch()
    view = view_of(str(CODEC), (), (str(needed),))
    assert isinstance(looking(view, needed / "file")[0], Description)
    for place, target in ((needed, secret.parent), (needed.parent, secret.parents[1])):
        place.rename(tmp_path / f"{place.name}-before")
        place.symlink_to(target)
        for found in looking(view, needed / secret.name):  # nor is the process asked that is not shut in
            assert isinstance(found, Failed)
            assert f"is a link now, or below one: '{needed}'" in found.message
        place.unlink()
        (tmp_path / f"{place.name}-before").rename(place)


@sealed_only
def test_a_link_in_the_place_of_a_visible_file_is_not_followed(
    looking: Looking, secret: Path, tmp_path: Path
) -> None:
    """A codec that needs its own folder could put one there."""
    weights = tmp_path / "own" / "weights"
    weights.parent.mkdir()
    weights.write_text("weights")
    seen = view_of(str(CODEC), ())
    view = View((*seen.reads, weights), seen.lists)
    assert isinstance(looking(view, weights)[0], Description)
    weights.unlink()
    weights.symlink_to(secret)
    found, _ = looking(view, weights)
    assert isinstance(found, Failed)
    assert found.exception == "PermissionError"

"""Invented boards: entries of several data sets, without bitstreams."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.boards.entry_file import Statement
from bench.boards.submit import submit
from bench.runs.store import LineSelector, read_info, read_journal
from bench.verifying.record import (
    VERIFICATION_FILE,
    CodecFlag,
    RowVerdict,
    Verification,
    VerifiedRow,
    journal_sha256,
    plan_sha256,
    write_verification,
)
from tests.report.page.runs import ENVIRONMENT, Made, write_run

SETS = ("alpha", "beta")


def write_entry(
    folder: Path,
    made: list[Made],
    *,
    images: int = 6,
    points: int = 5,
    sets: tuple[str, ...] = SETS,
    **said: Any,
) -> Path:
    """The entry of a run of what is ``made``; ``said`` is what its file says."""
    usual = {"name": folder.name, "authors": "A. Person", "date": "2026-01-01", "licence": "MIT"}
    statement = Statement.model_validate({**usual, "bitstreams": "https://example.org/b", **said})
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        run = write_run(Path(scratch) / "run", made, images, points, *sets)
        submit(run, folder, statement)
    return folder


def verify_entry(
    folder: Path,
    verdict: RowVerdict = "verified",
    *,
    flags: tuple[str, ...] = (),
    decode_only: bool = False,
) -> None:
    """A keeper's verification of an invented entry: its first row has the verdict, others are verified."""
    selector = LineSelector(read_info(folder))
    rows = []
    for line in read_journal(folder):
        codec = selector.codec_of(line)
        assert codec is not None
        rows.append(
            VerifiedRow(
                dataset=line.dataset,
                image=line.image,
                key=line.key,
                label=codec.label,
                quality=line.quality,
                verdict="verified" if rows else verdict,
                claimed=line.status == "ok",
            )
        )
    found = Verification(
        created="2026-01-02T10:00:00Z",
        rdbench="1.0",
        environment=ENVIRONMENT,
        seed=1,
        sample=0.0 if decode_only else 0.1,
        decode_only=decode_only,
        sealed=True,
        journal_sha256=journal_sha256(folder),
        plan_sha256=plan_sha256(folder),
        rows=tuple(rows),
        flags=tuple(CodecFlag(label=rows[0].label, flag=it, detail="told why") for it in flags),
    )
    write_verification(folder / VERIFICATION_FILE, found)


def write_board(folder: Path) -> Path:
    """Five entries on two data sets: an anchor, two versions, one without a set, and a lossless one."""
    write_entry(folder / "jpeg", [Made("jpeg-420", "jpeg", 1.0)], paper="https://example.org/paper")
    write_entry(
        folder / "good" / "2", [Made("good", "good", 0.6)], name="good", version="2", date="2026-06-01"
    )
    write_entry(folder / "good" / "1", [Made("good", "good", 0.8)], name="good", version="1")
    write_entry(folder / "half", [Made("half", "half", 0.7)], sets=("alpha",), licence="GPL-3.0-only")
    write_entry(folder / "png", [Made("png", "png", 1.2, lossless=True)])
    (folder / "board.yaml").write_text(BOARD)
    return folder


BOARD = """\
title: An invented board
anchor: jpeg
conditions:
  complete: {about: Results on both data sets.}
  fast: {decode_mps: 50}
"""

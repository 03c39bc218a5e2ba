"""A journal as a table: whole or in two halves, with lines repeated, foreign, torn or damaged."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pandas as pd
import pytest

import bench
from bench.errors import StoreError
from bench.runs import frame
from bench.runs.columns import _medians_and_spreads
from bench.runs.store import JOURNAL_FILE, journal, read_journal
from bench.trials.measurement import Failure, Measurement, median, spread
from tests.report.page.runs import Made, write_run

CODECS = [
    Made("jpeg", "jpeg", 1.0),
    Made("webp", "webp", 0.7, failing="image001.png"),
    Made("png", "png", 3, lossless=True),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three codecs, five images, four operating points."""
    return write_run(tmp_path / "run", CODECS, images=5, points=4)


def in_halves(run: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """The table, with another process reading the second half."""
    monkeypatch.setattr(frame, "_WORTH_A_HELPER", 0)
    monkeypatch.setattr(frame, "can_help", lambda: True)
    return bench.load(run)


def append(run: Path, *lines: bytes) -> None:
    """More at the end of the journal."""
    with (run / JOURNAL_FILE).open("ab") as file:
        file.writelines(lines)


def test_halves_make_the_whole(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes give the table of one, of a run with failures, retries, history and a torn last line."""
    first, *others = read_journal(run)
    retry = msgspec.structs.replace(
        first, status="crash", bytes=None, metrics={}, failure=Failure("encode", "died"), encode_s=(3.0, 1, 2)
    )
    elsewhere = msgspec.structs.replace(others[0], environment="another machine", bytes=1)
    torn = msgspec.json.encode(msgspec.structs.replace(others[1], bytes=1))[:-20]
    append(run, *(msgspec.json.encode(it) + b"\n" for it in (retry, elsewhere)), torn)
    whole = bench.load(run)
    pd.testing.assert_frame_equal(in_halves(run, monkeypatch), whole, check_exact=True)
    row = whole.iloc[0]
    assert (row["status"], row["error"], row["encode_s"], row["encode_iqr_s"]) == (
        *("crash", "encode: died"),
        *(2.0, 1.0),
    )
    assert pd.isna(row["bytes"])
    assert whole["bytes"].min() > 1, "neither the torn line nor the one of another machine counts"
    assert len(whole) == 5 * (4 + 4 + 1)


def test_a_retry_wins_over_what_was_before_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several lines of one trial the last counts, wherever they stand."""
    lines = (run / JOURNAL_FILE).read_bytes().splitlines(keepends=True)
    decoded = [msgspec.json.decode(line, type=Measurement) for line in lines]
    again = [
        msgspec.json.encode(msgspec.structs.replace(it, bytes=k)) + b"\n"
        for k in (1, 2, 3)
        for it in decoded
        if it.status == "ok"
    ]
    (run / JOURNAL_FILE).write_bytes(b"".join([*again, *lines[:7], *again[-30:]]))
    whole = bench.load(run)
    pd.testing.assert_frame_equal(in_halves(run, monkeypatch), whole, check_exact=True)
    assert set(whole.loc[whole["status"] == "ok", "bytes"].iloc[-30:]) == {3}


def test_nothing_measured_yet(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absent and an empty journal make a table of cancelled trials."""
    (run / JOURNAL_FILE).write_bytes(b"")
    empty = in_halves(run, monkeypatch)
    (run / JOURNAL_FILE).unlink()
    for table in (empty, bench.load(run)):
        assert len(table) == 45
        assert set(table["status"]) == {"cancelled"}


@pytest.mark.parametrize("number", [3, 40])
@pytest.mark.parametrize(
    ("whole", "damaged"),
    [(rb"^{", rb"{{"), (rb'(pixels_sha256":").', rb"\1/"), (rb'(bitstream_sha256":")', rb"\g<1>0")],
)
def test_a_damaged_line_is_named(
    run: Path, monkeypatch: pytest.MonkeyPatch, number: int, whole: bytes, damaged: bytes
) -> None:
    """Whichever process reads the line, and be it a hash that is none, the message gives its number."""
    path = run / JOURNAL_FILE
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number - 1], changes = re.subn(whole, damaged, lines[number - 1])
    assert changes == 1
    path.write_bytes(b"".join(lines))
    for load in (lambda: list(read_journal(run)), lambda: in_halves(run, monkeypatch)):
        with pytest.raises(StoreError, match=f"{JOURNAL_FILE}:{number}: damaged line"):
            load()


def test_halves_meet_between_lines(run: Path) -> None:
    """No line is in two halves or in none."""
    (start, middle), (begin, end) = journal(run).halves()
    data = (run / JOURNAL_FILE).read_bytes()
    assert (start, begin, end) == (0, middle, len(data))
    assert 0 < middle < end
    assert data[:middle].endswith(b"\n")


def test_medians_and_spreads_of_many_are_those_of_each() -> None:
    """Trials with any number of samples give the numbers of the record's own functions, to the last bit."""
    samples = [tuple(0.1 * ((7 * k + 3 * n) % 11) for k in range(n)) for n in range(9) for _ in range(3)]
    medians, spreads = _medians_and_spreads(samples)
    for found, of_each in ((medians, median), (spreads, spread)):
        assert [None if it != it else it for it in found.tolist()] == [of_each(it) for it in samples]

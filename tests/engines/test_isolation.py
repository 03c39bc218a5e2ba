"""A misbehaving codec costs its own trials, each under its own status; honest ones go through."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench
from tests.conftest import ADAPTERS, processes_marked

OWN = Path(__file__).with_name("adapters.py")

SABOTAGE = {
    "Segfault": ("crash", "decode"),
    "Hang": ("timeout", "encode"),
    "Raises": ("codec_error", "encode"),
    "Exits": ("crash", "decode"),
    "SystemExits": ("crash", "decode"),
    "WrongShape": ("mismatch", "decode"),
    "WrongType": ("mismatch", "decode"),
    "ChannelSwap": ("mismatch", "decode"),
    "FalseLossless": ("mismatch", "decode"),
    "CachedOriginal": ("mismatch", "decode"),
    "NotBytes": ("mismatch", "encode"),
    "WritesIntoImage": ("codec_error", "encode"),
    "Unavailable": ("unsupported", "load"),
}


def spec(name: str) -> str:
    lossless = "Lossless" in name
    return f"{ADAPTERS}:{name}" + ("" if lossless else "@4")


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory):
    """One run of all adapters over three pictures, two jobs."""
    import numpy as np
    from PIL import Image

    from tests.conftest import photo

    root = tmp_path_factory.mktemp("isolation")
    (root / "pictures").mkdir()
    for index in range(3):
        Image.fromarray(photo(176, 168 + index, index)).save(root / "pictures" / f"p{index}.png")
    grey = np.repeat(photo(170, 170, 9)[..., :1], 3, axis=2)
    Image.fromarray(grey).save(root / "pictures" / "grey.png")
    names = ["Honest", *SABOTAGE, "HonestLossless"]
    bench.run(
        datasets=[str(root / "pictures")],
        codecs=[spec(name) for name in names],
        metrics=["psnr_rgb"],
        out=root / "run",
        options=bench.Options(jobs=2, timeout=1.5),
    )
    return bench.load(root / "run")


@pytest.mark.parametrize("name", SABOTAGE)
def test_sabotage_is_caught_with_its_own_status(frame, name: str) -> None:
    """Each kind of misbehaviour ends every one of its trials in the status that names it."""
    rows = frame[(frame["codec"] == name) & (frame["image"] != "grey.png")]
    status, phase = SABOTAGE[name]
    assert len(rows) == 3
    assert set(rows["status"]) == {status}
    assert rows["error"].str.startswith(f"{phase}: ").all()


def test_honest_codecs_are_never_flagged(frame) -> None:
    """Codecs beside the saboteurs finish every trial, in the same worker processes."""
    honest = frame[frame["codec"].isin(["Honest", "HonestLossless"])]
    assert len(honest) == 8
    assert set(honest["status"]) == {"ok"}
    assert honest.loc[honest["codec"] == "HonestLossless", "exact"].all()


def test_failures_keep_what_helps_to_find_them(frame) -> None:
    """A failure keeps the exception, the signal and the last lines of standard error."""
    first = {name: rows.iloc[-1] for name, rows in frame.groupby("codec", observed=True)}
    assert "SIGSEGV" in first["Segfault"]["error"]
    assert "ValueError: no such luck" in first["Raises"]["error"]
    assert "BGR" in first["ChannelSwap"]["error"]
    assert "pip install libmissing" in first["Unavailable"]["error"]
    assert "exit code 7" in first["Exits"]["error"]


def test_standard_error_is_recorded(tmp_path: Path, pictures: Path) -> None:
    """What a codec wrote before it died, from C or from Python, stands in the journal."""
    from bench.runs.store import read_journal

    bench.run(
        datasets=[str(pictures)],
        codecs=[spec("Segfault"), spec("Raises")],
        metrics=["psnr_rgb"],
        limit=1,
        out=tmp_path / "run",
    )
    failures = {it.codec: it.failure for it in read_journal(tmp_path / "run")}
    assert failures["Segfault"].stderr == "about to fall over"
    assert failures["Segfault"].signal == 11
    assert failures["Raises"].stderr == "printed by the codec"


def test_no_process_outlives_a_timeout(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the hanging worker nor the child that it started is left when the run has ended."""
    monkeypatch.setenv("RDBENCH_TEST_MARK", str(tmp_path))
    bench.run(
        datasets=[str(pictures)],
        codecs=[spec("Hang")],
        metrics=["psnr_rgb"],
        limit=1,
        out=tmp_path / "run",
        options=bench.Options(timeout=0.5),
    )
    assert list(bench.load(tmp_path / "run")["status"]) == ["timeout"]
    assert processes_marked(str(tmp_path)) == []


def test_memory_limit(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A codec that allocates without end is stopped at the limit, as out of memory."""
    monkeypatch.setattr("bench.engines.process.memory_bytes", lambda: 2 << 30)
    bench.run(
        datasets=[str(pictures)],
        codecs=[spec("EatsMemory")],
        metrics=["psnr_rgb"],
        limit=1,
        out=tmp_path / "run",
    )
    assert list(bench.load(tmp_path / "run")["status"]) == ["oom"]


def test_memory_that_runs_out_in_a_library_is_out_of_memory(tmp_path: Path, pictures: Path) -> None:
    """torch's failed allocation, a RuntimeError, and a C++ library's, an abort, end as out of memory."""
    pytest.importorskip("torch", reason='needs pip install "rdbench[learned]"')
    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{OWN}:TorchEatsMemory@4", f"{OWN}:AbortsForMemory@4"],
        metrics=["psnr_rgb"],
        limit=1,
        out=tmp_path / "run",
    )
    assert list(bench.load(tmp_path / "run")["status"]) == ["oom", "oom"]


def test_complexity_that_fails_costs_no_trial(tmp_path: Path, pictures: Path) -> None:
    """A codec whose complexity cannot be told is measured all the same."""
    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{OWN}:NoComplexity@4"],
        metrics=["psnr_rgb"],
        limit=1,
        out=tmp_path / "run",
    )
    assert list(bench.load(tmp_path / "run")["status"]) == ["ok"]


def statuses(pictures: Path, out: Path, *names: str, **options: object) -> dict[str, list[str]]:
    """A run of adapters and of PNG after them, one worker at a time: statuses by codec."""
    bench.run(
        datasets=[str(pictures)],
        codecs=[*(f"{OWN}:{name}@4" for name in names), "png"],
        metrics=["psnr_rgb"],
        out=out,
        options=bench.Options(**({"jobs": 1} | options)),
    )
    frame = bench.load(out)
    return {str(codec): list(rows["status"]) for codec, rows in frame.groupby("codec", observed=True)}


def test_a_codec_can_not_change_the_original_for_others(tmp_path: Path, pictures: Path) -> None:
    """Writing into the input by way of C is a mismatch, and costs nobody else a byte."""
    found = statuses(pictures, tmp_path / "run", "WritesBehindNumpy")
    assert found == {"WritesBehindNumpy": ["mismatch"] * 3, "png": ["ok"] * 3}
    alone = statuses(pictures, tmp_path / "alone")
    assert alone == {"png": ["ok"] * 3}
    frames = [bench.load(tmp_path / it).query("codec == 'png'")["bytes"] for it in ("run", "alone")]
    assert list(frames[0]) == list(frames[1])


def test_hoarded_memory_is_not_the_next_codecs_loss(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that ran out of memory is replaced."""
    monkeypatch.setattr("bench.engines.process.memory_bytes", lambda: 2 << 30)
    assert statuses(pictures, tmp_path / "run", "Hoards") == {"Hoards": ["oom"] * 3, "png": ["ok"] * 3}


def test_odd_codecs_cost_their_own_trials_at_most(tmp_path: Path, pictures: Path) -> None:
    """Children that come back, subclasses, numpy's numbers, nameless signals and unwritable messages."""
    found = statuses(
        pictures,
        tmp_path / "run",
        *(
            "ForksAndForgets",
            "SubclassOfBytes",
            "NumpyComplexity",
            "DiesOfRealTimeSignal",
            "SpeaksSurrogates",
        ),
    )
    assert found == {
        "ForksAndForgets": ["ok"] * 3,
        "SubclassOfBytes": ["ok"] * 3,
        "NumpyComplexity": ["ok"] * 3,
        "DiesOfRealTimeSignal": ["crash"] * 3,
        "SpeaksSurrogates": ["codec_error"] * 3,
        "png": ["ok"] * 3,
    }
    errors = bench.load(tmp_path / "run").groupby("codec", observed=True)["error"].first()
    assert "signal 40" in errors["DiesOfRealTimeSignal"]


def test_the_limit_of_time_is_for_one_call(tmp_path: Path, pictures: Path) -> None:
    """Repetitions for --timing do not share it."""
    found = statuses(pictures, tmp_path / "run", "Sleeps", timeout=1.5, timing=True, repeats=5)
    assert found["Sleeps"] == ["ok"] * 3

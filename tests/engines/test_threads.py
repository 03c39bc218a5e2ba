"""Numbers of threads as an axis of a run, and what a report says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench
from bench.cli.measuring import thread_counts
from bench.engines.options import complete_config
from bench.errors import ConfigError
from bench.host.processor import processors_for_timing, usable_processors
from bench.report.build import build_report_data
from bench.report.tables.threads import ThreadsTable
from bench_codecs.avif import Avif
from bench_codecs.command import Command
from tests.conftest import ADAPTERS, photo
from tests.engines.adapters import UsesThreads

OWN = Path(__file__).with_name("adapters.py")
needs_two = pytest.mark.skipif(len(processors_for_timing(2)) < 2, reason="needs two processors, and Linux")


def timed(pictures: Path, out: Path, *codecs: str, notes: list[str] | None = None, **options):
    """Measure the codecs on one picture, each time once."""
    return bench.run(
        datasets=[str(pictures)],
        codecs=list(codecs),
        metrics=["psnr_rgb"],
        limit=1,
        out=out,
        options=bench.Options(**{"timing": True, "repeats": 1} | options),
        events=bench.Events(note=(notes if notes is not None else []).append),
    )


@needs_two
def test_each_number_of_threads_is_a_configuration(pictures: Path, tmp_path: Path) -> None:
    """Each has its rows and its processors; one that can't is there once, and told; the journal resumes."""
    run, notes = tmp_path / "run", list[str]()
    codecs = (f"{OWN}:UsesThreads@2,4", f"{OWN}:ThreadsCostBits@4,6", f"{ADAPTERS}:Honest@4")
    timed(pictures, run, *codecs, notes=notes, threads=(1, 2))
    frame = bench.load(run)
    assert set(frame["error"]) == {""}
    assert dict(frame["label"].value_counts()) == {
        "UsesThreads": 2,
        "UsesThreads-threads2": 2,
        "ThreadsCostBits": 2,
        "ThreadsCostBits-threads2": 2,
        "Honest": 1,
    }
    (told,) = (it for it in notes if "is not measured with" in it)
    assert told.startswith("Honest is not measured with 2 threads: codec 'Honest' has no option 'threads'")
    again = timed(pictures, run, *codecs[:1], f"{OWN}:UsesThreads:threads=2@2,4", timing=False)
    assert again.measured == 0

    (data,) = build_report_data([run])
    assert {it.label for it in data.entries} == {
        *("UsesThreads", "ThreadsCostBits", "ThreadsCostBits-threads2", "Honest"),
    }
    table = ThreadsTable().make(data)
    assert table is not None
    assert table.by_label("threads") == {
        "UsesThreads": 1,
        "UsesThreads-threads2": 2,
        "ThreadsCostBits": 1,
        "ThreadsCostBits-threads2": 2,
    }
    assert table.by_label("same_bytes")["UsesThreads-threads2"] == "2/2"
    assert table.by_label("same_bytes")["ThreadsCostBits-threads2"] == "1/2"
    assert table.by_label("same_pixels")["ThreadsCostBits-threads2"] == "2/2"
    rates = table.by_label("bpp")
    assert rates["UsesThreads"] == rates["UsesThreads-threads2"]
    assert rates["ThreadsCostBits"] < rates["ThreadsCostBits-threads2"]
    assert table.by_label("encode_speedup")["UsesThreads"] == 1
    assert (table.by_label("decode_speedup")["UsesThreads-threads2"] or 0) > 0


def test_threads_without_processors_are_refused(pictures: Path, tmp_path: Path) -> None:
    """More threads than processors, none, and threads beside other trials end before anything is measured."""
    for options in ({"threads": (1, 1000)}, {"threads": (0,)}, {"threads": (1,), "timing": False}):
        with pytest.raises(ConfigError, match="--threads"):
            timed(pictures, tmp_path / "run", f"{OWN}:UsesThreads@4", **options)
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_spec_with_more_threads_than_processors_fails_as_unsupported(
    pictures: Path, tmp_path: Path
) -> None:
    """A number in a spec is measured as it is, or not at all where it can't be pinned."""
    most = usable_processors()
    timed(pictures, tmp_path / "run", f"{OWN}:UsesThreads:threads={most + 1}@4")
    (row,) = bench.load(tmp_path / "run").itertuples()
    assert (row.status, row.label) == ("unsupported", f"UsesThreads-threads{most + 1}")
    assert f"{most + 1} threads, and {most} processors" in row.error


@pytest.mark.parametrize("text", ["1.5", "two", ""])
def test_numbers_of_threads_are_whole(text: str) -> None:
    """What is no list of whole numbers is an error of the command line."""
    assert thread_counts(None) == ()
    assert thread_counts("1,4,4") == (1, 4)
    with pytest.raises(ConfigError, match="--threads"):
        thread_counts(text)


def test_an_added_option_is_recorded_where_it_is_not_the_default() -> None:
    """Results of before the option keep their configuration, and so their key."""
    assert complete_config(UsesThreads, {}) == complete_config(UsesThreads, {"threads": "1"}) == {}
    assert complete_config(UsesThreads, {"threads": "2"}) == {"threads": 2}
    assert complete_config(Avif, {}) == {"speed": 8, "subsampling": "420"}


def test_a_command_line_is_told_its_threads(tmp_path: Path) -> None:
    """``{threads}`` is filled in; without it there is one thread."""
    lines = {"encode": "cp {input} {output}", "decode": "cp {input} {output}", "lossless": True}
    with pytest.raises(ConfigError, match=r"neither command line has \{threads\}"):
        Command(**lines, threads=2)
    script = tmp_path / "write.sh"
    script.write_text('printf %s "$1" > "$2"')
    told = {**lines, "encode": f"sh {script} {{threads}} {{output}} {{input}}"}
    assert Command(**told, threads=3).encode(photo(4, 4), None) == b"3"
    assert Command(**told).encode(photo(4, 4), None) == b"1"


@needs_two
def test_the_first_processor_is_that_of_one_thread() -> None:
    """More threads get further processors beside the one that a single thread has."""
    assert processors_for_timing(1) == processors_for_timing(2)[:1]
    assert len(set(processors_for_timing(2))) == 2

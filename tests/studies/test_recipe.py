"""CONTRIBUTING's recipe for a study, followed by one that asks whether bitstreams shrink under zlib."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import pytest
import typer
from typer.testing import CliRunner

import bench
from bench.cli import studies
from bench.cli.studies import command_of
from bench.engines.engine import EngineOptions, Slot, Task
from bench.errors import StoreError
from bench.plotting.canvas import Canvas
from bench.plotting.series_style import SeriesStyle
from bench.report import write_report
from bench.runs.store import RunWriter
from bench.studies.results import write_results
from bench.studies.session import Bitstreams, StudyEvents, StudyOptions, finished_trials, journal_of, put
from bench.studies.study import Answers, Asked, FinishedTrial, Study, StudyPlan
from bench.tables.table import WRITERS, Column, Table
from bench.trials.trust import NOBODY, Trust

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRIALS = 3 * 3


class Deflated(msgspec.Struct, frozen=True, kw_only=True):
    """How large a bitstream is after zlib."""

    key: str
    label: str
    bytes: int
    deflated: int


@dataclass(frozen=True)
class Deflate(Task[Asked[FinishedTrial], Deflated]):
    """Compresses the bitstream of a finished trial once more."""

    bitstreams: Bitstreams
    level: int

    def __call__(self, work: Asked[FinishedTrial], slot: Slot) -> Deflated:
        bitstream = self.bitstreams.whole(work, slot)
        deflated = len(zlib.compress(bitstream, self.level))
        return Deflated(key=work.key, label=work.codec.label, bytes=len(bitstream), deflated=deflated)


@dataclass(frozen=True)
class Shrinkage(Study[FinishedTrial, Deflated]):
    """Compress bitstreams once more: whether a codec leaves redundancy."""

    name = "shrinkage"
    unit = "bitstreams"
    record = Deflated

    level: Annotated[int, typer.Option(min=1, max=9, help="Of zlib.")] = 9

    def plan(self, run: Path, trust: Trust) -> StudyPlan[FinishedTrial]:
        return finished_trials(run, trust)

    def task(self, run: Path) -> Deflate:
        return Deflate(Bitstreams.of(run), self.level)

    def tables(self, answers: Answers[FinishedTrial, Deflated]) -> tuple[Table, ...]:
        columns = (Column("label", "codec"), Column("shrunk", "shrunk"), Column("bitstreams", "bitstreams"))
        planned = Counter(it.label for _, it in answers)
        shrunk = Counter(it.label for _, it in answers if it.deflated < it.bytes)
        rows = tuple((label, shrunk[label], count) for label, count in planned.items())
        return (Table("shrinkage", "Bitstreams that zlib makes smaller", columns, rows),)

    def figures(
        self, answers: Answers[FinishedTrial, Deflated], canvas: Canvas, styles: Mapping[str, SeriesStyle]
    ) -> Mapping[str, Figure | None]:
        figure, (axes,) = canvas.figure(1, 2.0)
        for label in dict.fromkeys(it.label for _, it in answers):
            sizes = [(it.bytes, it.deflated) for _, it in answers if it.label == label]
            axes.plot(*zip(*sizes, strict=True), "o", color=styles[label].colour)
        return {"shrinkage": figure}


@pytest.fixture
def run(tmp_path: Path, pictures: Path) -> Path:
    """Three operating points on three pictures; no bitstreams are kept."""
    codecs = ["jpeg@30,90", "png"]
    bench.run(datasets=[str(pictures)], codecs=codecs, metrics=["psnr_rgb"], out=tmp_path / "run")
    return tmp_path / "run"


def means(pictures: Path) -> StudyOptions:
    return StudyOptions((str(pictures),), NOBODY, EngineOptions(jobs=2))


def test_an_interrupted_study_goes_on_from_there(run: Path, pictures: Path) -> None:
    """What was answered before is not asked again, a torn line is, and no answer stands twice."""
    study, options = Shrinkage(), means(pictures)
    taken: list[str] = []

    def interrupt(answer: Deflated) -> None:
        taken.append(answer.key)
        if len(taken) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(study, run, options, StudyEvents(answered=interrupt))
    journal = run / "shrinkage.jsonl"
    assert [it.key for it in journal_of(study, run)] == taken
    journal.write_bytes(journal.read_bytes()[:-10])
    counts: list[tuple[int, int]] = []
    again: list[str] = []
    events = StudyEvents[Deflated](
        started=lambda pending, planned: counts.append((pending, planned)),
        answered=lambda answer: again.append(answer.key),
    )
    answers = put(study, run, options, events)
    assert counts == [(TRIALS - 3, TRIALS)]
    assert not {*again} & {*taken[:3]}
    lines = list(journal_of(study, run))
    assert len(lines) == len({it.key for it in lines}) == len(answers.by_key) == TRIALS
    assert put(study, run, options) == answers


def test_another_level_is_asked_again(run: Path, pictures: Path) -> None:
    """Options are part of an answer's key, and what was answered with others is kept beside."""
    strong, weak = (put(Shrinkage(level), run, means(pictures)) for level in (9, 1))
    assert [it.deflated for _, it in strong] != [it.deflated for _, it in weak]
    again: list[Deflated] = []
    events = StudyEvents[Deflated](answered=again.append)
    assert put(Shrinkage(9), run, means(pictures), events) == strong
    assert not again


def test_an_answer_to_what_was_not_asked_is_refused(run: Path, pictures: Path) -> None:
    """A task that gives the question's key, without the options, is told before anything is kept."""

    class Forgetful(Deflate):
        def __call__(self, work: Asked[FinishedTrial], slot: Slot) -> Deflated:
            return msgspec.structs.replace(super().__call__(work, slot), key=work.question.key)

    class Broken(Shrinkage):
        def task(self, run: Path) -> Deflate:
            return Forgetful(Bitstreams.of(run), self.level)

    with pytest.raises(ValueError, match="not that of what was asked"):
        put(Broken(), run, means(pictures))
    assert not [*journal_of(Broken(), run)]


def test_answers_without_isolation_are_not_kept(run: Path, pictures: Path) -> None:
    """A study is debugged in this process; the caller is told that the answers are asked again."""
    notes: list[str] = []
    options = StudyOptions((str(pictures),), engine="inprocess")
    answers = put(Shrinkage(), run, options, StudyEvents(note=notes.append))
    assert "does not isolate" in notes[0]
    assert not [*journal_of(Shrinkage(), run)]
    assert put(Shrinkage(), run, means(pictures)) == answers


@pytest.mark.parametrize(
    ("engine", "words"), [("local", "goes on from there"), ("inprocess", "nothing is kept")]
)
def test_an_interruption_tells_what_is_kept(
    engine: str, words: str, run: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Answers of an engine that does not isolate codecs are lost, and nobody promises otherwise."""

    class Interrupting(Deflate):
        def __call__(self, work: Asked[FinishedTrial], slot: Slot) -> Deflated:
            raise KeyboardInterrupt

    class Interrupted(Shrinkage):
        def task(self, run: Path) -> Deflate:
            return Interrupting(Bitstreams.of(run), self.level)

    with pytest.raises(KeyboardInterrupt):
        studies.put_study(Interrupted(), run, StudyOptions((str(pictures),), engine=engine), run / "out")
    assert words in capsys.readouterr().err


def test_a_report_shows_the_study(run: Path, pictures: Path) -> None:
    """Its page and figures are linked under its name, without a word of it in the report's code."""
    study = Shrinkage()
    write_results(study, run, put(study, run, means(pictures)), run / study.name)
    write_report([run], run / "report")
    report = (run / "report" / "report.md").read_text()
    assert "## Shrinkage\n\nOf run run: [tables and figures](../shrinkage/shrinkage.md)" in report
    assert "![shrinkage](../shrinkage/figures/shrinkage.png)" in report


def test_tables_and_figures_are_written(run: Path, pictures: Path, tmp_path: Path) -> None:
    """One call writes the table in every form, the figure in every format, and the page with both."""
    study = Shrinkage()
    files = write_results(study, run, put(study, run, means(pictures)), tmp_path / "out").paths
    drawn = {f"figures/shrinkage.{ending}" for ending in ("png", "svg", "pdf")}
    written = {f"tables/shrinkage.{ending}" for ending in WRITERS}
    assert {it.relative_to(tmp_path / "out").as_posix() for it in files} == {*drawn, *written, "shrinkage.md"}
    page = (tmp_path / "out" / "shrinkage.md").read_text()
    assert "![shrinkage](figures/shrinkage.png)" in page
    assert re.search(r"\| jpeg-420 \| [1-6] \| 6 \|", page)


def test_the_command_follows_from_the_study(run: Path, pictures: Path) -> None:
    """One line makes a command of it: with its own options, what studies share, and the docstring as help."""
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command(Shrinkage.name)(command_of(Shrinkage))
    told = CliRunner().invoke(app, ["shrinkage", "--help"], env={"COLUMNS": "120"}).output
    assert "whether a codec leaves redundancy" in told
    assert {"--level", "--dataset", "--jobs", "--timeout", "--engine", "--out", "--trust"} <= {*told.split()}
    done = CliRunner().invoke(app, ["shrinkage", str(run), "-d", str(pictures), "--level", "1"])
    assert done.exit_code == 0, done.output
    assert f"{TRIALS} bitstreams planned, 0 done before, {TRIALS} to take" in done.stderr
    assert f"{TRIALS}/{TRIALS} bitstreams" in done.stderr
    assert "Bitstreams that zlib makes smaller" in done.stdout
    assert (run / "shrinkage" / "shrinkage.md").is_file()


def test_a_run_in_use_is_left_alone(run: Path, pictures: Path) -> None:
    """A study waits for nobody: while another process writes into the run, it says so."""
    with RunWriter(run), pytest.raises(StoreError, match="another rdbench writes"):
        put(Shrinkage(), run, means(pictures))


def test_nothing_is_written_through_links(run: Path, pictures: Path, tmp_path: Path) -> None:
    """A journal that leads out of a run folder, as somebody else's may, is refused."""
    (run / "shrinkage.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="a link"):
        put(Shrinkage(), run, means(pictures))
    assert not (tmp_path / "elsewhere").exists()

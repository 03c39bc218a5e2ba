"""Generation loss: what chains measure, when they end, and that nothing is made twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import bench
from bench.cli.app import app
from bench.cli.exit_codes import EXIT_FAILED_TRIALS
from bench.engines.engine import EngineOptions
from bench.errors import ConfigError
from bench.report import write_report
from bench.studies.generations.chain import Chain, Generation
from bench.studies.generations.study import GenerationsStudy
from bench.studies.session import StudyEvents, StudyOptions, journal_of, put
from bench.trials.trust import EVERYBODY

ADAPTERS = Path(__file__).with_name("adapters.py")


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    """A folder with a picture whose samples are all 100."""
    folder = tmp_path / "grey"
    folder.mkdir()
    Image.fromarray(np.full((12, 14, 3), 100, np.uint8)).save(folder / "grey.png")
    return folder


def chains(pictures: Path, *codecs: str, study: GenerationsStudy) -> dict[str, Chain]:
    """The chains of codecs of ``adapters.py`` on the only picture of a folder, by label."""
    run = pictures.parent / "run"
    named = [f"{ADAPTERS}:{it}" for it in codecs]
    bench.run(datasets=[str(pictures)], codecs=named, metrics=["psnr_rgb"], out=run)
    answers = put(study, run, options(pictures))
    return {planned.trial.codec.label: chain for planned, chain in answers}


def options(pictures: Path) -> StudyOptions:
    return StudyOptions((str(pictures),), EVERYBODY, EngineOptions(jobs=1))


def decibels(levels: float) -> float:
    """PSNR of two pictures that differ by as many levels everywhere."""
    return float(20 * np.log10(255 / levels))


def test_loss_adds_up_against_the_original(grey: Path) -> None:
    """Each generation is compared with the original and with the one before it."""
    chain = chains(grey, "Darker", study=GenerationsStudy(4))["Darker"]
    original = [it.to_original["psnr_rgb"] for it in chain.generations]
    previous = [it.to_previous["psnr_rgb"] for it in chain.generations]
    assert original == pytest.approx([decibels(it) for it in (1, 2, 3, 4)])
    assert previous == pytest.approx([decibels(1)] * 4)
    assert (chain.settled, chain.period) == (None, None)


def test_a_chain_ends_at_a_fixed_point(grey: Path) -> None:
    """The bitstream that equals the one before is the last; what would follow is known without it."""
    found = chains(grey, "Coarse", "Exact", study=GenerationsStudy(9))
    coarse, exact = found["Coarse"], found["Exact"]
    assert (coarse.settled, len(coarse.generations)) == (2, 3)
    assert coarse.at(9) == coarse.at(3)
    assert coarse.at(9).to_original["psnr_rgb"] == pytest.approx(decibels(100 - 96))
    assert coarse.at(9).to_previous == {"psnr_rgb": None}
    assert (exact.settled, len(exact.generations)) == (1, 2)


def test_a_cycle_is_no_fixed_point(grey: Path) -> None:
    """A bitstream of two generations ago ends the chain too, and the two take turns from there."""
    chain = chains(grey, "Inverted", study=GenerationsStudy(9))["Inverted"]
    assert (chain.period, chain.settled, len(chain.generations)) == (2, None, 3)
    digests = [chain.at(it).bitstream_sha256 for it in range(1, 8)]
    assert digests == [digests[0], digests[1]] * 3 + [digests[0]]


@pytest.mark.parametrize(
    ("hashes", "period", "settled"), [("", None, None), ("a", None, None), ("abb", 1, 2)]
)
def test_where_a_chain_settles(hashes: str, period: int | None, settled: int | None) -> None:
    """The fixed point is the first of two equal bitstreams; a chain may also be empty."""
    made = tuple(Generation(1, it * 64, {}, {}) for it in hashes)
    chain = Chain(key="", dataset="", image="", label="", quality=None, generations=made)
    assert (chain.period, chain.settled) == (period, settled)
    if period is None:
        with pytest.raises(IndexError):
            chain.at(2)


def test_a_moved_picture_is_compared_in_place(pictures: Path) -> None:
    """The original moves along, so that moving costs a codec without a grid nothing."""
    single = pictures.parent / "single"
    single.mkdir()
    (pictures / "p0.png").rename(single / "p0.png")
    chain = chains(single, "Exact", study=GenerationsStudy(4, shift=3))["Exact"]
    assert len(chain.generations) == len({it.bitstream_sha256 for it in chain.generations}) == 4
    assert all(it.to_original == it.to_previous == {"psnr_rgb": None} for it in chain.generations)


def test_an_interrupted_study_goes_on_from_there(pictures: Path) -> None:
    """What was made before is not made again, and no chain stands twice."""
    run, study = pictures.parent / "run", GenerationsStudy(3)
    bench.run(datasets=[str(pictures)], codecs=["jpeg@30,90"], metrics=["psnr_rgb"], out=run)
    taken: list[str] = []

    def interrupt(chain: Chain) -> None:
        taken.append(chain.key)
        if len(taken) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(study, run, options(pictures), StudyEvents(answered=interrupt))
    again: list[str] = []
    put(study, run, options(pictures), StudyEvents(answered=lambda it: again.append(it.key)))
    keys = [it.key for it in journal_of(study, run)]
    assert len(again) == 4
    assert keys == taken + again
    assert len({*keys}) == 6


def test_more_generations_alone_are_made_again(grey: Path) -> None:
    """Fewer generations are those of the longer chain; another shift is another question."""
    study, run = GenerationsStudy(3), grey.parent / "run"
    chains(grey, "Darker", "Coarse", study=study)
    for other, asked in ((GenerationsStudy(2), []), (GenerationsStudy(5), ["Darker"])):
        made: list[str] = []
        put(other, run, options(grey), StudyEvents(answered=lambda it, to=made: to.append(it.label)))
        assert made == asked
    moved: list[str] = []
    put(GenerationsStudy(3, 1), run, options(grey), StudyEvents(answered=lambda it: moved.append(it.label)))
    assert sorted(moved) == ["Coarse", "Darker"]


def test_a_codec_that_gives_up_has_the_generations_before(grey: Path) -> None:
    """The chain breaks off with the failure, and its picture enters no mean."""
    study = GenerationsStudy(5)
    chain = chains(grey, "Weary", study=study)["Weary"]
    assert (len(chain.generations), chain.status) == (2, "codec_error")
    answers = put(study, grey.parent / "run", options(grey))
    table, _ = study.tables(answers)
    row = dict(zip((it.key for it in table.columns), table.rows[0], strict=True))
    assert (row["ok"], row["planned"], row["bpp"]) == (0, 1, None)
    assert any("Weary in generation 3: codec_error" in it for it in table.notes)


def test_a_metric_that_the_run_lacks_is_refused(grey: Path) -> None:
    """The question can't be answered, and the message says what the run has."""
    with pytest.raises(ConfigError, match="lacks flip; it has psnr_rgb"):
        chains(grey, "Exact", study=GenerationsStudy(3, metrics=("flip",)))


@pytest.fixture
def desk(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the folder ``pictures``."""
    monkeypatch.chdir(pictures.parent)
    return pictures.parent


def test_the_command_takes_a_codec_and_images(desk: Path) -> None:
    """Codecs without points run at the middle of their sweep; files and tables are where it says."""
    line = [
        "generations",
        "jpeg@50",
        "webp",
        "pictures/p0.png",
        "pictures/p1.png",
        "-n",
        "3",
        "-m",
        "psnr_rgb",
    ]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    assert "4 chains planned" in done.stderr
    assert "Loss over 3 generations" in done.stdout
    told = [it.split() for it in done.stdout.splitlines() if "jpeg" in it]
    assert all(row[0] in ("p0", "p1") for row in told), "rows of single pictures would be alike"
    folder = desk / "results" / "generations" / "p0+p1"
    drawn = sorted(it.name for it in (folder / "generations" / "figures").glob("*.png"))
    assert drawn == ["p0_generations.png", "p1_generations.png"]
    again = CliRunner().invoke(app, line)
    assert "4 done before, 0 to take" in again.stderr
    assert again.stdout == done.stdout


def test_the_command_takes_a_run(desk: Path) -> None:
    """Trials of a finished run nearest to a rate are first generations, and its report shows the study."""
    bench.run(datasets=["pictures"], codecs=["jpeg@10,90"], metrics=["psnr_rgb"], limit=1, out="run")
    done = CliRunner().invoke(app, ["generations", "run", "-n", "2", "-d", "pictures", "--bpp", "0.1"])
    assert done.exit_code == 0, done.output
    assert "1 chains planned" in done.stderr
    assert (desk / "run" / "generations" / "figures" / "generations.pdf").is_file()
    write_report([desk / "run"], desk / "report")
    assert "## Generations" in (desk / "report" / "report.md").read_text()


def test_a_failed_chain_is_in_the_exit_code(grey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a failed trial of a run is; the codec's file that this call names is trusted."""
    monkeypatch.chdir(grey.parent)
    line = ["generations", "-c", f"{ADAPTERS}:Weary", "-d", "grey", "-n", "4", "-m", "psnr_rgb"]
    assert CliRunner().invoke(app, line).exit_code == EXIT_FAILED_TRIALS


def test_pictures_that_no_codec_takes_are_told_with_the_cause(desk: Path) -> None:
    """Without a first generation the last line says how it failed."""
    levels = np.zeros((24, 32), np.uint16) + 999
    Image.fromarray(levels).save(desk / "deep.png")
    done = CliRunner().invoke(app, ["generations", "webp@50", "deep.png", "-n", "2"])
    assert "no finished trials to probe; webp on deep.png: unsupported, load: " in str(done.exception)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["jpeg@50", "absent.png"], "absent.png: neither an installed codec nor an image"),
        (["jpeg@50"], "name a codec and an image"),
        (["pictures/p0.png"], "name a codec and an image"),
    ],
)
def test_what_is_missing_is_told(line: list[str], words: str, desk: Path) -> None:
    """Without a codec or a picture nothing runs."""
    done = CliRunner().invoke(app, ["generations", *line])
    assert words in str(done.exception)
    assert not (desk / "results").exists()

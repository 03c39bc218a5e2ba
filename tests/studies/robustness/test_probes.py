"""Probing a run: what becomes of each codec is told, nothing is probed twice, and nothing gets lost."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import bench
from bench.engines.engine import EngineOptions
from bench.errors import ConfigError
from bench.inputs.suite import CodecEntry
from bench.studies.results import write_results
from bench.studies.robustness.probes import BitstreamProbe, InputProbe, plan_probes
from bench.studies.robustness.study import RobustnessStudy
from bench.studies.robustness.tables import (
    BitstreamRow,
    InputRow,
    Probes,
    bitstream_rows,
    bitstream_table,
    input_rows,
    input_table,
)
from bench.studies.session import StudyEvents, StudyOptions, journal_of, put
from bench.tables.table import WRITERS
from bench.trials.trust import EVERYBODY
from tests.conftest import photo

ADAPTERS = Path(__file__).with_name("adapters.py")
NAMES = ("Careless", "Careful", "Fragile", "Stuck", "Padded", "Fainthearted")
CORRUPTIONS, FLIPS, TRUNCATIONS, DRAWS = 7, 3, 3, 2


def measure(folder: Path, *names: str, **options: object) -> Path:
    """A run of some adapters over one small picture and one very small one."""
    pictures = folder / "pictures"
    pictures.mkdir()
    for index, size in enumerate((64, 48)):
        PillowImage.fromarray(photo(size, size + 8, index)).save(pictures / f"p{index}.png")
    bench.run(
        datasets=[str(pictures)],
        codecs=[*(f"{ADAPTERS}:{name}@8" for name in names), "png"],
        metrics=["psnr_rgb"],
        out=folder / "run",
        options=bench.Options(**options),
    )
    return folder / "run"


def means(*datasets: Path, jobs: int = 1, timeout: float = 60.0) -> StudyOptions:
    """Pictures and codecs of the test's own."""
    return StudyOptions(tuple(map(str, datasets)), EVERYBODY, EngineOptions(jobs, timeout))


def probe(run: Path, events: StudyEvents | None = None) -> Probes:
    options = means(run.parent / "pictures", jobs=2, timeout=1.0)
    return put(RobustnessStudy(bpp=30, draws=DRAWS), run, options, events)


def journal(run: Path) -> list[InputProbe | BitstreamProbe]:
    return list(journal_of(RobustnessStudy(), run))


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Probes:
    """Every adapter probed once."""
    return probe(measure(tmp_path_factory.mktemp("robustness"), *NAMES))


def outcomes(probes: Probes, label: str, kind: str) -> list[BitstreamRow]:
    return [
        it for it in bitstream_rows(probes) if it.group.label == label and it.group.probe.startswith(kind)
    ]


def inputs(probes: Probes, label: str) -> dict[str, InputRow]:
    return {it.group.probe: it for it in input_rows(probes) if it.group.label == label}


def test_every_probe_is_accounted_for(probes: Probes) -> None:
    """Codecs × pictures × corruptions and damages, none missing."""
    each = 2 * (CORRUPTIONS + FLIPS * DRAWS + TRUNCATIONS)
    assert len(probes.by_key) == len(probes.plan.questions) == (len(NAMES) + 1) * each
    assert probes.plan.unfinished == 0


def test_a_picture_in_two_data_sets_and_a_new_label_are_told_apart(tmp_path: Path, pictures: Path) -> None:
    """Probes are taken once for the same bitstream, and counted for each data set, by today's label."""
    others = tmp_path / "others"
    others.mkdir()
    shutil.copy(pictures / "p0.png", others / "same.png")
    codecs = [CodecEntry(codec="png", label="one")]
    folders = (str(pictures), str(others))
    bench.run(datasets=folders, codecs=codecs, metrics=["psnr_rgb"], out=tmp_path / "run")
    options = means(pictures, others, jobs=2)

    def counted() -> dict[tuple[str, str], int]:
        rows = input_rows(put(RobustnessStudy(draws=1), tmp_path / "run", options))
        return {(it.group.dataset, it.group.label): it.planned for it in rows}

    assert counted() == {("pictures", "one"): 3, ("others", "one"): 1}
    codecs = [CodecEntry(codec="png", label="other")]
    bench.run(datasets=folders, codecs=codecs, metrics=["psnr_rgb"], out=tmp_path / "run")
    assert counted() == {("pictures", "other"): 3, ("others", "other"): 1}


def test_operating_points_are_those_of_comparable_rates(tmp_path: Path, pictures: Path) -> None:
    """Each lossy codec is probed at its point nearest to the rate asked for, a lossless one as it is."""
    bench.run(
        datasets=[str(pictures)],
        codecs=["jpeg@5,50,95", "webp@5,50,95", "png"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
    )
    means = bench.load(tmp_path / "run").groupby(["label", "quality"], observed=True)["bpp"].mean()
    for label in ("jpeg-420", "webp"):
        for quality, rate in means[label].items():
            chosen = {
                (it.trial.codec.label, it.trial.quality)
                for it in plan_probes(tmp_path / "run", rate * 1.1, 1).questions
            }
            assert (label, quality) in chosen
            assert ("png", None) in chosen
            assert len(chosen) == 3


def test_careful_decoders_detect(probes: Probes) -> None:
    """A check sum makes every damage detected, and a truncation is detected by the careless too."""
    for row in outcomes(probes, "Careful", ""):
        assert row.detected == 100
    for row in outcomes(probes, "Careless", "keep"):
        assert row.detected == 100


def test_careless_decoders_are_silently_wrong(probes: Probes) -> None:
    """Other pixels and no error are told as such, with the PSNR that is left."""
    for row in outcomes(probes, "Careless", "flip"):
        assert row.wrong + row.unchanged + row.detected == 100
        assert row.wrong > 0
    known = [row.psnr for row in outcomes(probes, "Careless", "flip") if row.psnr is not None]
    assert known
    assert all(math.isfinite(it) and it < 100 for it in known)


def test_deaths_and_hangs_are_crashes(probes: Probes) -> None:
    """A signal and a timeout cost their own probes; the codecs beside them finish."""
    for name, outcome in (("Fragile", "crash"), ("Stuck", "timeout")):
        assert all(row.crashed == 100 for row in outcomes(probes, name, ""))
        mine = [it for it in probes.by_key.values() if it.label == name]
        assert {it.outcome for it in mine if isinstance(it, BitstreamProbe)} == {outcome}
    died = next(it for it in probes.by_key.values() if it.label == "Fragile" and it.failure)
    assert died.failure is not None
    assert died.failure.signal == 11


def test_damage_that_no_one_reads_is_unchanged(probes: Probes) -> None:
    """Where the pixels are those of the whole bitstream, the damage did nothing."""
    lost = {row.group.probe: row for row in outcomes(probes, "Padded", "")}
    assert lost["keep99"].unchanged == 100
    assert lost["flip1"].unchanged > 50


def test_inputs_cost_bits_and_quality(probes: Probes) -> None:
    """Noise costs a lossless codec bits and blur saves some; what it is given it keeps exactly."""
    rows = inputs(probes, "png")
    assert rows["noise25"].inflation is not None
    assert rows["blur2"].inflation is not None
    assert rows["noise25"].inflation > 10 > 0 > rows["blur2"].inflation
    assert all(it.psnr_input is None and it.psnr_to_clean == it.psnr_corruption for it in rows.values())


def test_psnr_against_both_pictures(probes: Probes) -> None:
    """The reconstruction is compared with what was encoded and with the clean picture."""
    record = next(
        it
        for it in probes.by_key.values()
        if isinstance(it, InputProbe) and it.label == "png" and it.corruption == "noise10"
    )
    noisy = 10 * math.log10(255**2 / 10**2)
    assert record.psnr_clean == pytest.approx(noisy, abs=0.5)
    careless = inputs(probes, "Careless")["noise10"]
    assert careless.psnr_input is None  # it keeps all eight bits
    assert careless.inflation == pytest.approx(0)


def test_a_refused_picture_is_counted(probes: Probes) -> None:
    """An encoder that fails on a corrupted picture has fewer `ok` than planned, not fewer rows."""
    rows = inputs(probes, "Fainthearted")
    assert (rows["blocks25"].ok, rows["blocks25"].planned) == (0, 2)
    assert rows["blocks25"].inflation is None
    assert rows["noise5"].ok == 2


@pytest.mark.slow
def test_tables_and_figures(probes: Probes, tmp_path: Path) -> None:
    """All rows stand in every form of the tables; both figures are drawn, alike each time."""
    run = tmp_path / "one" / "run"
    run.parent.mkdir()
    measure_into = measure(run.parent, "Careless")
    small = probe(measure_into)
    files = write_results(RobustnessStudy(), run, small, tmp_path / "a").paths
    again = write_results(RobustnessStudy(), run, small, tmp_path / "b").paths
    assert {it.name for it in files} == {
        *(f"{table}.{end}" for table in ("robustness_inputs", "robustness_bitstreams") for end in WRITERS),
        *(
            f"{name}.{end}"
            for name in ("robustness_inputs", "robustness_bitstreams")
            for end in ("png", "svg", "pdf")
        ),
        "robustness.md",
    }
    assert [it.read_bytes() for it in files] == [it.read_bytes() for it in again]
    assert len(input_table(probes).rows) == (len(NAMES) + 1) * CORRUPTIONS
    assert len(bitstream_table(probes).rows) == (len(NAMES) + 1) * (FLIPS + TRUNCATIONS)


@pytest.mark.parametrize("keep", [True, False])
def test_resuming_probes_only_what_is_missing(tmp_path: Path, keep: bool) -> None:
    """After a torn line only its probe is taken again, to the same record, from kept bitstreams or not."""
    run = measure(tmp_path, "Careless", keep_bitstreams=keep)
    first = probe(run)
    file = run / "robustness.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]) + lines[-1][:30])
    taken: list[str] = []
    second = probe(run, StudyEvents(answered=lambda it: taken.append(it.key)))
    assert len(taken) == 1
    assert second.by_key == first.by_key
    assert len(journal(run)) == len(lines)


def test_what_took_too_long_is_tried_again(tmp_path: Path) -> None:
    """A timeout may be the machine's doing or too strict; other outcomes of damage stay as they were."""
    run = measure(tmp_path, "Stuck")
    options = means(tmp_path / "pictures", jobs=4, timeout=1.0)
    study = RobustnessStudy(bpp=30, draws=1)
    first = put(study, run, options)
    late = [
        it.key for it in first.by_key.values() if isinstance(it, BitstreamProbe) and it.outcome == "timeout"
    ]
    assert late
    taken: list[str] = []
    again = put(study, run, options, StudyEvents(answered=lambda it: taken.append(it.key)))
    assert sorted(taken) == sorted(late)
    assert again.by_key.keys() == first.by_key.keys()


def test_a_decoder_that_needs_longer_is_told_of_the_option(tmp_path: Path) -> None:
    """Not to run again: the undamaged bitstream is sound."""
    run = measure(tmp_path, "Careful")
    options = means(tmp_path / "pictures", jobs=1, timeout=1e-4)
    study = RobustnessStudy(bpp=30, draws=1)
    with pytest.raises(ConfigError, match="--timeout"):
        put(study, run, options)


def test_differences_are_of_the_same_pictures(tmp_path: Path) -> None:
    """A flat picture, exact when clean, changes no difference: it has none of its own."""
    rows = {}
    for name in ("photos", "with a flat one"):
        folder = tmp_path / name
        folder.mkdir()
        for index in range(2):
            PillowImage.fromarray(photo(48, 64, index)).save(folder / f"p{index}.png")
        if name != "photos":
            PillowImage.new("RGB", (64, 48), (128, 128, 128)).save(folder / "flat.png")
        bench.run(
            datasets=[str(folder)], codecs=["jpeg@50"], metrics=["psnr_rgb"], out=tmp_path / f"{name}.run"
        )
        study, options = RobustnessStudy(draws=1), means(folder, jobs=2)
        found = input_rows(put(study, tmp_path / f"{name}.run", options))
        rows[name] = {it.group.probe: it for it in found}
    photos, more = rows.values()
    for probe_name, row in photos.items():
        assert more[probe_name].ok == 3
        assert row.delta_clean == pytest.approx(row.psnr_to_clean - row.psnr_clean)
        assert more[probe_name].delta_clean == pytest.approx(row.delta_clean)
        assert more[probe_name].delta_input == pytest.approx(row.delta_input)


def test_bitstreams_that_can_not_be_made_again(tmp_path: Path) -> None:
    """A codec that encodes differently each time needs its bitstreams kept; the error says so."""
    run = measure(tmp_path, "Drifting")
    with pytest.raises(ConfigError, match=r"Drifting.*--keep-bitstreams"):
        probe(run)


def test_trials_without_a_result_are_told(tmp_path: Path) -> None:
    """A failed trial of the run is not probed, and the tables say how many there were."""
    run = measure(tmp_path, "Careless")
    journal = run / "measurements.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"png"' not in line or b"p1.png" not in line))
    probes = probe(run)
    assert probes.plan.unfinished == 1
    assert any("1 trials" in note for note in input_table(probes).notes)


def test_pictures_are_those_that_the_codec_was_given(tmp_path: Path) -> None:
    """What a suite lets be converted is converted for probes too; samples of another depth are wrong ones."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    transparent = np.dstack([photo(48, 56), np.full((48, 56, 1), 100, np.uint8)])
    PillowImage.fromarray(transparent).save(pictures / "p.png")
    bench.run(
        datasets=[str(pictures)],
        codecs=[f"{ADAPTERS}:Deepening@8"],
        metrics=["psnr_rgb"],
        convert={"alpha": "over white"},
        out=tmp_path / "run",
    )
    taken = [answer for _, answer in put(RobustnessStudy(bpp=30, draws=4), tmp_path / "run", means(pictures))]
    assert {it.status for it in taken if isinstance(it, InputProbe)} == {"ok"}
    failures = [str(it.failure) for it in taken if isinstance(it, BitstreamProbe) and it.outcome == "wrong"]
    assert any("decoded uint16 of shape (48, 56, 3), not uint8" in it for it in failures)


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    """`rdbench robustness RUN` prints both tables and writes the report; no run is a usage error."""
    run = measure(tmp_path, "Careful")
    line = [sys.executable, "-m", "bench.cli", "robustness", "--trust"]
    where = ["--dataset", str(tmp_path / "pictures"), "--draws", "1"]
    done = subprocess.run([*line, str(run), *where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "salt-pepper2" in done.stdout
    assert "silently wrong" in done.stdout
    assert (run / "robustness" / "robustness.md").is_file()
    shutil.rmtree(run)
    assert subprocess.run([*line, str(run)], capture_output=True, text=True, check=False).returncode == 2


def moody_run(folder: Path, pictures: Path) -> Path:
    """A run of a codec in a file of its own; the file's path."""
    adapter = folder / "mine.py"
    adapter.write_text(ADAPTERS.read_text())
    suite = {"datasets": [str(pictures)], "codecs": [f"{adapter}:Moody@8"], "metrics": ["psnr_rgb"]}
    bench.run(**suite, limit=1, out=folder / "run", options=bench.Options(keep_bitstreams=True))
    return adapter


def test_a_codec_of_another_version_is_an_error(tmp_path: Path, pictures: Path) -> None:
    """What it does to bitstreams of its former self is no answer to damage."""
    adapter = moody_run(tmp_path, pictures)
    adapter.write_text(adapter.read_text() + "# changed")
    with pytest.raises(ConfigError, match=r"Moody is version 1\+sha256:\w+ here, the run has version 1\+"):
        put(RobustnessStudy(), tmp_path / "run", means(pictures))
    assert not journal(tmp_path / "run")


@pytest.mark.parametrize(
    ("mood", "message"), [("invert", "decodes to other pixels"), ("refuse", "does not decode: .*not today")]
)
def test_whole_bitstreams_have_to_decode_as_they_did(
    tmp_path: Path, pictures: Path, mood: str, message: str
) -> None:
    """A decoder that changed without a new version is not taken for one that notices damage."""
    moody_run(tmp_path, pictures)
    (tmp_path / "mood").write_text(mood)
    with pytest.raises(ConfigError, match=f"Moody.*{message}"):
        put(RobustnessStudy(), tmp_path / "run", means(pictures))
    assert not any(isinstance(it, BitstreamProbe) for it in journal(tmp_path / "run"))


def test_a_run_without_psnr_is_told_what_it_lacks(tmp_path: Path, pictures: Path) -> None:
    """Without the clean result's PSNR there is nothing to compare with."""
    bench.run(datasets=[str(pictures)], codecs=["png"], metrics=["ssim_rgb"], out=tmp_path / "run")
    with pytest.raises(ConfigError, match="lacks; add -m psnr_rgb"):
        put(RobustnessStudy(), tmp_path / "run", means(pictures))


def test_a_codec_that_is_absent_now_is_an_error(tmp_path: Path, pictures: Path) -> None:
    """Its refusal to decode does not count as damage that it detected."""
    adapter = tmp_path / "mine.py"
    adapter.write_text(ADAPTERS.read_text())
    suite = {"datasets": [str(pictures)], "codecs": [f"{adapter}:Careful@8"], "metrics": ["psnr_rgb"]}
    bench.run(**suite, limit=1, out=tmp_path / "run", options=bench.Options(keep_bitstreams=True))
    adapter.write_text(
        "from bench.errors import CodecUnavailable\n"
        "def Careful():\n    raise CodecUnavailable('no GPU here, use the device cpu')\n"
    )
    with pytest.raises(ConfigError, match=r"Careful.*no GPU here"):
        put(RobustnessStudy(), tmp_path / "run", means(pictures))
    assert not journal(tmp_path / "run")

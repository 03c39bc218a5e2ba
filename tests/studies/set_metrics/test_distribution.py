"""Data-set metrics of a finished run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import bench
from bench import registry
from bench.engines.engine import EngineOptions
from bench.errors import ConfigError
from bench.metrics.dataset import DATASET_METRICS
from bench.report.build import build_report_data
from bench.studies.session import StudyOptions
from bench.studies.set_metrics.measure import measure_sets
from bench.studies.set_metrics.record import SET_METRICS_FILE, SetMeasurement
from bench.studies.set_metrics.table import set_metric_table

BRIGHTNESS = '''
import numpy as np
from bench.metrics.dataset import Estimate


class Brightness:
    """Distance of the mean levels of two sets."""

    name, version, unit, higher_is_better = "brightness", "1", "", False

    def __init__(self, *, device="cpu"):
        pass

    def features(self, image):
        return np.array([[image.mean()]], np.float32)

    def distance(self, reference, decoded):
        x, y = (float(np.concatenate(it).mean()) for it in (reference, decoded))
        return Estimate(np.float32(abs(x - y)), (0.0, 9.0), len(reference))  # numpy number
'''


@pytest.fixture
def run(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with kept bitstreams, and a metric of its own."""
    source = tmp_path / "brightness.py"
    source.write_text(BRIGHTNESS)
    monkeypatch.setattr(registry, "targets", lambda group: _targets(group, f"{source}:Brightness"))
    folder = tmp_path / "run"
    bench.run(
        datasets=[str(pictures)],
        codecs=["jpeg@5,95", "png"],
        metrics=["psnr_rgb"],
        out=folder,
        options=bench.Options(keep_bitstreams=True),
    )
    return folder


def _targets(group: str, target: str) -> dict[str, str]:
    from importlib.metadata import entry_points

    if group == DATASET_METRICS:
        return {"brightness": target}
    return {it.name: it.value for it in entry_points(group=group)}


def measured(run: Path, pictures: Path) -> list[SetMeasurement]:
    return measure_sets(run, "brightness", means(pictures))


def means(*datasets: Path) -> StudyOptions:
    """Two decoders, and pictures of the test's own."""
    return StudyOptions(tuple(map(str, datasets)), of_engine=EngineOptions(jobs=2))


def test_every_operating_point_has_a_distance(run: Path, pictures: Path) -> None:
    """Each codec and quality is measured over all images; a lossless codec is at distance 0."""
    results = {(it.label, it.quality): it for it in measured(run, pictures)}
    assert set(results) == {("jpeg-420", 5.0), ("jpeg-420", 95.0), ("png", None)}
    assert results["png", None].value == 0
    low, high = (results["jpeg-420", it].value for it in (5.0, 95.0))
    assert low is not None
    assert high is not None
    assert low > high > 0
    assert all(it.images == 3 and it.bpp for it in results.values())
    assert len(set_metric_table(list(results.values())).rows) == 3
    assert set(build_report_data([run])[0].distances) == set(results.values()), "a report has them all"


def test_distances_are_kept_and_not_computed_again(run: Path, pictures: Path) -> None:
    """A second call needs neither bitstreams nor originals."""
    first = measured(run, pictures)
    shutil.rmtree(run / "bitstreams")
    shutil.rmtree(pictures)
    assert measure_sets(run, "brightness") == first


def test_another_engine_gives_the_same_distances(run: Path, pictures: Path, tmp_path: Path) -> None:
    """Decoded pixels are held against the recorded ones, so that it makes no difference who decodes."""
    copy = shutil.copytree(run, tmp_path / "copy")
    debugging = StudyOptions((str(pictures),), engine="inprocess")
    assert measure_sets(copy, "brightness", debugging) == measured(run, pictures)


def test_bitstreams_that_were_not_kept(run: Path, pictures: Path) -> None:
    """The error says how to make the run again."""
    shutil.rmtree(run / "bitstreams")
    with pytest.raises(ConfigError, match="--keep-bitstreams"):
        measured(run, pictures)


def test_a_damaged_bitstream_is_a_reason_not_a_value(run: Path, pictures: Path) -> None:
    """Pixels other than those that were measured make no distance, and the other points have theirs."""
    frame = bench.load(run)
    row = frame[(frame["codec"] == "jpeg") & (frame["quality"] == 95)].iloc[0]
    path = run / "bitstreams" / row["bitstream_sha256"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    damaged, *_ = [it for it in measured(run, pictures) if it.quality == 95]
    assert damaged.value is None
    assert path.name[:12] in damaged.reason
    assert sum(it.value is not None for it in measured(run, pictures)) == 2


def test_a_bitstream_that_is_sound_again_gives_its_value(run: Path, pictures: Path) -> None:
    """What did not decode once is tried again: a decoder may have been killed."""
    row = bench.load(run).query("quality == 95").iloc[0]
    path = run / "bitstreams" / row["bitstream_sha256"]
    sound = path.read_bytes()
    path.write_bytes(sound[:100])
    assert [it.failed for it in measured(run, pictures)] == [False, True, False]
    path.write_bytes(sound)
    assert all(it.value is not None and not it.failed for it in measured(run, pictures))


def test_rates_are_those_of_the_bitstreams_of_now(run: Path, pictures: Path) -> None:
    """The same pixels in fewer bytes: the distance stays, the rate does not."""
    before = {(it.label, it.quality): it for it in measured(run, pictures)}
    journal = run / "measurements.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    journal.write_text("".join(json.dumps(it | {"bytes": it["bytes"] // 2}) + "\n" for it in lines))
    for found in (measured(run, pictures), build_report_data([run])[0].distances):
        for it in found:
            former = before[it.label, it.quality]
            assert it.value == former.value
            assert it.bpp == pytest.approx(former.bpp / 2, rel=0.01)


def test_equal_data_sets_have_distances_each(run: Path, pictures: Path, tmp_path: Path) -> None:
    """A copy of a folder is the same pixels and another data set, in the table as in the report."""
    copied = tmp_path / "copied"
    shutil.copytree(pictures, copied)
    bench.run(
        datasets=[str(pictures), str(copied)],
        codecs=["jpeg@5,95"],
        metrics=["psnr_rgb"],
        out=tmp_path / "two",
        options=bench.Options(keep_bitstreams=True),
    )
    for _ in range(2):
        found = measure_sets(tmp_path / "two", "brightness", means(pictures, copied))
        assert sorted(it.dataset for it in found) == ["copied", "copied", "pictures", "pictures"]
    built = build_report_data([tmp_path / "two"])
    assert [len(it.distances) for it in built] == [2, 2]


def test_originals_that_are_elsewhere(run: Path, pictures: Path, tmp_path: Path) -> None:
    """A folder's place is not in the run: it is asked for, and other pictures are refused."""
    with pytest.raises(ConfigError, match="--dataset"):
        measure_sets(run, "brightness")
    others = tmp_path / "others" / "pictures"
    shutil.copytree(pictures, others)
    shutil.copy(others / "p0.png", others / "p1.png")
    with pytest.raises(ConfigError, match=r"p1\.png.*SHA-256"):
        measure_sets(run, "brightness", means(others))


def test_results_of_the_former_kid_have_the_name_of_their_definition(
    run: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What version 1 of ``kid_alexnet`` found counts as ``kid_alexnet_across_images``, and not as KID."""

    def answer_as(name: str, version: str) -> None:
        source = run.parent / f"{name}.py"
        source.write_text(BRIGHTNESS.replace('"brightness", "1"', f'"{name}", "{version}"'))
        monkeypatch.setattr(registry, "targets", lambda group: _targets(group, f"{source}:Brightness"))

    answer_as("kid_alexnet_across_images", "1+x")
    first = measured(run, pictures)
    file = run / SET_METRICS_FILE
    file.write_text(file.read_text().replace("kid_alexnet_across_images", "kid_alexnet"))
    assert {it.metric for it in build_report_data([run])[0].distances} == {"kid_alexnet_across_images"}
    shutil.move(run / "bitstreams", run / "elsewhere")
    assert measured(run, pictures) == first, "no bitstream is decoded again"
    answer_as("kid_alexnet", "2+x")
    with pytest.raises(ConfigError, match="bitstream was not kept"):
        measured(run, pictures)


def test_the_table_tells_which_estimator_it_is() -> None:
    """KID and its variant across images each have a note, once; a metric without one has none."""
    rows = [
        SetMeasurement(key="k", dataset="d", label="jpeg", quality=5, metric=metric, version="1", images=24)
        for metric in ("kid", "kid_alexnet", "kid_across_images", "fid")
    ]
    notes = [set_metric_table(part).notes[2:] for part in (rows, rows[2:], rows[3:])]
    assert [len(it) for it in notes] == [2, 1, 0]
    assert "unbiased" in notes[0][0]
    assert "leaves out" in notes[1][0]

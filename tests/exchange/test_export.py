"""Exports for other tools, read back."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.exchange import export_codec_compare, export_compressai, read_codec_compare, read_compressai
from bench.rd import image_curves, mean_curve
from tests.exchange.runs import run_table


def test_compressai_round_trip(tmp_path: Path) -> None:
    """What is exported as CompressAI JSON reads back as the run's mean curves, lossless codecs aside."""
    frame = run_table()
    files = export_compressai(frame, tmp_path)
    found = {curves.label: curves for curves in map(read_compressai, files)}
    assert set(found) == {"jpeg", "jpeg 4:4:4"}
    for label, curves in found.items():
        for metric in ("psnr_rgb", "psnr_yuv", "ms_ssim_rgb"):
            expected = mean_curve(image_curves(frame, metric)[label])
            back = curves.curve(metric)
            assert back is not None
            assert back.rate == pytest.approx(expected.rate, rel=1e-12)
            assert back.quality == pytest.approx(expected.quality, rel=1e-12)
    meta = json.loads(files[0].read_text())["meta"]
    assert (meta["n_images"], meta["dataset"], meta["version"]) == (3, "kodak", "1+lib 2.0")
    assert meta["config"] == {"subsampling": "420"}


def test_times_of_several_machines_are_left_out(tmp_path: Path) -> None:
    """Other tools know no machines: they get no times of a codec that ran on several."""
    frame = run_table({"jpeg": 1.0, "webp": 0.7})
    frame["environment"] = "one"
    frame.loc[(frame["label"] == "webp") & (frame["image"] == "0.png"), "environment"] = "another"
    results = {it.stem: json.loads(it.read_text())["results"] for it in export_compressai(frame, tmp_path)}
    timed = {label: [key for key in its if "time" in key] for label, its in results.items()}
    assert (len(timed["jpeg"]), timed["webp"]) == (2, [])
    batches = {read_codec_compare(it)[0]["name"]: it for it in export_codec_compare(frame, tmp_path)[:-2]}
    assert "encoding_time" in read_codec_compare(batches["jpeg"])[1][0]
    constants, rows = read_codec_compare(batches["webp"])
    assert "encoding_time" not in rows[0]
    assert "encoding_time" in constants["omitted_fields"]


def test_compressai_export_averages_finished_images_only(tmp_path: Path) -> None:
    """An image that failed at one quality counts at none; a point with an exact image is left out."""
    frame = run_table({"jpeg": 1.0})
    frame.loc[(frame["image"] == "2.png") & (frame["quality"] == 10), "status"] = "timeout"
    frame.loc[(frame["image"] == "0.png") & (frame["quality"] == 90), "psnr_rgb"] = math.nan
    document = json.loads(export_compressai(frame, tmp_path)[0].read_text())
    assert document["results"]["psnr-rgb"] == pytest.approx([28.25, 31.25, 34.25])
    assert (document["meta"]["n_images"], document["meta"]["n_images_planned"]) == (2, 3)
    assert document["meta"]["qualities_left_out"] == [90.0]


def test_compressai_export_leaves_out_the_metric_that_is_undefined(tmp_path: Path) -> None:
    """An image too small for MS-SSIM costs that metric, not all points; directions come along."""
    frame = run_table({"jpeg": 1.0})
    frame.loc[frame["image"] == "1.png", "ms_ssim_rgb"] = math.nan
    frame["oddness"] = 60 - frame["psnr_rgb"]
    frame.attrs["lower_is_better"] = ["oddness"]
    (file,) = export_compressai(frame, tmp_path)
    document = json.loads(file.read_text())
    assert len(document["results"]["psnr-rgb"]) == 4
    assert "ms-ssim-rgb" not in document["results"]
    assert document["meta"]["metrics_left_out"] == ["ms_ssim_rgb"]
    back = read_compressai(file).curve("oddness")
    assert back is not None
    assert not back.higher_is_better


def test_memory_is_no_metric(tmp_path: Path) -> None:
    """Bytes that a codec held are numbers of a run, and nothing that a rate could buy."""
    frame = run_table({"jpeg": 1.0}).assign(encode_peak_bytes=10**9, gpu_bytes=5)
    frame.attrs["metrics"] = ["psnr_rgb", "ms_ssim_rgb"]
    results = json.loads(export_compressai(frame, tmp_path)[0].read_text())["results"]
    assert set(results) == {"bpp", "psnr-rgb", "ms-ssim-rgb", "encoding_time", "decoding_time"}


@pytest.mark.skipif(find_spec("compressai") is None, reason='needs pip install "rdbench[zoo]"')
@pytest.mark.slow
def test_compressai_draws_our_export(tmp_path: Path) -> None:
    """CompressAI's own plot tool draws exported files, for PSNR and for MS-SSIM."""
    files = export_compressai(run_table(), tmp_path)
    for metric in ("psnr", "ms-ssim"):
        image = tmp_path / f"{metric}.png"
        command = [sys.executable, "-m", "compressai.utils.plot", "-m", metric, "-o", str(image), "-f"]
        done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert image.stat().st_size > 5000


def test_codec_compare_round_trip(tmp_path: Path) -> None:
    """Every measured row reads back from the batches that the list names, under the viewer's field names."""
    frame = run_table().astype({"bytes": float})
    *batches, _, _ = export_codec_compare(frame, tmp_path, "2026-01-02T03:04:05Z")
    listed = [*_listed(tmp_path / "batches.json"), *_listed(tmp_path / "batches_lossless.json")]
    assert [tmp_path / file for file in listed] == batches
    constants, rows = read_codec_compare(batches[0])
    assert constants["name"] == "jpeg"
    assert constants["time"] == "2026-01-02T03:04:05Z"
    assert (constants["source_data_set"], constants["n_ok"]) == ("kodak", "12/12")
    expected = frame[frame["label"] == "jpeg"].sort_values(["image", "quality"])
    assert [row["psnr"] for row in rows] == expected["psnr_rgb"].tolist()
    assert [row["encoded_size"] for row in rows] == expected["bytes"].tolist()
    assert [row["ms_ssim_rgb"] for row in rows] == expected["ms_ssim_rgb"].tolist()
    assert "msssim" not in rows[0]
    assert all(isinstance(row[name], int) for row in rows for name in ("width", "height", "encoded_size"))


def test_codec_compare_can_match_every_lossy_batch_by_psnr(tmp_path: Path) -> None:
    """The viewer matches by PSNR only where all batches of a list have it, at every one of their points."""
    frame = run_table({"jpeg": 1.0, "webp": 0.8, "jpeg2000": 0.7}, ("kodak", "d"))
    exact = (frame["label"] == "webp") & (frame["quality"] == 90) & (frame["image"] == "0.png")
    exact |= frame["label"] == "jpeg2000"
    frame.loc[exact, ["psnr_rgb", "exact"]] = (math.nan, True)
    export_codec_compare(frame, tmp_path)
    lossy = [read_codec_compare(tmp_path / file) for file in _listed(tmp_path / "batches.json")]
    assert {constants["name"] for constants, _ in lossy} == {"jpeg", "webp"}
    assert all(math.isfinite(row["psnr"]) for _, rows in lossy for row in rows)
    counts = {constants["name"]: (constants["n_ok"], constants["n_without_psnr"]) for constants, _ in lossy}
    assert counts == {"jpeg": ("12/12", "0"), "webp": ("12/12", "1")}
    assert {row["original_name"].split("/")[0] for _, rows in lossy for row in rows} == {"kodak", "d"}
    lossless = [read_codec_compare(tmp_path / file) for file in _listed(tmp_path / "batches_lossless.json")]
    assert {constants["name"] for constants, _ in lossless} == {"png", "jpeg2000"}
    assert not any({"psnr", "quality"} & set(row) for _, rows in lossless for row in rows)


def _listed(index: Path) -> list[str]:
    """The batch files of a list."""
    return [file for (file,) in json.loads(index.read_text())]


def test_codec_compare_never_writes_a_null(tmp_path: Path) -> None:
    """The viewer reads null as 0, so a field that lacks a value is omitted and named."""
    frame = run_table({"jpeg": 1.0})
    frame.loc[2, "ms_ssim_rgb"] = math.nan
    frame.loc[3, "status"] = "crash"
    jpeg, png, *_ = export_codec_compare(frame, tmp_path)
    constants, rows = read_codec_compare(jpeg)
    assert (constants["omitted_fields"], constants["n_ok"], len(rows)) == ("ms_ssim_rgb", "11/12", 11)
    assert None not in [value for row in rows for value in row.values()]
    constants, rows = read_codec_compare(png)
    assert "psnr" in constants["omitted_fields"].split(", ")
    assert rows[0]["encoded_size"] == 40000


def test_hostile_labels_stay_inside_the_folder(tmp_path: Path) -> None:
    """Labels become harmless, distinct file names, and keep their text inside the file."""
    labels = {
        "../../evil": 1.0,
        "..\\..\\evil": 1.0,
        "\x00": 1.0,
        "${codec}": 1.0,
        "x" * 300: 1.0,
        "é/é": 1.0,
    }
    frame = run_table(labels, ("kodak", "../d"))
    folder = tmp_path / "out"
    files = export_compressai(frame, folder)
    assert len({path.name for path in files}) == 2 * len(labels)
    assert all(path.resolve().parent == folder.resolve() and path.exists() for path in files)
    assert {read_compressai(path).label for path in files} == set(labels)
    *batches, _, _ = export_codec_compare(frame, folder)
    assert len({path.name for path in batches}) == len(batches)
    names = {read_codec_compare(path)[0]["name"] for path in batches}
    assert "$ {codec}" in names
    assert {path.parent for path in tmp_path.rglob("*.json")} == {folder, folder / "batches"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"field_values": [[1]]}, r"field_values\[0\]"),
        ({"constant_values": []}, "0 constant_values for 1"),
        ({"field_descriptions": [{}]}, r"field_descriptions\[0\]"),
        ({"field_values": None}, "'field_values' is not a list"),
    ],
)
def test_bad_batches_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    """A file that breaks the format names itself and the key."""
    good = {
        "constant_descriptions": [{"name": "n"}],
        "constant_values": ["jpeg"],
        "field_descriptions": [{"a": "A"}, {"b": "B"}],
        "field_values": [[1, 2]],
    }
    path = tmp_path / "b.json"
    path.write_text(json.dumps(good))
    assert read_codec_compare(path) == ({"name": "jpeg"}, [{"a": 1, "b": 2}])
    path.write_text(json.dumps(good | change))
    with pytest.raises(ConfigError, match=message):
        read_codec_compare(path)

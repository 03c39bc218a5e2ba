"""The command line as a user meets it: a process, its output, its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bench.runs.frame import COLUMNS
from tests.conftest import ADAPTERS


def rdbench(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "bench.cli", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of three codecs on two pictures of the sample set."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    codecs = ("-c", "jpeg@20,50,80,95", "-c", "webp@20,50,80,95", "-c", "huffman")
    done = rdbench("run", "--limit", "2", *codecs, "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_help_imports_nothing_heavy() -> None:
    """`rdbench --help` answers without numpy, pandas, pydantic or anything heavier."""
    code = "import sys, bench.cli.app; print(*sorted(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"numpy", "pandas", "scipy", "numba", "matplotlib", "torch", "pydantic", "yaml", "PIL", "skimage"}
    assert heavy.isdisjoint(loaded)


def test_help_tells_all_of_each_command() -> None:
    """The list of commands cuts no description short, and takes no library that draws."""
    code = (
        "import sys, bench.cli\ntry: bench.cli.main()\nfinally: print('rich' in sys.modules, file=sys.stderr)"
    )
    for arguments in (["--help"], ["dataset", "--help"]):
        told = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
        assert "Commands:" in told.stdout
        assert "..." not in told.stdout.partition("Commands:")[2]
        assert told.stderr.strip() == "False"


def test_import_bench_is_light() -> None:
    """`import bench` loads numpy no more than it loads pandas."""
    code = "import sys, bench; print('numpy' in sys.modules or 'pandas' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
    )


def test_run_prints_summary_and_writes_report(run_folder: Path) -> None:
    """A run ends with tables, figures and a page beside its measurements."""
    again = rdbench("run", "--limit", "2", "-c", "jpeg@20,50,80,95", "--out", run_folder)
    assert again.returncode == 0
    assert "4 from before" not in again.stdout
    assert "webp" in again.stdout
    assert "huffman" in again.stdout
    report = run_folder / "report"
    assert {"report.md", "tables", "figures"} <= {it.name for it in report.iterdir()}
    assert (report / "tables" / "ranking.tex").is_file()


def test_piped_output_has_no_control_characters(run_folder: Path) -> None:
    """In a pipe there are plain lines: no colours, no cursor movements."""
    done = rdbench("run", "--limit", "2", "-c", "jpeg@20,50,80,95", "--out", run_folder)
    assert "\x1b" not in done.stdout + done.stderr


def test_export_csv_begins_with_the_documented_columns(run_folder: Path) -> None:
    """The CSV has the promised columns first, in order, and one row for each trial."""
    done = rdbench("export", run_folder)
    lines = done.stdout.splitlines()
    assert lines[0].split(",")[: len(COLUMNS)] == list(COLUMNS)
    assert len(lines) == 1 + 2 * (4 + 4 + 1)


def test_exports_hold_the_same_table(run_folder: Path, tmp_path: Path) -> None:
    """CSV, JSON and Parquet read back to the same numbers."""
    for form in ("csv", "json", "parquet"):
        assert rdbench("export", run_folder, "-f", form, "-o", tmp_path / f"t.{form}").returncode == 0
    frames = [
        pd.read_csv(tmp_path / "t.csv"),
        pd.read_json(tmp_path / "t.json"),
        pd.read_parquet(tmp_path / "t.parquet"),
    ]
    for other in frames[1:]:
        for column in ("bpp", "psnr_rgb", "ms_ssim_rgb", "bytes"):
            pd.testing.assert_series_equal(
                frames[0][column].astype(float), other[column].astype(float), check_exact=False, rtol=1e-9
            )
    config = json.loads(frames[0].loc[frames[0]["codec"] == "jpeg", "config"].iloc[0])
    assert config["subsampling"] == "420"


@pytest.mark.parametrize("form", ["compressai", "codec-compare"])
def test_folder_exports(run_folder: Path, tmp_path: Path, form: str) -> None:
    """Formats of other tools are written as folders of files."""
    assert rdbench("export", run_folder, "-f", form).returncode == 2
    done = rdbench("export", run_folder, "-f", form, "-o", tmp_path / form)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / form).rglob("*.json"))


def test_compare_prints_what_the_report_says(run_folder: Path) -> None:
    """`compare` and the report's table give one BD-rate for the same curves."""
    done = rdbench("compare", f"{run_folder}#jpeg-420", f"{run_folder}#webp", "-m", "psnr_rgb", "-f", "json")
    rows = json.loads(done.stdout)
    table = pd.read_csv(run_folder / "report" / "tables" / "bd_rate.csv")
    row = table[(table["metric"] == "psnr_rgb") & (table["label"] == "webp")].iloc[0]
    assert rows[0]["bd_rate"] == pytest.approx(row["bd_rate"], abs=1e-9)
    assert rows[0]["bd_rate_per_image"] == pytest.approx(row["bd_rate_per_image"], abs=1e-9)
    assert rows[0]["ci95"] is None, "two images have no interval"
    assert pd.isna(row["ci95_low"])


USAGE_ERRORS = {
    "unknown codec": (("run", "-c", "jpge"), ["jpge", "jpeg"]),
    "unknown option": (("run", "-c", "jpeg:speed=3"), ["jpeg", "speed", "subsampling"]),
    "bad option value": (("run", "-c", "jpeg:subsampling=411"), ["411", "420"]),
    "bad bool": (("run", "-c", "jpeg:optimize=perhaps"), ["optimize", "perhaps"]),
    "quality out of range": (("run", "-c", "jpeg@101"), ["jpeg", "101", "1 to 100"]),
    "common quality out of range": (("run", "-c", "jpeg", "-q", "0"), ["jpeg", "1 to 100"]),
    "quality for lossless": (("run", "-c", "huffman@3"), ["huffman", "lossless"]),
    "unknown metric": (("run", "-m", "pnsr"), ["pnsr", "psnr_"]),
    "unknown data set": (("run", "-d", "kodka"), ["kodka", "kodak"]),
    "missing suite file": (("run", "nowhere.yaml"), ["nowhere.yaml"]),
    "missing codec file": (("run", "-c", "nowhere.py:Mine"), ["nowhere.py"]),
    "two of one label": (("run", "-c", "jpeg@10", "-c", "jpeg@20"), ["jpeg-420", "label"]),
    "not a run": (("report", "."), ["run.json"]),
    "unknown list": (("list", "codec"), ["codecs", "metrics"]),
    "encode without quality": (("encode", "jpeg", "a.png", "b.jpg"), ["jpeg", "quality"]),
    "GPU for codecs that have none": (("run", "-c", "jpeg", "--device", "cuda"), ["cuda", "GPU"]),
    "unknown device": (("run", "-c", "jpeg", "--device", "tpu"), ["tpu", "cuda"]),
    "unknown anchor": (("report", "RUN", "-a", "nobody"), ["nobody", "jpeg-420"]),
}


@pytest.mark.parametrize("case", USAGE_ERRORS)
def test_bad_usage_exits_2_and_says_what_to_do(case: str, run_folder: Path, tmp_path: Path) -> None:
    """Each mistake ends in exit code 2 and one message that names the mistake and what is right."""
    arguments, words = USAGE_ERRORS[case]
    done = rdbench(*(run_folder if it == "RUN" else it for it in arguments), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert not list(tmp_path.rglob("measurements.jsonl")), "nothing was measured"


def test_failed_trials_exit_3_and_are_told(pictures: Path, tmp_path: Path) -> None:
    """A run with failures finishes the rest, names codec, image and cause, and exits with 3."""
    (pictures / "broken.png").write_bytes(b"\x89PNG not really")
    codecs = ("-c", f"{ADAPTERS}:Raises@4", "-c", "jpeg@20,50,80,95")
    done = rdbench("run", "-d", pictures, *codecs, "-m", "psnr_rgb", "-o", tmp_path / "run")
    assert done.returncode == 3
    assert "Raises on p0.png at quality 4: codec_error, encode: ValueError: no such luck" in done.stderr
    assert "broken.png" in done.stderr
    table = pd.read_csv(tmp_path / "run" / "report" / "tables" / "failures.csv")
    assert set(table["status"]) == {"codec_error", "bad_input"}
    assert len(table) == 4 + 4


def test_quality_applies_to_lossy_codecs_without_points(pictures: Path, tmp_path: Path) -> None:
    """--quality leaves lossless codecs and codecs with points of their own alone."""
    codecs = ("-c", "jpeg", "-c", "webp@10", "-c", "huffman")
    arguments = ("-d", pictures, "-q", "30,60", "-m", "psnr_rgb", "--limit", "1", "-o", tmp_path / "run")
    rdbench("run", *codecs, *arguments, "--no-report")
    import bench

    frame = bench.load(tmp_path / "run")
    assert set(frame.loc[frame["codec"] == "jpeg", "quality"]) == {30, 60}
    assert set(frame.loc[frame["codec"] == "webp", "quality"]) == {10}
    assert frame.loc[frame["codec"] == "huffman", "quality"].isna().all()


def test_encode_and_decode_one_file(pictures: Path, tmp_path: Path) -> None:
    """A picture goes through a lossless codec and back by two commands."""
    import numpy as np

    from bench.inputs.image import read_image

    assert rdbench("encode", "huffman", pictures / "p0.png", tmp_path / "a.huf").returncode == 0
    assert rdbench("decode", "huffman", tmp_path / "a.huf", tmp_path / "a.png").returncode == 0
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.png").pixels, read_image(pictures / "p0.png").pixels
    )
    (tmp_path / "a.huf").write_bytes((tmp_path / "a.huf").read_bytes()[:50])
    damaged = rdbench("decode", "huffman", tmp_path / "a.huf", tmp_path / "b.png")
    assert damaged.returncode == 2
    assert "a.huf" in damaged.stderr


@pytest.mark.parametrize(
    ("codec", "told"),
    [
        ("Segfault", "crash, the process died of SIGSEGV; it printed: about to fall over"),
        ("Exits", "crash, the process ended by itself with exit code 7"),
        ("WrongType", "mismatch, decode returned an array of float32"),
    ],
)
def test_decode_survives_its_codec(pictures: Path, tmp_path: Path, codec: str, told: str) -> None:
    """A decoder that dies or returns something else is one line and exit code 3; the old file stays."""
    assert rdbench("encode", f"{ADAPTERS}:Honest@4", pictures / "p0.png", tmp_path / "a.bin").returncode == 0
    output = tmp_path / "a.png"
    output.write_bytes(b"old")
    done = rdbench("decode", f"{ADAPTERS}:{codec}", tmp_path / "a.bin", output)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert told in done.stderr
    assert output.read_bytes() == b"old"


def test_encode_survives_its_codec(pictures: Path, tmp_path: Path) -> None:
    """An encoder that hangs ends with its time, in one line; no bitstream is written."""
    output = tmp_path / "a.bin"
    done = rdbench("encode", "--timeout", "3", f"{ADAPTERS}:Hang@4", pictures / "p0.png", output)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "timeout, no result within 3 s" in done.stderr
    assert not output.exists()


def test_lists_and_doctor() -> None:
    """What is installed is listed with versions; nothing is missing in the test environment."""
    assert "kodak" in rdbench("list", "datasets").stdout
    assert "1 to 100" in rdbench("list", "codecs").stdout
    metrics = rdbench("list", "metrics").stdout
    assert "ms_ssim_rgb" in metrics
    assert "nearer to 1" in metrics
    assert "distribution --metric" in metrics
    doctor = rdbench("doctor").stdout
    assert {"fid", "kid", "kid_alexnet"} <= set(doctor.split())
    assert "Codecs are sealed" in doctor or "Codecs are not sealed: " in doctor
    assert "libjpeg-turbo" in doctor.replace("_", "-")

"""The comparison behind ``rdbench compare``: selectors, rows and formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bench.comparing.comparison import BdRow, compare_selectors
from bench.comparing.matrix import bd_matrix
from bench.comparing.sources import SourceSelector, resolve
from bench.comparing.text import format_rows
from bench.errors import ConfigError
from bench.rd import BdResult, ImagesBd, image_curves, paired_bd_rate
from tests.exchange.runs import run_table
from tests.rd.curves import reference_folder

TINY = str(Path(__file__).parent / "data" / "tiny_codec.json")


@pytest.fixture
def run(tmp_path: Path) -> str:
    (tmp_path / "run").mkdir()
    return str(tmp_path / "run")


def loader(frame: pd.DataFrame | None = None) -> Callable[[str], pd.DataFrame]:
    return lambda path: run_table() if frame is None else frame


def no_run(path: str) -> pd.DataFrame:
    raise AssertionError(f"{path} is not a run")


def test_known_answers_come_out_of_the_comparison() -> None:
    """CompressAI's files, compared by path, give the known BD-rates by all methods."""
    folder = reference_folder()
    tests = [str(folder / f"{name}.json") for name in ("jpeg2000", "webp", "bpg_444_x265_ycbcr")]
    expected = {"cubic": (-36.555, -36.616, -59.102), "pchip": (-35.855, -36.176, -58.855)}
    expected["akima"] = (-35.886, -36.175, -58.854)
    for method, values in expected.items():
        rows = compare_selectors(str(folder / "jpeg.json"), tests, no_run, method, ["psnr_rgb"])  # type: ignore[arg-type]
        assert [row.bd_rate for row in rows] == pytest.approx(values, abs=1e-3)
        assert {(row.anchor, row.n_images, row.ci95, row.method) for row in rows} == {
            ("JPEG", None, None, method)
        }


def test_labels_inside_a_run_are_paired_by_image(run: str) -> None:
    """Two labels of a run give a row per metric, with both BD-rates, their intervals and the image count."""
    rows = compare_selectors(f"{run}#jpeg", [f"{run}#jpeg 4:4:4"], loader())
    assert [row.metric for row in rows] == ["psnr_rgb", "psnr_y", "psnr_yuv", "ssim_rgb", "ms_ssim_rgb"]
    curves = image_curves(run_table(), "psnr_rgb")
    expected = paired_bd_rate(curves["jpeg"], curves["jpeg 4:4:4"])
    assert rows[0].bd_rate == pytest.approx(10.0, abs=0.1)
    assert (rows[0].bd_rate, rows[0].ci95, rows[0].n_images) == (expected.mean_curve.value, expected.ci95, 3)
    assert rows[0].per_image == expected.per_image


def test_a_whole_run_means_everything_but_the_anchor(run: str) -> None:
    """RUN as a test stands for its lossy labels without the anchor; named, the anchor gives 0%."""
    rows = compare_selectors(f"{run}#jpeg", [run, TINY], loader(), metrics=["psnr_rgb"])
    assert [row.test for row in rows] == ["jpeg 4:4:4", "Tiny <codec>"]
    (same,) = compare_selectors(f"{run}#jpeg", [f"{run}#jpeg"], loader(), metrics=["psnr_rgb"])
    assert same.bd_rate == pytest.approx(0.0)


def test_a_published_curve_against_a_run_has_no_interval(run: str) -> None:
    """A published mean cannot be resampled: the row has a value and the run's image count, no interval."""
    (row,) = compare_selectors(TINY, [f"{run}#jpeg"], loader(), metrics=["psnr_rgb"])
    assert row.bd_rate is not None
    assert (row.per_image, row.ci95, row.n_images) == (None, None, 3)


def test_only_images_that_all_finished_are_compared(run: str) -> None:
    """A failure of one codec takes the image out of every row, also between two others, and is noted."""
    frame = run_table({"a": 1.0, "b": 0.9, "c": 0.8})
    frame.loc[(frame["label"] == "c") & (frame["image"] == "1.png") & (frame["quality"] == 30), "status"] = (
        "oom"
    )
    rows = compare_selectors(f"{run}#a", [run], loader(frame), metrics=["psnr_rgb"])
    assert [(row.test, row.n_images) for row in rows] == [("b", 2), ("c", 2)]
    assert "1 images left out" in rows[0].note
    frame.loc[frame["label"] == "c", "status"] = "crash"
    rows = compare_selectors(f"{run}#a", [run], loader(frame), metrics=["psnr_rgb"])
    assert rows[0].bd_rate == pytest.approx(-10, abs=0.1)
    assert (rows[0].n_images, rows[1].bd_rate) == (3, None), "who failed nearly everywhere takes no images"
    assert rows[1].note == "c: no complete curve on 50% of the images or more"


def test_a_metric_that_one_codec_lacks_is_there_for_the_others(run: str) -> None:
    """A row without a value says whose; the other rows are those of a run without it."""
    frame = run_table({"a": 1.0, "b": 0.9, "c": 0.8})
    frame.loc[frame["label"] == "c", "ms_ssim_rgb"] = None
    with_it = compare_selectors(f"{run}#a", [run], loader(frame), metrics=["ms_ssim_rgb"])
    without = compare_selectors(f"{run}#a", [f"{run}#b"], loader(frame), metrics=["ms_ssim_rgb"])
    assert with_it[0].bd_rate == without[0].bd_rate
    assert with_it[1].note.startswith("c: no complete curve")


def test_runs_of_other_images_are_refused(tmp_path: Path) -> None:
    """Images are paired by name; other images of the same name are an error, with the name."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    frames = {"old": run_table().assign(image_sha256="1"), "new": run_table().assign(image_sha256="1")}
    selectors = f"{tmp_path}/old#jpeg", [f"{tmp_path}/new#jpeg"]
    load = {str(tmp_path / name): frame for name, frame in frames.items()}.__getitem__
    assert compare_selectors(*selectors, load, metrics=["psnr_rgb"])[0].bd_rate == pytest.approx(0)
    frames["new"].loc[frames["new"]["image"] == "1.png", "image_sha256"] = "2"
    with pytest.raises(ConfigError, match=r"old and .*new were measured on different pictures called 1\.png"):
        compare_selectors(*selectors, load, metrics=["psnr_rgb"])


def test_metrics_of_other_versions_are_noted(tmp_path: Path) -> None:
    """Runs that took a metric in different versions are compared with a word about it."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    frames = {str(tmp_path / name): run_table() for name in ("old", "new")}
    for version, frame in enumerate(frames.values()):
        frame.attrs["metric_versions"] = {"psnr_rgb": str(version)}
    (row,) = compare_selectors(
        f"{tmp_path}/old#jpeg", [f"{tmp_path}/new#jpeg"], frames.__getitem__, metrics=["psnr_rgb"]
    )
    assert row.note == "psnr_rgb in different versions: 0 and 1"


def test_data_sets_that_are_not_shared_are_skipped(tmp_path: Path) -> None:
    """A run over one more data set is compared on the one that both have; none in common is an error."""
    for name in ("one", "two", "other"):
        (tmp_path / name).mkdir()
    frames = {
        str(tmp_path / "one"): run_table(datasets=("kodak",)),
        str(tmp_path / "two"): run_table(datasets=("kodak", "cid22")),
        str(tmp_path / "other"): run_table(datasets=("cid22",)),
    }
    rows = compare_selectors(
        f"{tmp_path}/one#jpeg", [f"{tmp_path}/two#jpeg 4:4:4"], frames.__getitem__, metrics=["psnr_rgb"]
    )
    assert [(row.test, row.n_images) for row in rows] == [("jpeg 4:4:4 [kodak]", 3)]
    with pytest.raises(ConfigError, match="do not share a data set"):
        compare_selectors(f"{tmp_path}/one#jpeg", [f"{tmp_path}/other#jpeg"], frames.__getitem__)


def test_a_published_curve_is_of_its_own_data_set(run: str, tmp_path: Path) -> None:
    """A codec on two data sets has two curves; the run's is used, and a name that no run has is reported."""
    rows = ["codec,dataset,bpp,psnr_rgb"]
    rows += [f"ELIC,kodak,{0.1 * 2**k},{27 + 3 * k}" for k in range(4)]
    rows += [f"ELIC,clic,{0.3 * 2**k},{27 + 3 * k}" for k in range(4)]
    (tmp_path / "two.csv").write_text("\n".join(rows))
    (tmp_path / "clic.csv").write_text("\n".join([rows[0], *rows[5:]]))
    frame = run_table(datasets=("kodak",))
    (both,) = compare_selectors(f"{run}#jpeg", [str(tmp_path / "two.csv")], loader(frame))
    (stray,) = compare_selectors(f"{run}#jpeg", [str(tmp_path / "clic.csv")], loader(frame))
    assert both.bd_rate is not None
    assert stray.bd_rate is not None
    assert stray.bd_rate == pytest.approx(3 * (100 + both.bd_rate) - 100)
    assert "published for" not in both.note
    assert "ELIC was published for clic" in stray.note


def test_a_data_set_is_one_however_it_is_spelled(run: str, tmp_path: Path) -> None:
    """A file's Kodak is the run's kodak, in the same columns of a table; two data sets have two names."""
    rows = ["codec,dataset,bpp,psnr_rgb", *(f"ELIC,Kodak,{0.1 * 2**k},{27 + 3 * k}" for k in range(4))]
    (tmp_path / "elic.csv").write_text("\n".join(rows))
    frame = run_table(datasets=("kodak", "cid22"))
    found = compare_selectors(
        f"{run}#jpeg", [run, str(tmp_path / "elic.csv")], loader(frame), metrics=["psnr_rgb"]
    )
    assert [(it.label, it.dataset) for it in found] == [
        ("jpeg 4:4:4", "kodak"),
        ("jpeg 4:4:4", "cid22"),
        ("ELIC", "kodak"),
    ]
    with pytest.raises(ConfigError, match="'cid22' and 'kodak' would both be called 'photos'"):
        bd_matrix(found, names={"kodak": "photos", "cid22": "photos"})


def test_a_run_tells_in_which_direction_a_published_metric_is_better(run: str, tmp_path: Path) -> None:
    """A file says nothing of it; an unknown metric's direction is the run's."""
    frame = run_table()
    frame["oddness"] = 60 - frame["psnr_rgb"]
    frame.attrs["lower_is_better"] = ["oddness"]
    mean = frame[frame["label"] == "jpeg"].groupby("quality")[["bpp", "oddness"]].mean()
    lines = [f"same,{row.bpp},{row.oddness}" for row in mean.itertuples()]
    (tmp_path / "same.csv").write_text("\n".join(["codec,bpp,oddness", *lines]))
    (row,) = compare_selectors(f"{run}#jpeg", [str(tmp_path / "same.csv")], loader(frame))
    assert row.bd_rate == pytest.approx(0, abs=1e-6)


def test_data_sets_are_never_mixed(run: str) -> None:
    """A run over two data sets gives a row for each, distinguished by name."""
    frame = run_table(datasets=("kodak", "cid22"))
    rows = compare_selectors(f"{run}#jpeg", [run], loader(frame), metrics=["psnr_rgb"])
    assert [row.test for row in rows] == ["jpeg 4:4:4 [kodak]", "jpeg 4:4:4 [cid22]"]
    assert [row.n_images for row in rows] == [3, 3]


def test_equal_labels_of_two_runs_are_distinguished(tmp_path: Path) -> None:
    """The same label from two runs is prefixed with the run's name."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    rows = compare_selectors(f"{tmp_path}/old#jpeg", [f"{tmp_path}/new#jpeg"], loader(), metrics=["psnr_rgb"])
    assert (rows[0].anchor, rows[0].test) == ("old#jpeg", "new#jpeg")


def test_selectors_split_where_the_path_ends(tmp_path: Path) -> None:
    """A hash may stand in a folder's name or in a label."""
    folder = tmp_path / "run#1"
    folder.mkdir()
    assert SourceSelector.parse(str(folder)) == SourceSelector(str(folder))
    assert SourceSelector.parse(f"{folder}#jpeg #2") == SourceSelector(str(folder), "jpeg #2")
    assert SourceSelector.parse("absent#label") == SourceSelector("absent", "label")
    for bad in ("#label", f"{folder}#"):
        with pytest.raises(ConfigError, match="PATH#LABEL"):
            SourceSelector.parse(bad)


def test_selectors_that_name_nothing_say_what_there_is(run: str, tmp_path: Path) -> None:
    """Unknown labels, absent paths, ambiguous anchors and lossless runs are errors with a remedy."""
    with pytest.raises(ConfigError, match="no label 'webp'; it has jpeg, jpeg 4:4:4"):
        resolve(f"{run}#webp", loader())
    with pytest.raises(ConfigError, match="no such run or file"):
        resolve(str(tmp_path / "absent"), loader())
    with pytest.raises(
        ConfigError, match=r"'jpag': neither a run or file, nor a label .* did you mean 'jpeg'"
    ):
        compare_selectors("jpag", [run], loader())
    with pytest.raises(ConfigError, match="name one anchor as"):
        compare_selectors(run, [TINY], loader())
    with pytest.raises(ConfigError, match="no lossy configuration"):
        resolve(run, loader(run_table({"jpeg": 1.0}).query("label == 'png'")))
    with pytest.raises(ConfigError, match="has the metric 'psnr'; did you mean 'psnr_rgb'"):
        compare_selectors(TINY, [f"{run}#jpeg"], loader(), metrics=["psnr"])
    with pytest.raises(ConfigError, match="share no metric"):
        compare_selectors(TINY, [f"{run}#jpeg"], loader(), metrics=["psnr_yuv"])


def test_the_name_of_a_codec_stands_for_its_only_label(run: str) -> None:
    """A codec with one configuration needs no label; one with several does, and a label comes first."""
    frame = run_table({"avif 420": 1.0, "webp 4": 0.9, "webp 6": 0.8})
    (source,) = resolve(f"{run}#avif", loader(frame))
    assert source.label == "avif 420"
    with pytest.raises(ConfigError, match="no label 'webp'; it has avif 420, webp 4, webp 6"):
        resolve(f"{run}#webp", loader(frame))
    (source,) = resolve(f"{run}#jpeg", loader())
    assert source.label == "jpeg"


ROWS = (
    BdRow(
        *("a", "b|\x1b[31m", "psnr_rgb", "pchip"),
        ImagesBd(-17.5, (-19.0, -16.0), -17.25, 20, 23, 24, 0.8, {"no overlap": ("x.png",)}),
        BdResult(-12.34567, 0.9),
        *((-15.0, -10.0), 1.25, 24),
    ),
    BdRow(
        *("a", "c", "psnr_rgb", "pchip"),
        None,
        BdResult(None, 0.0, "no overlap"),
        *(None, None, None, "n/a (no overlap)"),
    ),
)


def test_json_rows_have_exactly_the_documented_keys() -> None:
    """JSON is a list of objects with full-precision numbers and null where there is no value."""
    first, second = json.loads(format_rows(ROWS, "json"))
    keys = "anchor, test, metric, method, bd_rate, bd_quality, ci95, n_images, overlap"
    by_image = "bd_rate_per_image, ci95_per_image, n_per_image, wins, median_per_image, overlap_per_image"
    assert ", ".join(first) == f"{keys}, {by_image}, average"
    assert (first["bd_rate"], first["ci95"]) == (-12.34567, [-15.0, -10.0])
    assert [first[key] for key in by_image.split(", ")] == [-17.5, [-19.0, -16.0], 23, 20, -17.25, 0.8]
    assert (second["bd_rate"], second["ci95"], second["n_images"]) == (None, None, None)
    assert {second[key] for key in by_image.split(", ")} == {None}


def test_csv_rows_read_back() -> None:
    """CSV holds every number in full and the note, the interval in two columns, nothing for terminals."""
    first, second = csv.DictReader(io.StringIO(format_rows(ROWS, "csv")))
    assert (float(first["bd_rate"]), float(first["ci95_low"]), first["test"]) == (
        -12.34567,
        -15.0,
        ROWS[0].test.replace("\x1b", "\ufffd"),
    )
    assert (second["bd_rate"], second["note"]) == ("", "n/a (no overlap)")


def test_text_and_markdown_are_readable_and_inert() -> None:
    """Values are rounded for reading, reasons shown, and labels cannot steer a terminal or a table."""
    text, markdown = format_rows(ROWS, "text"), format_rows(ROWS, "markdown")
    for output in (text, markdown):
        assert "-12.346" in output
        assert "[-15.00, -10.00]" in output
        assert "n/a (no overlap)" in output
        assert "\x1b" not in output
    assert [line.replace("\\|", "").count("|") for line in markdown.splitlines()] == [14] * 4
    assert len({line.index("psnr_rgb") for line in text.splitlines()[2:4]}) == 1


def test_text_fits_the_terminal() -> None:
    """Notes stand below the table, each once with its rows, and nothing is wider than the terminal."""
    rows = [
        BdRow(
            "jpeg-420",
            f"codec {k}",
            "ms_ssim_rgb",
            "pchip",
            None,
            BdResult(-1.0, 0.5),
            (-15.0, 10.0),
            0.1,
            24,
            "overlap 50.0%",
        )
        for k in range(9)
    ]
    text = format_rows(rows, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("overlap 50.0%") == 1
    assert "codec 8 ms_ssim_rgb" in text

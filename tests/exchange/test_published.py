"""Importing published curves: CompressAI's JSON, typed CSV, pairs of numbers, and tables of images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import ConfigError
from bench.exchange import read_compressai, read_typed_csv
from bench.exchange.pairs import read_pairs
from bench.exchange.per_image import read_per_image
from bench.exchange.reading import read_published
from tests.rd.curves import reference_folder

TINY = Path(__file__).parent / "data" / "tiny_codec.json"


def write(folder: Path, text: str | dict[str, Any], name: str = "c.json") -> Path:
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def test_a_compressai_file_becomes_published_curves() -> None:
    """Metric keys become column names, times are not metrics, and the source is kept."""
    found = read_compressai(TINY)
    assert [curve.metric for curve in found.curves] == ["psnr_rgb", "ms_ssim_rgb"]
    assert {curve.provenance for curve in found.curves} == {"published"}
    assert found.curves[0].rate == (0.1, 0.2, 0.4, 0.8)
    assert (found.label, found.source, found.dataset) == ("Tiny <codec>", "https://example.org/tiny", "kodak")


def test_every_published_reference_curve_loads() -> None:
    """All of CompressAI's Kodak files are read, with and without MS-SSIM, meta and a falling order."""
    found = {path.stem: read_compressai(path) for path in sorted(reference_folder().glob("*.json"))}
    assert len(found) >= 11
    assert [curve.metric for curve in found["paper-elic2022_mse"].curves] == ["psnr_rgb"]
    assert found["paper-elic2022_mse"].source == "https://arxiv.org/abs/2203.10886"
    order = found["jpeg2000"].curves[0].rate
    assert order[0] > order[-1]
    assert len(found["mbt2018-mean-vbr-ans"].curves[0].rate) == 16


@pytest.mark.parametrize("key", ["ms-ssim", "ms-ssim-rgb", "MS-SSIM-RGB-dB", "ms-ssim-db-rgb"])
def test_ms_ssim_in_decibels_becomes_a_similarity(tmp_path: Path, key: str) -> None:
    """Values above 1 can only be decibels: 10 dB is 0.9, 20 dB is 0.99."""
    curve = read_compressai(write(tmp_path, {"results": {"bpp": [0.1, 0.2], key: [10.0, 20.0]}})).curves[0]
    assert curve.metric == "ms_ssim_rgb"
    assert curve.quality == pytest.approx((0.9, 0.99))


def test_without_a_name_the_file_names_the_curve(tmp_path: Path) -> None:
    """A bare results object, as CompressAI's plot tool accepts it, is labelled with the file's stem."""
    assert read_compressai(write(tmp_path, {"bpp": [0.1], "psnr": [30]}, "vtm.json")).label == "vtm"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{\n 'results'", "c.json:2:2: not valid JSON"),
        ("[]", "found a list"),
        ({"name": "x"}, "no 'results'"),
        ({"results": {"bpp": [0.1]}}, "holds no metric"),
        ({"results": {"bpp": [], "psnr": []}}, "no operating point"),
        ({"results": {"bpp": [0.1], "psnr": [30, 31]}}, "'psnr' holds 2 values but bpp holds 1"),
        ({"results": {"bpp": [0.1], "psnr": ["30"]}}, r"results.psnr\[0\] is '30'"),
        ({"results": {"bpp": [True], "psnr": [30]}}, r"results.bpp\[0\] is True"),
        ('{"results": {"bpp": [NaN], "psnr": [30]}}', r"results.bpp\[0\] is nan"),
        ({"results": {"bpp": [0], "psnr": [30]}}, "bpp holds 0.0"),
        ({"results": {"bpp": [1, 2], "ms-ssim": [0.9, 11]}}, "'ms-ssim' holds 11.0; MS-SSIM lies"),
        ({"results": {"bpp": [1], "psnr": [30], "psnr-rgb": [30]}}, "psnr_rgb a second time"),
        ({"name": 7, "results": {"bpp": [1], "psnr": [30]}}, "'name' must be text"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_compressai_file_is_named_with_its_fault(
    tmp_path: Path, content: str | dict[str, Any], message: str
) -> None:
    """Every malformed file is refused with its path and the key or line at fault."""
    path = write(tmp_path, content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_compressai(path)
    assert str(path) in str(caught.value)


def test_absent_and_binary_files_are_configuration_errors(tmp_path: Path) -> None:
    """No traceback for a path that is wrong or a file that is not text."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_compressai(tmp_path / "absent.json")
    (tmp_path / "c.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_compressai(tmp_path / "c.json")


def test_a_typed_csv_gives_one_curve_per_codec_and_metric(tmp_path: Path) -> None:
    """Comments, blank cells, BOM and several codecs are read; points keep the file's order."""
    text = (
        "\ufeff# from Table 3\ncodec,bpp,PSNR,ms-ssim,source\n"
        "ELIC,0.2,30.7,,https://example.org\nELIC,0.1,29.1,12.5,\n\nVTM,0.1,28.0,0.9,\n"
    )
    elic, vtm = read_typed_csv(write(tmp_path, text, "p.csv"))
    assert elic.curves[0].rate == (0.2, 0.1)
    assert (elic.curves[1].metric, len(elic.curves[1].rate)) == ("ms_ssim_rgb", 1)
    assert elic.curves[1].quality == pytest.approx((1 - 10**-1.25,))
    assert (elic.source, vtm.source) == ("https://example.org", str(tmp_path / "p.csv"))
    assert vtm.curves[1].quality == (0.9,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("codec,psnr\nA,30\n", ":1: no column 'bpp'"),
        ("codec,bpp\nA,0.1\n", ":1: no metric"),
        ("codec,bpp,psnr,psnr_rgb\n", ":1: 'psnr_rgb' is named by two columns"),
        ("codec,bpp,psnr\nA,0.1,30\nA,zero,30\n", ":3: bpp is 'zero'"),
        ("codec,bpp,psnr\nA,-1,30\n", ":2: bpp is -1"),
        ("codec,bpp,psnr\nA,0.1,inf\n", ":2: psnr is 'inf'"),
        ("codec,bpp,psnr\nA,0.1\n", ":2: 2 cells under 3 headings"),
        ("codec,bpp,psnr\n,0.1,30\n", ":2: the codec has no name"),
        ("codec,bpp,psnr\nA,0.1,\n", "codec 'A' has no metric value"),
        ("dataset,image,codec,label,status,bpp,psnr_rgb\n", ":1: this is a run's table"),
        ("# nothing\n", "no row of data"),
    ],
)
def test_a_bad_csv_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """Every malformed CSV is refused with its path, line and column."""
    with pytest.raises(ConfigError, match=message):
        read_typed_csv(write(tmp_path, text, "p.csv"))


UNSORTED = "codec,bpp,psnr_rgb\nb,0.5,33.6\nb,0.12,27.5\nb,0.9,36.2\nb,0.25,30.3\n"


def test_points_in_no_order_are_sorted_by_rate(tmp_path: Path) -> None:
    """From a CSV and from JSON, with a remark; the curve is then as good as any."""
    (found,) = read_typed_csv(write(tmp_path, UNSORTED, "c.csv"))
    assert found.curves[0].rate == (0.12, 0.25, 0.5, 0.9)
    assert found.curves[0].quality == (27.5, 30.3, 33.6, 36.2)
    assert "codec 'b': the points were sorted by rate" in found.remark
    assert "c.csv" in found.remark
    results = {"bpp": [0.5, 0.12, 0.9], "psnr": [33.6, 27.5, 36.2]}
    other = read_compressai(write(tmp_path, {"results": results}))
    assert other.curves[0].rate == (0.12, 0.5, 0.9)
    assert other.remark


@pytest.mark.parametrize(
    ("rate", "quality"),
    [
        ([0.9, 0.5, 0.1], [36, 33, 27]),
        ([0.1, 0.3, 0.29, 0.5], [27, 30, 31, 33]),
        ([0.1, 0.3, 0.4, 0.5], [27, 30, 29, 33]),
    ],
)
def test_points_along_a_setting_stay(tmp_path: Path, rate: list[float], quality: list[float]) -> None:
    """From high to low, or with a dip that is a finding: the order of the file is that of the curve."""
    found = read_compressai(write(tmp_path, {"results": {"bpp": rate, "psnr": quality}}))
    assert (found.curves[0].rate, found.curves[0].quality) == (tuple(rate), tuple(quality))
    assert found.remark == ""


@pytest.mark.parametrize(
    "text",
    [
        "codec;bpp;psnr_rgb;source\nx;0,125;30,5;a, b\nx;0,25;33;\n",
        "codec\tbpp\tpsnr_rgb\tsource\nx\t0,125\t30,5\ta, b\nx\t0.25\t33\t\n",
        "sep=;\r\n# by hand; once\r\ncodec;bpp;psnr_rgb;source\r\nx;0.125;30.5;a, b\r\nx;0.25;33;\r\n",
        "\ufeffcodec;bpp;psnr_rgb;source\r\nx;0,125;30,5;a, b\r\n\r\n;;;\r\nx;0,25;33;\r\n",
        'codec,bpp,psnr_rgb,source\rx,0.125,30.5,"a, b"\rx,0.25,33,\r',
    ],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, text: str) -> None:
    """Semicolons, tabs, decimal commas, Excel's first line, a byte order mark, every kind of line end."""
    path = tmp_path / "c.csv"
    path.write_bytes(text.encode())
    (found,) = read_typed_csv(path)
    assert (found.label, found.source) == ("x", "a, b")
    assert (found.curves[0].rate, found.curves[0].quality) == ((0.125, 0.25), (30.5, 33.0))


@pytest.mark.parametrize("number", ["1.234,5", "1,234,5", "0,1 bpp"])
def test_a_number_that_may_be_two_is_refused(tmp_path: Path, number: str) -> None:
    """Separators of thousands are not guessed at."""
    path = write(tmp_path, f"codec;bpp;psnr_rgb\nx;0,5;{number}\n", "c.csv")
    with pytest.raises(ConfigError, match=r"c\.csv:2: psnr_rgb is .*; expected a number"):
        read_typed_csv(path)


PAIRS = """# Aggregate rate-distortion data for "BPG (4:4:4)" on kodak.
# The first column contains bits per pixel (bpp) values.
# The second column contains MS-SSIM/sRGB/Y' values.

0.1, 0.90
0.2, 0.95
"""


@pytest.mark.parametrize("comment", ["", "# bpp, ms-ssim-y\n", PAIRS.partition("\n\n")[0]])
def test_pairs_are_of_the_metric_that_is_named(tmp_path: Path, comment: str) -> None:
    """By the caller, as the list of references does, or in a comment of the file."""
    path = write(tmp_path, f"{comment}\n0.1, 0.90\n0.2\t0.95\n", "bpg.txt")
    found = read_pairs(path, None if comment else "ms_ssim_y")
    (curve,) = found.curves
    assert (found.label, curve.metric, curve.rate, curve.quality) == (
        "bpg", "ms_ssim_y", (0.1, 0.2), (0.9, 0.95),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.1, 30\n", r"p\.txt: no metric is named; let the file begin with `# bpp, psnr_rgb`"),
        ("# bpp psnr\n\n0.1, 30, 7\n", r"p\.txt:3: expected two numbers.* found '0\.1, 30, 7'"),
        ("# bpp psnr\n0.1, thirty\n", r"p\.txt:2: psnr_rgb is 'thirty'"),
        ("# bpp psnr\n0, 30\n", r"p\.txt: bpp holds 0\.0"),
        ("# bpp psnr\n", r"p\.txt: no operating point"),
    ],
)
def test_bad_pairs_are_named_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    """And with what to do where the file does not say what it is of."""
    with pytest.raises(ConfigError, match=message):
        read_pairs(write(tmp_path, text, "p.txt"))


IMAGES = (
    "seq_name\tlmbda\trate_bpp\tn_pixels\tpsnr_db\n"
    "one\t0.1\t0.5\t9\t30\ntwo\t0.1\t0.7\t9\t34\none\t0.2\t0.2\t9\t26\ntwo\t0.2\t0.4\t9\t28\n"
)


def test_images_become_their_mean_at_each_point(tmp_path: Path) -> None:
    """Points stay in the order of the file, and columns may stand in any."""
    (found,) = read_published(write(tmp_path, IMAGES, "cool.tsv"))
    assert found.curves[0].rate == pytest.approx((0.6, 0.3))
    assert found.curves[0].quality == pytest.approx((32.0, 27.0))
    assert found.remark == ""
    other = read_per_image(
        write(tmp_path, "psnr_db\tlambda\tseq\trate_bpp\n30\t1\ta\t.5\n", "v1.tsv"), "psnr_yuv"
    )
    assert [(it.metric, it.rate) for it in other.curves] == [("psnr_yuv", (0.5,))]


def test_an_image_without_all_points_is_left_out_of_the_mean(tmp_path: Path) -> None:
    """A mean over other images at each point would be no curve; a remark names who lacks one."""
    lacking = IMAGES.replace("two\t0.2\t0.4\t9\t28\n", "")
    found = read_per_image(write(tmp_path, lacking, "cool.tsv"))
    assert found.curves[0].rate == (0.5, 0.2)
    assert "cool.tsv: two lack" in found.remark
    with pytest.raises(ConfigError, match=r"cool\.tsv: no image has all 2 operating points"):
        read_per_image(write(tmp_path, lacking.replace("one\t0.1", "three\t0.1"), "cool.tsv"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("psnr_db", "psnr", r":1: no column psnr_db"),
        ("n_pixels", "lambda", r":1: 2 columns lmbda or lambda"),
        ("\t34\n", "\n", r":3: 4 cells under 5 headings"),
        ("\t34\n", "\tx\n", r":3: psnr_db is 'x'"),
        ("two\t0.1", "one\t0.1", r":3: one stands here a second time at 0\.1"),
        (IMAGES.partition("\n")[2], "", r": no row of data"),
    ],
)
def test_a_bad_table_of_images_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    """Every malformed table is refused with its path, line and column."""
    with pytest.raises(ConfigError, match=rf"cool\.tsv{message}"):
        read_per_image(write(tmp_path, IMAGES.replace(old, new), "cool.tsv"))


def test_models_are_codecs(tmp_path: Path) -> None:
    """A CSV whose column is called model, with set metrics that not every data set has."""
    text = (
        "model,dataset,bpp,fid,psnr\nA,clic,0.1,4.5,28\nA,clic,0.2,2.5,30\nA,kodak,0.1,,27\nB,clic,0.1,9,26\n"
    )
    found = read_typed_csv(write(tmp_path, text, "results.csv"))
    assert [(it.label, it.dataset) for it in found] == [("A", "clic"), ("A", "kodak"), ("B", "clic")]
    assert [it.metric for it in found[1].curves] == ["psnr_rgb"]
    assert not found[0].curves[0].higher_is_better


def test_the_ending_tells_the_format(tmp_path: Path) -> None:
    """Of a user's own file; a TSV of curves and one of images differ in their first line."""
    assert read_published(write(tmp_path, PAIRS, "bpg444.TXT"))[0].label == "bpg444"
    assert read_published(write(tmp_path, "codec\tbpp\tpsnr\nx\t0.1\t30\n", "c.tsv"))[0].label == "x"
    assert read_published(TINY)[0].label == "Tiny <codec>"

"""Importing published curves: CompressAI's JSON, typed CSV, and the list of references."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import ConfigError, DatasetError
from bench.exchange import read_compressai, read_typed_csv, references
from bench.exchange.references import load_references
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


@pytest.mark.parametrize("key", ["ms-ssim", "ms-ssim-rgb", "MS-SSIM-RGB-dB"])
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


def test_references_are_verified_and_credited(tmp_path: Path) -> None:
    """A reference is read only if its hash fits, and carries the source that the list names."""
    digest = hashlib.sha256(TINY.read_bytes()).hexdigest()
    entry = f"- name: tiny\n  url: https://example.org/tiny.json\n  sha256: {digest}\n  source: A paper\n"
    (reference,) = load_references(write(tmp_path, entry, "r.yaml"))
    (found,) = reference.read(TINY)
    assert (found.source, found.dataset) == ("A paper", "kodak")
    with pytest.raises(DatasetError, match="expected"):
        reference.read(write(tmp_path, "{}"))


def test_a_reference_that_cannot_be_had_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a connection the message says which curve, from where, and that a copy will do."""

    def refused(*_: object) -> None:
        raise DatasetError("0123.json could not be downloaded")

    monkeypatch.setattr(references, "download", refused)
    monkeypatch.setattr(references, "cache_folder", lambda: tmp_path)
    with pytest.raises(DatasetError, match=r"reference 'vtm-444'(.|\n)*Download https://.* give the file"):
        references.open_reference("vtm-444")
    with pytest.raises(ConfigError, match="did you mean 'vtm-444'"):
        references.open_reference("vtm444")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("  sha256: abc\n", "sha256"),
        ("  url: http://example.org/x.json\n", "url"),
        ("  colour: red\n", "colour"),
    ],
)
def test_a_bad_list_of_references_is_named_with_its_line(tmp_path: Path, change: str, message: str) -> None:
    """A wrong or unknown key is refused with file, line and key."""
    fields = {"sha256": "0" * 64, "url": "https://example.org/x.json", "source": "A paper"}
    lines = [f"  {key}: '{value}'\n" for key, value in fields.items() if key not in change]
    path = write(tmp_path, "".join(["- name: tiny\n", *lines, change]), "r.yaml")
    with pytest.raises(ConfigError, match=rf"r\.yaml:\d+: .*{message}"):
        load_references(path)
    twice = "".join(
        f"- name: tiny\n{''.join(f'  {k}: {v!r}' + chr(10) for k, v in fields.items())}" for _ in "ab"
    )
    with pytest.raises(ConfigError, match="used twice"):
        load_references(write(tmp_path, twice, "r.yaml"))


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

"""The list of public curves: names, patterns and downloads, and curves of one codec that disagree."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pytest

from bench.errors import ConfigError, DatasetError
from bench.exchange import Published, references
from bench.exchange.agreement import disagreements
from bench.exchange.references import CATALOG, load_references, named, open_reference, open_references
from bench.rd import Curve
from tests.rd.curves import curve, reference_folder

COMMIT = "0123456789" * 4
FILES = {
    "a b.json": '{"bpp": [0.1, 0.2, 0.4], "psnr": [30, 33, 36], "ms-ssim": [12.0, 15.0, 17.0]}',
    "rgb/bpg.txt": "# of bpg\n0.1, 31\n0.2, 34\n0.4, 37\n",
    "y/bpg.txt": "0.1, 32\n0.2, 35\n0.4, 38\n",
    "cool.tsv": "seq\tlambda\trate_bpp\tpsnr_db\nx\t1\t0.1\t30\ny\t1\t0.3\t32\n",
    "models.csv": "model,dataset,bpp,psnr,lpips\nA,other,0.1,20,.1\nB,set,0.1,21,.2\nA,set,0.1,22,.3\n",
}


def source(form: str, curves: str, more: str = "") -> str:
    return f"""\
{form}:
  source: Somebody
  repository: some/body
  commit: {COMMIT}
  folder: results/
  licence: MIT
  format: {form}
  colour: RGB
  averaging: images
  metrics: [psnr_rgb]
{more}  curves:
{curves}"""


def files(*names: str) -> str:
    hashes = ", ".join(f"{it}: {hashlib.sha256(FILES[it].encode()).hexdigest()}" for it in names)
    return f"files: {{{hashes}}}"


CURVES = "".join(
    (
        source("compressai", f"    set/vtm: {{points: 3, codec: vtm, {files('a b.json')}}}\n"),
        source(
            "pairs",
            "    set/bpg: {points: 3, codec: vtm, metrics: [psnr_rgb, psnr_y],"
            f" {files('rgb/bpg.txt', 'y/bpg.txt')}}}\n",
            "  traps: [no header counts]\n",
        ),
        source("per-image", f"    other/cool-1.0: {{points: 1, version: '1.0', {files('cool.tsv')}}}\n"),
        source(
            "csv",
            "    set/a: {points: 1, metrics: [psnr_rgb, lpips_alex], rows: {codec: A, dataset: set},"
            f" {files('models.csv')}}}\n",
            "  names: {lpips: lpips_alex}\n",
        ),
    )
)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the files, and notes what is asked for."""

    requests: list[str]

    def do_GET(self) -> None:
        type(self).requests.append(unquote(self.path))
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder behind the addresses of a list with a curve in each format, on a server of this machine."""
    folder = tmp_path / "site" / "some" / "body" / COMMIT / "results"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (tmp_path / "references.yaml").write_text(CURVES)
    Handler.requests = []
    monkeypatch.setattr(references, "CATALOG", tmp_path / "references.yaml")
    monkeypatch.setattr(references, "cache_folder", lambda: tmp_path / "cache")
    serving = partial(Handler, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serving) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(references, "_RAW", f"http://127.0.0.1:{server.server_port}")
        yield folder
        server.shutdown()


def test_a_name_becomes_a_curve_in_every_format(site: Path) -> None:
    """Each file is downloaded once, verified, and read as the list says, whatever else is in it."""
    (vtm,) = open_reference("set/vtm")
    assert (vtm.label, vtm.dataset, vtm.codec, vtm.source) == ("vtm", "set", "vtm", "Somebody")
    assert [it.metric for it in vtm.curves] == ["psnr_rgb"]
    (bpg,) = open_reference("set/bpg")
    assert {it.metric: it.quality for it in bpg.curves} == {"psnr_rgb": (31, 34, 37), "psnr_y": (32, 35, 38)}
    assert bpg.traps == ("no header counts",)
    (cool,) = open_reference("other/cool-1.0")
    assert (cool.source, cool.curves[0].rate) == ("Somebody, 1.0", (0.2,))
    (model,) = open_reference("set/a")
    assert [(it.label, it.metric, it.quality) for it in model.curves] == [
        ("a", "psnr_rgb", (22,)), ("a", "lpips_alex", (0.3,)),
    ]  # fmt: skip
    open_reference("set/bpg")
    assert len(Handler.requests) == len(FILES)
    assert f"/some/body/{COMMIT}/results/a b.json" in Handler.requests


def test_what_is_named_twice_is_read_once(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names and patterns that overlap give each curve once, and so do two paths of one file."""
    monkeypatch.chdir(tmp_path)
    Path("own.txt").write_text("# bpp, psnr_rgb\n0.1, 32\n")
    found = open_references(["set/bpg", "own.txt", "set/*", "*/bpg", str(tmp_path / "own.txt")])
    assert [it.label for it in found] == ["bpg", "own", "vtm", "a"]


def test_a_pattern_is_all_that_it_matches(site: Path) -> None:
    """In the order of the list; only what matches is downloaded, and none is an error."""
    assert [it.label for it in open_reference("set/*")] == ["vtm", "bpg", "a"]
    assert not any("cool" in it for it in Handler.requests)
    assert [it.label for it in open_reference("*/[bc]*")] == ["bpg", "cool-1.0"]
    with pytest.raises(ConfigError, match=r"'vtm\*'.* begin with their data set, as in 'kodak/\*'"):
        open_reference("vtm*")


def test_another_file_is_no_reference(site: Path) -> None:
    """Neither what the address delivers, nor what lies in the cache, nor what lacks the metric."""
    (site / "a b.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"'set/vtm'(.|\n)*a%20b\.json elsewhere, and give the file"):
        open_reference("set/vtm")
    open_reference("other/cool-1.0")
    (cached,) = named("other/cool-1.0")[0].copies
    cached.write_text("changed")
    with pytest.raises(DatasetError, match=r"'other/cool-1\.0' has SHA-256 .*, expected"):
        open_reference("other/cool-1.0")
    more = references.CATALOG.with_name("more.yaml")
    more.write_text(CURVES.replace("[psnr_rgb, lpips_alex]", "[vif]"))
    curve_of_a = {it.name: it for it in load_references(more)}["set/a"]
    curve_of_a.fetch()
    with pytest.raises(ConfigError, match="'set/a' has no curve in vif"):
        curve_of_a.read()


def test_an_unknown_name_is_answered_with_a_similar_one() -> None:
    """As ever, names without a data set are of Kodak."""
    assert named("vtm-444")[0].name == "kodak/vtm-444"
    with pytest.raises(ConfigError, match=r"did you mean '(kodak/)?vtm-444'"):
        open_reference("vtm444")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format: pairs", "format: guess", "pairs.format: 'guess' is none of"),
        ("  licence: MIT\n", "", "licence: is missing"),
        (f"commit: {COMMIT}", "commit: main", "commit"),
        ("some/body", "https://evil.example/x", "repository"),
        ("{a b.json: ", "{../b.json: ", "no path of a file"),
        ("set/vtm:", "vtm:", "curves"),
        ("set/bpg:", "set/vtm:", "used twice"),
        ("metrics: [psnr_rgb, psnr_y]", "metrics: [psnr_y]", "set/bpg: 2 files of 1 metrics"),
        ("rows: {codec: A, dataset: set},", "", "set/a: 'rows' belong to a csv"),
        ("points: 3, codec", "points: 0, codec", "points"),
        ("  colour: RGB\n", "  color: RGB\n", "color: unknown key"),
    ],
)
def test_a_bad_list_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A wrong, missing or unknown key is refused with file, line and key."""
    path = tmp_path / "r.yaml"
    path.write_text(CURVES.replace(old, new))
    with pytest.raises(ConfigError, match=rf"r\.yaml:\d+: .*{message}"):
        load_references(path)


def test_the_shipped_list_is_what_it_promises() -> None:
    """At least 120 curves in five sets, each with all that is known of it; names that were cited stay."""
    every = {it.name: it for it in load_references(CATALOG)}
    assert len(every) >= 120
    assert {
        "kodak",
        "clic2020-pro-test",
        "clic2020-mobile-test",
        "clic2022-test",
        "tecnick",
        "div2k-valid",
    } <= {it.dataset for it in every.values()}
    for it in every.values():
        assert it.of.licence
        assert it.of.averaging
        assert it.colour
        assert it.metrics
        assert all(it.of.commit in url and " " not in url for url in it.addresses)
    former = (
        "jpeg-pillow7 jpeg2000-ffmpeg webp-published bpg-444 hm-444 vtm-444 av1-444 bmshj2018-factorized"
        " bmshj2018-hyperprior mbt2018-mean mbt2018 mbt2018-mean-vbr cheng2020-anchor cheng2020-attn elic2022"
    )
    assert [named(it)[0].label for it in former.split()] == former.split()


def test_shipped_entries_describe_their_files() -> None:
    """Metrics and number of points of CompressAI's files are those that the list states."""
    copies = {hashlib.sha256(it.read_bytes()).hexdigest(): it for it in reference_folder().glob("*.json")}
    known = [it for it in load_references(CATALOG) if set(it.listed.files.values()) <= copies.keys()]
    assert len(known) >= 11
    for it in known:
        found = it.read([copies[sha256] for sha256 in it.listed.files.values()])
        assert tuple(its.metric for its in found.curves) == it.metrics
        assert {len(its.rate) for its in found.curves} == {it.listed.points}


def of_codec(label: str, offset: float, codec: str = "vtm", dataset: str = "kodak") -> Published:
    luma = Curve(label, (0.1, 0.2, 0.4), (30.0, 33.0, 36.0), "psnr_y")
    return Published(label, (curve(label, offset), luma), codec=codec, dataset=dataset)


def test_curves_of_one_codec_that_disagree_are_flagged() -> None:
    """By more than 1% in BD-rate, with the numbers both ways, and in the metric where they do."""
    first, same, other = of_codec("first", 1.0), of_codec("same", 1.009), of_codec("other", 1.018)
    (found,) = disagreements(
        [first, same, other, of_codec("set", 2.0, dataset="clic"), of_codec("x", 2.0, "hm")]
    )
    assert (found.first.label, found.second.label) == ("first", "other")
    assert found.bd_rates == {"psnr_rgb": (pytest.approx(1.8), pytest.approx(-1.8 / 1.018))}
    assert found.numbers == "psnr_rgb +1.8% / -1.8%"
    assert not list(disagreements([first, other], ["psnr_y"]))
    assert not list(disagreements([of_codec("a", 1.0, ""), of_codec("b", 2.0, "")]))

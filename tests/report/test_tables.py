"""The ranking, and the page of tables and figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import bench
from bench.exchange import Published
from bench.rd import Curve, bd_quality, bd_rate
from bench.report import ReportOptions
from bench.report.build import build_report_data
from bench.report.chapters import Chapter
from bench.report.markdown import Section, write_markdown
from bench.report.summary import summary
from bench.report.tables import tables_of
from bench.report.tables.per_image import PerImageTable, WorstImagesTable
from bench.report.tables.ranking import RankingTable
from bench.tables.table import Column, Table
from tests.conftest import photo
from tests.report.made_data import Made, made_data
from tests.report.page.runs import Made as InRun
from tests.report.page.runs import write_run


def test_a_bd_rate_over_a_small_part_of_the_range_ranks_nobody() -> None:
    """Whoever shares less than half of the range with the anchor stands last, is named, and is never best."""
    high = Made("high", "high", 0.3, shift=12.0)
    data = made_data((Made("jpeg", "jpeg"), high, Made("webp", "webp", 0.7)))
    table = RankingTable().make(data)
    assert table is not None
    assert [row[1] for row in table.rows] == ["webp", "jpeg", "high"]
    assert [row[0] for row in table.rows] == ["1", "2", "–"]
    overlaps = table.by_label("overlap_per_image_psnr_rgb")
    assert overlaps["webp"] == 100
    assert overlaps["jpeg"] is None
    assert isinstance(overlaps["high"], float)
    assert 0 < overlaps["high"] < 50
    assert any("not ranked: high" in note for note in table.notes)
    assert not any(table.ranks()[-1])
    short = summary(data)
    assert short is not None
    assert [row[1] for row in short.rows] == ["webp", "jpeg", "high"]


def test_tables_stand_with_the_figures_of_the_same_thing(tmp_path: Path) -> None:
    """Every table and every picture is on the page once, under its chapter; what has none comes last."""
    made = {
        Chapter.MORE: ("new", "novel"),
        Chapter.OPERATING_POINTS: ("points", "rd_psnr_y"),
        Chapter.SPEED: ("complexity", "complexity_psnr_rgb"),
        Chapter.RANKING: ("ranking", "rd"),
    }
    tables = {
        chapter: [Table(name, f"table {name}", (Column("label", "codec"),), (("jpeg",),))]
        for chapter, (name, _) in made.items()
    }
    figures = {chapter: [tmp_path / "figures" / f"set_{name}.png"] for chapter, (_, name) in made.items()}
    figures[Chapter.DECODER_PAIRS] = [tmp_path / "figures" / "set_crops_2.png"]
    page = write_markdown(tmp_path / "report.md", [Section(made_data(), tables, figures)]).read_text()
    order = [
        *("## Ranking", "### table ranking", "(figures/set_rd.png)"),
        *("## Two decoders of the same bytes", "(figures/set_crops_2.png)"),
        *("## Speed and complexity", "### table complexity", "(figures/set_complexity_psnr_rgb.png)"),
        *("## Operating points", "### table points", "(figures/set_rd_psnr_y.png)"),
        *("## More", "### table new", "(figures/set_novel.png)"),
    ]
    assert all(page.count(it) == 1 for it in order)
    assert sorted(order, key=page.index) == order
    assert "Lossless coding" not in page


@pytest.mark.parametrize(
    ("dataset", "named", "message"),
    [
        ("kodak", "kodak", "over all 24 images of kodak, and here are 3"),
        ("kodak", None, "does not say of which pictures"),
        ("mine", "kodak", "of other pictures than mine, and left out"),
    ],
)
def test_published_curves_of_other_pictures_are_told(
    tmp_path: Path, dataset: str, named: str | None, message: str
) -> None:
    """A published curve beside a part of its pictures, or beside unknown ones, comes with a warning."""
    run = write_run(tmp_path / "run", [InRun("jpeg", "jpeg", 1.0)], images=3, points=6, dataset=dataset)
    curve = Curve("theirs", (0.2, 0.4, 0.8, 1.6), (28.0, 31.0, 34.0, 37.0), "psnr_rgb", True)
    options = ReportOptions(published=(Published("theirs", (curve,), dataset=named),))
    (data,) = build_report_data([run], options)
    assert [it.message for it in data.findings if it.kind == "published"] == [
        next(it.message for it in data.findings if message in it.message)
    ]
    assert bool(data.published) is (named in (None, dataset))


def test_how_times_were_taken_is_what_the_records_say(tmp_path: Path) -> None:
    """The note counts repetitions, and names whose processor was shared; so does a warning."""
    codecs = [InRun("jpeg", "jpeg", 1.0), InRun("webp", "webp", 0.7)]
    run = write_run(tmp_path / "run", codecs, images=4, points=5)
    journal = run / "measurements.jsonl"
    shares = {"jpeg": (0.99, 0.98), "webp": (0.6, 1.0)}

    def rewrite(repeats: int) -> str:
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        for line in lines:
            times = {"encode_s": [0.02] * repeats, "decode_s": [0.01] * repeats}
            names = ("encode_cpu_share", "decode_cpu_share")
            line.update(times, timing="alone", **dict(zip(names, shares[line["codec"]], strict=True)))
        journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
        (data,) = build_report_data([run])
        table = RankingTable().make(data)
        assert table is not None
        assert table.by_label("timing") == {"jpeg": "alone", "webp": "disturbed"}
        (found,) = (it for it in data.findings if it.kind == "timing")
        assert found.labels == ("webp",)
        return table.notes[-1]

    assert "median of 5 repetitions" in (note := rewrite(5))
    assert "`disturbed`: alone, but with only a part of the processor (webp 60%)" in note
    assert "other trials" not in note
    assert "one repetition of each trial" in rewrite(1)


def test_a_stopped_run_is_unfinished_not_failed(tmp_path: Path) -> None:
    """Trials that were not measured yet are one warning, and no codec is blamed for them."""
    codecs = [InRun("jpeg", "jpeg", 1.0), InRun("webp", "webp", 0.7)]
    run = write_run(tmp_path / "run", codecs, images=4, points=5)
    journal = run / "measurements.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:22]))
    (data,) = build_report_data([run])
    told = [it.message for it in data.findings if it.severity == "warning" and it.kind != "timing"]
    assert told == [
        "unfinished: 18 of 40 trials were not measured yet; the command of the run goes on with them"
    ]


def test_metrics_that_some_rows_lack_are_told_as_such(tmp_path: Path, pictures: Path) -> None:
    """A codec that was measured without a metric did not fail; a metric without any value is named."""
    out = tmp_path / "run"
    bench.run(datasets=[str(pictures)], codecs=["jpeg@20,50,80"], metrics=["psnr_rgb"], out=out)
    bench.run(datasets=[str(pictures)], codecs=["webp@20,50,80"], metrics=["psnr_rgb", "psnr_y"], out=out)
    told = [it for it in build_report_data([out])[0].findings if it.kind in ("unmeasured", "left-out")]
    assert [it.message for it in told] == [
        "psnr_y: no values for jpeg-420, which take no part in comparisons by it"
    ]
    small = tmp_path / "small"
    small.mkdir()
    Image.fromarray(photo(64, 64)).save(small / "p.png")
    metrics = ["psnr_rgb", "ms_ssim_rgb"]
    bench.run(datasets=[str(small)], codecs=["jpeg@20,50,80"], metrics=metrics, out=tmp_path / "tiny")
    (told_of_small,) = [
        it for it in build_report_data([tmp_path / "tiny"])[0].findings if it.kind == "unmeasured"
    ]
    assert "ms_ssim_rgb: no value on any picture" in told_of_small.message
    assert "64 pixels" in told_of_small.message


def test_every_image_is_named_with_its_loss() -> None:
    """Each codec's images stand worst first, with BD-rate and gain at equal rate; the page names the ends."""
    data = made_data((Made("jpeg", "jpeg"), Made("webp", "webp", 0.7), Made("lpips", "x", 0.8, shift=-1.0)))
    table = PerImageTable().make(data)
    assert table is not None
    first, second = data.per_image["psnr_rgb"]["jpeg"], data.per_image["psnr_rgb"]["webp"]
    rows = [dict(zip((it.key for it in table.columns), row, strict=True)) for row in table.rows]
    mine = [it for it in rows if it["label"] == "webp"]
    assert {it["image"] for it in mine} == set(data.images["psnr_rgb"])
    for row in mine:
        at = first.images.index(str(row["image"]))
        assert row["bd_rate_psnr_rgb"] == pytest.approx(bd_rate(first.curve(at), second.curve(at)).value)
        assert row["gain_psnr_rgb"] == pytest.approx(bd_quality(first.curve(at), second.curve(at)).value)
    losses = [it["bd_rate_psnr_rgb"] for it in mine]
    assert losses == sorted(losses, reverse=True)
    ends = WorstImagesTable().make(data)
    assert ends is not None
    assert str(ends.by_label("worst")["webp"]).startswith(str(mine[0]["image"]))
    assert str(ends.by_label("best")["webp"]).startswith(str(mine[-1]["image"]))


def test_a_long_table_is_linked(tmp_path: Path) -> None:
    """The page links the table of every image instead of showing it."""
    data = made_data()
    page = write_markdown(tmp_path / "report.md", [Section(data, tables_of(data), prefix="set_")]).read_text()
    assert "[set_per_image.csv](tables/set_per_image.csv)" in page
    assert "ΔPSNR" not in page

"""A figure, a table, and the metrics that a report knows nothing of: what a stranger adds appears."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import bench
from bench import registry
from bench.host import helper_process
from bench.metrics.dataset import DATASET_METRICS
from bench.plotting.canvas import Width
from bench.report import write_report
from bench.report.figures import figures_of
from bench.report.measures import measure_of, set_measures
from bench.report.planes import planes_of
from bench.runs.store import read_info
from bench.studies.set_metrics.record import SetMeasurement
from bench.tables.table import WRITERS
from bench.trials.plan import MetricPlan
from tests.report.hostile import assert_nothing_is_cut, crowded
from tests.report.made_data import METRICS, made_data
from tests.report.page.runs import Made, write_run

CONTRIBUTING = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
PLAIN = MetricPlan("psnr_of_old", "nowhere:PsnrOfOld", "1", "dB", True)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run's report, with the modules of CONTRIBUTING.md in the folders that it names."""
    folder = tmp_path_factory.mktemp("added")
    run = write_run(folder / "run", [Made("jpeg", "jpeg", 1.0), Made("webp", "webp", 0.7)], 2, 4)
    with pytest.MonkeyPatch.context() as patch:
        for heading in ("Add a figure", "Add a table"):
            section = CONTRIBUTING.partition(f"## {heading}\n")[2]
            (place,) = re.findall(r"`bench/report/(\w+)/`", section.partition("\n## ")[0])
            package = importlib.import_module(f"bench.report.{place}")
            (folder / place).mkdir()
            (folder / place / "theirs.py").write_text(section.split("```")[1].removeprefix("python\n"))
            patch.setattr(package, "__path__", [*package.__path__, str(folder / place)])
        patch.setattr(helper_process, "can_help", lambda: False)  # a helper has a path of its own
        write_report([run], folder / "report")
        yield folder / "report"
        for place in ("figures", "tables"):
            del sys.modules[f"bench.report.{place}.theirs"]


def test_a_figure_is_one_module(report: Path) -> None:
    """It is drawn in three formats, and stands in its chapter after those of a lower order."""
    assert {it.suffix for it in (report / "figures").glob("rate_ranges.*")} == {".png", ".svg", ".pdf"}
    page = (report / "report.md").read_text()
    names = ("rd", "bd_rate", "rate_ranges")
    order = ["## Ranking", *(f"(figures/{it}.png)" for it in names), "## Speed and complexity"]
    assert sorted(order, key=page.index) == order


@pytest.mark.parametrize("width", ["column", "double"])
def test_the_figure_keeps_what_every_figure_keeps(report: Path, width: Width) -> None:
    """Whoever begins with the example has a figure of which nothing is cut, whatever the labels."""
    data = crowded()
    (kind,) = (it for it in figures_of(data) if it.name == "rate_ranges")
    assert_nothing_is_cut(kind, data, width)


def test_a_table_is_one_module(report: Path) -> None:
    """It is written in every form, and stands in its chapter."""
    assert len(list((report / "tables").glob("fastest.*"))) == len(WRITERS)
    page = (report / "report.md").read_text()
    order = ["## Speed and complexity", "### Fastest decoders on kodak", "## Pairs of codecs"]
    assert sorted(order, key=page.index) == order


def test_a_run_records_what_its_metrics_say_of_themselves(pictures: Path, tmp_path: Path) -> None:
    """Title and role are in a run's plan: it can be reported where the metric is not installed."""
    bench.run(datasets=[str(pictures)], codecs=["jpeg@50"], metrics=["ms_ssim_rgb"], out=tmp_path, limit=1)
    (metric,) = read_info(tmp_path).metrics
    assert (metric.title, metric.role) == ("MS-SSIM", "distortion")


def test_what_a_run_does_not_record_is_asked_of_the_installed_metric() -> None:
    """An older run's metric has the title of today, a stranger's its bare name, what is recorded its own."""
    old, unknown, recorded, hostile = (
        measure_of(it)
        for it in (
            METRICS[1],
            PLAIN,
            msgspec.structs.replace(PLAIN, title="PSNR of old", role="perception"),
            msgspec.structs.replace(PLAIN, title="a\n\x1b[31mb"),
        )
    )
    assert (old.title, old.role, old.unit) == ("MS-SSIM", "distortion", "dB")
    assert (unknown.title, unknown.role) == ("psnr_of_old", "diagnostic")
    assert (recorded.title, recorded.role) == ("PSNR of old", "perception")
    assert hostile.title.isprintable()
    distance = SetMeasurement(
        key="0" * 32, dataset="set", label="a", quality=1.0, metric="fid", version="1", images=3, value=0.5
    )
    (of_sets,) = set_measures([distance])
    assert (of_sets.title, of_sets.of_sets) == ("FID", True)


def test_the_first_metric_of_a_role_stands_for_it() -> None:
    """A plane is of the distortion and the perceptual metric that the run names first."""
    data = made_data()
    turned = sorted(data.measures, key=lambda it: it.name == "psnr_rgb")
    assert {it.distortion.name for it in data.planes} == {"psnr_rgb"}
    assert {it.distortion.name for it in planes_of(turned, data.curves)} == {"ms_ssim_rgb"}


def test_every_metric_declares_itself_without_its_libraries() -> None:
    """Each has a title and a role as attributes of its class, and reading them imports no torch."""
    groups = (registry.METRICS, DATASET_METRICS)
    script = (
        "import sys\n"
        "from bench import registry\n"
        f"for group in {groups}:\n"
        "    for target in registry.targets(group).values():\n"
        "        metric = registry.load(target)\n"
        "        assert metric.title, target\n"
        f"        assert (metric.role == 'set') == (group == {DATASET_METRICS!r}), target\n"
        "        assert metric.role in ('distortion', 'perception', 'diagnostic', 'set'), target\n"
        "assert not {'torch', 'numba', 'skimage'} & {*sys.modules}, sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

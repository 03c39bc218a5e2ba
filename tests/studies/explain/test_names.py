"""No page takes the place of another picture's."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bench.cli.explaining import default_folder
from bench.inputs.suite import Suite
from bench.studies.explain.pages import page_stems, write_explained
from bench.studies.explain.runner import explain_all
from bench.studies.explain.summary import shared_reason
from bench.trials.plan import CodecPlan, ImagePlan, Trial
from tests.conftest import photo


def trial(name: str, *, dataset: str = "d", label: str = "jpeg", sha256: str = "") -> Trial:
    codec = CodecPlan(
        label=label, codec="jpeg", target="", version="", lossless=False, config={}, qualities=(50.0,)
    )
    return Trial(ImagePlan(dataset, name, sha256 or name), Path(name), codec, 50.0, "")


def stems(*trials: Trial) -> list[str]:
    return [str(it) for it in page_stems(trials).values()]


def test_endings_are_kept_where_they_tell_pictures_apart() -> None:
    """A picture is named by its stem, or by its whole name where stems are the same."""
    assert stems(trial("p.png"), trial("q.bmp")) == ["jpeg@50/p", "jpeg@50/q"]
    alike = [trial(it) for it in ("p.png", "P.bmp", "p q.png", "p_q.png", "p.png.bmp")]
    assert stems(*alike) == [f"jpeg@50/{it.image.name}" for it in alike]


def test_data_sets_have_folders_where_there_are_several() -> None:
    """Equal file names of two data sets are two pages; of two folders of one name as well."""
    assert stems(trial("p.png"), trial("p.png", dataset="e")) == ["d/jpeg@50/p", "e/jpeg@50/p"]
    assert stems(trial("p.png", sha256="1"), trial("p.png", sha256="2")) == ["jpeg@50/p-1", "jpeg@50/p-2"]


def test_labels_that_read_the_same_as_folders_are_numbered() -> None:
    """Two labels never share a folder, however they are spelt."""
    found = stems(*(trial("p.png", label=it) for it in ("a b", "a_b", "A:B", "c")))
    assert found == ["a_b@50/p", "a_b@50-2/p", "A_B@50-3/p", "c@50/p"]


def test_every_picture_has_its_page(tmp_path: Path) -> None:
    """Files are as many as explained pictures, whatever their names, and another command loses none."""
    for folder, names in (("x", ("p.png", "p.bmp", "p q.png")), ("y", ("p.png",))):
        (tmp_path / folder).mkdir()
        for index, name in enumerate(names):
            Image.fromarray(photo(40, 40 + index + 8 * len(names))).save(tmp_path / folder / name)

    def explain(*datasets: str) -> list[Path]:
        suite = Suite(datasets=tuple(str(tmp_path / it) for it in datasets), codecs=("png",))
        for explained in explain_all(suite):
            write_explained(explained, tmp_path / "out", figure=False)
        return sorted((tmp_path / "out").glob("**/*.npz"))

    assert len(explain("x", "y")) == 4
    assert len(explain("x")) == 4 + 3
    first = explain("x/p.png")
    assert len(first) == 4 + 3 + 1
    assert len(explain("y/p.png")) == len(first) + 1
    assert len(explain("x/p.png")) == len(explain("y/p.png")) == len(first) + 1


def test_default_folders_follow_the_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of one name in two folders have two folders of pages."""
    monkeypatch.chdir(tmp_path)
    for folder in ("x", "y"):
        Path(folder).mkdir()
        Path(folder, "a.png").touch()
    assert [str(default_folder([f"{it}/a.png"])) for it in ("x", "y")] == ["x/a", "y/a"]
    assert default_folder([str(tmp_path / "x" / "a.png")]) == Path("x/a")
    assert default_folder(["kodak"]) == Path("kodak")
    monkeypatch.chdir(tmp_path / "x")
    assert default_folder(["../y/a.png"]) == (tmp_path / "y" / "a").relative_to("/")


def test_a_groups_reason_holds_for_the_group() -> None:
    """Numbers of single pictures are left out, kinds of reasons counted, and versions left whole."""
    sizes = [f"no sizes with libx 1.2.8: {k} bytes, 8 at most" for k in (302, 417)]
    assert shared_reason(sizes) == "no sizes with libx 1.2.8: … bytes, 8 at most"
    assert shared_reason([*sizes, "", "died"]) == (
        "no sizes with libx 1.2.8: … bytes, 8 at most (2 of 4); died (1 of 4)"
    )
    assert shared_reason(["", ""]) == ""

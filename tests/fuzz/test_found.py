"""What fuzzing found once, as plain tests."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.check.baseline import encoded, read_baseline
from bench.check.snapshot import snapshot
from bench.errors import BadBitstream, BadImage, BenchError, CodecUnavailable, ConfigError, StoreError
from bench.exchange import read_typed_csv
from bench.exchange.compressai import read_compressai
from bench.files.access import read_regular
from bench.inputs.catalogue import read_catalogue
from bench.inputs.image import read_image
from bench.report.page.mapped import former_maps
from bench.studies.set_metrics.record import read_set_measurements
from tests.conftest import photo
from tests.report.page.runs import Made, write_run


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda it: it["codecs"][0]["trials"][0].update(image="elsewhere"), "not among the images"),
        (lambda it: it["codecs"].append(it["codecs"][0]), "used twice"),
        (lambda it: it["codecs"][0]["trials"].append(it["codecs"][0]["trials"][0]), "there twice"),
    ],
)
def test_a_baseline_that_contradicts_itself_is_damaged(
    change: Callable[[Any], object], named: str, tmp_path: Path
) -> None:
    """Trials of unknown images, and labels and trials that come twice, are refused where the file is read."""
    run = write_run(tmp_path / "run", [Made("jpeg-420", "jpeg", 1.0)], images=2, points=2)
    document = json.loads(encoded(snapshot(run)))
    change(document)
    (tmp_path / "baseline.json").write_text(json.dumps(document))
    with pytest.raises(StoreError, match=named):
        read_baseline(tmp_path / "baseline.json")


ENTRY: dict[str, Any] = {"description": "x", "licence": "CC0", "source": "x", "files": {"a.png": "a" * 64}}


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("../../x", {}),
        ("x", {"package": "stranger_module.part"}),
        ("x", {"package": "skimage", "folder": "../.."}),
        ("x", {"package": "skimage", "folder": "/etc"}),
        ("x", {"url": "file:///etc/passwd"}),
        ("x", {"files": {"..": "a" * 64}}),
        ("x", {"files": {"a\0.png": "a" * 64}}),
        ("x", {"files": {"a.png": {"sha256": "a" * 64, "mirrors": ["ftp://x/y"]}}}),
    ],
)
def test_a_catalogue_names_neither_code_nor_places(name: str, fields: dict[str, Any], tmp_path: Path) -> None:
    """Names that leave the folders of data sets, dotted packages and odd addresses are refused."""
    (tmp_path / "sets.yaml").write_text(json.dumps({name: ENTRY | fields}))
    with pytest.raises(ConfigError, match=r"sets\.yaml"):
        read_catalogue(tmp_path / "sets.yaml")


def test_an_address_is_no_format_string(tmp_path: Path) -> None:
    """Only ``{file}`` is replaced in an address."""
    fields = {"url": "https://example.org/{0}{file.__class__}/{file}"}
    (tmp_path / "sets.yaml").write_text(json.dumps({"x": ENTRY | fields}))
    addresses = read_catalogue(tmp_path / "sets.yaml")["x"].addresses("a.png")
    assert addresses == ("https://example.org/{0}{file.__class__}/a.png",)


def test_lower_is_better_may_be_anything(tmp_path: Path) -> None:
    """A number where CompressAI's file has a list is left aside."""
    document = {"name": "x", "meta": {"lower_is_better": 5}, "results": {"bpp": [0.1], "psnr": [30.0]}}
    (tmp_path / "x.json").write_text(json.dumps(document))
    assert read_compressai(tmp_path / "x.json").label == "x"


def test_no_reader_waits_for_a_pipe_or_reads_for_ever(tmp_path: Path) -> None:
    """A pipe, a link out of a folder and a terabyte are refused by their kind or their size."""
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ConfigError, match="not a regular file"):
        read_typed_csv(tmp_path / "pipe.csv")
    large = tmp_path / "large.png"
    large.touch()
    os.truncate(large, 1 << 40)
    with pytest.raises(BadImage, match="larger than"):
        read_image(large)
    with pytest.raises(OSError, match="larger than"):
        read_regular(large, 1 << 20)


@pytest.mark.parametrize("change", [{"value": None}, {"errors": "AAAA" * 4 + "AA=="}])
def test_errors_of_no_distance_are_damaged(change: dict[str, Any], tmp_path: Path) -> None:
    """Errors are whole numbers of a value that is there."""
    known = {"key": "k", "dataset": "d", "label": "l", "quality": 1, "metric": "kid", "version": "1"}
    document = known | {"images": 2, "value": 0.1, "errors": "AAAAAAAAAAA="} | change
    (tmp_path / "set_metrics.json").write_text(json.dumps([document]))
    with pytest.raises(StoreError, match=r"set_metrics\.json"):
        read_set_measurements(tmp_path)


@pytest.mark.parametrize("maps", ["https://example.org/x.png", "file:///etc/x.png", "javascript:1"])
def test_a_former_page_gives_pictures_alone(maps: str, tmp_path: Path) -> None:
    """Addresses in a script beside a former page do not come into the next one."""
    image = {
        "original": {"url": "a.png"},
        "reconstructions": [["jpeg", {"url": "b.png"}, {"ssim": maps}]],
        "maps": {"step": 8, "kinds": {"ssim": ["SSIM", 1]}},
    }
    from bench.report.page.maps import STEP, scale_of

    image["maps"] = {"step": STEP, "kinds": {"ssim": scale_of("ssim")}}
    (tmp_path / "a.js").write_text(f"x({json.dumps(image)})")
    assert former_maps(tmp_path) == {"a.png": {"b.png": {}}}
    (tmp_path / "a.js").write_text("x(" + "[" * 100_000 + ")")
    assert former_maps(tmp_path) == {}


def test_htj2k_refuses_exponents_that_end_the_process() -> None:
    """OpenJPH dies of sub-bands of more than 30 bits; they are a bad bitstream before it sees them."""
    from bench_codecs.htj2k import Htj2k

    codec = Htj2k()
    sound = codec.encode(photo(16, 24), 5)
    at = sound.index(b"\xff\x5c") + 5
    for exponent in (31, 30):
        forged = sound[:at] + bytes([exponent << 3]) + sound[at + 1 :]
        forged = forged[: at - 1] + bytes([2 << 5 | sound[at - 1] & 31]) + forged[at:]
        with pytest.raises(BadBitstream, match="more bits"):
            codec.decode(forged)
    deep = Htj2k(lossless=True)
    noise = np.random.default_rng(0).integers(0, 1 << 16, (16, 24, 3)).astype(np.uint16)
    assert np.array_equal(deep.decode(deep.encode(noise, None, depth=16)), noise)


@pytest.mark.parametrize(
    ("package", "change"),
    [
        ("vae", lambda it: it.update(training=0)),
        ("vae", lambda it: it["spec"]["fine"].update(hyper_stages=1 << 31)),
        ("vae", lambda it: it["spec"]["branches"].update(analysis=1 << 20)),
        ("vae_gan", lambda it: it.update(vae=0)),
    ],
)
def test_metadata_of_weights_are_typed_and_bounded(
    package: str, change: Callable[[Any], object], tmp_path: Path
) -> None:
    """A file of weights states no other sizes than networks have, and no other types."""
    import bench_codecs
    from bench_codecs.vae.weights import load_weights
    from bench_codecs.vae_gan.weights import load_generator

    data = (Path(bench_codecs.__path__[0]) / package / "weights" / "base.safetensors").read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size])
    meta = json.loads(header["__metadata__"]["rdbench"])
    change(meta)
    header["__metadata__"]["rdbench"] = json.dumps(meta)
    head = json.dumps(header).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(head)) + head + data[8 + size :])
    with pytest.raises(CodecUnavailable, match=r"w\.safetensors"):
        load_weights(path) if package == "vae" else load_generator(path, "a" * 64)


@pytest.mark.parametrize("data", [b"\x80", b"step,loss\n1,x\n", b"step,loss\n1\n", b"loss\n1\n"])
def test_a_damaged_log_of_training_is_named(data: bytes, tmp_path: Path) -> None:
    """What is no table of numbers with the columns that are drawn is an error with its name."""
    from bench_codecs.vae.training.log import columns

    (tmp_path / "log.csv").write_bytes(data)
    with pytest.raises(ConfigError, match=r"log\.csv"):
        columns(tmp_path / "log.csv", ("step", "loss"))


def test_tensors_of_a_checkpoint_are_no_links(tmp_path: Path) -> None:
    """A checkpoint's tensors lie in its folder."""
    from bench_codecs.vae.training.checkpoint import open_checkpoint

    (tmp_path / "meta.json").write_text(json.dumps({"step": 1, "files": ["model"]}))
    (tmp_path / "model.safetensors").symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match=r"model\.safetensors.*link"):
        open_checkpoint(tmp_path)


def test_a_history_is_not_written_through_links(tmp_path: Path) -> None:
    """The folder of a history inside a run leads nowhere else."""
    from bench.check.history import histories, read_states
    from bench.check.history_views import write_history

    runs = [
        write_run(tmp_path / it, [Made("jpeg-420", "jpeg", 1.0)], images=2, points=2) for it in ("a", "b")
    ]
    (tmp_path / "outside").mkdir()
    (runs[1] / "history").symlink_to(tmp_path / "outside")
    with pytest.raises(BenchError, match="link"):
        write_history(histories(read_states(runs)), runs[1])
    assert not [*(tmp_path / "outside").iterdir()]

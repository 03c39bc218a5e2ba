"""Every reader of files that strangers may have made, each with sound examples of its file.

A new reader is one line in :data:`READERS`: the name of its file; ``as_json``, ``as_lines``, ``as_yaml`` or
``as_bytes`` of a function that is given the folder, fills it with what else the reader needs, and returns
sound examples of the file; and the reader itself, which is given the path of the file. For instance::

    "conditions": Reader("conditions.yaml", as_yaml(lambda _: [_CONDITIONS]), _read_conditions),
    "entry": Reader("entry.yaml", as_yaml(lambda folder: [ENTRY]), read_entry),
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from bench.errors import BadBitstream, BenchError, Unsupported
from tests.conftest import photo
from tests.fuzz.harness import Reader
from tests.fuzz.mutations import Files, mutated_bytes, mutated_json, mutated_lines
from tests.inputs import odd

Examples = Callable[[Path], Sequence[Any]]


def as_bytes(examples: Examples, repair: Callable[[bytes], bytes] | None = None) -> Callable[[Path], Files]:
    """Files of bytes; ``repair`` makes checksums right again, which would hide what comes after them."""

    def made(folder: Path) -> Files:
        sound = examples(folder)
        changed = mutated_bytes(sound)
        return Files(sound, changed if repair is None else st.one_of(changed, changed.map(repair)))

    return made


def as_json(examples: Examples) -> Callable[[Path], Files]:
    """Documents in JSON, changed by structure and by bytes."""

    def made(folder: Path) -> Files:
        documents = examples(folder)
        sound = [json.dumps(it).encode() for it in documents]
        return Files(sound, st.one_of(mutated_json(documents), mutated_bytes(sound)))

    return made


def as_lines(examples: Examples) -> Callable[[Path], Files]:
    """Journals, each a list of documents."""

    def made(folder: Path) -> Files:
        journals = examples(folder)
        sound = ["".join(json.dumps(it) + "\n" for it in lines).encode() for lines in journals]
        return Files(sound, st.one_of(mutated_lines(journals), mutated_bytes(sound)))

    return made


def as_yaml(examples: Examples) -> Callable[[Path], Files]:
    """Documents in YAML, given as text; they are changed by bytes, and by structure as the JSON in YAML."""

    def made(folder: Path) -> Files:
        import yaml

        sound = [it.encode() for it in examples(folder)]
        return Files(sound, st.one_of(mutated_json(list(map(yaml.safe_load, sound))), mutated_bytes(sound)))

    return made


def _run(folder: Path) -> Path:
    """A small invented run in the folder."""
    from tests.report.page.runs import Made, write_run

    codecs = [Made("jpeg-420", "jpeg", 1.0, failing="image001.png"), Made("png", "png", 1.5, lossless=True)]
    return write_run(folder, codecs, images=2, points=2)


def _info(folder: Path) -> list[Any]:
    return [json.loads((_run(folder) / "run.json").read_text())]


def _journal(folder: Path) -> list[Any]:
    lines = (_run(folder) / "measurements.jsonl").read_text().splitlines()
    return [[json.loads(it) for it in lines]]


def _read_run(path: Path) -> None:
    """Everything that reads a run as a whole."""
    from bench.check.snapshot import snapshot
    from bench.runs.frame import load
    from bench.runs.store import read_journal
    from bench.studies.session import finished_trials

    folder = path.parent
    for _ in read_journal(folder):
        pass
    load(folder)
    snapshot(folder)
    finished_trials(folder)


def _baseline(folder: Path) -> list[Any]:
    from bench.check.baseline import encoded
    from bench.check.snapshot import snapshot

    data = encoded(snapshot(_run(folder / "run")))
    (folder / "old.json").write_bytes(data)
    return [json.loads(data)]


def _read_baseline(path: Path) -> None:
    from bench.check.baseline import read_baseline

    read_baseline(path)


def _read_history(path: Path) -> None:
    from bench.check.history import histories, read_states

    histories(read_states([path.with_name("old.json"), path]))


def _check(path: Path) -> None:
    from bench.check.baseline import read_baseline
    from bench.check.compare import compare
    from bench.inputs.gate import Gate

    before, now = read_baseline(path), read_baseline(path.with_name("old.json"))
    for states in ((before, now), (now, before)):
        compare(*states, lambda label: Gate())


_SUITE = """\
# a suite
datasets: [sample, ./pictures, /data/x]
metrics:
  - psnr_rgb
  - mine.py:Metric
  - {name: own, command: './tool {original} {decoded}', pattern: 'score: ([0-9.]+)', higher_is_better: true}
gate:
  max_psnr_drop: 0.01
  max_bd_rate: {psnr_rgb: 1.5, '*': 2}
codecs:
  - jpeg
  - codec: webp
    quality: [10, 50, 90.5]
    config: {method: 4, exact: true, file: ./table.bin}
  - jpeg@bpp=0.25,0.5
  - codec: avif
    quality: {psnr_y: [34, 38], tolerance: 2%}
  - codec: jpegxl
    quality: {budget: [{bpp: 0.15, images: {a.png: 21}}]}
  - codec: mine.py:Codec
    label: mine
    config: {weights: model.pt}
  - codec: command
    config: {encode: 'enc -q {quality} {input} {output}', decode: './dec {input} {output}', qualities: '1,2'}
"""


def _read_suite(path: Path) -> None:
    from bench.inputs.suite import load_suite

    load_suite(path)


_CONDITIONS = """\
name: ours
version: 2
title: What we compare by
source: [https://example.org/conditions]
datasets: [{name: ours, count: 3, sha256: {a.png: %s}, budgets: [100, 200]}]
quality: {bpp: [0.25, 0.5], tolerance: 1%%}
sweeps: {jpeg: [10, 50]}
anchor: {codec: "jpeg:subsampling=444", binary: any}
options: {jpeg: {subsampling: "444"}}
metrics: {psnr_rgb: "1", ssim_rgb: null}
averaging: {metrics: set, rate: pixels}
bd_range: [30, 40]
pairs: {distortion: 0.01, metrics: {jpeg: psnr_rgb}}
own_mb: 250
""" % ("0" * 64)


def _read_conditions(path: Path) -> None:
    from bench.conditions.definition import find_conditions

    find_conditions(str(path))


_ENTRY = f"""\
name: A codec
version: "1.0"
authors: [A. Person, B. Other]
date: "2026-01-01"
licence: MIT
paper: https://example.org/paper
note: In a line.
hardware: a machine
open_weights: true
weights_url: https://example.org/weights
conditions: [small]
bitstreams: https://example.org/streams
codecs:
  - label: mine
    codec: mine
    version: "1"
    files: {{codec/mine.py: {"a" * 64}}}
    weights: {{sha256: {"b" * 64}, bytes: 100}}
"""


def _read_entry(path: Path) -> None:
    from bench.boards.entry_file import as_yaml, read_statement, read_submission

    read_statement(path)
    as_yaml(read_submission(path)[0])


_BOARD = """\
title: A board
about: |
  Some
  lines.
anchor: jpeg
datasets: [kodak]
metrics: [psnr_rgb, ms_ssim_rgb]
conditions:
  small: {about: Small., weights_mb: 20, decode_mps: 0.5, points: 4, sealed: true, timing: alone}
"""


def _read_board(path: Path) -> None:
    from bench.boards.board import read_board_file

    read_board_file(path)


_DATASETS = f"""\
tiny:
  description: Two pictures
  licence: CC0
  source: https://example.org/
  url: https://example.org/files/{{file}}
  package: skimage
  folder: data
  files:
    a.png: {"a" * 64}
    b.png: {{sha256: {"b" * 64}, mirrors: ['https://example.net/b.png']}}
    c.png: {{git_blob: {"c" * 40}}}
"""


def _read_datasets(path: Path) -> None:
    from bench.inputs.catalogue import NamedDataset, read_catalogue
    from bench.inputs.datasets import places

    for name, spec in read_catalogue(path).items():
        for folder in places(name, NamedDataset(spec, path)):
            [(folder / it).is_file() for it in spec.files]
        spec.addresses(next(iter(spec.files)))


_REFERENCES = f"""\
one:
  source: A paper, 2020
  repository: some/body
  commit: {"d" * 40}
  folder: results/
  licence: MIT
  format: csv
  colour: RGB
  averaging: images
  metrics: [psnr_rgb]
  names: {{lpips: lpips_alex}}
  traps: [no header counts]
  curves:
    kodak/one: {{points: 4, codec: vtm, rows: {{codec: A, dataset: kodak}}, files: {{one.csv: {"c" * 64}}}}}
"""
_COMPRESSAI = {
    "name": "mine",
    "description": "some",
    "meta": {"dataset": "kodak", "url": "https://example.org", "lower_is_better": ["lpips"]},
    "results": {
        "bpp": [0.1, 0.25, 0.5],
        "psnr-rgb": [28.0, 31.5, 34.0],
        "ms-ssim-rgb": [0.91, 0.95, 0.98],
        "lpips": [0.3, 0.2, 0.1],
        "encoding_time": [0.1, 0.1, 0.1],
    },
}
_TYPED = (
    b"# typed\ncodec,bpp,psnr_rgb,ms_ssim_rgb,dataset,source\nELIC,0.1235,29.113,,kodak,https://x\n"
    b"ELIC,0.3,32.2,0.95,kodak,\nother,0.2,30,,,\n",
    b"sep=;\ncodec;bpp;PSNR\n'=mine;0,1235;29,113\nmine;0,5;33\n",
)


_PAIRS = (
    b"# The second column contains PSNR/sRGB/R'G'B' values.\n\n0.02, 23.7\n0.5, 31\n",
    b"# bpp, vif\n.1 1\n",
)
_IMAGES = (
    b"lmbda\tseq_name\tn_pixels\tpsnr_db\trate_bpp\r\n.1\ta\t9\t30\t0.5\r\n.1\tb\t9\t31\t0.4\r\n.2\ta\t9\t28\t0.2\r\n",
    b"seq\tlambda\trate_bpp\tpsnr_db\na\t1\t0.1\t30\n",
)


def _read_references(path: Path) -> None:
    from bench.exchange.references import load_references

    for it in load_references(path):
        it.addresses  # noqa: B018
        it.copies  # noqa: B018


def _read_published(path: Path) -> None:
    from bench.comparing.sources import resolve
    from bench.exchange.references import open_reference

    for it in open_reference(str(path)):
        it.curves[0].rate  # noqa: B018
    resolve(str(path), lambda _: None)  # type: ignore[arg-type, return-value]


def _plain(record: Any) -> Any:
    return json.loads(msgspec.json.encode(record))


def _probes(folder: Path) -> list[Any]:
    from bench.studies.robustness.probes import BitstreamProbe, InputProbe

    known: dict[str, Any] = {
        "dataset": "kodak",
        "image": "image000.png",
        "label": "jpeg-420",
        "quality": 10.0,
    }
    corrupted = InputProbe(key="a" * 32, **known, corruption="noise5", status="ok", bytes=9, psnr_input=30.0)
    damaged = BitstreamProbe(key="b" * 32, **known, damage="flip", draw=0, outcome="detected")
    return [[_plain(corrupted), _plain(damaged)]]


def _chains(folder: Path) -> list[Any]:
    from bench.studies.generations.chain import Chain, Generation

    known: dict[str, Any] = {
        "dataset": "kodak",
        "image": "image000.png",
        "label": "jpeg-420",
        "quality": 10.0,
    }
    once = Generation(900, "a" * 64, {"psnr_rgb": 30.0}, {"psnr_rgb": None})
    again = Generation(901, "b" * 64, {"psnr_rgb": 29.0}, {"psnr_rgb": 40.0})
    return [[_plain(Chain(key="a" * 32, **known, generations=(once, again, again)))] * 2]


def _read_probes(path: Path) -> None:
    from bench.studies.robustness.study import RobustnessStudy
    from bench.studies.session import journal_of

    [*journal_of(RobustnessStudy(), path.parent)]


def _read_chains(path: Path) -> None:
    from bench.studies.generations.study import GenerationsStudy
    from bench.studies.session import journal_of

    for chain in journal_of(GenerationsStudy(), path.parent):
        if chain.reaches(12):
            chain.at(12)


def _distances(folder: Path) -> list[Any]:
    from bench.studies.set_metrics.record import SetMeasurement

    known: dict[str, Any] = {"key": "a" * 32, "dataset": "kodak", "label": "jpeg-420", "version": "1"}
    errors = np.linspace(-1, 1, 8, dtype="<f4").tobytes()
    kept = SetMeasurement(**known, quality=10.0, metric="kid", images=2, value=0.1, low=0.0, errors=errors)
    return [[_plain(kept), _plain(msgspec.structs.replace(kept, quality=20.0, value=0.2))]]


def _read_distances(path: Path) -> None:
    from bench.studies.set_metrics.record import difference_interval, read_set_measurements

    measured = read_set_measurements(path.parent)
    for first, second in pairwise(measured):
        difference_interval(first, second)


def _claims(folder: Path) -> list[Any]:
    return [{"image_sha256": "a" * 64, "label": "jpeg-420", "quality": 10.0, "bytes": 1, "notes": ["a"]}]


def _read_claim(path: Path) -> None:
    from bench.studies.explain.pages import unclaimed
    from bench.studies.explain.record import ExplainRow

    known: dict[str, Any] = {"dataset": "kodak", "image": "x", "image_sha256": "b" * 64, "label": "jpeg-420"}
    row = ExplainRow(**known, codec="jpeg", version="1", config={}, quality=10.0, status="ok")
    unclaimed(path.with_suffix(""), row)


def _verified(folder: Path) -> list[Any]:
    from tests.verifying.test_record import _FOUND

    return [_plain(_FOUND)]


def _read_verification(path: Path) -> None:
    from bench.verifying.record import read_verification

    read_verification(path)


_FIGURE = """\
runs: [run]
kind: rd
anchor: jpeg-420
average: images
"""


def _figures(folder: Path) -> list[Any]:
    from bench.cli.reporting import figure

    _run(folder / "run")
    import contextlib

    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.chdir(folder):
        figure(None, None, Path("run"))
    return [printed.getvalue(), _FIGURE]


def _read_figure(path: Path) -> None:
    from bench.report.figure_description import load_figure_file

    load_figure_file(path)


def _page_script(folder: Path) -> list[Any]:
    picture = {"url": "viewer/a.png", "width": 4, "height": 4}
    data = "data:image/png;base64,AAAA"
    image = {
        "original": picture,
        "reconstructions": [["jpeg-420", 10, picture, {"ssim": data}]],
        "maps": {"step": 8, "kinds": {"ssim": ["SSIM", 1.0]}},
    }
    return [f"viewer({json.dumps(image)})\n".encode()]


def _read_page_script(path: Path) -> None:
    from bench.report.page.mapped import former_maps

    former_maps(path.parent)


def _read_scheduler(path: Path) -> None:
    import bench.engines.cluster.connect as connect

    connect._PATIENCE = 0.0  # type: ignore[misc]
    connect._where(connect.ClusterAddress(str(path)))


def _safetensors(folder: Path) -> bytes:
    import torch
    from safetensors.torch import save

    tensors = {"weight": torch.ones(2, 3), "bias": torch.zeros(4, dtype=torch.float16)}
    return bytes(save(tensors, {"rdbench": json.dumps({"format": 1, "vae": "a" * 64, "training": {}})}))


def _checkpoints(folder: Path) -> list[Any]:
    (folder / "model.safetensors").write_bytes(_safetensors(folder))
    meta = {"step": 3, "files": ["model"], "trainer": "vae", "config": {"steps": 3}, "seconds": 1.0}
    return [meta | {"recent": [{"loss": 1.0}], "pictures": {"count": 2, "sha256": "a" * 64}}]


def _read_checkpoint(path: Path) -> None:
    from bench_codecs.vae.training.checkpoint import open_checkpoint

    open_checkpoint(path.parent)


def _checkpoint_tensors(folder: Path) -> list[Any]:
    (folder / "meta.json").write_text(json.dumps(_checkpoints(folder)[0]))
    return [_safetensors(folder)]


def _weights(folder: Path) -> list[Any]:
    from bench_codecs.vae.weights import shipped_weights

    return [shipped_weights().read_bytes()]


def _read_weights(path: Path) -> None:
    from bench_codecs.vae.weights import load_weights

    load_weights(path)


def _tensor_meta(package: str) -> Callable[[Path], Files]:
    """Weights whose metadata are changed, and nothing else."""

    def made(folder: Path) -> Files:
        from importlib import import_module

        shipped = Path(str(import_module(f"bench_codecs.{package}").__file__)).parent / "weights"
        data = (shipped / "base.safetensors").read_bytes()
        (size,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + size])
        body = data[8 + size :]

        def whole(meta: bytes) -> bytes:
            head = json.dumps(
                header | {"__metadata__": {"rdbench": meta.decode("utf-8", "replace")}}
            ).encode()
            return struct.pack("<Q", len(head)) + head + body

        meta = header["__metadata__"]["rdbench"]
        return Files([meta.encode()], mutated_json([json.loads(meta)]), whole)

    return made


def _read_generator(path: Path) -> None:
    from bench_codecs.vae.weights import shipped_weights
    from bench_codecs.vae_gan.weights import load_generator

    load_generator(path, hashlib.sha256(shipped_weights().read_bytes()).hexdigest())


def _read_log(path: Path) -> None:
    from bench_codecs.vae.training.log import columns, has_step

    columns(path, ("step", "loss"))
    has_step(path, 2)


def _state_dicts(folder: Path) -> Files:
    """Checkpoints of a part of a network, which are refused in the end."""
    import torch

    buffer = io.BytesIO()
    torch.save({"state_dict": {"a": torch.ones(3), "b.c": torch.zeros(2, 2)}}, buffer)
    old = io.BytesIO()
    torch.save({"a": torch.ones(3)}, old, _use_new_zipfile_serialization=False)
    path = folder / "sound.pt"
    path.write_bytes(buffer.getvalue())
    with suppress(BenchError):  # imports what is needed
        _read_state_dict(path)
    return Files((), mutated_bytes([buffer.getvalue(), old.getvalue()]))


def _read_state_dict(path: Path) -> None:
    from bench_codecs.compressai_zoo import CompressAi

    CompressAi(model="bmshj2018-factorized", checkpoint=str(path))._load(1)


def _images(*forms: bytes) -> Examples:
    return lambda folder: forms


def _read_picture(path: Path) -> None:
    from bench.inputs.image import is_lossy, read_image, stored_form
    from bench.inputs.pixels import ON_SCREEN

    stored_form(path)
    is_lossy(path)
    read_image(path, accepted=ON_SCREEN)


def _png_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the right CRC-32."""
    out, at = bytearray(data[:8]), 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 8 + length
        if end > len(data):
            break
        out += data[at:end] + zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(out + data[at:])


def _container_checksum(data: bytes) -> bytes:
    """A bitstream of ``huffman`` or ``lz`` whose CRC-32 is right."""
    from bench_codecs._common.varint import read_varint

    try:
        _, at = read_varint(data, 4)
        _, at = read_varint(data, at)
    except BenchError:
        return data
    payload = data[at + 4 :]
    return data[:at] + zlib.crc32(payload, zlib.crc32(data[:at])).to_bytes(4, "little") + payload


_CODECS: dict[str, tuple[Any, ...]] = {
    "avif": ({"speed": 10}, 50),
    "jpegxl": ({"effort": 1}, 50),
    "jpeg2000": ({}, 1.0),
    "jpegls": ({}, None),
    "htj2k": ({}, None),
    "jpeg": ({}, 50),
    "heic": ({"preset": "ultrafast"}, 50),
    "jpegli": ({}, 50),
    "jpegxr": ({}, 50),
    "webp": ({}, 50),
    "png": ({}, None, _png_checksums),
    "qoi": ({}, None),
    "huffman": ({}, None, _container_checksum),
    "lz": ({}, None, _container_checksum),
    "vae": ({}, None),
    "vae-gan": ({}, None),
    "compressai": ({"model": "bmshj2018-factorized", "untrained": True}, 1),
}


def _codec(name: str, config: dict[str, Any], quality: Any, repair: Any = None) -> Reader:
    """A built-in codec's decoder; pictures of the forms that it takes are its examples."""
    made: list[Any] = []

    def examples(folder: Path) -> Sequence[bytes]:
        from bench import registry

        codec = registry.load(registry.find(registry.CODECS, name))(**config)
        made[:] = [codec]
        point = quality or (codec.qualities[0] if codec.qualities else None)
        image = photo(16, 24)
        bitstreams = [bytes(codec.encode(image, point))]
        if "grey" in getattr(codec, "channels", ()):
            bitstreams.append(bytes(codec.encode(np.ascontiguousarray(image[..., 0]), point)))
        [codec.decode(it) for it in bitstreams]
        return bitstreams

    def read(path: Path) -> None:
        pixels = made[0].decode(path.read_bytes())
        assert pixels.dtype in (np.uint8, np.uint16)

    share = 0.1 if name in ("vae", "vae-gan", "compressai") else 1.0
    errors = (BadBitstream, Unsupported)
    return Reader(
        "bitstream",
        as_bytes(examples, repair),
        read,
        errors,
        names_file=False,
        share=share,
        needs="compressai" if name == "compressai" else None,
    )


READERS: dict[str, Reader] = {
    "run.json": Reader("run.json", as_json(_info), _read_run),
    "journal": Reader("measurements.jsonl", as_lines(_journal), _read_run),
    "baseline": Reader("baseline.json", as_json(_baseline), _read_baseline),
    "baseline in check": Reader("baseline.json", as_json(_baseline), _check, names_file=False),
    "history": Reader("new.json", as_json(_baseline), _read_history, names_file=False),
    "verification": Reader("verification.json", as_json(_verified), _read_verification),
    "suite": Reader("suite.yaml", as_yaml(lambda _: [_SUITE]), _read_suite),
    "entry": Reader("entry.yaml", as_yaml(lambda _: [_ENTRY]), _read_entry),
    "board": Reader("board.yaml", as_yaml(lambda _: [_BOARD]), _read_board),
    "datasets": Reader("datasets.yaml", as_yaml(lambda _: [_DATASETS]), _read_datasets),
    "references list": Reader("references.yaml", as_yaml(lambda _: [_REFERENCES]), _read_references),
    "CompressAI reference": Reader("curve.json", as_json(lambda _: [_COMPRESSAI]), _read_published),
    "typed reference": Reader("curves.csv", as_bytes(lambda _: _TYPED), _read_published),
    "pairs reference": Reader("curves.txt", as_bytes(lambda _: _PAIRS), _read_published),
    "reference by image": Reader("curves.tsv", as_bytes(lambda _: _IMAGES), _read_published),
    "robustness": Reader("robustness.jsonl", as_lines(_probes), _read_probes),
    "generations": Reader("generations.jsonl", as_lines(_chains), _read_chains),
    "distribution": Reader("set_metrics.json", as_json(_distances), _read_distances),
    "explanations": Reader("page.json", as_json(_claims), _read_claim),
    "figure": Reader("fig.yaml", as_yaml(_figures), _read_figure),
    "maps of a former page": Reader("a.js", as_bytes(_page_script), _read_page_script),
    "scheduler": Reader(
        "scheduler.json",
        as_json(lambda _: [{"type": "Scheduler", "address": "tcp://1.2.3.4:8786"}]),
        _read_scheduler,
    ),
    "checkpoint": Reader("meta.json", as_json(_checkpoints), _read_checkpoint),
    "checkpoint's tensors": Reader("model.safetensors", as_bytes(_checkpoint_tensors), _read_checkpoint),
    "training log": Reader(
        "log.csv", as_bytes(lambda _: [b"step,loss,seconds\n1,0.5,1\n2,0.25,2\n"]), _read_log
    ),
    "weights": Reader("weights.safetensors", as_bytes(_weights), _read_weights, share=0.02),
    "weights' metadata": Reader("weights.safetensors", _tensor_meta("vae"), _read_weights, share=0.02),
    "generator's metadata": Reader(
        "weights.safetensors", _tensor_meta("vae_gan"), _read_generator, share=0.1
    ),
    "state_dict": Reader("model.pt", _state_dicts, _read_state_dict, share=0.1, needs="compressai"),
    "png": Reader(
        "a.png",
        as_bytes(_images(odd.png(), odd.encoded("PNG", odd.PICTURE.convert("P"))), _png_checksums),
        _read_picture,
    ),
    "jpg": Reader(
        "a.jpg", as_bytes(_images(odd.jpeg(), odd.jpeg(exif=odd.RATIONAL_NONSENSE))), _read_picture
    ),
    "webp": Reader(
        "a.webp", as_bytes(_images(odd.encoded("WEBP"), odd.encoded("WEBP", lossless=True))), _read_picture
    ),
    "avif": Reader("a.avif", as_bytes(_images(odd.encoded("AVIF", speed=10))), _read_picture),
    "bmp": Reader(
        "a.bmp",
        as_bytes(_images(odd.encoded("BMP"), odd.encoded("BMP", odd.PICTURE.convert("P")))),
        _read_picture,
    ),
    "gif": Reader("a.gif", as_bytes(_images(odd.encoded("GIF"))), _read_picture),
    "ppm": Reader(
        "a.ppm",
        as_bytes(
            _images(
                *(odd.encoded("PPM"), odd.encoded("PPM", odd.PICTURE.convert("1"))),
                *(b"P3 2 1 255\n1 2 3 # x\n4 5 6\n", b"P3 2 1 65535\n1 2 3\n4 5 6\n", b"P1 3 1\n0 1 1\n"),
                b"P6 2 1 65535\n" + bytes(12),
            )
        ),
        _read_picture,
    ),
    "tiff": Reader(
        "a.tif",
        as_bytes(
            _images(
                *(odd.encoded("TIFF", compression=it) for it in (None, "tiff_lzw", "tiff_adobe_deflate")),
                odd.tiff({}),
            )
        ),
        _read_picture,
    ),
    **{f"decoder of {name}": _codec(name, *it) for name, it in _CODECS.items()},
}
"""By what they read."""

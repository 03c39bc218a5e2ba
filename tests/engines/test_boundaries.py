"""What one adapter does stays with its own trials: processes, memory, files and the clock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.engines import process, worker_handle
from bench.engines.encoding import encoded
from bench.engines.messages import Decode, Decoded, Describe, Encode, Encoded, Failed, Repeat
from bench.engines.process import Limits
from bench.engines.shared_pixels import Original, SharedPixels, write_samples
from bench.engines.slot import LocalSlot
from bench.engines.worker_handle import WorkerHandle
from bench.engines.zygote import Zygote
from bench.errors import ConfigError, WorkersLost
from bench.inputs.image import read_image, sha256_of
from bench.runs.store import JOURNAL_FILE, read_info, read_journal
from bench.trials.codec_ref import CodecRef, Description
from bench.trials.plan import TrustedCodec
from tests.conftest import ADAPTERS, processes_marked, until

OWN = Path(__file__).with_name("hostile.py")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's process control")


def spec(name: str) -> str:
    return f"{OWN}:{name}@4"


def measured(pictures: Path, out: Path, *codecs: str, limit: int | None = None, **options: object):
    """Run codecs with one job: the measurements by codec."""
    bench.run(
        datasets=[str(pictures)],
        codecs=list(codecs),
        metrics=["psnr_rgb"],
        limit=limit,
        out=out,
        options=bench.Options(**({"jobs": 1} | options)),
    )
    found: dict[str, list[bench.trials.measurement.Measurement]] = {}
    for it in read_journal(out):
        found.setdefault(it.codec, []).append(it)
    return found


@pytest.fixture
def zygote():
    with Zygote() as found:
        yield found


@pytest.fixture
def slot(zygote: Zygote):
    found = LocalSlot(lambda: WorkerHandle(zygote, Limits(timeout=60)), "this machine", sealed=False)
    yield found
    found.close()


def encode(worker: WorkerHandle, path: Path, codec: str) -> Encoded | Failed:
    """What a worker answers that is given a picture."""
    picture = read_image(path, None).pixels
    pixels = SharedPixels()
    write_samples(pixels.writable, picture)
    height, width, _ = picture.shape
    request = Encode(CodecRef(codec, trusted=True), 4.0, (height, width, 3), original=id(pixels))
    try:
        return worker.ask(request, pixels)
    finally:
        pixels.close()


def test_patches_reach_neither_metrics_nor_other_codecs(tmp_path: Path, pictures: Path) -> None:
    """A codec that patches numpy, builtins, metrics, checks and JPEG changes no number, not even its own."""
    honest = measured(pictures, tmp_path / "honest", f"{ADAPTERS}:Honest@4", "jpeg@50")
    beside = measured(pictures, tmp_path / "beside", spec("Patches"), "jpeg@50")
    for name, other in (("Honest", "Patches"), ("jpeg", "jpeg")):
        for it, that in zip(honest[name], beside[other], strict=True):
            assert that.status == "ok"
            assert (that.bytes, that.metrics) == (it.bytes, it.metrics)
            assert (that.bitstream_sha256, that.pixels_sha256) == (it.bitstream_sha256, it.pixels_sha256)


def test_a_codec_harms_only_its_own_process(tmp_path: Path, pictures: Path, monkeypatch) -> None:
    """Working directory, limits, environment, signals and file mode of one codec are not the next one's."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(pictures.parent)
    found = measured(Path(pictures.name), tmp_path / "run", spec("Harms"), "png", f"{ADAPTERS}:Honest@4")
    assert {it.status for it in found["png"] + found["Honest"]} == {"ok"}
    assert {it.status for it in found["Harms"]} == {"ok"}


def test_no_codec_tells_the_hash_of_its_file(zygote: Zygote) -> None:
    """Which is part of the key of its results: it is taken where no codec can reach it."""
    worker = WorkerHandle(zygote, Limits())
    found = worker.ask(Describe(CodecRef(f"{OWN}:IsAnother", trusted=True)))
    worker.close()
    assert isinstance(found, Description)
    assert found.version == f"sha256:{sha256_of(OWN)[:12]}"


def test_each_codec_keeps_a_process_of_its_own(zygote: Zygote, pictures: Path) -> None:
    """The same codec meets the same process again, and never another codec's or the decoder's."""
    worker, other = WorkerHandle(zygote, Limits()), WorkerHandle(zygote, Limits())
    path = pictures / "p0.png"

    def process_of(worker: WorkerHandle, codec: str) -> bytes:
        answer = encode(worker, path, codec)
        assert isinstance(answer, Encoded)
        return answer.bitstream[-8:]

    first = process_of(worker, f"{OWN}:TellsProcess")
    assert isinstance(encode(worker, path, f"{ADAPTERS}:Honest"), Encoded)
    assert process_of(worker, f"{OWN}:TellsProcess") == first
    assert process_of(other, f"{OWN}:TellsProcess") != first
    assert len(worker.processes) == 2
    assert len(set(worker.processes.values())) == 2
    worker.close()
    other.close()


@pytest.mark.parametrize(("most", "share"), [(1, 1.0), (32, 0.0)])
def test_the_processes_used_least_recently_end(
    zygote: Zygote, pictures: Path, monkeypatch: pytest.MonkeyPatch, most: int, share: float
) -> None:
    """By number or by memory; the codec is served again by a new one."""
    monkeypatch.setattr(worker_handle, "_MOST_PROCESSES", most)
    monkeypatch.setattr(worker_handle, "_MEMORY_SHARE", share)
    worker = WorkerHandle(zygote, Limits())
    path = pictures / "p0.png"
    for codec in (f"{OWN}:TellsProcess", f"{ADAPTERS}:Honest", f"{OWN}:TellsProcess"):
        assert isinstance(encode(worker, path, codec), Encoded)
        assert [it.target for it in worker.processes] == [codec]
    worker.close()


def test_the_scorer_loads_no_adapter(slot: LocalSlot, pictures: Path) -> None:
    """It serves no request that names a codec, and is another process than those that do."""
    path = pictures / "p0.png"
    original = slot.original(path, sha256_of(path))
    assert isinstance(original, Original)
    assert isinstance(encode(slot.encoder, path, f"{ADAPTERS}:Honest"), Encoded)
    assert list(slot.scorer.processes) == [None]
    assert None not in slot.encoder.processes


def test_a_picture_that_is_replaced_during_the_run_is_bad_input(tmp_path: Path, pictures: Path) -> None:
    """The bytes that are read are hashed; no result stands under the hash of another picture."""
    bench.run(
        datasets=[str(pictures)],
        codecs=["png"],
        metrics=["psnr_rgb"],
        out=tmp_path / "run",
        events=bench.Events(
            started=lambda *_: (pictures / "p0.png").write_bytes((pictures / "p1.png").read_bytes())
        ),
    )
    found = {it.image: it for it in read_journal(tmp_path / "run")}
    assert {name: it.status for name, it in found.items()} == {
        "p0.png": "bad_input",
        "p1.png": "ok",
        "p2.png": "ok",
    }
    assert "SHA-256" in found["p0.png"].failure.message


def test_an_encoder_heeds_the_hash_as_well(slot: LocalSlot, pictures: Path) -> None:
    """Where nothing but an encoding is asked for."""
    plan = TrustedCodec(
        label="honest",
        codec="Honest",
        target=f"{ADAPTERS}:Honest",
        version="1",
        lossless=False,
        config={},
        qualities=(4.0,),
    )
    answer = encoded(slot, pictures / "p0.png", plan, 4.0, "0" * 64)
    assert isinstance(answer, Failed)
    assert answer.status == "bad_input"


@LINUX
def test_the_original_is_sealed(tmp_path: Path, pictures: Path) -> None:
    """A codec that opens files in memory again and blackens them changes no picture, its own or another's."""
    alone = measured(pictures, tmp_path / "alone", f"{ADAPTERS}:Honest@4", limit=1)
    found = measured(pictures, tmp_path / "run", spec("WritesThroughProc"), f"{ADAPTERS}:Honest@4", limit=1)
    assert set(found) == {"WritesThroughProc", "Honest"}
    for (it,) in found.values():
        assert it.status == "ok"
        assert (it.bytes, it.metrics) == (alone["Honest"][0].bytes, alone["Honest"][0].metrics)


@LINUX
def test_odd_ends_are_told_apart_at_once(tmp_path: Path, pictures: Path) -> None:
    """Crash with a living child, stop, long messages and prints, answers that are none, no bytes."""
    names = (
        "ForksAndCrashes",
        "SaysMuch",
        "PrintsMuch",
        "Unspeakable",
        "WritesNothing",
        "Chatters",
        "Spawns",
        "StopsItself",
    )
    found = measured(pictures, tmp_path / "run", *map(spec, names), "png", limit=1, timeout=20.0)
    assert {name: rows[0].status for name, rows in found.items()} == {
        "ForksAndCrashes": "crash",
        "SaysMuch": "codec_error",
        "PrintsMuch": "ok",
        "Unspeakable": "codec_error",
        "WritesNothing": "mismatch",
        "Chatters": "mismatch",
        "Spawns": "ok",
        "StopsItself": "timeout",
        "png": "ok",
    }
    assert found["ForksAndCrashes"][0].failure.signal == 11
    assert "at least one" in found["WritesNothing"][0].failure.message
    assert "no answer" in found["Chatters"][0].failure.message
    assert (tmp_path / "run" / JOURNAL_FILE).stat().st_size < 50_000


def test_nobody_answers_ahead(pictures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a process said before it was asked is never taken for an answer."""
    monkeypatch.setenv("RDBENCH_TEST_MARK", str(tmp_path))
    with Zygote() as own:
        worker = WorkerHandle(own, Limits())
        assert isinstance(encode(worker, pictures / "p0.png", f"{OWN}:AnswersAhead"), Encoded)
        until((tmp_path / "said").exists)
        found = encode(worker, pictures / "p0.png", f"{OWN}:AnswersAhead")
        worker.close()
    assert isinstance(found, Failed)
    assert (found.status, "nobody had asked for" in found.message) == ("mismatch", True)


def test_a_picture_keeps_its_shape(zygote: Zygote, pictures: Path) -> None:
    """An encoder that gives the picture another shape has changed it."""
    worker = WorkerHandle(zygote, Limits())
    found = encode(worker, pictures / "p0.png", f"{OWN}:Reshapes")
    worker.close()
    assert isinstance(found, Failed)
    assert found.status == "mismatch"


@LINUX
def test_daemons_end_with_their_codec(
    zygote: Zygote, pictures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A session of its own saves no process, neither when a worker ends nor when the run does."""
    monkeypatch.setenv("RDBENCH_TEST_MARK", str(tmp_path))
    with Zygote() as own:
        worker = WorkerHandle(own, Limits())
        assert isinstance(encode(worker, pictures / "p0.png", f"{OWN}:LeavesDaemon"), Encoded)
        until(lambda: len(processes_marked(str(tmp_path))) == 3)
        worker.close()
        assert len(processes_marked(str(tmp_path))) == 1, "the zygote"
        again = WorkerHandle(own, Limits())
        assert isinstance(encode(again, pictures / "p0.png", f"{OWN}:LeavesDaemon"), Encoded)
    assert processes_marked(str(tmp_path)) == []
    again.close()


@LINUX
def test_shared_memory_counts(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared mapping beyond the limit is out of memory, like any other."""
    monkeypatch.setattr("bench.engines.process.memory_bytes", lambda: 1 << 29)
    found = measured(pictures, tmp_path / "run", spec("SharesMemory"), "png", limit=1, timeout=60.0)
    assert found["SharesMemory"][0].status == "oom"
    assert found["png"][0].status == "ok"


def test_the_loss_of_the_zygote_is_an_error_with_a_message(tmp_path: Path, pictures: Path) -> None:
    """Exit code 2 and one line; what was measured before is kept."""
    line = [sys.executable, "-m", "bench.cli", "run", "-d", str(pictures), "-m", "psnr_rgb", "--no-report"]
    line += ["-c", "png", "-c", spec("KillsParent"), "--limit", "1", "-j", "1", "-o", str(tmp_path / "run")]
    line.append("--no-sealed")  # else it can't
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("rdbench: the process that starts workers was killed")
    assert [it.status for it in read_journal(tmp_path / "run")] == ["ok"]


def test_a_lost_zygote_is_told_to_every_caller(pictures: Path) -> None:
    """Asking again raises again; closing does not."""
    with Zygote() as own:
        worker = WorkerHandle(own, Limits())
        assert isinstance(encode(worker, pictures / "p0.png", f"{ADAPTERS}:Honest"), Encoded)
        own._process.kill()
        for _ in range(2):
            with pytest.raises(WorkersLost, match="killed by signal 9"):
                encode(worker, pictures / "p0.png", f"{OWN}:TellsProcess")
        worker.close()


@pytest.mark.parametrize(
    ("codec", "timeout", "message"),
    [
        ("HangsInConstructor", 1.5, "no result within 1.5 s; .*--timeout"),
        ("ExitsInConstructor", 60.0, "exit code 0"),
        ("EatsMemoryInConstructor", 60.0, "Unable to allocate"),
    ],
)
def test_limits_hold_while_codecs_are_described(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, codec: str, timeout: float, message: str
) -> None:
    """Time and memory of a constructor; nothing has been measured."""
    monkeypatch.setattr("bench.engines.process.memory_bytes", lambda: 2 << 30)
    with pytest.raises(ConfigError, match=rf"{codec} cannot be constructed: .*{message}"):
        measured(pictures, tmp_path / "run", spec(codec), timeout=timeout)


@pytest.mark.parametrize(
    ("codec", "message"),
    [
        ("HashIsExploit", "codec 'HashIsExploit': weights_sha256 is 64 hexadecimal digits"),
        ("HashIsPath", r"weights_sha256 is 64 hexadecimal digits .* PosixPath\('weights.bin'\)"),
        ("RangeIsNan", "codec 'RangeIsNan': quality_range has to be finite numbers"),
        ("DefaultIsObject", "codec 'DefaultIsObject': option 'thing' is of <class 'type'>"),
        ("DefaultIsNan", "codec 'DefaultIsNan': option 'strength' is nan; it has to be finite"),
        ("NameIsSurrogate", "codec NameIsSurrogate: version is .* no form in UTF-8"),
    ],
)
def test_what_cannot_be_recorded_is_refused_by_name(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, codec: str, message: str
) -> None:
    """Codec and attribute are told before anything is measured, and no object of the adapter's arrives."""
    monkeypatch.setenv("RDBENCH_TEST_MARK", str(tmp_path / "exploited"))
    with pytest.raises(ConfigError, match=message):
        measured(pictures, tmp_path / "run", spec(codec))
    assert not (tmp_path / "run" / "run.json").exists()


def test_honest_slips_are_read_as_meant(tmp_path: Path, pictures: Path) -> None:
    """Paths, numpy's numbers and digests become plain values, and ``run.json`` can be read again."""
    found = measured(pictures, tmp_path / "run", f"{OWN}:HonestSlips", limit=1)
    assert {it.status for it in found["HonestSlips"]} == {"ok"}
    (codec,) = read_info(tmp_path / "run").codecs
    assert codec.config == {"table": "tables/a.bin", "level": 3, "share": 0.5}
    assert codec.complexity == {"parameters": 7.0, "weight_bytes": 2.0}
    assert codec.weights_sha256 == "0" * 64
    assert codec.qualities == (2.0, 4.0, 6.0)


def test_samples_change_no_more_once_they_are_scored(slot: LocalSlot, pictures: Path) -> None:
    """The scorer refuses samples that are not as many as announced, and hashes the copy that it scores."""
    from bench.engines.messages import Score, Scored

    path = pictures / "p0.png"
    codec = CodecRef(f"{ADAPTERS}:Honest", trusted=True)
    written = encode(slot.encoder, path, codec.target)
    decoded = slot.decoder.ask(Decode(codec, written.bitstream, Repeat()))
    assert isinstance(decoded, Decoded)
    request = Score(path, sha256_of(path), decoded.shape, (), False)
    scored = slot.scorer.ask(request, slot.decoder.decoded)
    assert isinstance(scored, Scored)
    assert scored.sha256 == decoded.sha256
    os.truncate(slot.decoder._last._samples.writable, 100)
    failed = slot.scorer.ask(request, slot.decoder.decoded)
    assert isinstance(failed, Failed)
    assert (failed.status, failed.phase) == ("mismatch", "decode")


def test_a_frame_beyond_all_bounds_is_refused(
    zygote: Zygote, monkeypatch: pytest.MonkeyPatch, pictures
) -> None:
    """The parent does not take in what is longer than any answer."""
    monkeypatch.setattr(process, "LARGEST", 100)
    worker = WorkerHandle(zygote, Limits())
    answer = encode(worker, pictures / "p0.png", f"{ADAPTERS}:Honest")
    assert isinstance(answer, Failed)
    assert answer.status == "crash"
    worker.close()

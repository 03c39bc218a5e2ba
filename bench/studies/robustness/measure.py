"""One planned probe -> one record. Whatever the codec does ends in the record; nothing is raised for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.codec import Image, Samples
from bench.engines.encoding import encoded
from bench.engines.engine import Slot, Task
from bench.engines.messages import Decode, Failed
from bench.errors import ConfigError
from bench.files.access import write_atomically
from bench.inputs.image import png_of, read_image
from bench.inputs.pixels import RGB8, Accepted
from bench.metrics.base import Pair, Reference
from bench.metrics.psnr import PsnrRgb
from bench.studies.robustness.changes import DAMAGES, corrupted, generator
from bench.studies.robustness.probes import BitstreamProbe, DamageOutcome, InputProbe, PlannedProbe, Probe
from bench.studies.session import MORE_TIME, Bitstreams
from bench.studies.study import Asked
from bench.trials.measurement import Failure, Status

_MOST_PICTURES = 16
"""Pictures that are held in memory."""


@dataclass(frozen=True)
class TakeProbe(Task[Asked[PlannedProbe], Probe]):
    """Takes probes, from any thread."""

    bitstreams: Bitstreams
    """Of the run."""
    _pictures: dict[tuple[Path, Accepted], Image] = field(default_factory=dict, repr=False)
    _verified: set[str] = field(default_factory=set, repr=False)

    def __call__(self, work: Asked[PlannedProbe], slot: Slot) -> Probe:
        """Take one probe."""
        trial = work.question.trial
        known: dict[str, Any] = {
            "key": work.key,
            "dataset": trial.image.dataset,
            "image": trial.image.name,
            "label": trial.codec.label,
            "quality": trial.quality,
        }
        if work.question.is_input:
            return self._input(work, slot, known)
        return self._bitstream(work, slot, known)

    def _input(self, work: Asked[PlannedProbe], slot: Slot, known: dict[str, Any]) -> InputProbe:
        probe, trial = work.question, work.question.trial
        known["corruption"] = probe.name
        clean = self._picture(slot.file(work.path, trial.image.sha256), trial.codec.accepted)
        path = slot.scratch / f"{trial.image.sha256}+{probe.name}.png"
        if not path.exists():
            write_atomically(path, png_of(corrupted(clean, probe.name, trial.image.sha256)))
        given = self._picture(path)
        known["psnr_corruption"] = _decibels(clean, given)
        made = encoded(slot, path, trial.codec, trial.setting)
        if isinstance(made, Failed):
            return InputProbe(**known, status=made.status, failure=made.failure)
        known["bytes"] = len(made.bitstream)
        decoded = slot.decoder.ask(Decode(trial.codec.decoder_ref, made.bitstream))
        if isinstance(decoded, Failed):
            return InputProbe(**known, status=decoded.status, failure=decoded.failure)
        pixels = slot.decoder.samples(decoded.shape, decoded.dtype)
        if _form(pixels) != _form(clean):
            told = f"decoded {_form(pixels)}, the original is {_form(clean)}"
            return InputProbe(**known, status="mismatch", failure=Failure(phase="decode", message=told))
        return InputProbe(
            **known,
            status="ok",
            psnr_input=_decibels(given, pixels),
            psnr_clean=_decibels(clean, pixels),
        )

    def _bitstream(self, work: Asked[PlannedProbe], slot: Slot, known: dict[str, Any]) -> BitstreamProbe:
        probe, trial = work.question, work.question.trial
        known |= {"damage": probe.name, "draw": probe.draw}
        # That the run's bitstream can't be made again, or decoded, says nothing of the damage.
        whole = self.bitstreams.whole(work, slot)
        self._require_same_pixels(work, whole, slot)
        random = generator(trial.bitstream_sha256, probe.name, probe.draw)
        decoded = slot.decoder.ask(Decode(trial.codec.decoder_ref, DAMAGES[probe.name](whole, random)))
        if isinstance(decoded, Failed):
            return BitstreamProbe(**known, outcome=_outcome(decoded.status), failure=decoded.failure)
        if decoded.sha256 == trial.pixels_sha256:
            return BitstreamProbe(**known, outcome="unchanged")
        pixels = slot.decoder.samples(decoded.shape, decoded.dtype)
        original = self._picture(slot.file(work.path, trial.image.sha256), trial.codec.accepted)
        if _form(pixels) != _form(original):
            failure = Failure(phase="decode", message=f"decoded {_form(pixels)}, not {_form(original)}")
            return BitstreamProbe(**known, outcome="wrong", failure=failure)
        return BitstreamProbe(**known, outcome="wrong", psnr=_decibels(original, pixels))

    def _require_same_pixels(self, work: Asked[PlannedProbe], whole: bytes, slot: Slot) -> None:
        """What a decoder does to damage says nothing where it no longer decodes what is whole."""
        trial = work.question.trial
        if trial.bitstream_sha256 in self._verified:
            return
        decoded = slot.decoder.ask(Decode(trial.codec.decoder_ref, whole))
        what = f"{work}: the undamaged bitstream"
        if isinstance(decoded, Failed):
            remedy = MORE_TIME if decoded.status == "timeout" else "run again first"
            raise ConfigError(f"{what} does not decode: {decoded.message}; {remedy}")
        if decoded.sha256 != trial.pixels_sha256:
            raise ConfigError(f"{what} decodes to other pixels than in the run; run again first")
        self._verified.add(trial.bitstream_sha256)

    def _picture(self, path: Path, accepted: Accepted = RGB8) -> Image:
        """The samples of a file, as a codec was given them; the last ones are kept."""
        if (known := self._pictures.get((path, accepted))) is not None:
            return known
        pixels = read_image(path, accepted=accepted).pixels
        if len(self._pictures) >= _MOST_PICTURES:
            self._pictures.clear()
        self._pictures[path, accepted] = pixels
        return pixels


def _form(pixels: Samples) -> str:
    return f"{pixels.dtype} of shape {pixels.shape}"


def _outcome(status: Status) -> DamageOutcome:
    match status:
        case "crash" | "timeout" | "oom":
            return status
        case "mismatch":
            return "wrong"  # no pixels at all, and no error either
        case _:
            return "detected"


def _decibels(one: Image, other: Image) -> float | None:
    value = PsnrRgb()(Pair(Reference(one), other))
    return value if math.isfinite(value) else None

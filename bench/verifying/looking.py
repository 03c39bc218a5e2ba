"""Decoding a bitstream as nobody but its decoder could, and what its pixels are like."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.codec import Samples
from bench.engines.encoding import encoded
from bench.engines.engine import Slot, Task
from bench.engines.messages import Decode, Decoded, Encoded, Failed, Score
from bench.errors import BenchError
from bench.files.access import MAX_BITSTREAM, read_regular
from bench.files.stored_pictures import stored_picture
from bench.inputs.image import read_image
from bench.inputs.pixels import RGB8, Accepted
from bench.trials.codec_ref import MetricRef
from bench.trials.plan import CodecPlan, ImagePlan
from bench.verifying.rows import RecordedRow


@dataclass(frozen=True)
class Look:
    """A bitstream of a row that is to be decoded."""

    row: RecordedRow
    bitstream: Path | bytes
    original: Path | None
    """None where it is not on this machine."""

    @property
    def codec(self) -> CodecPlan:
        """The configuration that decodes."""
        return self.row.codec

    @property
    def image(self) -> ImagePlan:
        """The picture that it is about."""
        return self.row.image

    @property
    def path(self) -> Path:
        """A file whose folder no codec is to see."""
        if self.original is not None:
            return self.original
        return self.bitstream if isinstance(self.bitstream, Path) else Path(self.image.name)


@dataclass(frozen=True)
class DecodedRow:
    """What came of a bitstream."""

    place: int
    """Of the row in the plan."""
    bytes: int = 0
    bitstream_sha256: str = ""
    absent: str = ""
    """Why it was not decoded, through no fault of the codec."""
    problem: str = ""
    """Why it gave no picture."""
    shape: tuple[int, ...] = ()
    pixels_sha256: str = ""
    exact: bool | None = None
    """Whether the pixels are the original's; None where they were not compared."""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why a metric has no value."""
    mismatch: str = ""
    """Why the picture can be no reconstruction of the original."""
    unscored: str = ""
    """Why the metrics could not be taken."""
    levels: int | None = None
    """The largest difference to the recorded pixels, where they are others and at hand."""


@dataclass(frozen=True)
class LookAt(Task[Look, DecodedRow]):
    """Decodes, and scores in a process that never loads an adapter."""

    metrics: tuple[MetricRef, ...]
    """Those to take."""
    pictures: Path
    """Where recorded pixels may be stored."""

    def __call__(self, work: Look, slot: Slot) -> DecodedRow:
        """Look at one bitstream; whatever its codec does ends in the result."""
        place, bitstream = work.row.place, work.bitstream
        if isinstance(bitstream, Path):
            try:
                bitstream = read_regular(bitstream, MAX_BITSTREAM)
            except OSError as error:
                return DecodedRow(place, absent=f"the bitstream can't be read ({error.strerror})")
        size, digest = len(bitstream), hashlib.sha256(bitstream).hexdigest()
        answer = slot.decoder.ask(Decode(work.codec.decoder_ref, bitstream, digest=False))
        if isinstance(answer, Failed):
            told = answer.reason
            if answer.status == "unsupported" and answer.phase == "load":
                return DecodedRow(place, size, digest, absent=told)
            return DecodedRow(place, size, digest, problem=told)
        return self._compared(work, slot, answer, DecodedRow(place, size, digest, shape=answer.shape))

    def _compared(self, work: Look, slot: Slot, answer: Decoded, seen: DecodedRow) -> DecodedRow:
        """With what the pixels are like."""
        try:
            found = slot.decoder.samples(answer.shape, answer.dtype)
        except EOFError as error:
            return replace(seen, problem=str(error))
        if work.original is None:
            digest = hashlib.sha256(found.tobytes()).hexdigest()
            seen = replace(seen, pixels_sha256=digest, unscored="the original is not here")
        else:
            seen = self._scored(work, work.original, slot, answer, seen)
        line = work.row.line
        if seen.problem or line is None or line.pixels_sha256 in (None, seen.pixels_sha256):
            return seen
        original = work.original if line.exact else None
        recorded = self._recorded_pixels(line.pixels_sha256, original, work.codec.accepted)
        if recorded is not None and recorded.shape == found.shape:
            return replace(seen, levels=largest_difference(recorded, found))
        return seen

    def _scored(
        self, work: Look, original: Path, slot: Slot, answer: Decoded, seen: DecodedRow
    ) -> DecodedRow:
        score = Score(
            original,
            work.image.sha256,
            answer.shape,
            self.metrics,
            lossless=False,  # what a codec claims is held against the pixels later
            dtype=answer.dtype,
            accepted=work.codec.accepted,
        )
        scored = slot.scorer.ask(score, slot.decoder.decoded)
        if not isinstance(scored, Failed):
            return replace(
                seen,
                pixels_sha256=scored.sha256,
                exact=scored.exact,
                metrics=scored.metrics,
                reasons=scored.reasons,
            )
        if scored.phase != "decode":
            return replace(seen, pixels_sha256=scored.sha256 or "", unscored=scored.reason)
        if scored.sha256 is None:
            return replace(seen, problem=scored.reason)
        return replace(seen, pixels_sha256=scored.sha256, mismatch=scored.reason)

    def _recorded_pixels(self, sha256: str, original: Path | None, accepted: Accepted) -> Samples | None:
        """The pixels with this hash, where they are at hand: the original's, or what a report stored."""
        stored = stored_picture(self.pictures, sha256)
        for path, form in ((original, accepted), (stored, RGB8)):
            if path is not None:
                with suppress(BenchError, OSError):
                    pixels = read_image(path, accepted=form).pixels
                    if hashlib.sha256(pixels.tobytes()).hexdigest() == sha256:
                        return pixels
        return None


def largest_difference(one: Samples, other: Samples) -> int:
    """The largest difference between two samples of pictures of one shape, in levels."""
    return int(np.abs(one.astype(np.int32) - other.astype(np.int32)).max(initial=0))


@dataclass(frozen=True)
class EncodeAgain(Task[Look, "tuple[int, bytes | Failed]"]):
    """Encodes the original of a row again; the row's place in the plan, and the bitstream."""

    def __call__(self, work: Look, slot: Slot) -> tuple[int, bytes | Failed]:
        """Encode one picture."""
        assert work.original is not None
        row = work.row
        answer = encoded(slot, work.original, row.codec, row.quality, row.image.sha256)
        return row.place, answer.bitstream if isinstance(answer, Encoded) else answer

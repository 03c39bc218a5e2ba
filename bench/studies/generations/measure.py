"""One planned chain -> one record. Whatever the codec does ends in the record; nothing is raised for it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.codec import Samples
from bench.engines.encoding import encoded
from bench.engines.engine import Slot, Task
from bench.engines.messages import Decode, Decoded, Failed, NoAnswer, Score, answered
from bench.files.access import write_atomically
from bench.inputs.image import png_of, read_image
from bench.studies.generations.chain import Chain, Generation, PlannedChain, Values
from bench.studies.session import Bitstreams
from bench.studies.study import Asked


@dataclass(frozen=True)
class MakeChain(Task[Asked[PlannedChain], Chain]):
    """Encodes and decodes a picture again and again."""

    bitstreams: Bitstreams
    """Of the run."""
    count: int
    """Generations."""
    shift: int = 0
    """Pixels that the picture moves down and to the right between two of them."""

    def __call__(self, work: Asked[PlannedChain], slot: Slot) -> Chain:
        """Make one chain."""
        trial, generations = work.question.trial, list[Generation]()
        failed: Failed | None = None
        with tempfile.TemporaryDirectory(dir=slot.scratch) as folder:
            try:
                for made in self._generations(work, slot, Path(folder)):
                    repeated = any(it.bitstream_sha256 == made.bitstream_sha256 for it in generations)
                    generations.append(made)
                    if repeated and not self.shift:
                        break
            except NoAnswer as stop:
                failed = stop.failed
        return Chain(
            key=work.key,
            dataset=trial.image.dataset,
            image=trial.image.name,
            label=trial.codec.label,
            quality=trial.quality,
            generations=tuple(generations),
            status="ok" if failed is None else failed.status,
            failure=None if failed is None else failed.failure,
        )

    def _generations(self, work: Asked[PlannedChain], slot: Slot, folder: Path) -> Iterator[Generation]:
        """One generation after the other; the files of ``folder`` are theirs.

        Raises
        ------
        NoAnswer
            One of them fails.
        """
        trial, codec = work.question.trial, work.codec
        path = slot.file(work.path, trial.image.sha256)
        given = original = _File(path, trial.image.sha256)
        bitstream = self.bitstreams.whole(work, slot)
        for number in range(1, self.count + 1):
            decoded = answered(slot.decoder.ask(Decode(codec.decoder_ref, bitstream, digest=False)))
            picture = slot.decoder.samples(decoded.shape, decoded.dtype).copy()
            to_given = _scored(work.question, slot, given, decoded, lossless=codec.lossless)
            to_original = to_given
            if original != given:
                to_original = _scored(work.question, slot, original, decoded)
            digest = hashlib.sha256(bitstream).hexdigest()
            yield Generation(len(bitstream), digest, to_original, to_given)
            if number < self.count:
                given = _written(folder / f"{number}.png", _moved(picture, self.shift))
                if self.shift:
                    samples = _moved(read_image(path, accepted=codec.accepted).pixels, self.shift * number)
                    original = _written(folder / f"{number}-original.png", samples)
                bitstream = answered(encoded(slot, given.path, codec, trial.setting, given.sha256)).bitstream


@dataclass(frozen=True)
class _File:
    """A picture for a worker to read."""

    path: Path
    sha256: str | None = None


def _written(path: Path, picture: Samples) -> _File:
    data = png_of(picture)
    write_atomically(path, data)
    return _File(path.absolute(), hashlib.sha256(data).hexdigest())


def _moved(picture: Samples, pixels: int) -> Samples:
    """A picture moved down and to the right; what leaves it comes in on the other side."""
    return np.roll(picture, (pixels, pixels), axis=(0, 1))


def _scored(
    chain: PlannedChain, slot: Slot, reference: _File, decoded: Decoded, *, lossless: bool = False
) -> Values:
    """The metrics of what was decoded last; ``lossless`` is the claim that it is the reference."""
    metrics = tuple(it.ref for it in chain.metrics)
    score = Score(
        reference.path,
        reference.sha256,
        decoded.shape,
        metrics,
        lossless,
        dtype=decoded.dtype,
        accepted=chain.trial.codec.accepted,
    )
    return dict(answered(slot.scorer.ask(score, slot.decoder.decoded)).metrics)

"""What verifying said of the runs of a report: which results hold, and who decodes whose bitstreams."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.errors import StoreError
from bench.host.environment import Environment
from bench.rd.fairness import Finding
from bench.text.plain import some_of
from bench.verifying.record import CONTRADICTED, CodecFlag, VerifiedRow, belongs, read_verification

Part = TypeVar("Part", VerifiedRow, CodecFlag)

_PATTERN = "verification*.json"
"""One for each machine that verified: ``rdbench verify -o`` names them."""
_MOST = 32
"""Files of a run that are read."""
_NAMED = 3


@dataclass(frozen=True)
class ReadVerification:
    """A verification of a run, or why a file is none of it as it is."""

    run: str
    file: str
    rows: tuple[VerifiedRow, ...] = ()
    """Under the labels of the report."""
    environment: Environment | None = None
    """Of the machine that verified."""
    sealed: bool = False
    decode_only: bool = True
    suspicions: tuple[CodecFlag, ...] = ()
    """What may be wrong with codecs, under the labels of the report."""
    problem: str = ""

    def of(self, dataset: str, labels: Collection[str]) -> tuple[VerifiedRow, ...]:
        """The results of one data set and some codecs that the record claims."""
        return tuple(it for it in self.rows if it.claimed and it.dataset == dataset and it.label in labels)


def read_verifications(folder: Path, run: str, labels: Mapping[str, str]) -> Iterator[ReadVerification]:
    """The verifications in a run folder.

    Parameters
    ----------
    folder : the run, which may be somebody else's
    run : its name in the report
    labels : those of the report by those of the run
    """
    for path in sorted(folder.glob(_PATTERN))[:_MOST]:
        try:
            found = read_verification(path)
            current = belongs(found, folder)
        except StoreError as error:
            yield ReadVerification(run, path.name, problem=str(error))
            continue
        if not current:
            problem = f"{path}: is of another state of the run; verify it again"
            yield ReadVerification(run, path.name, problem=problem)
            continue
        rows = tuple(_renamed(it, labels) for it in found.rows)
        suspicions = tuple(_renamed(it, labels) for it in found.suspicions)
        yield ReadVerification(
            *(run, path.name, rows, found.environment, found.sealed, found.decode_only), suspicions
        )


def _renamed(part: Part, labels: Mapping[str, str]) -> Part:
    from msgspec.structs import replace

    name = labels.get(part.label, part.label)
    return part if name == part.label else replace(part, label=name)


def verification_findings(
    verifications: Sequence[ReadVerification], dataset: str, labels: Collection[str]
) -> Iterator[Finding]:
    """A warning for results that do not hold, else a remark on how much of what is claimed was verified.

    And one for each codec under suspicion.
    """
    for it in verifications:
        if it.problem:
            yield Finding("verification", "note", it.problem, ())
            continue
        rows = it.of(dataset, labels)
        if not rows:
            continue
        verified = sum(row.verdict == "verified" for row in rows)
        against = [row for row in rows if row.verdict in CONTRADICTED]
        how = ("" if it.sealed else ", not sealed") + (", none encoded again" if it.decode_only else "")
        text = f"{it.run}: {verified} of {len(rows)} results verified by decoding them again{how}"
        if against:
            named = some_of([f"{row.where} ({row.verdict})" for row in against], _NAMED)
            text += f"; {len(against)} do not hold: {named}"
        of_labels = tuple(dict.fromkeys(row.label for row in against or rows))
        yield Finding("verification", "warning" if against else "note", text, of_labels)
        for flag in it.suspicions:
            if flag.label in labels:
                told = f"{it.run}: {flag.label} is under suspicion, {flag.flag}: {flag.detail}"
                yield Finding("suspicion", "warning", told, (flag.label,))

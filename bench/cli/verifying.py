"""``rdbench verify``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cli import console
from bench.cli.arguments import one_of
from bench.cli.checking import add_to_summary
from bench.cli.exit_codes import EXIT_FAILED_TRIALS, EXIT_OK, EXIT_REGRESSION
from bench.errors import ConfigError, StoreError
from bench.text.plain import some_of
from bench.trials.trust import Trust
from bench.verifying.record import (
    VERIFICATION_FILE,
    Verification,
    belongs,
    read_verification,
    write_verification,
)
from bench.verifying.text import FORMATS, as_markdown, as_text
from bench.verifying.verify import VerifyEvents, VerifyOptions
from bench.verifying.verify import verify as verify_run

_STEP = 500
"""Bitstreams between two lines of progress."""


@dataclass(frozen=True)
class VerifyRequest:
    """What the command line asks for."""

    run: Path
    datasets: tuple[str, ...]
    sample: str
    seed: int | None
    decode_only: bool
    audit: bool
    jobs: int | None
    timeout: float
    trust: bool
    format: str
    output: Path | None

    @property
    def options(self) -> VerifyOptions:
        """How to verify."""
        return VerifyOptions(
            datasets=self.datasets,
            trust=Trust(self.trust),
            sample=share(self.sample),
            seed=self.seed,
            decode_only=self.decode_only,
            audit=self.audit,
            jobs=self.jobs,
            timeout=self.timeout,
        )


def share(text: str) -> float:
    """``10%`` or ``0.1`` as a number from 0 to 1.

    Raises
    ------
    ConfigError
        It is none.
    """
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ConfigError(f"--sample is a share such as 10%, from 0 to 100%, not {text!r}")
    return number


def verify(request: VerifyRequest) -> int:
    """Verify, print what came of it, write the file, and return the exit code."""
    one_of("--format", request.format, tuple(FORMATS))
    path = request.output or request.run / VERIFICATION_FILE
    if request.output is None:
        _require_no_stronger(path, request)
    found = verify_run(request.run, request.options, _events())
    write_verification(path, found)
    whole = as_text(found, console.width()) if request.format == "text" else FORMATS[request.format](found)
    print(whole, end="")
    add_to_summary(as_markdown(found))
    console.note(f"written to {path}")
    return exit_code(found)


def _require_no_stronger(path: Path, request: VerifyRequest) -> None:
    """Refuse to replace what was found by looking harder at the same record: a suspicion would be gone.

    Whoever names a file may have it.
    """
    try:
        former = read_verification(path)
        if not belongs(former, request.run):
            return
    except StoreError:
        return
    lost = [it.flag for it in former.suspicions] if request.decode_only or not request.audit else []
    if lost or (request.decode_only and not former.decode_only):
        found = f", and found {some_of(lost, 3)}" if lost else ""
        raise ConfigError(
            f"{path}: of {former.created}, encoded pictures again{found}; what --decode-only and --no-audit"
            " find is less and does not replace it: leave them out, or give an --out FILE"
        )


def exit_code(found: Verification) -> int:
    """A regression where the record does not hold; failed trials where somebody has to look.

    That is where a claim is not checked, and where a codec is under suspicion.
    """
    if found.contradicted:
        return EXIT_REGRESSION
    return EXIT_OK if found.whole and not found.suspicions else EXIT_FAILED_TRIALS


def _events() -> VerifyEvents:
    done = count = 0

    def planned(what: str, how_many: int) -> None:
        nonlocal done, count
        done, count = 0, how_many
        console.note(f"{what}: {count}")

    def one() -> None:
        nonlocal done
        done += 1
        if done % _STEP == 0:
            console.note(f"{done}/{count}")

    return VerifyEvents(console.note, planned, one)

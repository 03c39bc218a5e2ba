"""Regression checks of a codec inside anyone's own test suite.

Installed with rdbench, pytest finds the fixture ``rd_regression`` and the option ``--rd-update`` by itself::

    def test_rate_and_quality(rd_regression):
        rd_regression(MyCodec, qualities=(30, 60, 90))

    def test_encoder(rd_regression):
        rd_regression(my_encode, decode=my_decode, qualities=(50,), limits={"max_bytes": "1%"})

The results of the last ``pytest --rd-update`` are stored beside the test, in the folder ``rd_baselines``;
commit it. ``test_conformance = conformance(MyCodec)`` adds the conformance kit, with a test for each check.

Nothing heavy is imported before the fixture is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bench.check.baseline import Snapshot
    from bench.codec import Codec, Image

FOLDER = "rd_baselines"

_written = pytest.StashKey[list[str]]()
_owners = pytest.StashKey[dict[Path, str]]()


class RdChanged(UserWarning):
    """A result that differs from the baseline but does not fail: it is better, or within the limits."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--rd-update``."""
    parser.getgroup("rdbench").addoption(
        "--rd-update",
        action="store_true",
        help="accept what rd_regression measures now: write it to the baselines",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the lists of baselines that tests own and write."""
    config.stash[_written] = []
    config.stash[_owners] = {}


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List the baselines that were written."""
    for path in config.stash[_written]:
        terminalreporter.write_line(f"rd_regression: wrote {path}")


class RdRegression:
    """The value of the fixture ``rd_regression``: call it with a codec or an encoder."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._calls = 0

    def __call__(
        self,
        subject: Codec | Callable[..., Any],
        *,
        decode: Callable[[bytes], Image] | None = None,
        images: Mapping[str, Image] | Path | str | None = None,
        qualities: Sequence[float] | None = None,
        limits: Mapping[str, Any] | None = None,
    ) -> None:
        """Fail the test if ``subject`` is worse than its baseline allows.

        Parameters
        ----------
        subject : a codec (an instance, a class or a factory), or an encoder, a function of (image, quality)
            that returns bytes
        decode : the decoder for an encoder function; without one, only bitstreams are compared
        images : uint8 arrays (height, width, 3) by name, or a folder; by default the small images of the
            conformance kit
        qualities : by default those of the codec
        limits : what passes, as under ``gate`` in a suite file; by default nothing may get worse
        """
        __tracebackhide__ = True
        from bench.check import in_process
        from bench.errors import BenchError
        from bench.inputs.gate import gate_of

        path = self._path()
        try:
            gate = gate_of(**(limits or {}))
            codec = in_process.codec_under_test(subject, decode)
            snapshot = in_process.measure(codec, in_process.images_of(images), qualities)
            if self._request.config.getoption("--rd-update"):
                self._write(path, snapshot)
            else:
                self._compare(path, snapshot, gate)
        except BenchError as error:
            pytest.fail(str(error), pytrace=False)

    def _path(self) -> Path:
        """The baseline of this test; the test fails if another one would use the same file."""
        self._calls += 1
        node = self._request.node.nodeid
        # The node's name without its file, but with its classes.
        name = re.sub(r"[^\w.-]+", "_", node.partition("::")[2]).strip("_")
        number = f"-{self._calls}" if self._calls > 1 else ""
        test = self._request.path
        path = test.parent / FOLDER / f"{test.stem}-{name}{number}.json"
        owner = self._request.config.stash[_owners].setdefault(path, node)
        if owner != node:
            pytest.fail(f"{node} and {owner} would share the baseline {path}: rename one", pytrace=False)
        return path

    def _write(self, path: Path, snapshot: Snapshot) -> None:
        from bench.check.baseline import encoded, write_baseline

        if not path.exists() or path.read_bytes() != encoded(snapshot):
            write_baseline(path, snapshot)
            self._request.config.stash[_written].append(str(path))

    def _compare(self, path: Path, snapshot: Snapshot, gate: Any) -> None:
        __tracebackhide__ = True
        import shutil
        import warnings

        from bench.check.baseline import read_baseline
        from bench.check.compare import compare
        from bench.check.text import as_text

        if not path.exists():
            pytest.fail(f"no baseline yet: run `pytest --rd-update` and commit {path}", pytrace=False)
        verdict = compare(read_baseline(path), snapshot, lambda codec: gate)
        text = as_text(verdict, accept="--rd-update", width=shutil.get_terminal_size().columns)
        if any(it.fails for it in verdict.findings):
            pytest.fail(f"{path.name}: {text}", pytrace=False)
        if verdict.findings:
            warnings.warn(RdChanged(f"{path.name}: {text}"), stacklevel=3)


@pytest.fixture
def rd_regression(request: pytest.FixtureRequest) -> RdRegression:
    """Check a codec or an encoder function against a stored baseline; see ``bench.pytest_plugin``."""
    return RdRegression(request)


def conformance(factory: Callable[[], Codec], *, skip: Sequence[str] = ()) -> Callable[[str], None]:
    """A test function with one case for each check of the conformance kit.

    ``factory`` is a class or a ``functools.partial`` of one, ``skip`` names checks to leave out. Assign the
    result to a name that pytest collects: ``test_conformance = conformance(MyCodec)``.
    """
    from bench.testing import CHECKS, run_check

    @pytest.mark.parametrize("check", [it for it in CHECKS if it not in skip])
    def test_conformance(check: str) -> None:
        run_check(factory, check)

    return test_conformance

"""Every codec of the package against the public conformance kit."""

from __future__ import annotations

import pytest

from bench.registry import CODECS, targets
from bench.testing import CHECKS, run_check
from tests.codecs.conformance import CONFORMANCE, NOT_HERE, VIDEO

CASES = [
    pytest.param(label, check, marks=[pytest.mark.slow] if check == "damage" and label in VIDEO else [])
    for label in CONFORMANCE
    for check in CHECKS
]


@pytest.mark.parametrize(("label", "check"), CASES)
def test_codec_keeps_the_contract(label, check):
    """The codec passes this check of the kit."""
    run_check(CONFORMANCE[label], check)


def test_every_codec_is_in_the_conformance_list():
    """No entry point of this package is left out."""
    listed = {getattr(factory, "func", factory) for factory in CONFORMANCE.values()}
    named = {f"{codec.__module__}:{codec.__name__}" for codec in listed}
    named |= {f"{codec.__module__.rpartition('.')[0]}:{codec.__name__}" for codec in listed}
    installed = {target for target in targets(CODECS).values() if target.startswith("bench_codecs.")}
    assert installed - named == NOT_HERE

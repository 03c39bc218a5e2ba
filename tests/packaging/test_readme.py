"""What README says of results/kodak."""

from __future__ import annotations

import pytest

from tests.packaging.readme_tables import ROOT, TABLES, filled


def test_the_ranking_is_that_of_the_report() -> None:
    """`python -m tests.packaging.readme_tables` has been run since the report was made."""
    if not TABLES.is_dir():
        pytest.skip("needs a checkout")
    readme = (ROOT / "README.md").read_text()
    assert readme.count("<!-- end of ranking -->") == 1
    assert filled(readme) == readme

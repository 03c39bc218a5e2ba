"""The entropy coder: what goes in comes out, in close to the bits that the tables promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadBitstream
from bench_codecs.vae.rans import Decoder, FrequencyTables, encode, quantise_to_tables
from bench_codecs.vae.tables import build_tables, gaussian_masses


@pytest.fixture(scope="module")
def tables() -> FrequencyTables:
    """The uncalibrated Gaussian family."""
    masses = np.tile(gaussian_masses(2.0, 8), (6, 1, 1))
    return build_tables(np.zeros((1, 64, 49)), masses, np.zeros_like(masses)).frequencies


def test_every_row_of_the_tables_is_complete(tables: FrequencyTables) -> None:
    """Frequencies are positive and sum to 65536."""
    for start, size in zip(tables.start, tables.size, strict=True):
        cumulative = tables.cumulative[start : start + size + 1]
        assert cumulative[0] == 0
        assert cumulative[-1] == 65536
        assert np.all(np.diff(cumulative) > 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-9_000_000, 9_000_000), st.integers(0, 63)), max_size=40),
    st.integers(1, 39),
)
def test_any_integers_survive(tables: FrequencyTables, pairs: list[tuple[int, int]], cut: int) -> None:
    """Values far outside their table included, in reads of any length."""
    values = np.array([v for v, _ in pairs], np.int32)
    rows = np.array([r for _, r in pairs], np.int32)
    decoder = Decoder(encode(values, rows, tables), tables)
    decoded = np.concatenate([decoder.read(rows[:cut]), decoder.read(rows[cut:])])
    decoder.finish()
    assert np.array_equal(decoded, values)


def test_length_is_close_to_the_entropy(tables: FrequencyTables) -> None:
    """Gaussian symbols cost at most half a percent more than their entropy, and 6 bytes."""
    random = np.random.default_rng(0)
    rows = random.integers(8, 60, 50_000).astype(np.int32)
    scales = np.exp(-2.25 + rows / 8)
    values = np.round(random.standard_normal(rows.size) * scales).astype(np.int32)
    edges = np.abs(values)[:, None] + np.array([-0.5, 0.5])
    from scipy.special import erfc

    tail = 0.5 * erfc(edges / scales[:, None] / np.sqrt(2))
    ideal = -np.log2(tail[:, 0] - tail[:, 1]).sum() / 8
    assert len(encode(values, rows, tables)) < 1.005 * ideal + 6


def test_quantisation_without_strength_is_rounding(tables: FrequencyTables) -> None:
    """And with strength, no value moves away from zero or by more than one."""
    random = np.random.default_rng(1)
    residuals = random.normal(0, 3, 5000)
    rows = np.full(5000, 26, np.int32)
    rounded = quantise_to_tables(residuals, rows, 0.0, tables)
    assert np.array_equal(rounded, np.floor(np.abs(residuals) + 0.5) * np.sign(residuals))
    cheaper = quantise_to_tables(residuals, rows, 0.2, tables)
    step = np.abs(rounded) - np.abs(cheaper)
    assert set(np.unique(step)) == {0, 1}


def test_a_short_payload_is_refused(tables: FrequencyTables) -> None:
    """Reading past the end raises instead of inventing symbols."""
    rows = np.full(100, 40, np.int32)
    payload = encode(np.arange(100, dtype=np.int32) - 50, rows, tables)
    with pytest.raises(BadBitstream):
        Decoder(payload[: len(payload) // 2 // 2 * 2], tables).read(rows)
    with pytest.raises(BadBitstream):
        Decoder(payload[:3], tables)

"""The numbers of an explanation as files: ``.npz`` with everything, ``.json`` with the totals."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.explanation import Channels, Explanation
from bench.files.access import write_atomically
from bench.studies.explain.density import density
from bench.studies.explain.record import Row

_MOST_LISTED = 8
"""Channels of each grid that the summary names."""


def write_numbers(row: Row, explanation: Explanation, size: tuple[int, int], stem: Path) -> list[Path]:
    """Write ``stem.npz`` and ``stem.json``; ``size`` is the picture's height and width."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays(explanation, size))
    summary = msgspec.to_builtins(row) | {
        "height": size[0],
        "width": size[1],
        "deviation_percent": row.deviation,
        "strongest_channels": {it.name: _strongest(it) for it in explanation.channels},
        "notes": list(explanation.notes),
    }
    files = [stem.with_name(f"{stem.name}.{ending}") for ending in ("npz", "json")]
    write_atomically(files[0], buffer.getvalue())
    write_atomically(files[1], msgspec.json.format(msgspec.json.encode(summary), indent=1))
    return files


def arrays(explanation: Explanation, size: tuple[int, int]) -> dict[str, Any]:
    """Every number by name, blanks as underscores.

    ``density`` (height, width): bits of each pixel, all grids together. ``bits_<grid>`` (rows, columns),
    ``cell_<grid>`` and ``origin_<grid>`` in pixels; ``channel_bits_<name>`` and ``channel_energy_<name>``
    (channels,); ``impulse_<grid>_<channel>`` (height, width, 3) in levels; ``traversal_<grid>_<channel>``
    (factors, height, width, 3) uint8, with ``factors_<grid>_<channel>``.
    """
    found: dict[str, Any] = {"density": density(explanation.grids, *size).astype(np.float32)}
    for grid in explanation.grids:
        found[f"bits {grid.name}"] = grid.bits
        found[f"cell {grid.name}"] = np.array(grid.cell)
        found[f"origin {grid.name}"] = np.array(grid.origin)
    for channels in explanation.channels:
        found[f"channel bits {channels.name}"] = channels.bits
        found[f"channel energy {channels.name}"] = channels.energy
    for impulse in explanation.impulses:
        found[f"impulse {impulse.name} {impulse.channel}"] = impulse.response
    for traversal in explanation.traversals:
        found[f"traversal {traversal.name} {traversal.channel}"] = traversal.pictures
        found[f"factors {traversal.name} {traversal.channel}"] = np.array(traversal.factors)
    return {name.replace(" ", "_"): value for name, value in found.items()}


def _strongest(channels: Channels) -> list[dict[str, Any]]:
    order = np.argsort(-channels.bits, kind="stable")[:_MOST_LISTED]
    return [
        {
            "channel": channels.labels[it] if channels.labels else int(it),
            "bits": float(channels.bits[it]),
            "energy": float(channels.energy[it]),
        }
        for it in order
    ]

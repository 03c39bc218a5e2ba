"""All rows as one table: what became of each codec on each picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from bench.explanation import Method
from bench.studies.explain.record import TOLERANCE, ExplainRow
from bench.tables.table import Column, Table, Value, write_tables

_COLUMNS = (
    Column("dataset", "data set", in_terminal=False),
    Column("image", "image"),
    Column("codec", "codec"),
    Column("quality", "quality"),
    Column("status", "status"),
    Column("method", "map"),
    Column("bytes", "bytes"),
    Column("overhead", "overhead [B]", 1, in_terminal=False),
    Column("payload", "payload [B]", 1),
    Column("total", "map [B]", 1),
    Column("deviation", "map − payload [%]", 3, signed=True),
    Column("reason", "why", in_terminal=False),
)
_CODEC_COLUMNS = (
    Column("codec", "codec"),
    Column("quality", "quality"),
    Column("planned", "planned"),
    *(Column(it, it) for it in get_args(Method)),
    Column("not_available", "not available"),
    Column("failed", "failed"),
    Column("worst", "worst [%]", 3, signed=True),
    Column("reason", "why", in_terminal=False),
)

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")
"""One that stands alone: 8 in "8 bytes", none in "sha256" or "1.2.8"."""


def summary_table(rows: Sequence[ExplainRow]) -> Table:
    """One row for each codec, operating point and picture, in the order of the plan."""
    return Table(
        name="explain",
        title="Bit maps against payloads",
        columns=_COLUMNS,
        rows=tuple(
            (
                *(row.dataset, row.image, row.label, row.quality, row.status, row.method, row.bytes),
                None if row.bytes is None else sum(row.overhead_bits.values()) / 8,
                None if row.payload_bits is None else row.payload_bits / 8,
                None if row.map_bits is None else row.map_bits / 8,
                row.deviation,
                row.reason,
            )
            for row in rows
        ),
        notes=(
            "Payload: the bitstream less headers, tables, check sums and padding, which are the overhead.",
            f"exact, likelihood: the map's total is the payload within {100 * TOLERANCE:g}%, else mismatch.",
            "estimate: blocks blanked one at a time; the total is not meant to be the payload.",
        ),
        names=6,
        dispensable=("payload [B]", "map [B]"),  # the bytes and the difference say as much
    )


def codec_table(rows: Sequence[ExplainRow]) -> Table:
    """One row for each codec and operating point: how many pictures have a map, and how far it was off."""
    groups: dict[tuple[str, float | None], list[ExplainRow]] = {}
    for row in rows:
        groups.setdefault((row.label, row.quality), []).append(row)
    return Table(
        name="explain_codecs",
        title="Bit maps by codec",
        columns=_CODEC_COLUMNS,
        rows=tuple((label, quality, *_counts(group)) for (label, quality), group in groups.items()),
        notes=("worst: the largest difference of map and payload, of maps that are no estimates.",),
    )


def _counts(group: Sequence[ExplainRow]) -> tuple[Value, ...]:
    statuses = Counter(it.status for it in group)
    methods = Counter(it.method for it in group if it.status == "ok")
    failed = len(group) - statuses["ok"] - statuses["not available"]
    off = [it.deviation for it in group if it.deviation is not None]
    return (
        len(group),
        *(methods[it] for it in get_args(Method)),
        statuses["not available"],
        failed,
        max(off, key=abs, default=None),
        shared_reason([it.reason for it in group]),
    )


def shared_reason(reasons: Sequence[str]) -> str:
    """The reasons of a group of pictures in one text: without the numbers in which they differ, each counted.

    Parameters
    ----------
    reasons : one for each picture, empty where there is none; the count is left out of one that all have
    """
    kinds: dict[tuple[str, ...], list[list[str]]] = {}
    for reason in reasons:
        if reason:
            words = tuple(_NUMBER.split(reason))
            kinds.setdefault(words, []).append(_NUMBER.findall(reason))
    texts = []
    for words, numbers in kinds.items():
        common = [them[0] if len(set(them)) == 1 else "…" for them in zip(*numbers, strict=True)]
        text = "".join(part for pair in zip(words, [*common, ""], strict=True) for part in pair)
        texts.append(text if len(numbers) == len(reasons) else f"{text} ({len(numbers)} of {len(reasons)})")
    return "; ".join(texts)


def write_summary(rows: Sequence[ExplainRow], out: Path) -> list[Path]:
    """Write both tables into the folder ``out``."""
    return write_tables((summary_table(rows), codec_table(rows)), out)

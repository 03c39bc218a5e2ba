"""In a word what verifying found of each configuration of an entry."""

from __future__ import annotations

from bench.boards.board import BoardEntry
from bench.verifying.record import CONTRADICTED

VERIFIED = "verified"
DECODE_ONLY = "decode-only"
"""Every result is verified, and no picture was encoded again: whether the codec knows them is not known."""
CONTRADICTED_STATE = "contradicted"
IN_PART = "in part"
OUTDATED = "outdated"
"""Another state of the entry was verified."""
UNVERIFIED = "not verified"


def state_of(entry: BoardEntry, label: str) -> str:
    """One of the words above, or the suspicion that a verification told: ``memorised?``.

    Parameters
    ----------
    entry : of a board
    label : of one of its configurations
    """
    found = entry.verification
    if found is None:
        return OUTDATED if entry.outdated else UNVERIFIED
    claimed = {it.verdict for it in found.rows if it.label == label and it.claimed}
    if claimed & CONTRADICTED:
        return CONTRADICTED_STATE
    suspicion = next((it.flag for it in found.suspicions if it.label == label), None)
    if suspicion is not None:
        return suspicion
    if claimed != {"verified"}:
        return IN_PART
    return DECODE_ONLY if found.decode_only else VERIFIED


def is_verified(entry: BoardEntry, label: str) -> bool:
    """Whether every result of a configuration was verified as it stands in the entry, and no suspicion told.

    Parameters
    ----------
    entry, label : as of :func:`state_of`
    """
    return state_of(entry, label) in (VERIFIED, DECODE_ONLY)

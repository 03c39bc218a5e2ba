"""Bitstreams that an entry leaves elsewhere, brought into its folder so that they can be verified."""

from __future__ import annotations

from pathlib import Path

from bench.boards.entry_file import ENTRY_FILE, read_submission
from bench.files.access import subfolder
from bench.files.download import download
from bench.runs.store import BITSTREAM_FOLDER, read_journal


def fetch_bitstreams(entry: Path) -> int:
    """Download what is missing, each from the address of the entry with its SHA-256 behind, and check it.

    The address is the submitter's: whoever calls this decides that it may be asked.

    Returns
    -------
    How many were downloaded; none where the entry names no address.

    Raises
    ------
    ConfigError, StoreError
        The entry can't be read.
    DatasetError
        One is not there, or has other bytes.
    """
    address = read_submission(entry / ENTRY_FILE)[0].bitstreams
    if address is None:
        return 0
    measured = (it.bitstream_sha256 for it in read_journal(entry) if it.status == "ok")
    folder = subfolder(entry, BITSTREAM_FOLDER)
    missing = sorted(it for it in set(measured) if it and not (folder / it).exists())
    for sha256 in missing:
        download([f"{address.rstrip('/')}/{sha256}"], sha256, folder / sha256)
    return len(missing)

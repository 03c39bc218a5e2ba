"""Bitstreams that an entry leaves elsewhere, brought into its folder so that they can be verified."""

from __future__ import annotations

from pathlib import Path

from bench.boards.entry_file import ENTRY_FILE, read_submission
from bench.errors import DatasetError
from bench.files.access import subfolder
from bench.files.download import download
from bench.runs.store import BITSTREAM_FOLDER, read_journal

MAX_FETCHED = 4 << 30
"""Bytes of all bitstreams of an entry that are downloaded."""


def fetch_bitstreams(entry: Path) -> int:
    """Download what is missing, each from the address of the entry with its SHA-256 behind, and check it.

    The address is the submitter's: whoever calls this decides that it may be asked. No more is read of an
    answer than the journal says that the bitstream has.

    Parameters
    ----------
    entry : its folder

    Returns
    -------
    How many were downloaded; none where the entry names no address.

    Raises
    ------
    ConfigError, StoreError
        The entry can't be read.
    DatasetError
        One is not there, has other bytes, or all together are too large.
    """
    address = read_submission(entry / ENTRY_FILE)[0].bitstreams
    if address is None:
        return 0
    measured = (it for it in read_journal(entry) if it.status == "ok" and it.bitstream_sha256)
    sizes = {it.bitstream_sha256 or "": it.bytes or 0 for it in measured}
    folder = subfolder(entry, BITSTREAM_FOLDER)
    missing = sorted(it for it in sizes if not (folder / it).exists())
    total = sum(sizes[it] for it in missing)
    if total > MAX_FETCHED:
        raise DatasetError(
            f"{entry}: its bitstreams have {total / 1e9:.1f} GB, and {MAX_FETCHED / 1e9:.1f} GB are the most"
            " that is downloaded; put them into its folder bitstreams yourself"
        )
    for sha256 in missing:
        download([f"{address.rstrip('/')}/{sha256}"], sha256, folder / sha256, most=sizes[sha256])
    return len(missing)

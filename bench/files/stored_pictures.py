"""Lossless pictures that a report keeps beside itself, named by the SHA-256 of their pixels."""

from __future__ import annotations

from pathlib import Path

FOLDER = "viewer"
"""Where a report stores them, beside its page."""
_NAME_LENGTH = 32
_SUFFIXES = (".webp", ".png")


def picture_name(pixels_sha256: str) -> str:
    """The file's name, without its ending."""
    return pixels_sha256[:_NAME_LENGTH]


def stored_picture(folder: Path, pixels_sha256: str) -> Path | None:
    """The file of these pixels, if there is one in a folder; who trusts nobody hashes what it holds."""
    for suffix in _SUFFIXES:
        path = folder / (picture_name(pixels_sha256) + suffix)
        if path.is_file() and not path.is_symlink():
            return path
    return None

"""Downloading a file whose hash is known; it is verified before it is moved into place."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import DatasetError


def cache_folder() -> Path:
    """The folder of this user's downloads."""
    from platformdirs import user_cache_path

    return user_cache_path("rdbench")


def git_blob_id(data: bytes) -> str:
    """The id under which git has the contents of a file: the SHA-1 of ``blob``, its size and its bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def download(
    urls: Sequence[str],
    sha256: str | None,
    target: Path,
    most: int | None = None,
    git_blob: str | None = None,
) -> None:
    """Download a file from the first address that delivers one with the right hash.

    The data are written to a temporary file first, so that an interrupted download leaves no partial file.

    Parameters
    ----------
    urls : addresses, in the order in which they are tried
    sha256 : hex hash of the file; None where only ``git_blob`` is known
    target : where to put it; an existing file is replaced
    most : bytes after which an address is given up; default: as many as it sends
    git_blob : the file's :func:`git_blob_id`

    Raises
    ------
    DatasetError
        No address delivered the file; the message says what went wrong with each.
    """
    import pooch
    import requests

    # pooch logs each download, but reporting progress is up to the caller here.
    pooch.get_logger().setLevel("WARNING")
    target.unlink(missing_ok=True)
    problems = []
    for url in urls:
        try:
            pooch.retrieve(
                url,
                known_hash=None if sha256 is None else f"sha256:{sha256}",
                fname=target.name,
                path=target.parent,
                downloader=_Downloader(most, git_blob),
            )
            return
        except requests.ConnectionError:
            problems.append(f"{url}: no connection")
        except (requests.RequestException, ValueError, OSError) as error:
            # pooch raises ValueError for a different hash, as the downloader does, and removes its temporary
            # file.
            problems.append(f"{url}: {error}")
    raise DatasetError(f"{target.name} could not be downloaded:\n  " + "\n  ".join(problems))


@dataclass(frozen=True)
class _Downloader:
    """A downloader of pooch's kind that knows when it has enough, and git's hash."""

    most: int | None
    git_blob: str | None

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        import requests

        size = 0
        with requests.get(url, timeout=60, stream=True) as answer, Path(output_file).open("wb") as file:
            answer.raise_for_status()
            for block in answer.iter_content(1 << 16):
                size += len(block)
                if self.most is not None and size > self.most:
                    raise ValueError(f"more than the {self.most} bytes that it should have")
                file.write(block)
        if self.git_blob is not None:
            found = git_blob_id(Path(output_file).read_bytes())
            if found != self.git_blob:
                raise ValueError(f"git's id of it is {found}, not {self.git_blob}")

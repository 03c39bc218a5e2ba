"""Downloading a file whose hash is known: verified before it is in place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import DatasetError


def cache_folder() -> Path:
    """Where downloads are kept for this user."""
    from platformdirs import user_cache_path

    return user_cache_path("rdbench")


def download(urls: Sequence[str], sha256: str, target: Path) -> None:
    """Fetch a file from the first address that delivers what the hash describes.

    The data go into a temporary file first, so that an interrupted download leaves nothing usable behind.

    Raises
    ------
    DatasetError
        No address delivered the file; the message says of each what went wrong.
    """
    import pooch
    import requests

    # pooch reports each download on its logger; progress is the caller's here.
    pooch.get_logger().setLevel("WARNING")
    target.unlink(missing_ok=True)
    problems = []
    for url in urls:
        try:
            pooch.retrieve(
                url,
                known_hash=f"sha256:{sha256}",
                fname=target.name,
                path=target.parent,
                downloader=pooch.HTTPDownloader(timeout=60),
            )
            return
        except requests.ConnectionError:
            problems.append(f"{url}: no connection")
        except (requests.RequestException, ValueError, OSError) as error:
            # pooch raises ValueError for a hash that differs, and removes its temporary file.
            problems.append(f"{url}: {error}")
    raise DatasetError(f"{target.name} could not be downloaded:\n  " + "\n  ".join(problems))

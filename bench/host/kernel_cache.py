"""Where numba keeps compiled kernels when neither the packages nor the user's cache can be written.

numba refuses a function that it is to cache and cannot: ``cannot cache function: no locator available``. A
read-only installation keeps kernels in the user's cache. Without a writable home directory it gets a folder
for as long as the process lives: its workers share it, and the next run compiles again.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"

_temporary: set[str] = set()


def provide() -> None:
    """Name a folder to this process and those that it starts, if kernels can't be kept beside their sources.

    Which one numba would find later may depend on what a process may write to.
    """
    if os.environ.get(VARIABLE) or all(map(_is_writable, _beside_sources())):
        return
    if _is_writable(_of_user()):
        os.environ[VARIABLE] = str(_of_user() / "numba")
        return
    with suppress(OSError):  # without any, the error is numba's own
        folder = tempfile.mkdtemp(prefix="rdbench-kernels-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[VARIABLE] = folder
        _temporary.add(folder)


def load_numba() -> None:
    """Import numba and all that it needs before it loads its first kernel, which takes as long again."""
    from numba.core.registry import cpu_target

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def remark() -> str:
    """What a user should know of it; empty where kernels are kept."""
    if os.environ.get(VARIABLE) not in _temporary:
        return ""
    return (
        "compiled kernels cannot be kept, since neither the installation nor the home directory can be"
        f" written: they are compiled again in every run; {VARIABLE}=DIR names a folder for them"
    )


def _of_user() -> Path:
    """numba's folder for one user."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return Path(cache) if cache else Path("~/.cache").expanduser()


def _beside_sources() -> list[Path]:
    """The folders in which numba keeps what it compiled of rdbench's modules."""
    packages = [root / part for root in _roots() for part in (".", "metrics", "vae")]
    return [it / "__pycache__" for it in packages if it.is_dir()]


def _roots() -> list[Path]:
    specs = [find_spec(name) for name in ("bench", "bench_codecs")]
    return [Path(it) for spec in specs if spec for it in spec.submodule_search_locations or ()]


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder that may have to be made first."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(
            dir=folder
        ):  # a full or a foreign file system may say that it is writable
            return True
    except OSError:
        return False

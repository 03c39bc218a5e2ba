"""Compiled kernels where neither the installation nor the home directory can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KERNEL = """\
import numba


@numba.njit(cache=True)
def one_more(number):
    return number + 1
"""

SCRIPT = """\
import os
from pathlib import Path

from bench.host import kernel_cache

kernel_cache._beside_sources = lambda: [Path("/dev/null/__pycache__")]
kernel_cache.provide()
import kernel

print(kernel.one_more(1), kernel_cache.remark())
folder = Path(os.environ["NUMBA_CACHE_DIR"])
print(folder, len(list(folder.rglob("*.nbi"))))
"""


def script(folder: Path, **environment: str) -> list[str]:
    (folder / "kernel.py").write_text(KERNEL)
    (folder / "__pycache__").touch()  # a file, so that the folder cannot be made, whoever asks
    (folder / "script.py").write_text(SCRIPT)
    clean = {key: it for key, it in os.environ.items() if key not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-B", str(folder / "script.py")],
        capture_output=True,
        text=True,
        env=clean | {"PYTHONPATH": os.getcwd(), "HOME": "/dev/null"} | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_read_only_installation_compiles_for_one_process(tmp_path: Path) -> None:
    """Kernels go to a folder that ends with the process, and the user is told."""
    first, second = script(tmp_path)
    assert first.startswith("2 compiled kernels cannot be kept")
    folder, kept = second.split()
    assert kept == "1"
    assert not Path(folder).exists()


def test_a_folder_that_the_user_names_is_used(tmp_path: Path) -> None:
    """NUMBA_CACHE_DIR stays what it is."""
    named = tmp_path / "named"
    first, second = script(tmp_path, NUMBA_CACHE_DIR=str(named))
    assert (first, second) == ("2 ", f"{named} 1")
    assert named.is_dir()

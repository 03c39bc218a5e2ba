"""Installing a package beside rdbench, by pip and without the network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def pip_install(source: Path, site: Path) -> None:
    """Install the project at ``source`` into the folder ``site``; what it needs is installed already."""
    # no bytecode: a test that changes the source within its second would be answered with the old one
    offline = ["--quiet", "--no-compile", "--no-deps", "--no-build-isolation", "--no-index"]
    line = [sys.executable, "-m", "pip", "install", *offline, "--target", str(site), str(source)]
    subprocess.run(line, check=True)

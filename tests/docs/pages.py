"""What the pages of README and docs tell a reader to type, and how it is tried out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

STAND_INS = {
    "~/pictures": "pictures",
    "kodak": "pictures",
    "cid22-train": "pictures",
    "--minutes 90": "--preset tiny --steps 2",
}
"""Two tiny images stand for data sets, and two steps for a training; as in the commands, so in the files."""

NOT_RUN = {
    "make bench": "installs PyTorch; tests/packaging/test_make.py follows what it does",
    "make test": "is what runs this",
    "source .venv/bin/activate": "the tests run in an environment of their own",
    "pip install": "tests/packaging/check_wheel.sh installs the wheel with its extras",
    "rdbench report results/runs/pictures --reference vtm-444": "downloads a published curve",
    "rdbench figure perception.yaml": "two tiny images take far more than its quarter of a bit per pixel",
    "rdbench run -d pictures -c compressai:": "downloads weights; tests/learned/test_zoo.py runs random ones",
    "rdbench run elic.yaml": "needs trained checkpoints; tests/runs/test_checkpoints.py has such a suite",
    "rdbench train vae-gan": "trains against VGG's features, a download; tests/learned has random ones",
    "rdbench run suite.yaml --scheduler": "needs a cluster that stands; tests/engines/cluster has some",
    "sbatch": "tests/engines/cluster/test_slurm.py submits this script to a queue",
    "python on_slurm.py": "tests/engines/cluster/test_slurm.py runs it on a queue",
    "dask ssh": "tests/engines/cluster/test_ssh.py runs it on two hosts",
    "helm install": "needs Kubernetes",
    "python on_kubernetes.py": "needs Kubernetes",
    "dask scheduler --protocol tls": "tests/engines/cluster/test_tls.py runs it with certificates",
    "dask worker tls://": "the same",
    "rdbench check gate.yaml --timing --against": "needs a second installation, which tests/check makes",
}
"""Beginnings of commands, and why they are not run."""

_FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED_COMMAND = re.compile(r"^ {4}(?:rdbench|make|pip|pytest|python|source)\b.*", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str
    """Name of the file that it is; empty for what is typed."""
    text: str

    def commands(self) -> list[str]:
        """The lines of a shell block, without comments."""
        lines = (re.sub(r"\s+# .*|^#.*", "", line) for line in self.text.splitlines())
        return [line for line in lines if line]


def pages() -> list[str]:
    """The pages with something to try out, README first."""
    if not (ROOT / "docs").is_dir():
        return []  # the wheel's tests are without a checkout
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    tried = {"shell", "python"}
    return [
        path.relative_to(ROOT).as_posix() for path in paths if tried & {it.language for it in blocks(path)}
    ]


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page, with the stand-ins in them."""
    text = path.read_text()
    for name, stand_in in STAND_INS.items():
        text = text.replace(name, stand_in)
    return [Block(*match.groups(default="")) for match in _FENCE.finditer(text)]


def block(page: str, title: str) -> str:
    """The file ``title`` as ``page`` shows it."""
    found = (it for it in _FENCE.finditer((ROOT / page).read_text()) if it[2] == title)
    return next(found)[3]


def unfenced_commands(path: Path) -> Iterator[str]:
    """Commands outside of fences, which nobody would try out."""
    yield from _INDENTED_COMMAND.findall(_FENCE.sub("", path.read_text()))


def reason_not_to_run(command: str) -> str | None:
    """Why a command is never run here."""
    return next((reason for start, reason in NOT_RUN.items() if command.startswith(start)), None)

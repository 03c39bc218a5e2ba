"""All benchmarks, one after the other, and their table in README.md beside this file.

    python -m tests.benchmarks [SCRIPT ...] [--kodak FOLDER]

Each script of :data:`SCRIPTS` has a function ``rows(kodak)``, which runs both sides in this process or in
processes of its own and yields the lines of the table. Named scripts renew their lines alone. Run it on an
idle machine; the load average stands in each line.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from dataclasses import replace
from pathlib import Path

import msgspec

from bench.host.environment import current
from tests.benchmarks.table import Row, compile_modules, load, markdown

HERE = Path(__file__).parent
SCRIPTS = ("sweep", "harness", "metrics", "perceptual", "vae", "suite", "reports", "page", "startup")


def main() -> None:
    """Time what is asked for, and write the table after each script."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scripts", nargs="*", choices=[*SCRIPTS, []], default=[])
    parser.add_argument("--kodak", type=Path, default=Path(os.environ.get("RDBENCH_DATA", "."), "kodak"))
    options = parser.parse_args()
    compile_modules()
    results = HERE / "results.json"
    found = msgspec.json.decode(results.read_bytes(), type=dict[str, list[Row]]) if results.exists() else {}
    for name in options.scripts or SCRIPTS:
        script = importlib.import_module(f"tests.benchmarks.{name}")
        found[name] = []
        before = load()
        for row in script.rows(options.kodak):
            print(f"{row.work}: {row.reached}, goal {row.goal}", flush=True)
            found[name].append(replace(row, load=before))
            before = load()
        results.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
        write(found)


def write(found: dict[str, list[Row]]) -> None:
    """The page: the machine, and the lines in the order of the scripts."""
    machine = current().machine
    processor = machine.get("cpu", "unknown processor")
    head = f"{processor}, {os.cpu_count()} processors, Python {platform.python_version()}"
    page = HERE / "README.md"
    text = page.read_text()
    begin, end = "<!-- table -->\n", "<!-- end of table -->"
    table = f"{head}.\n\n{markdown(row for name in SCRIPTS for row in found.get(name, []))}\n"
    page.write_text(text[: text.index(begin) + len(begin)] + table + text[text.index(end) :])


if __name__ == "__main__":
    main()

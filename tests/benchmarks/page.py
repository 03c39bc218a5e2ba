"""The page of a large report in headless Chromium: first paint, and the next after a change of anchor.

The page is one file: 127 kB of numbers, 102 kB of scripts, 25 kB of styles and text. Half of the time to the
first paint is Chromium's own, as an empty page shows. A change draws ranking and plot again, 20 to 30 ms on a
busy machine, and nothing else.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.report.build import build_report_data
from bench.report.page import write_page
from tests.benchmarks.reports import Case, generate
from tests.benchmarks.table import Row
from tests.report.page.conftest import chromium

LARGE = Case(200, 12, 10, 10.0)
REPEATS = 9
PAINTED = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
CHANGED = """
const done = arguments[arguments.length - 1];
const choice = document.getElementById("anchor");
const began = performance.now();
choice.selectedIndex = (choice.selectedIndex + 1) % choice.options.length;
choice.dispatchEvent(new Event("change"));
requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done(performance.now() - began);
  port2.postMessage(0);
});
"""
"""A message that is sent while a frame is made arrives when it is painted."""


def rows(kodak: Path) -> Iterator[Row]:
    """First paint after the page is asked for, and the next paint after an anchor is chosen."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        run = Path(scratch) / "run"
        generate(LARGE, run)
        page = write_page(build_report_data([run]), Path(scratch) / "page", runs=[run])[0]
        size = page.stat().st_size
        with chromium(Path(scratch) / "profile") as browser:
            paints, changes = [], []
            for _ in range(REPEATS):
                browser.get("about:blank")
                browser.get(page.as_uri())
                while (painted := browser.execute_script(PAINTED)) is None:
                    pass
                paints.append(painted)
                changes.append(browser.execute_async_script(CHANGED))
    what = f"{LARGE.images} images × {LARGE.codecs} codecs × {LARGE.qualities} qualities"
    for event, values, goal in (("first paint", paints, 300), ("change of anchor", changes, 50)):
        found = statistics.median(values)
        yield Row(
            f"page of {what} ({size / 1e3:.0f} kB), {event}",
            f"{found:.0f} ms",
            "",
            f"{found:.0f} ms",
            f"≤ {goal} ms",
            found <= goal,
            "python -m tests.benchmarks page",
        )

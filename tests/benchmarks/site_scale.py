"""A large board's site: seconds to build, bytes of the page, and time to first paint in Chromium.

    python tests/benchmarks/site_scale.py [ENTRIES] [SETS]

By default a hundred entries on five data sets of 24 images, with eight operating points and two metrics each.
The site may have 3 MB, without pictures, and take one second to its first contentful paint, opened from disk.
Of five openings the median counts.
"""

from __future__ import annotations

import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.boards.site import write_site
from tests.boards.boards import write_entry
from tests.report.page.conftest import OPTIONS
from tests.report.page.runs import Made

MOST_BYTES = 3_000_000
MOST_SECONDS = 1.0
PAINTED = """
const paint = performance.getEntriesByName("first-contentful-paint")[0];
return paint && document.querySelector("#board-table tbody tr") ? [paint.startTime, performance.now()] : null;
"""


def browser(profile: str) -> Any:
    """A headless Chromium."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for it in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(it)
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def first_paint(driver: Any, page: Path) -> float:
    """Seconds from the start of the navigation, with the table in place."""
    driver.get("about:blank")
    driver.get(page.as_uri())
    while not (found := driver.execute_script(PAINTED)):
        time.sleep(0.01)
    return float(found[0]) / 1000


def main() -> int:
    """Build, measure, and say whether both are kept."""
    entries, count = (int(it) for it in (*sys.argv[1:3], *("100", "5")[len(sys.argv) - 1 :]))
    sets = tuple(f"set{k}" for k in range(count))
    with tempfile.TemporaryDirectory() as scratch:
        board, out = Path(scratch) / "board", Path(scratch) / "site"
        for k in range(entries):
            made = [Made(f"codec {k}", "jpeg" if k == 0 else f"codec{k}", 1 - 0.005 * k)]
            write_entry(board / f"entry{k:03}", made, images=24, points=8, sets=sets)
        start = time.monotonic()
        site = write_site(board, out, pictures=0)
        built = time.monotonic() - start
        driver = browser(f"{scratch}/profile")
        try:
            paint = statistics.median(first_paint(driver, site.page) for _ in range(5))
        finally:
            driver.quit()
        every = sum(it.stat().st_size for it in out.rglob("*") if it.is_file())
    print(f"{platform.processor() or platform.machine()}: {entries} entries on {count} data sets")
    print(f"built in {built:.1f} s; page {site.bytes / 1e6:.2f} MB, with its tables {every / 1e6:.2f} MB")
    print(f"first paint after {paint:.2f} s")
    return int(every > MOST_BYTES or paint > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

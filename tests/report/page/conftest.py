"""A headless Chromium without a network, and the pages that it opens from disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.api import run
from bench.report.build import build_report_data
from bench.report.page import write_page
from bench.runs.options import Options
from tests.conftest import photo
from tests.report.page.runs import Made, write_run

CODECS = [
    Made("jpeg-420", "jpeg", 1.0),
    Made("webp", "webp", 0.7),
    Made("avif-420", "avif", 0.5, failing="image002.png"),
    Made("jpegls", "jpegls", 1.0, lossless=True),
    Made("png", "png", 1.2, lossless=True),
]
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
    # No name resolves: a page that asks for anything shows an error.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def find(texts: Sequence[str], beginning: str) -> int:
    """The place of the text that begins so, followed by a blank."""
    return next(place for place, it in enumerate(texts) if it.startswith(f"{beginning} "))


class Page:
    """An opened page: short forms of what the tests ask of it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def js(self, script: str, *arguments: Any) -> Any:
        """The value of a script's ``return``."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        """The first element of a CSS selector."""
        from selenium.webdriver.common.by import By

        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """The visible texts of all elements of a CSS selector."""
        return list(
            self.js("return [...document.querySelectorAll(arguments[0])].map(it => it.innerText)", selector)
        )

    def choose(self, selector: str, text: str) -> None:
        """Pick an option of a select by its text, or by what that begins with."""
        from selenium.webdriver.support.ui import Select

        select = Select(self.find(selector))
        texts = [it.text for it in select.options]
        select.select_by_index(texts.index(text) if text in texts else find(texts, text))

    def click(self, selector: str) -> None:
        """Activate an element, a hidden radio button too."""
        self.js("document.querySelector(arguments[0]).click()", selector)

    def keys(self, selector: str, *keys: str) -> None:
        """Focus an element and type."""
        self.js("document.querySelector(arguments[0]).focus()", selector)
        self.driver.switch_to.active_element.send_keys(*keys)

    def until(self, script: str, *arguments: Any) -> Any:
        """Wait until a script returns something true."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 20).until(lambda _: self.js(script, *arguments))

    def labels(self) -> list[str]:
        """The labels in the ranking, from top to bottom."""
        return self.texts("#ranking-table tbody .name button")

    def column(self, key: str) -> list[str]:
        """The texts of the ranking's column with this sort key."""
        place = self.js(
            "return document.querySelector(`[data-sort='${arguments[0]}']`).closest('th').cellIndex", key
        )
        return self.texts(f"#ranking-table tbody tr > :nth-child({place + 1})")


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """A browser of its own profile."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if browser is None or chromedriver is None:
        pytest.skip("no browser: install Debian's chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for it in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(it)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield made
    finally:
        made.quit()


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The browser that all tests share."""
    with chromium(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def open_page(driver: Any) -> Iterator[Callable[..., Page]]:
    """Open a page from disk; afterwards nothing was logged, and nothing fetched but files beside it."""

    def opened(path: Path, width: int = 1280, dark: bool = False) -> Page:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        driver.get("about:blank")
        driver.get_log("browser")
        driver.get_log("performance")
        driver.get(path.as_uri())
        return Page(driver)

    yield opened
    driver.execute_script("try { localStorage.clear() } catch {}")
    logged = [it["message"] for it in driver.get_log("browser")]
    # Reading the canvas back is the tests' doing, not the page's.
    assert [it for it in logged if "getImageData" not in it] == []
    requests = [json.loads(it["message"])["message"] for it in driver.get_log("performance")]
    urls = [it["params"]["request"]["url"] for it in requests if it["method"] == "Network.requestWillBeSent"]
    assert urls
    assert [it for it in urls if not it.startswith(("file:", "data:"))] == []


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of invented measurements."""
    folder = tmp_path_factory.mktemp("page")
    made = write_run(folder / "run", CODECS, images=12, points=6)
    return write_page(build_report_data([made]), folder / "out", runs=[made])[0]


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of two pictures with kept bitstreams, whose data set is no longer found by its name."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "invented").mkdir()
    for number in range(2):
        Image.fromarray(photo(170, 200, number)).save(folder / "invented" / f"p{number}.png")
    run(
        codecs=["jpeg@10,50,80,95", "webp@5,40,75,95", "png"],
        datasets=[str(folder / "invented")],
        metrics=["psnr_rgb", "ms_ssim_rgb"],
        out=folder / "run",
        options=Options(keep_bitstreams=True),
    )
    return folder / "run"

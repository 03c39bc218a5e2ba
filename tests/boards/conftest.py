"""The browser of the page tests, for the site too."""

from tests.report.page.conftest import driver, open_page

__all__ = ["driver", "open_page"]

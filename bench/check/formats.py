"""The formats in which a verdict can be written."""

from __future__ import annotations

from collections.abc import Callable

from bench.check.machine_readable import as_github, as_json, as_junit
from bench.check.text import as_markdown, as_text
from bench.check.verdict import Verdict

FORMATS: dict[str, Callable[[Verdict], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "json": as_json,
    "junit": as_junit,
    "github": as_github,
}

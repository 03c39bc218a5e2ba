"""The page as one HTML document: template, style, script and data, under a content security policy."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

from bench.rd import RANKED_OVERLAP
from bench.report.page.data import script_json

_SCRIPTS = (
    "util.js",
    "state.js",
    "ranking.js",
    "details.js",
    "marks.js",
    "plot.js",
    "save.js",
    "perception.js",
    "pictures.js",
    "differences.js",
    "viewer.js",
    "main.js",
)


def assemble(datasets: Sequence[Mapping[str, Any]]) -> str:
    """The document for data sets as :func:`~bench.report.page.data.page_data` gives them.

    The policy allows the page's own style and script by hash and pictures from the page and its folder;
    ``strict-dynamic`` lets the script load the viewer's index files, also from disk, where ``'self'`` means
    different things in different browsers. Nothing can be evaluated, sent or fetched.
    """
    here = files("bench.report.page")
    template = here.joinpath("page.html").read_text(encoding="utf-8")
    style = here.joinpath("page.css").read_text(encoding="utf-8")
    scripts = "".join(here.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{scripts}}})();\n'
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}' 'strict-dynamic'; style-src '{_hash(style)}'; "
        "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
    )
    names = ", ".join(str(it["dataset"]) for it in datasets)
    content = {"version": _version(), "ranked_overlap": RANKED_OVERLAP, "datasets": list(datasets)}
    parts = {
        "policy": policy,
        "style": style,
        "script": script,
        "title": html.escape(f"Image codec benchmark: {names}"),
        "data": script_json(content),
    }
    return re.sub(r"@(\w+)@", lambda place: parts[place[1]], template)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _version() -> str:
    try:
        return version("rdbench")
    except PackageNotFoundError:
        return ""

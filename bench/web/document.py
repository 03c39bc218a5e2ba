"""A page as one HTML document: template, style, script and data, under a content security policy."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any, TypeAlias

Asset: TypeAlias = tuple[str, str]
"""A file of a package: the package's name, and the file's."""


def shared(*names: str) -> list[Asset]:
    """Files that several kinds of pages have."""
    return [("bench.web", it) for it in names]


def document(
    template: Asset,
    title: str,
    *,
    styles: Sequence[Asset],
    scripts: Sequence[Asset] = (),
    data: Any = None,
    parts: Mapping[str, str] | None = None,
) -> str:
    """The document.

    Its policy allows the page's own style and script by hash, and pictures from the page and its folder;
    ``strict-dynamic`` lets the script load scripts beside the page, also from disk, where ``'self'`` means
    different things in different browsers. Nothing can be evaluated, sent or fetched.

    Parameters
    ----------
    template : HTML with ``@policy@``, ``@title@``, ``@style@``; with scripts ``@script@`` and ``@data@``;
        ``@plot@`` is the beginning of the section with the plot, as ``plot.js`` expects it
    title : plain text
    styles, scripts : in the order in which they stand in the document
    data : JSON values for the script
    parts : HTML for what else the template has between two ``@``
    """
    style = "".join(map(_text, styles))
    script = f'"use strict";\n(() => {{\n{"".join(map(_text, scripts))}}})();\n'
    allowed = f" script-src '{_hash(script)}' 'strict-dynamic';" if scripts else ""
    pictures = "'self' file: data:" if scripts else "data:"
    policy = (
        f"default-src 'none';{allowed} style-src '{_hash(style)}'; img-src {pictures};"
        " base-uri 'none'; form-action 'none'"
    )
    known = {
        "policy": policy,
        "style": style,
        "script": script,
        "title": html.escape(title),
        "data": script_json(data),
        **(parts or {}),
    }
    whole = _text(template).replace("@plot@", _text(("bench.web", "plot.fragment")).rstrip("\n"))
    return re.sub(r"@(\w+)@", lambda place: known[place[1]], whole)


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element: nothing in it ends the element or opens a comment."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def rdbench_version() -> str:
    """For a page to say what made it; empty where it is not installed."""
    try:
        return version("rdbench")
    except PackageNotFoundError:
        return ""


def _text(asset: Asset) -> str:
    package, name = asset
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

"""The run page: what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.rd import RANKED_OVERLAP
from bench.web.document import document, rdbench_version, shared

_HERE = "bench.report.page"
_SCRIPTS = (
    *shared("util.js", "theme.js", "address.js", "tables.js", "marks.js"),
    (_HERE, "state.js"),
    (_HERE, "ranking.js"),
    (_HERE, "sets.js"),
    (_HERE, "details.js"),
    *shared("plot.js", "save.js"),
    (_HERE, "perception.js"),
    (_HERE, "pictures.js"),
    (_HERE, "differences.js"),
    (_HERE, "viewer.js"),
    (_HERE, "main.js"),
)


def assemble(datasets: Sequence[Mapping[str, Any]], title: str = "") -> str:
    """The document for data sets as :func:`~bench.report.page.data.page_data` gives them.

    Parameters
    ----------
    title : what the suite calls itself
    """
    names = ", ".join(str(it["dataset"]) for it in datasets)
    return document(
        (_HERE, "page.html"),
        title or f"Image codec benchmark: {names}",
        styles=[*shared("base.css", "plot.css"), (_HERE, "page.css")],
        scripts=_SCRIPTS,
        data={
            "title": title,
            "version": rdbench_version(),
            "ranked_overlap": RANKED_OVERLAP,
            "datasets": list(datasets),
        },
    )

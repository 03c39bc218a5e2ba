"""What the site shows of a board, as JSON values; rows and entries are named by their places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.boards.board import Board, BoardEntry
from bench.boards.conditions import unmet
from bench.boards.results import BoardResults, MetricResults, OverallResult, SetResults
from bench.boards.rows import BoardRow
from bench.boards.verified import is_verified, state_of
from bench.plotting.series_style import Series, SeriesStyle, series_styles
from bench.rd import DB_METRICS, MIN_IMAGES, MIN_OVERLAP, DetailedBd, to_db
from bench.report.entries import Entry
from bench.report.page.colours import on_dark, on_light
from bench.report.page.data import rounded
from bench.verifying.record import CONTRADICTED, VerifiedRow
from bench.web.document import rdbench_version

MAX_TOLD_ROWS = 20
"""Rows of a verification that are told one by one; there are as many as an entry has trials."""
_DIGITS = 5


def site_data(board: Board, results: BoardResults, pictures: Mapping[str, Any]) -> dict[str, Any]:
    """All of it.

    Parameters
    ----------
    pictures : by data set, as :func:`bench.boards.pictures.write_pictures` gives them
    """
    place = {it.key: index for index, it in enumerate(results.rows)}
    styles = series_styles(Series(it.key, it.plan.codec, it.plan.lossless) for it in results.rows)
    return {
        "title": board.file.title,
        "about": board.file.about,
        "leftOut": [it.shown(board.folder) for it in board.left_out[:MAX_TOLD_ROWS]],
        "version": rdbench_version(),
        "conditions": [{"name": name, "about": it.about} for name, it in board.file.conditions.items()],
        "entries": [_entry(it) for it in board.entries],
        "rows": [_row(it, board, results, styles[it.key]) for it in results.rows],
        "datasets": [_dataset(it, place) | {"pictures": pictures.get(it.dataset, [])} for it in results.sets],
        "overall": {
            metric: {place[key]: _overall(it) for key, it in by_key.items()}
            for metric, by_key in results.overall.items()
        },
    }


def _entry(entry: BoardEntry) -> dict[str, Any]:
    said = entry.submission
    return {
        "id": entry.slug,
        "name": said.name,
        "version": said.version,
        "authors": list(said.authors),
        "date": said.date.isoformat(),
        "licence": said.licence,
        "paper": said.paper,
        "code": said.code,
        "note": said.note,
        "hardware": said.hardware,
        "trainingData": said.training_data,
        "openWeights": said.open_weights,
        "weightsUrl": said.weights_url,
        "bitstreams": said.bitstreams,
        "claims": list(said.conditions),
        "current": entry.current,
        "verification": _verification(entry),
        "environments": [
            {"id": it.id, "machine": it.machine, "software": it.software} for it in entry.info.environments
        ],
        "codecs": [
            {
                "label": it.label,
                "codec": it.codec,
                "version": it.version,
                "package": it.package,
                "files": dict(it.files),
                "weights": it.weights.sha256 if it.weights else None,
            }
            for it in said.codecs
        ],
    }


def _verification(entry: BoardEntry) -> dict[str, Any] | None:
    found = entry.verification
    if found is None:
        return {"outdated": True} if entry.outdated else None
    against = sorted(found.contradicted, key=lambda it: it.verdict)
    return {
        "created": found.created,
        "rdbench": found.rdbench,
        "machine": found.environment.machine.get("cpu", ""),
        "decodeOnly": found.decode_only,
        "sealed": found.sealed,
        "whole": found.whole,
        "contradicted": len(against),
        "counts": {label: dict(counts) for label, counts in found.counts().items()},
        "rows": [[it.where, it.verdict, _told(it)] for it in against[:MAX_TOLD_ROWS]],
        "flags": [[it.label, it.flag, it.detail] for it in found.flags[:MAX_TOLD_ROWS]],
        "notes": list(found.notes[:MAX_TOLD_ROWS]),
    }


def _told(row: VerifiedRow) -> str:
    assert row.verdict in CONTRADICTED
    level = f"differs by up to {row.levels} levels" if row.levels else ""
    return "; ".join(filter(None, (row.detail, level)))


def _row(row: BoardRow, board: Board, results: BoardResults, style: SeriesStyle) -> dict[str, Any]:
    plan, cost = row.plan, row.plan.complexity
    obstacles = unmet(row, board, results)
    return {
        "entry": row.entry,
        "label": row.title,
        "own": row.label,
        "family": plan.codec,
        "lossless": plan.lossless,
        "options": {key: str(value) for key, value in plan.config.items()},
        "learned": plan.weights_sha256 is not None or "weight_bytes" in cost,
        "weights": rounded(cost["weight_bytes"] / 1e6) if "weight_bytes" in cost else None,
        "kmac": [rounded(cost.get(f"{side}_kmac_per_pixel")) for side in ("encoder", "decoder")],
        "state": state_of(board.entries[row.entry], row.label),
        "verified": is_verified(board.entries[row.entry], row.label),
        "met": [name for name, its in obstacles.items() if not its],
        "unmet": {name: its[:3] for name, its in obstacles.items() if its},
        "colour": on_light(style.colour),
        "colourOnDark": on_dark(style.colour),
        "marker": style.marker,
        "dash": [3 * it for it in style.dash],
        "hollow": style.hollow,
        "provenance": "measured",
    }


def _dataset(of: SetResults, place: Mapping[str, int]) -> dict[str, Any]:
    return {
        "dataset": of.dataset,
        "images": of.images,
        "anchor": None if of.anchor is None else place[of.anchor],
        "metrics": [_metric(it) for it in of.metrics],
        "curves": {it.measure.name: _curves(it, place) for it in of.metrics},
        "bd": {it.measure.name: _comparisons(it, of, place) for it in of.metrics},
        "facts": {place[key]: _facts(key, it, of) for key, it in of.entries.items()},
        "raw": rounded(of.raw_bpp, _DIGITS),
    }


def _metric(of: MetricResults) -> dict[str, Any]:
    measure = of.measure
    return {
        "name": measure.name,
        "title": measure.title,
        "unit": measure.unit,
        "decibels": measure.decibel,
        "higher": measure.higher_is_better,
        "ideal": measure.ideal,
        "few": of.images < MIN_IMAGES,
    }


def _curves(of: MetricResults, place: Mapping[str, int]) -> dict[int, list[list[float | None]]]:
    """The points as (None, bpp, value on the plotted axis)."""
    result = {}
    for key, curve in of.curves.items():
        values = to_db(curve.quality).tolist() if of.measure.name in DB_METRICS else curve.quality
        result[place[key]] = [
            [None, rounded(rate, _DIGITS), rounded(value, _DIGITS)]
            for rate, value in sorted(zip(curve.rate, values, strict=True))
        ]
    return result


_COMPARISON = ("bd", "low", "high", "wins", "count", "coverage", "best", "worst", "remark")


def _comparisons(of: MetricResults, its: SetResults, place: Mapping[str, int]) -> dict[int, list[Any]]:
    """The comparisons with the anchor, as lists in the order of ``COMPARISON`` in ``site_state.js``."""
    result = {place[key]: _cells(bd, of, key) for key, bd in of.bd.items()}
    for key, why in of.unranked.items():
        result.setdefault(place[key], [None] * (len(_COMPARISON) - 1) + [_no_place(why)])
    if its.anchor is not None and its.anchor in of.curves:
        standing = of.standings.get(its.anchor)
        places = (None, None) if standing is None else (standing.best, standing.worst)
        result[place[its.anchor]] = [
            0,
            None,
            None,
            None,
            None,
            1,
            *places,
            _no_place(of.unranked.get(its.anchor, "")),
        ]
    return result


def _cells(bd: DetailedBd, of: MetricResults, key: str) -> list[Any]:
    its, standing = bd.per_image, of.standings.get(key)
    low, high = its.ci95 or (None, None)
    remarks = [_no_place(of.unranked.get(key, ""))]
    # how much of both ranges is shared ranks in a report; on a board the anchor's range counts
    if not remarks[0] and its.coverage is not None and its.coverage < MIN_OVERLAP:
        remarks.append(f"covers {its.coverage:.0%} of the anchor's range of quality")
    remarks += [it for it in its.warnings if not it.startswith("overlap ")]
    return [
        rounded(its.value, _DIGITS),
        rounded(low, _DIGITS),
        rounded(high, _DIGITS),
        its.wins,
        its.n,
        rounded(its.coverage, 3),
        None if standing is None else standing.best,
        None if standing is None else standing.worst,
        "; ".join(dict.fromkeys(filter(None, remarks))),
    ]


def _no_place(why: str) -> str:
    return f"no place: {why}" if why else ""


def _facts(key: str, entry: Entry, of: SetResults) -> dict[str, Any]:
    rates = of.range_of_rates(key) or (None, None)
    facts = {
        "ok": entry.n_ok,
        "planned": entry.n_planned,
        "timing": entry.timing,
        "low": rounded(rates[0], _DIGITS),
        "high": rounded(rates[1], _DIGITS),
        "encode": rounded(entry.encode_mps, 4),
        "decode": rounded(entry.decode_mps, 4),
        "memory": rounded(entry.decode_peak_mb, 4),
        "bpp": rounded(of.lossless_bpp.get(key), _DIGITS),
    }
    return {name: it for name, it in facts.items() if it is not None}


def _overall(it: OverallResult) -> list[Any]:
    """As ``OVERALL`` in ``site_state.js`` names them."""
    low, high = it.ci95 or (None, None)
    numbers = (it.bd, low, high, it.rank, it.best, it.worst)
    return [it.sets, *(rounded(value, _DIGITS) for value in numbers), _no_place(it.unranked)]

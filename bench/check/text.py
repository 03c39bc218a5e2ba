"""A verdict as text for people: plain for terminals, Markdown for pull requests."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from bench.check.verdict import Change, CheckFinding, SpeedCell, Verdict
from bench.tables.terminal import lay_out, wrapped
from bench.text.escape import markdown
from bench.text.plain import harmless

_TITLES = ("verdict", "codec", "quality", "measure", "worst", "limit", "images, worst first", "because")
_SPEED_TITLES = ("verdict", "codec", "quality", "", "ratio", "99% interval", "limit", "samples", "")
_MOST_NAMED = 4
"""Most images that a table names, and most measures in a line. JSON lists all of them."""
_WIDE = 120
"""Columns of a terminal from which on that many are named; on others the worst alone."""
_AT_A_GLANCE = 8
"""Most rows of a table without a summary."""

_ACCEPT = "If it is meant, accept the new state with {} and commit the baseline."


def as_text(verdict: Verdict, accept: str = "--update", width: int | None = None) -> str:
    """A headline, a table of what differs, worst first, and what to do about it.

    Parameters
    ----------
    verdict : the outcome of a check
    accept : the option by which the new results are accepted
    width : columns of the terminal; None for no limit
    """
    parts = [_wrapped([headline(verdict)], width)]
    if lines := _by_codec(verdict):
        parts.append(_wrapped(lines, width))
    if listed := _listed(verdict):
        named = _MOST_NAMED if width is None or width >= _WIDE else 1
        parts.append(_aligned(_TITLES, [_cells(it, named) for it in listed], width))
    if verdict.speed:
        parts.append(_aligned(_SPEED_TITLES, map(_speed_cells, verdict.speed), width))
    parts += [_wrapped([it], width) for it in remarks(verdict, accept)]
    return "\n\n".join(parts) + "\n"


def _by_codec(verdict: Verdict) -> list[str]:
    """A line for each codec, if the table is too long to be taken in at a glance."""
    if len(_listed(verdict)) <= _AT_A_GLANCE:
        return []
    lines = []
    for label, findings in verdict.by_codec():
        kinds = Counter(it.kind for it in findings)
        worst: dict[str, str] = {}
        for finding in findings:
            if finding.kind == findings[0].kind and _worst(finding):
                worst.setdefault(finding.measure, f"{finding.measure} {_worst(finding)}")
        counts = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
        worst_of = f"; worst: {', '.join(list(worst.values())[:_MOST_NAMED])}" if worst else ""
        lines.append(f"{harmless(label)}: {counts}{worst_of}")
    return lines


def as_markdown(verdict: Verdict) -> str:
    """:func:`as_text` as GitHub Markdown."""
    mark = {"pass": "✅", "inconclusive": "⚠️"}.get(verdict.outcome, "❌")
    mark = "❌" if any(it.fails for it in verdict.findings) else mark
    parts = [f"### {mark} Codec regression check: {headline(verdict)}"]
    if cause := common_cause(verdict):
        parts.append(markdown(cause))
    if _listed(verdict):
        parts.append(_piped(findings_table(verdict)))
    if verdict.speed:
        parts.append(_piped(speeds_table(verdict)))
    parts += [markdown(it) for it in remarks(verdict)]
    return "\n\n".join(parts) + "\n"


def findings_table(verdict: Verdict) -> list[tuple[str, ...]]:
    """The titles, then a row for each finding, the worst first; without rows where there are none.

    What all findings are due to has no column: :func:`common_cause` tells it.
    """
    rows = [_TITLES, *map(_cells, _listed(verdict))]
    return [it[:-1] for it in rows] if len(_causes(verdict)) == 1 else rows


def common_cause(verdict: Verdict) -> str:
    """What all findings are due to, as a sentence; empty where they differ in that, or nothing is known."""
    causes = _causes(verdict)
    return f"Because: {', '.join(causes)}" if len(causes) == 1 and any(causes) else ""


def _causes(verdict: Verdict) -> set[str]:
    return {it.detail for it in _listed(verdict)}


def speeds_table(verdict: Verdict) -> list[tuple[str, ...]]:
    """The titles, then a row for each speed."""
    return [_SPEED_TITLES, *map(_speed_cells, verdict.speed)]


def _listed(verdict: Verdict) -> list[CheckFinding]:
    """The findings without those about time that only repeat their row in the table of speeds."""
    timed = {(it.label, f"{it.operation} time") for it in verdict.speed}
    return [it for it in verdict.findings if it.kind != "inconclusive" or (it.label, it.measure) not in timed]


def headline(verdict: Verdict) -> str:
    """One line: the outcome and how much was compared."""
    failing = sum(it.fails for it in verdict.findings)
    better = sum(it.kind == "improved" for it in verdict.findings)
    counts = []
    if verdict.compared or not verdict.speed:
        counts.append(f"{verdict.identical} of {verdict.compared} trials identical")
    if failing:
        counts.append(f"{failing} finding{'s' if failing > 1 else ''}")
    if better:
        counts.append(f"{better} improvement{'s' if better > 1 else ''}")
    if verdict.speed:
        counts.append(f"{len(verdict.speed)} speeds compared")
    return f"{verdict.outcome} ({', '.join(counts)})"


def remarks(verdict: Verdict, accept: str = "--update") -> list[str]:
    """What else a reader should know, and what to do; ``accept`` as for :func:`as_text`."""
    found = []
    if verdict.environment:
        found.append("environment changed: " + "; ".join(verdict.environment))
    if verdict.outcome == "environment changed":
        found.append(
            "The code may be innocent: run the check with the baseline's libraries to tell. "
            + _ACCEPT.format(accept)
        )
    elif verdict.outcome == "failed":
        found.append(f"A trial that is meant to fail, or to be gone, is accepted with {accept}.")
    elif any(it.kind in ("regression", "improved", "changed", "new") for it in verdict.findings):
        found.append(_ACCEPT.format(accept))
    return found


def sentence(finding: CheckFinding) -> str:
    """A finding in one line."""
    point = "" if finding.quality is None else f" at quality {finding.quality:g}"
    amount = f" {_worst(finding)}" if finding.worst else ""
    limit = f" (limit {_limit(finding)})" if _limit(finding) else ""
    images = f": {_images(finding)}" if finding.changes else ""
    detail = f" [{finding.detail}]" if finding.detail else ""
    return f"{finding.kind}: {finding.label}{point}, {finding.measure}{amount}{limit}{images}{detail}"


def _cells(finding: CheckFinding, named: int = _MOST_NAMED) -> tuple[str, ...]:
    return (
        _word(finding),
        finding.label,
        "" if finding.quality is None else f"{finding.quality:g}",
        finding.measure,
        _worst(finding),
        _limit(finding),
        _images(finding, named),
        finding.detail,
    )


def _word(finding: CheckFinding) -> str:
    return finding.kind.upper() if finding.fails else finding.kind


def _worst(finding: CheckFinding) -> str:
    worst = max(finding.changes, key=lambda it: abs(it.amount), default=None)
    return "" if worst is None or not worst.amount else _signed(worst, finding.unit)


def _signed(change: Change, unit: str) -> str:
    """A change with the sign of the measure: plus for more bytes, minus for less quality."""
    if math.isinf(change.amount):
        if change.amount < 0:
            return "is exact now"
        return "has no value now" if change.after is None else "was exact"
    if unit == "%" or change.before is None or change.after is None:
        return _amount(change.amount, unit, sign="+")
    return _amount(change.after - change.before, unit, sign="+")


def _amount(amount: float, unit: str, sign: str = "") -> str:
    digits = {"%": ".2f", "dB": ".4f", "x": ".3f"}.get(unit, ".6f")
    if amount and abs(amount) < 10 ** -int(digits[1]):
        digits = ".1e"
    return f"{amount:{sign}{digits}}".replace("-", "−") + (f" {unit}" if unit == "dB" else unit)


def _limit(finding: CheckFinding) -> str:
    """The limit; empty for an improvement."""
    if finding.limit is None or finding.kind == "improved":
        return ""
    return _amount(finding.limit, finding.unit) if finding.limit else "0"


def _images(finding: CheckFinding, most: int = _MOST_NAMED) -> str:
    several = min(len(finding.changes), most) > 1

    def one(change: Change) -> str:
        name = change.image.partition("/")[2] or change.image
        return f"{name} {_signed(change, finding.unit)}" if several and change.amount else name

    named = ", ".join(one(it) for it in finding.changes[:most])
    more = len(finding.changes) - most
    return f"{named}{' and' if several else ','} {more} more" if more > 0 else named


def _speed_cells(cell: SpeedCell) -> tuple[str, ...]:
    word = cell.word.upper() if cell.word == "slower" else cell.word
    low, high = cell.interval
    return (
        word,
        cell.label,
        "" if cell.quality is None else f"{cell.quality:g}",
        cell.operation,
        f"{cell.ratio:.3f}",
        f"{low:.3f} to {high:.3f}",
        "" if cell.limit is None else f"{cell.limit:.2f}",
        str(cell.samples),
        cell.detail,
    )


def _aligned(titles: Sequence[str], rows: Iterable[Sequence[str]], width: int | None) -> str:
    table = lay_out(titles, list(rows), len(titles), width, dispensable=(_TITLES[6], "samples"))
    return "\n".join(table.all)


def _wrapped(texts: Sequence[str], width: int | None) -> str:
    return "\n".join(line for text in texts for line in wrapped(text, width, "  "))


def _piped(table: Sequence[Sequence[str]]) -> str:
    lines = [table[0], ["---"] * len(table[0]), *([markdown(cell) for cell in row] for row in table[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
